-- Secrets with their sealed values, and assets. Nothing here opens without a
-- master key, which is not in the database.

create table secrets (
  tenant_id text not null,
  name text not null,
  body text not null,
  primary key (tenant_id, name)
) strict, without rowid;

create table secret_values (
  tenant_id text not null,
  name text not null,
  environment text not null, -- empty: not for one
  robot_id text not null, -- empty: not for one
  version integer not null,
  key_version integer not null,
  sealed text not null,
  primary key (tenant_id, name, environment, robot_id)
) strict, without rowid;
create index secret_values_key on secret_values (key_version, tenant_id, name, environment, robot_id);

create table assets (
  tenant_id text not null,
  name text not null,
  body text not null,
  primary key (tenant_id, name)
) strict, without rowid;

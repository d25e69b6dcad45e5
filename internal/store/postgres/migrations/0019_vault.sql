-- Secrets with their sealed values, and assets. Nothing here opens without a
-- master key, which is not in the database.

create table secrets (
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  body text not null,
  primary key (tenant_id, name)
);

create table secret_values (
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  environment text collate "C" not null, -- empty: not for one
  robot_id text collate "C" not null, -- empty: not for one
  version bigint not null,
  key_version bigint not null,
  sealed text not null,
  primary key (tenant_id, name, environment, robot_id)
);
create index secret_values_key on secret_values (key_version, tenant_id, name, environment, robot_id);

create table assets (
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  body text not null,
  primary key (tenant_id, name)
);

alter table secrets enable row level security;
alter table secrets force row level security;
create policy tenants on secrets using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table secret_values enable row level security;
alter table secret_values force row level security;
create policy tenants on secret_values using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table assets enable row level security;
alter table assets force row level security;
create policy tenants on assets using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

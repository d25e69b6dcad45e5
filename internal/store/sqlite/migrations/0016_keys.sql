-- What a key is for and how far it reaches, who answers for it, and how it is
-- used; tokens with which machines enrol themselves; and a number for each
-- tenant that rises whenever a credential stops to count as it did, so that
-- those who hold connections open know when to look.

alter table keys add column description text not null default '';
alter table keys add column scopes text not null default '';
alter table keys add column environments text not null default '';
alter table keys add column ranges text not null default '';
alter table keys add column owner_id text not null default '';
alter table keys add column replaced_by text not null default '';
alter table keys add column last_used_ip text not null default '';
alter table keys add column first_used_at integer;
alter table keys add column last_used_at integer;
alter table keys add column late_used_at integer;
alter table keys add column warned_at integer;
alter table keys add column ended_at integer;
create index keys_end on keys (expires_at) where revoked_at is null and ended_at is null and expires_at is not null;
create index keys_of_robot on keys (tenant_id, robot_id) where robot_id <> '';

create table revocations (
  tenant_id text primary key,
  number integer not null
) strict, without rowid;

create table enrolments (
  id text not null unique,
  tenant_id text not null,
  name_pattern text not null,
  environment text not null,
  pool text not null,
  tags text not null,
  hash text not null unique,
  hint text not null,
  uses_max integer not null,
  uses integer not null,
  created_at integer,
  created_by text not null,
  expires_at integer,
  revoked_at integer
) strict;
create index enrolments_of_tenant on enrolments (tenant_id, id);

-- Tells whether an orchestrator has the pepper that the keys here were hashed
-- with, and nothing about it.
alter table store_meta add column pepper_check text not null default '';

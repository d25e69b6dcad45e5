-- What a key is for and how far it reaches, who answers for it, and how it is
-- used; tokens with which machines enrol themselves; and a number for each
-- tenant that rises whenever a credential stops to count as it did, so that
-- those who hold connections open know when to look.

alter table keys add column description text not null default '';
alter table keys add column scopes text not null default '';
alter table keys add column environments text not null default '';
alter table keys add column ranges text not null default '';
alter table keys add column owner_id text collate "C" not null default '';
alter table keys add column replaced_by text collate "C" not null default '';
alter table keys add column last_used_ip text not null default '';
alter table keys add column first_used_at timestamptz;
alter table keys add column last_used_at timestamptz;
alter table keys add column late_used_at timestamptz;
alter table keys add column warned_at timestamptz;
alter table keys add column ended_at timestamptz;
create index keys_end on keys (expires_at) where revoked_at is null and ended_at is null and expires_at is not null;
create index keys_of_robot on keys (tenant_id, robot_id) where robot_id <> '';

create table revocations (
  tenant_id text collate "C" primary key,
  number bigint not null
);

create table enrolments (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  name_pattern text not null,
  environment text collate "C" not null,
  pool text not null,
  tags text not null,
  hash text collate "C" not null unique,
  hint text not null,
  uses_max bigint not null,
  uses bigint not null,
  created_at timestamptz,
  created_by text not null,
  expires_at timestamptz,
  revoked_at timestamptz
);
create index enrolments_of_tenant on enrolments (tenant_id, id);

-- Tells whether an orchestrator has the pepper that the keys here were hashed
-- with, and nothing about it.
alter table store_meta add column pepper_check text not null default '';

alter table revocations enable row level security;
alter table revocations force row level security;
create policy tenants on revocations using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table enrolments enable row level security;
alter table enrolments force row level security;
create policy tenants on enrolments using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

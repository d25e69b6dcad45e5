-- Triggers, and a row for each of their occasions. How many of its jobs have not
-- ended is counted by an index, so it costs by these and not by history.

create table triggers (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  kind text collate "C" not null,
  path text collate "C" not null, -- of a webhook; empty: none
  body text not null,
  enabled boolean not null,
  revision bigint not null,
  since_seq bigint not null, -- events up to this one are none of it
  fired bigint not null,
  successes bigint not null,
  failures bigint not null,
  streak bigint not null,
  last_fired_at timestamptz,
  last_job_id text collate "C",
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
create unique index triggers_name on triggers (tenant_id, name_key) where deleted_at is null;
create unique index triggers_path on triggers (path) where path <> '' and deleted_at is null;
create index triggers_id on triggers (id);
create index triggers_queue on triggers (id) where kind = 'queue' and enabled and deleted_at is null;

create table trigger_firings (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  trigger_id text collate "C" not null,
  at timestamptz not null,
  outcome text collate "C" not null,
  job_id text collate "C",
  reason text not null,
  key text collate "C" not null,
  claims boolean not null, -- no other firing of the trigger may have its key
  about text not null,
  depth bigint not null,
  open boolean not null, -- its job has not ended
  ended_at timestamptz,
  job_state text collate "C" not null
);
create index trigger_firings_list on trigger_firings (trigger_id, id);
create unique index trigger_firings_key on trigger_firings (trigger_id, key) where claims;
create index trigger_firings_job on trigger_firings (job_id) where job_id is not null;
create index trigger_firings_open on trigger_firings (trigger_id, job_id) where open;
create index trigger_firings_age on trigger_firings (at) where not open;

-- How far the log of a tenant was followed.
create table trigger_heads (
  tenant_id text collate "C" primary key,
  seq bigint not null
);

alter table triggers enable row level security;
alter table triggers force row level security;
create policy tenants on triggers using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table trigger_firings enable row level security;
alter table trigger_firings force row level security;
create policy tenants on trigger_firings using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table trigger_heads enable row level security;
alter table trigger_heads force row level security;
create policy tenants on trigger_heads using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

-- Schedules: what a user set up, where their work has got to, a row for each of
-- their instants, and the calendars that they keep. What is due, what is open and
-- what is watched is found by an index.

alter table jobs add column schedule_id text collate "C";
alter table jobs add column fire_at timestamptz;

create table schedules (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name text not null,
  workflow_id text collate "C" not null,
  body text not null,
  enabled boolean not null,
  revision bigint not null,
  cursor_at timestamptz not null, -- everything due up to it has its row
  since_at timestamptz not null, -- no instant before it counts
  due_at timestamptz, -- when to look again
  runs bigint not null,
  successes bigint not null,
  failures bigint not null,
  streak bigint not null, -- failures since the last success
  last_run_at timestamptz,
  last_job_id text collate "C",
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
create index schedules_due on schedules (due_at, id) where due_at is not null;
create index schedules_name on schedules (name, tenant_id, id) where deleted_at is null;
create index schedules_deleted on schedules (deleted_at) where deleted_at is not null;
create index schedules_workflow on schedules (workflow_id, id) where deleted_at is null;

create table schedule_fires (
  schedule_id text collate "C" not null,
  fire_at timestamptz not null, -- the instant as the rule has it
  source text collate "C" not null,
  tenant_id text collate "C" not null,
  kind text collate "C" not null,
  due_at timestamptz not null,
  outcome text collate "C" not null,
  job_id text collate "C",
  reason text not null,
  moved boolean not null,
  made_at timestamptz not null,
  open boolean not null, -- its job is not known to have ended
  ended_at timestamptz,
  job_state text collate "C" not null,
  late text collate "C" not null,
  watch_at timestamptz,
  primary key (schedule_id, fire_at, source)
) with (fillfactor = 80);
create index schedule_fires_open on schedule_fires (schedule_id, job_id) where open;
create unique index schedule_fires_job on schedule_fires (job_id) where outcome = 'fired';
create index schedule_fires_watch on schedule_fires (watch_at) where watch_at is not null;
create index schedule_fires_age on schedule_fires (made_at) where not open;

-- Jobs of schedules that have ended and were not counted yet.
create table schedule_ends (
  job_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  schedule_id text collate "C" not null,
  state text collate "C" not null,
  ended_at timestamptz not null
);

create table schedule_backfills (
  tenant_id text collate "C" not null,
  schedule_id text collate "C" not null,
  id text collate "C" not null,
  body text not null,
  running boolean not null,
  primary key (tenant_id, schedule_id, id)
);
create index schedule_backfills_running on schedule_backfills (id) where running;

create table calendars (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  body text not null,
  revision bigint not null,
  primary key (tenant_id, id)
);
create unique index calendars_name on calendars (tenant_id, name_key);

alter table schedules enable row level security;
alter table schedules force row level security;
create policy tenants on schedules using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table schedule_fires enable row level security;
alter table schedule_fires force row level security;
create policy tenants on schedule_fires using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table schedule_ends enable row level security;
alter table schedule_ends force row level security;
create policy tenants on schedule_ends using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table schedule_backfills enable row level security;
alter table schedule_backfills force row level security;
create policy tenants on schedule_backfills using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table calendars enable row level security;
alter table calendars force row level security;
create policy tenants on calendars using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

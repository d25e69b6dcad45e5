-- Schedules: what a user set up, where their work has got to, a row for each of
-- their instants, and the calendars that they keep. What is due, what is open and
-- what is watched is found by an index.

alter table jobs add column schedule_id text;
alter table jobs add column fire_at integer;

create table schedules (
  tenant_id text not null,
  id text not null,
  name text not null,
  workflow_id text not null,
  body text not null,
  enabled integer not null,
  revision integer not null,
  cursor_at integer not null, -- everything due up to it has its row
  since_at integer not null, -- no instant before it counts
  due_at integer, -- when to look again
  runs integer not null,
  successes integer not null,
  failures integer not null,
  streak integer not null, -- failures since the last success
  last_run_at integer,
  last_job_id text,
  deleted_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create index schedules_due on schedules (due_at, id) where due_at is not null;
create index schedules_name on schedules (name, tenant_id, id) where deleted_at is null;
create index schedules_deleted on schedules (deleted_at) where deleted_at is not null;
create index schedules_workflow on schedules (workflow_id, id) where deleted_at is null;

create table schedule_fires (
  schedule_id text not null,
  fire_at integer not null, -- the instant as the rule has it
  source text not null,
  tenant_id text not null,
  kind text not null,
  due_at integer not null,
  outcome text not null,
  job_id text,
  reason text not null,
  moved integer not null,
  made_at integer not null,
  open integer not null, -- its job is not known to have ended
  ended_at integer,
  job_state text not null,
  late text not null,
  watch_at integer,
  primary key (schedule_id, fire_at, source)
) strict, without rowid;
create index schedule_fires_open on schedule_fires (schedule_id, job_id) where open;
create unique index schedule_fires_job on schedule_fires (job_id) where outcome = 'fired';
create index schedule_fires_watch on schedule_fires (watch_at) where watch_at is not null;
create index schedule_fires_age on schedule_fires (made_at) where not open;

-- Jobs of schedules that have ended and were not counted yet.
create table schedule_ends (
  job_id text primary key,
  tenant_id text not null,
  schedule_id text not null,
  state text not null,
  ended_at integer not null
) strict, without rowid;

create table schedule_backfills (
  tenant_id text not null,
  schedule_id text not null,
  id text not null,
  body text not null,
  running integer not null,
  primary key (tenant_id, schedule_id, id)
) strict, without rowid;
create index schedule_backfills_running on schedule_backfills (id) where running;

create table calendars (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  body text not null,
  revision integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index calendars_name on calendars (tenant_id, name_key);

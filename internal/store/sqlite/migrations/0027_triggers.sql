-- Triggers, and a row for each of their occasions. How many of its jobs have not
-- ended is counted by an index, so it costs by these and not by history.

create table triggers (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  kind text not null,
  path text not null, -- of a webhook; empty: none
  body text not null,
  enabled integer not null,
  revision integer not null,
  since_seq integer not null, -- events up to this one are none of it
  fired integer not null,
  successes integer not null,
  failures integer not null,
  streak integer not null,
  last_fired_at integer,
  last_job_id text,
  deleted_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index triggers_name on triggers (tenant_id, name_key) where deleted_at is null;
create unique index triggers_path on triggers (path) where path <> '' and deleted_at is null;
create index triggers_id on triggers (id);
create index triggers_queue on triggers (id) where kind = 'queue' and enabled and deleted_at is null;

create table trigger_firings (
  id text primary key,
  tenant_id text not null,
  trigger_id text not null,
  at integer not null,
  outcome text not null,
  job_id text,
  reason text not null,
  key text not null,
  claims integer not null, -- no other firing of the trigger may have its key
  about text not null,
  depth integer not null,
  open integer not null, -- its job has not ended
  ended_at integer,
  job_state text not null
) strict, without rowid;
create index trigger_firings_list on trigger_firings (trigger_id, id);
create unique index trigger_firings_key on trigger_firings (trigger_id, key) where claims;
create index trigger_firings_job on trigger_firings (job_id) where job_id is not null;
create index trigger_firings_open on trigger_firings (trigger_id, job_id) where open;
create index trigger_firings_age on trigger_firings (at) where not open;

-- How far the log of a tenant was followed.
create table trigger_heads (
  tenant_id text primary key,
  seq integer not null
) strict, without rowid;

-- The first schema: what one job needs from submit to end.
-- Times are whole microseconds since 1970, UTC. Flags are 0 or 1. Checks are
-- chains of equalities: SQLite would build a table of an "in" list on every write.

create table store_meta (
  one integer primary key check (one = 1),
  store_id text not null,
  generation integer not null,
  created_at integer not null
) strict;

create table tenant_heads (
  tenant_id text primary key,
  seq integer not null,
  job_seq integer not null,
  pending integer not null check (pending >= 0),
  assigned integer not null check (assigned >= 0),
  running integer not null check (running >= 0),
  cancelling integer not null check (cancelling >= 0),
  needs_decision integer not null check (needs_decision >= 0),
  completed integer not null check (completed >= 0),
  failed integer not null check (failed >= 0),
  cancelled integer not null check (cancelled >= 0),
  timed_out integer not null check (timed_out >= 0)
) strict, without rowid;

create table lanes (
  id integer primary key,
  tenant_id text not null,
  environment text not null,
  requires text not null,
  target_robot_id text not null,
  waiting integer not null check (waiting >= 0),
  unique (tenant_id, environment, requires, target_robot_id)
) strict;
create index lanes_waiting on lanes (id) where waiting > 0;

create table jobs (
  id text not null unique,
  tenant_id text not null,
  seq integer not null,
  name text not null,
  workflow_id text not null,
  workflow_name text not null,
  workflow_version integer not null,
  workflow_hash text not null,
  state text not null check (state = 'pending' or state = 'assigned' or state = 'running' or state = 'cancelling' or
    state = 'needs_decision' or state = 'completed' or state = 'failed' or state = 'cancelled' or state = 'timeout'),
  waiting_on text,
  waiting_code text not null,
  waiting_since integer,
  epoch integer not null check (epoch >= 0),
  epoch_skipped integer not null,
  version integer not null check (version > 0),
  robot_id text,
  target_robot_id text not null,
  priority integer not null check (priority between 0 and 20),
  environment text not null,
  requires text not null,
  created_at integer not null,
  available_at integer not null,
  not_before integer,
  deadline integer,
  expires_at integer,
  assigned_at integer,
  first_started_at integer,
  started_at integer,
  ended_at integer,
  timeout_ms integer not null,
  max_retries integer not null,
  max_lost integer not null,
  retry_delay_ms integer not null,
  retry_factor real not null,
  retry_max_delay_ms integer not null,
  retry_jitter real not null,
  retry_on_timeout integer not null,
  retry_safety text not null check (retry_safety = 'always' or retry_safety = 'until_effect' or retry_safety = 'never'),
  retries_used integer not null default 0,
  lost_used integer not null default 0,
  rejected_by integer not null default 0,
  stop_reason text not null default '' check (stop_reason = '' or stop_reason = 'cancel' or stop_reason = 'timeout' or stop_reason = 'recall' or stop_reason = 'drain'),
  stop_deadline integer,
  stop_force integer not null default 0,
  cancel_outcome text not null default '' check (cancel_outcome = '' or cancel_outcome = 'clean' or cancel_outcome = 'forced' or cancel_outcome = 'unconfirmed'),
  cancel_too_late integer not null default 0,
  end_reason text not null default '',
  error_class text not null default '',
  error_code text not null default '',
  dead_letter integer not null default 0,
  dead_letter_reason text not null default '',
  retry_of text,
  submitted_by text not null,
  lane_id integer,
  check ((state = 'pending') = (waiting_on is not null)),
  check ((state = 'cancelling') = (stop_deadline is not null)),
  check ((state = 'completed' or state = 'failed' or state = 'cancelled' or state = 'timeout') = (ended_at is not null)),
  check (dead_letter = 0 or state = 'failed'),
  check ((lane_id is not null) = (state = 'pending' and (waiting_on = 'robot' or waiting_on = 'reservation'))),
  check (not (state = 'assigned' or state = 'running' or state = 'cancelling') or (epoch > 0 and robot_id is not null))
) strict;
-- What may be placed now, lane by lane, in the order of placement.
create index jobs_ready on jobs (lane_id, priority, (deadline is null), deadline, available_at, seq) where lane_id is not null;
-- What is due: each is a timer of the job's own row.
create index jobs_due on jobs (not_before) where not_before is not null and state = 'pending';
create index jobs_expire on jobs (expires_at) where expires_at is not null and state = 'pending';
create index jobs_stop on jobs (stop_deadline) where stop_deadline is not null;
-- Lists. The open ones are few next to history; the final ones are written once.
create index jobs_open on jobs (tenant_id, state, id, workflow_id, robot_id) where ended_at is null;
create index jobs_final on jobs (tenant_id, state, id) where ended_at is not null;
create index jobs_final_workflow on jobs (tenant_id, workflow_id, state, id) where ended_at is not null;
create index jobs_final_robot on jobs (tenant_id, robot_id, state, id) where ended_at is not null and robot_id is not null;
create index jobs_retry on jobs (retry_of, id) where retry_of is not null;

create table job_data (
  job_id text not null unique references jobs (id),
  tenant_id text not null,
  variables blob,
  result blob,
  error blob,
  duration_ms integer not null,
  traceparent text not null
) strict;

create table attempts (
  job_id text not null references jobs (id),
  epoch integer not null check (epoch > 0),
  tenant_id text not null,
  robot_id text not null,
  session_epoch integer not null,
  start_mode text not null check (start_mode = 'two_step' or start_mode = 'one_step' or start_mode = 'claim' or start_mode = 'regrant'),
  offered_at integer not null,
  accept_by integer,
  started_at integer,
  running_at integer,
  ended_at integer,
  silent_since integer,
  slot_free_at integer,
  renew_seq integer not null,
  progress integer not null default 0,
  current_node text not null default '',
  message text not null default '',
  outcome text check (outcome = 'completed' or outcome = 'failed' or outcome = 'cancelled' or outcome = 'timeout' or
    outcome = 'rejected' or outcome = 'not_taken' or outcome = 'released' or outcome = 'lost' or outcome = 'unconfirmed'),
  slots_after integer not null,
  slots_max integer not null,
  token_hash text not null,
  late_result integer not null default 0,
  primary key (job_id, epoch),
  check (slots_after <= slots_max),
  check ((outcome is null) = (ended_at is null))
) strict, without rowid;
create unique index attempts_live on attempts (job_id) where outcome is null;
create index attempts_slot on attempts (robot_id, tenant_id) where slot_free_at is null;
create index attempts_accept on attempts (accept_by) where outcome is null and started_at is null;

create table refusals (
  job_id text not null references jobs (id),
  robot_id text not null,
  tenant_id text not null,
  until integer not null,
  reason text not null,
  count integer not null,
  primary key (job_id, robot_id)
) strict, without rowid;
create index refusals_robot on refusals (robot_id);
create index refusals_until on refusals (until);

create table effects (
  job_id text not null references jobs (id),
  node text not null,
  effect_key text not null,
  tenant_id text not null,
  epoch integer not null,
  state text not null check (state = 'open' or state = 'done' or state = 'failed'),
  outcome blob,
  begun_at integer not null,
  ended_at integer,
  primary key (job_id, node, effect_key)
) strict;

create table robots (
  tenant_id text not null,
  id text not null,
  name text not null,
  hostname text not null,
  environment text not null,
  capabilities text not null,
  tags text not null,
  os text not null,
  arch text not null,
  agent_version text not null,
  wished_slots integer not null,
  slot_limit integer not null,
  admin_mode text not null check (admin_mode = 'active' or admin_mode = 'paused' or admin_mode = 'draining' or admin_mode = 'maintenance'),
  session_epoch integer not null,
  session_id text,
  member_id text not null,
  last_assigned_at integer,
  quarantine_until integer,
  created_at integer,
  deleted_at integer,
  primary key (tenant_id, id)
) strict;
create index robots_id on robots (id, tenant_id);

-- The newest reading of each robot, apart from what people decide about it.
create table robot_samples (
  robot_id text not null,
  tenant_id text not null,
  last_seen integer not null,
  reported_status text not null,
  cpu_percent real not null,
  memory_percent real not null,
  memory_mb real not null,
  disk_percent real not null,
  primary key (robot_id, tenant_id)
) strict, without rowid;

create table sessions (
  id text not null unique,
  tenant_id text not null,
  robot_id text not null,
  session_epoch integer not null,
  member_id text not null,
  transport text not null,
  instance_id text not null,
  boot_id text not null,
  journal_id text not null,
  features text not null,
  resume_hash text not null,
  opened_at integer not null,
  closed_at integer,
  reason text not null
) strict;
create unique index sessions_open on sessions (robot_id, tenant_id) where closed_at is null;
create index sessions_member on sessions (member_id) where closed_at is null;

create table journals (
  robot_id text not null,
  tenant_id text not null,
  journal_id text not null,
  committed_report_id integer not null,
  primary key (robot_id, tenant_id, journal_id)
) strict, without rowid;

create table events (
  tenant_id text not null,
  seq integer not null check (seq > 0),
  id text not null,
  at integer not null,
  kind text not null,
  subject text not null,
  subject_id text not null,
  subject_seq integer not null,
  from_state text,
  to_state text,
  epoch integer not null,
  actor text not null,
  data blob,
  primary key (tenant_id, seq)
) strict, without rowid;
create index events_subject on events (tenant_id, subject_id, subject, seq);

create table idempotency_keys (
  tenant_id text not null,
  route text not null,
  key text not null,
  request_hash text not null,
  job_id text not null,
  expires_at integer not null,
  primary key (tenant_id, route, key)
) strict, without rowid;
create index idempotency_keys_expire on idempotency_keys (expires_at);

create table workflows (
  id text not null unique,
  tenant_id text not null,
  name text not null,
  newest integer not null,
  hash text not null,
  created_at integer,
  updated_at integer,
  deleted_at integer
) strict;
create unique index workflows_name on workflows (name, tenant_id) where deleted_at is null;

create table workflow_versions (
  workflow_id text not null references workflows (id),
  version integer not null,
  tenant_id text not null,
  hash text not null,
  requires text not null,
  node_count integer not null,
  created_at integer,
  created_by text not null,
  primary key (workflow_id, version)
) strict, without rowid;

create table workflow_bodies (
  hash text not null unique,
  body blob not null
) strict;

create table keys (
  id text not null unique,
  tenant_id text not null,
  kind text not null,
  name text not null,
  robot_id text not null,
  environment text not null,
  role text not null,
  hash text not null unique,
  hint text not null,
  created_at integer,
  expires_at integer,
  revoked_at integer
) strict;

create table members (
  id text not null unique,
  incarnation text not null,
  version text not null,
  address text not null,
  renew_seq integer not null,
  started_at integer not null
) strict;

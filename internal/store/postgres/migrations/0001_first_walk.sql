-- The first schema: what one job needs from submit to end.
-- The same tables and columns as SQLite has, in PostgreSQL's own types. Texts
-- that are keys or are put in order compare byte by byte (collation "C"), as
-- Go and SQLite do.
--
-- jobs and what belongs to one job lie in partitions by month, cut by the id:
-- ids of jobs begin with the time at which they were made, so a look-up by id
-- reads one partition, and retention drops a month as a whole. Events lie in
-- partitions by week, cut by their time. Partitions are made ahead by
-- fleet_partitions, at each start and once a day. What fits none lies in
-- the default partition.
--
-- There are no foreign keys between jobs and what belongs to them: the rows are
-- written in one transaction, and the invariants are checked by the suite.

create table store_meta (
  one bigint primary key check (one = 1),
  store_id text collate "C" not null,
  generation bigint not null,
  created_at timestamptz not null
);

-- One row for each committer: the name of its newest commit, by which it finds
-- out what became of a commit whose answer was lost.
create table commits (
  committer text collate "C" primary key,
  commit_id text collate "C" not null,
  at timestamptz not null
) with (fillfactor = 50);

create table tenant_heads (
  tenant_id text collate "C" primary key,
  seq bigint not null,
  job_seq bigint not null,
  pending bigint not null check (pending >= 0),
  assigned bigint not null check (assigned >= 0),
  running bigint not null check (running >= 0),
  cancelling bigint not null check (cancelling >= 0),
  needs_decision bigint not null check (needs_decision >= 0),
  completed bigint not null check (completed >= 0),
  failed bigint not null check (failed >= 0),
  cancelled bigint not null check (cancelled >= 0),
  timed_out bigint not null check (timed_out >= 0)
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table lanes (
  id bigint generated always as identity primary key,
  tenant_id text collate "C" not null,
  environment text collate "C" not null,
  requires text collate "C" not null,
  target_robot_id text collate "C" not null,
  waiting bigint not null check (waiting >= 0),
  unique (tenant_id, environment, requires, target_robot_id)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

create table jobs (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  seq bigint not null,
  name text not null,
  workflow_id text collate "C" not null,
  workflow_name text not null,
  workflow_version bigint not null,
  workflow_hash text collate "C" not null,
  state text collate "C" not null check (state in ('pending', 'assigned', 'running', 'cancelling', 'needs_decision',
    'completed', 'failed', 'cancelled', 'timeout')),
  waiting_on text collate "C",
  waiting_code text collate "C" not null,
  waiting_since timestamptz,
  epoch bigint not null check (epoch >= 0),
  epoch_skipped bigint not null,
  version bigint not null check (version > 0),
  robot_id text collate "C",
  target_robot_id text collate "C" not null,
  priority bigint not null check (priority between 0 and 20),
  environment text collate "C" not null,
  requires text collate "C" not null,
  created_at timestamptz not null,
  available_at timestamptz not null,
  not_before timestamptz,
  deadline timestamptz,
  expires_at timestamptz,
  assigned_at timestamptz,
  first_started_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  timeout_ms bigint not null,
  max_retries bigint not null,
  max_lost bigint not null,
  retry_delay_ms bigint not null,
  retry_factor double precision not null,
  retry_max_delay_ms bigint not null,
  retry_jitter double precision not null,
  retry_on_timeout boolean not null,
  retry_safety text collate "C" not null check (retry_safety in ('always', 'until_effect', 'never')),
  retries_used bigint not null default 0,
  lost_used bigint not null default 0,
  rejected_by bigint not null default 0,
  stop_reason text collate "C" not null default '' check (stop_reason in ('', 'cancel', 'timeout', 'recall', 'drain')),
  stop_deadline timestamptz,
  stop_force boolean not null default false,
  cancel_outcome text collate "C" not null default '' check (cancel_outcome in ('', 'clean', 'forced', 'unconfirmed')),
  cancel_too_late boolean not null default false,
  end_reason text not null default '',
  error_class text collate "C" not null default '',
  error_code text not null default '',
  dead_letter boolean not null default false,
  dead_letter_reason text collate "C" not null default '',
  retry_of text collate "C",
  submitted_by text not null,
  lane_id bigint,
  check ((state = 'pending') = (waiting_on is not null)),
  check ((state = 'cancelling') = (stop_deadline is not null)),
  check ((state in ('completed', 'failed', 'cancelled', 'timeout')) = (ended_at is not null)),
  check (not dead_letter or state = 'failed'),
  check ((lane_id is not null) = (state = 'pending' and waiting_on in ('robot', 'reservation'))),
  check (state not in ('assigned', 'running', 'cancelling') or (epoch > 0 and robot_id is not null))
) partition by range (id);
-- What may be placed now, lane by lane, in the order of placement.
create index jobs_ready on jobs (lane_id, priority, (deadline is null), deadline, available_at, seq) where lane_id is not null;
-- What is due: each is a timer of the job's own row.
create index jobs_due on jobs (not_before) where not_before is not null and state = 'pending';
create index jobs_expire on jobs (expires_at) where expires_at is not null and state = 'pending';
create index jobs_stop on jobs (stop_deadline) where stop_deadline is not null;
-- Lists. The open ones are few next to history; the final ones are written once.
create index jobs_open on jobs (tenant_id, state, id) where ended_at is null;
create index jobs_final on jobs (tenant_id, state, id) where ended_at is not null;
create index jobs_final_workflow on jobs (tenant_id, workflow_id, state, id) where ended_at is not null;
create index jobs_final_robot on jobs (tenant_id, robot_id, state, id) where ended_at is not null and robot_id is not null;
create index jobs_retry on jobs (retry_of, id) where retry_of is not null;

create table job_data (
  job_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  variables bytea,
  result bytea,
  error bytea,
  duration_ms bigint not null,
  traceparent text not null
) partition by range (job_id);

create table attempts (
  job_id text collate "C" not null,
  epoch bigint not null check (epoch > 0),
  tenant_id text collate "C" not null,
  robot_id text collate "C" not null,
  session_epoch bigint not null,
  start_mode text collate "C" not null check (start_mode in ('two_step', 'one_step', 'claim', 'regrant')),
  offered_at timestamptz not null,
  accept_by timestamptz,
  started_at timestamptz,
  running_at timestamptz,
  ended_at timestamptz,
  silent_since timestamptz,
  slot_free_at timestamptz,
  renew_seq bigint not null,
  progress bigint not null default 0,
  current_node text not null default '',
  message text not null default '',
  outcome text collate "C" check (outcome in ('completed', 'failed', 'cancelled', 'timeout', 'rejected', 'not_taken',
    'released', 'lost', 'unconfirmed')),
  slots_after bigint not null,
  slots_max bigint not null,
  token_hash text collate "C" not null,
  late_result boolean not null default false,
  primary key (job_id, epoch),
  check (slots_after <= slots_max),
  check ((outcome is null) = (ended_at is null))
) partition by range (job_id);
create unique index attempts_live on attempts (job_id) where outcome is null;
create index attempts_slot on attempts (robot_id, tenant_id) where slot_free_at is null;
create index attempts_accept on attempts (accept_by) where outcome is null and started_at is null;

create table refusals (
  job_id text collate "C" not null,
  robot_id text collate "C" not null,
  tenant_id text collate "C" not null,
  until timestamptz not null,
  reason text not null,
  count bigint not null,
  primary key (job_id, robot_id)
);
create index refusals_robot on refusals (robot_id);
create index refusals_until on refusals (until);

create table effects (
  job_id text collate "C" not null,
  node text collate "C" not null,
  effect_key text collate "C" not null,
  tenant_id text collate "C" not null,
  epoch bigint not null,
  state text collate "C" not null check (state in ('open', 'done', 'failed')),
  outcome bytea,
  begun_at timestamptz not null,
  ended_at timestamptz,
  primary key (job_id, node, effect_key)
);

create table robots (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name text not null,
  hostname text not null,
  environment text collate "C" not null,
  capabilities text collate "C" not null,
  tags text not null,
  os text not null,
  arch text not null,
  agent_version text not null,
  wished_slots bigint not null,
  slot_limit bigint not null,
  admin_mode text collate "C" not null check (admin_mode in ('active', 'paused', 'draining', 'maintenance')),
  session_epoch bigint not null,
  session_id text collate "C",
  member_id text collate "C" not null,
  last_assigned_at timestamptz,
  quarantine_until timestamptz,
  created_at timestamptz,
  deleted_at timestamptz,
  primary key (tenant_id, id)
) with (fillfactor = 50);
create index robots_id on robots (id, tenant_id);

-- The newest reading of each robot, apart from what people decide about it.
create table robot_samples (
  robot_id text collate "C" not null,
  tenant_id text collate "C" not null,
  last_seen timestamptz not null,
  reported_status text not null,
  cpu_percent double precision not null,
  memory_percent double precision not null,
  memory_mb double precision not null,
  disk_percent double precision not null,
  primary key (robot_id, tenant_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

create table sessions (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  robot_id text collate "C" not null,
  session_epoch bigint not null,
  member_id text collate "C" not null,
  transport text not null,
  instance_id text not null,
  boot_id text not null,
  journal_id text not null,
  features text not null,
  resume_hash text not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  reason text not null
);
create unique index sessions_open on sessions (robot_id, tenant_id) where closed_at is null;
create index sessions_member on sessions (member_id) where closed_at is null;

create table journals (
  robot_id text collate "C" not null,
  tenant_id text collate "C" not null,
  journal_id text collate "C" not null,
  committed_report_id bigint not null,
  primary key (robot_id, tenant_id, journal_id)
) with (fillfactor = 50);

create table events (
  tenant_id text collate "C" not null,
  seq bigint not null check (seq > 0),
  id text collate "C" not null,
  at timestamptz not null,
  kind text collate "C" not null,
  subject text collate "C" not null,
  subject_id text collate "C" not null,
  subject_seq bigint not null,
  from_state text collate "C",
  to_state text collate "C",
  epoch bigint not null,
  actor text not null,
  data bytea,
  primary key (tenant_id, seq, at)
) partition by range (at);
create index events_subject on events (tenant_id, subject_id, subject, seq);

create table idempotency_keys (
  tenant_id text collate "C" not null,
  route text collate "C" not null,
  key text collate "C" not null,
  request_hash text collate "C" not null,
  job_id text collate "C" not null,
  expires_at timestamptz not null,
  primary key (tenant_id, route, key)
);
create index idempotency_keys_expire on idempotency_keys (expires_at);

create table workflows (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  newest bigint not null,
  hash text collate "C" not null,
  created_at timestamptz,
  updated_at timestamptz,
  deleted_at timestamptz
);
create unique index workflows_name on workflows (name, tenant_id) where deleted_at is null;

create table workflow_versions (
  workflow_id text collate "C" not null references workflows (id),
  version bigint not null,
  tenant_id text collate "C" not null,
  hash text collate "C" not null,
  requires text not null,
  node_count bigint not null,
  created_at timestamptz,
  created_by text not null,
  primary key (workflow_id, version)
);

create table workflow_bodies (
  hash text collate "C" primary key,
  body bytea not null
);
alter table workflow_bodies alter column body set storage external;

create table keys (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  kind text collate "C" not null,
  name text not null,
  robot_id text collate "C" not null,
  environment text collate "C" not null,
  role text not null,
  hash text collate "C" not null unique,
  hint text not null,
  created_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz
);

create table members (
  id text collate "C" primary key,
  incarnation text not null,
  version text not null,
  address text not null,
  renew_seq bigint not null,
  started_at timestamptz not null
) with (fillfactor = 50);

-- The lines that attempts print, in partitions of their own by week.

create table log_heads (
  job_id text collate "C" not null,
  epoch bigint not null,
  tenant_id text collate "C" not null,
  next_line bigint not null,
  bytes bigint not null,
  dropped bigint not null,
  primary key (job_id, epoch)
) partition by range (job_id);

create table log_lines (
  job_id text collate "C" not null,
  epoch bigint not null,
  line bigint not null,
  tenant_id text collate "C" not null,
  at timestamptz,
  rank bigint not null,
  level text not null,
  node text not null,
  message text not null,
  primary key (job_id, epoch, line)
) partition by range (job_id);

-- The default partitions, and the settings of the live tables: updates of jobs
-- and attempts leave the row on its page where they can.
create table jobs_other partition of jobs default with (fillfactor = 70);
create table job_data_other partition of job_data default with (fillfactor = 80);
create table attempts_other partition of attempts default with (fillfactor = 70);
create table events_other partition of events default;
create table log_heads_other partition of log_heads default;
create table log_lines_other partition of log_lines default;

-- The first id that a time can have: a UUIDv7 begins with its milliseconds.
create function fleet_first_id(at timestamptz) returns text language sql immutable as $$
  select substr(h, 1, 8) || '-' || substr(h, 9, 4) from (select lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') h) x
$$;

-- Makes the partitions from a time to another that are not there. A partition
-- that would take rows which the default one holds already is left out: they
-- stay where they are.
create function fleet_partitions(since timestamptz, until timestamptz) returns int language plpgsql security definer set search_path from current as $$
declare
  made int := 0;
  month timestamptz;
  week timestamptz;
  t text;
  name text;
begin
  month := date_trunc('month', since at time zone 'UTC') at time zone 'UTC';
  while month < until loop
    foreach t in array array['jobs', 'job_data', 'attempts'] loop
      name := t || '_' || to_char(month at time zone 'UTC', 'YYYYMM');
      if to_regclass(name) is null then
        begin
          execute format('create table %I partition of %I for values from (%L) to (%L) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)',
            name, t, fleet_first_id(month), fleet_first_id((((month at time zone 'UTC') + interval '1 month') at time zone 'UTC')));
          execute format('alter table %I enable row level security', name);
          execute format('alter table %I force row level security', name);
          made := made + 1;
        exception when check_violation then null;
        end;
      end if;
    end loop;
    month := ((month at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  end loop;
  week := date_trunc('week', since at time zone 'UTC') at time zone 'UTC';
  while week < until loop
    foreach t in array array['log_heads', 'log_lines', 'events'] loop
      name := t || '_' || to_char(week at time zone 'UTC', 'YYYYMMDD');
      if to_regclass(name) is null then
        begin
          if t = 'events' then
            execute format('create table %I partition of events for values from (%L) to (%L)',
              name, week, (((week at time zone 'UTC') + interval '7 days') at time zone 'UTC'));
          else
            execute format('create table %I partition of %I for values from (%L) to (%L)',
              name, t, fleet_first_id(week), fleet_first_id((((week at time zone 'UTC') + interval '7 days') at time zone 'UTC')));
          end if;
          execute format('alter table %I enable row level security', name);
          execute format('alter table %I force row level security', name);
          made := made + 1;
        exception when check_violation then null;
        end;
      end if;
    end loop;
    week := ((week at time zone 'UTC') + interval '7 days') at time zone 'UTC';
  end loop;
  return made;
end $$;

-- The second wall between tenants. Each transaction says whose rows it may
-- touch in fleet.tenants: names, one a line, or * for all. One that does not
-- say so sees and writes nothing.
create function fleet_all() returns boolean language sql stable as $$
  select coalesce(current_setting('fleet.tenants', true), '') = '*'
$$;
create function fleet_tenants() returns text[] language sql stable as $$
  select string_to_array(coalesce(current_setting('fleet.tenants', true), ''), e'\n')
$$;

do $$
declare t text;
begin
  for t in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy tenants on %I using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[])) with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))', t);
  end loop;
end $$;

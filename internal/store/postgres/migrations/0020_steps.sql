-- Executions of nodes: a row when one was seen running, and one when it had ended.

create table steps (
  job_id text collate "C" not null,
  epoch bigint not null,
  seq bigint not null,
  ended bigint not null,
  tenant_id text collate "C" not null,
  node text not null,
  node_type text not null,
  iteration text not null,
  branch text not null,
  status text not null,
  started_at timestamptz,
  ended_at timestamptz,
  error text not null,
  primary key (job_id, epoch, seq, ended)
) partition by range (job_id);
create table steps_other partition of steps default;

alter table steps enable row level security;
alter table steps force row level security;
create policy tenants on steps using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));
alter table steps_other enable row level security;
alter table steps_other force row level security;

-- As before, with the weeks of steps beside those of the lines.

create or replace function fleet_partitions(since timestamptz, until timestamptz) returns int language plpgsql security definer set search_path from current as $$
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
    foreach t in array array['log_heads', 'log_lines', 'steps', 'events'] loop
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

create or replace function fleet_expire(jobs_before timestamptz, events_before timestamptz, logs_before timestamptz) returns int
language plpgsql security definer set search_path from current as $$
declare
  p record;
  first text;
  next text;
  dropped int := 0;
begin
  perform set_config('fleet.tenants', '*', true);
  for p in
    select c.relname as name, parent.relname as parent,
      case when parent.relname = 'jobs' then to_date(right(c.relname, 6), 'YYYYMM') else to_date(right(c.relname, 8), 'YYYYMMDD') end as since
    from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class parent on parent.oid = i.inhparent
    where parent.relnamespace = current_schema()::regnamespace and parent.relname in ('jobs', 'events', 'log_lines')
    and c.relname ~ '_\d+$' order by 3, 1
  loop
    if p.parent = 'jobs' and ((p.since + interval '1 month') at time zone 'UTC') <= jobs_before then
      first := fleet_first_id(p.since at time zone 'UTC');
      next := fleet_first_id((p.since + interval '1 month') at time zone 'UTC');
      execute format('lock table %I in access exclusive mode', p.name);
      -- Asked of the whole table: a partition has no policy of its own and shows nothing.
      if exists (select 1 from jobs where id >= first and id < next and (ended_at is null or ended_at >= jobs_before)) then
        continue;
      end if;
      -- What a parent did still counts for a job that has not ended.
      if exists (select 1 from job_parents d join jobs c on c.id = d.child_id
        where d.parent_id >= first and d.parent_id < next and c.ended_at is null) then
        continue;
      end if;
      update tenant_heads h set completed = h.completed - x.completed, failed = h.failed - x.failed,
        cancelled = h.cancelled - x.cancelled, timed_out = h.timed_out - x.timed_out
        from (select tenant_id, count(*) filter (where state = 'completed') as completed, count(*) filter (where state = 'failed') as failed,
          count(*) filter (where state = 'cancelled') as cancelled, count(*) filter (where state = 'timeout') as timed_out
          from jobs where id >= first and id < next and segments = 0 group by tenant_id) x where h.tenant_id = x.tenant_id;
      delete from effects where job_id >= first and job_id < next;
      delete from dead_letters where job_id >= first and job_id < next;
      delete from job_parents where child_id >= first and child_id < next;
      delete from refusals where job_id >= first and job_id < next;
      delete from idempotency_keys where job_id >= first and job_id < next;
      execute format('drop table %I, %I, %I', p.name, replace(p.name, 'jobs', 'job_data'), replace(p.name, 'jobs', 'attempts'));
      dropped := dropped + 3;
    elsif p.parent = 'events' and ((p.since + interval '7 days') at time zone 'UTC') <= events_before then
      execute format('drop table %I', p.name);
      dropped := dropped + 1;
    elsif p.parent = 'log_lines' and ((p.since + interval '7 days') at time zone 'UTC') <= logs_before then
      first := fleet_first_id(p.since at time zone 'UTC');
      next := fleet_first_id((p.since + interval '7 days') at time zone 'UTC');
      if exists (select 1 from jobs where id >= first and id < next and (ended_at is null or ended_at >= logs_before)) then
        continue;
      end if;
      execute format('drop table %I, %I', p.name, replace(p.name, 'log_lines', 'log_heads'));
      execute format('drop table if exists %I', replace(p.name, 'log_lines', 'steps'));
      dropped := dropped + 2;
    end if;
  end loop;
  return dropped;
end $$;

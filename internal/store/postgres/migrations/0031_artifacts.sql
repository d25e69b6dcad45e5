-- Files that jobs left. They go with their job.

create table artifacts (
  job_id text collate "C" not null,
  epoch bigint not null,
  name text collate "C" not null,
  tenant_id text collate "C" not null,
  node text not null,
  media text not null,
  size bigint not null,
  sha256 text not null,
  created_at timestamptz not null,
  body bytea not null,
  primary key (job_id, epoch, name)
);

alter table artifacts enable row level security;
alter table artifacts force row level security;
create policy tenants on artifacts using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

-- As before, with the files of the jobs of a month that goes.

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
      delete from artifacts where job_id >= first and job_id < next;
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

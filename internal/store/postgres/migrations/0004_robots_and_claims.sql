-- What placement knows beside the jobs: pools and facts of robots, whom they
-- are shared with, the usual robots of a workflow, the robot that a sticky key
-- is tied to, reservations, and what each tenant has had of the fleet.
-- served_ms grows by the time at which an attempt ends and shrinks by the time
-- at which it began, so that served_ms + live attempts * now is what was used.

alter table robots add column pool text collate "C" not null default 'default';
alter table robots add column facts text not null default '';
alter table robots add column pinned text collate "C" not null default '';
alter table robots add column shared_with text collate "C" not null default '';

-- The key of a sticky placement stands apart from the rest of it, so that jobs
-- of many keys wait in one lane.
alter table jobs add column sticky_key text collate "C" not null default '';

-- What a version of a workflow demands beyond its capabilities.
alter table workflow_versions add column placement text not null default '';

alter table tenant_heads add column share_weight bigint not null default 100 check (share_weight between 1 and 1000);
alter table tenant_heads add column served_ms bigint not null default 0;

create table usual_robots (
  tenant_id text collate "C" not null,
  workflow_id text collate "C" not null,
  robot_id text collate "C" not null,
  is_default boolean not null,
  priority bigint not null,
  notes text not null,
  created_at timestamptz,
  primary key (workflow_id, robot_id)
);

create table ties (
  tenant_id text collate "C" not null,
  sticky_key text collate "C" not null,
  robot_id text collate "C" not null,
  until timestamptz not null,
  primary key (tenant_id, sticky_key)
);
create index ties_until on ties (until);

create table reservations (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  body text not null,
  primary key (id)
);
create unique index reservations_name on reservations (tenant_id, name);

do $$
declare t text;
begin
  foreach t in array array['usual_robots', 'ties', 'reservations'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy tenants on %I using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[])) with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))', t);
  end loop;
end $$;

-- What placement knows beside the jobs: pools and facts of robots, whom they
-- are shared with, the usual robots of a workflow, the robot that a sticky key
-- is tied to, reservations, and what each tenant has had of the fleet.
-- served_ms grows by the time at which an attempt ends and shrinks by the time
-- at which it began, so that served_ms + live attempts * now is what was used.

alter table robots add column pool text not null default 'default';
alter table robots add column facts text not null default '';
alter table robots add column pinned text not null default '';
alter table robots add column shared_with text not null default '';

-- The key of a sticky placement stands apart from the rest of it, so that jobs
-- of many keys wait in one lane.
alter table jobs add column sticky_key text not null default '';

-- What a version of a workflow demands beyond its capabilities.
alter table workflow_versions add column placement text not null default '';

alter table tenant_heads add column share_weight integer not null default 100 check (share_weight between 1 and 1000);
alter table tenant_heads add column served_ms integer not null default 0;

create table usual_robots (
  tenant_id text not null,
  workflow_id text not null,
  robot_id text not null,
  is_default integer not null,
  priority integer not null,
  notes text not null,
  created_at integer,
  primary key (workflow_id, robot_id)
) strict, without rowid;

create table ties (
  tenant_id text not null,
  sticky_key text not null,
  robot_id text not null,
  until integer not null,
  primary key (tenant_id, sticky_key)
) strict, without rowid;
create index ties_until on ties (until);

create table reservations (
  tenant_id text not null,
  id text not null,
  name text not null,
  body text not null,
  primary key (id)
) strict, without rowid;
create unique index reservations_name on reservations (tenant_id, name);

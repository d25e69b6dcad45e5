-- What a job asks of robots beyond target, environment and capabilities, what
-- it depends on, and the lanes that follow from it. class is a short name of
-- the placement's text, so that the key stays short.

alter table lanes rename to lanes_before;
create table lanes (
  id integer primary key,
  tenant_id text not null,
  environment text not null,
  requires text not null,
  target_robot_id text not null,
  waiting integer not null check (waiting >= 0),
  class text not null default '',
  placement text not null default '',
  unique (tenant_id, environment, requires, target_robot_id, class)
) strict;
insert into lanes (id, tenant_id, environment, requires, target_robot_id, waiting)
  select id, tenant_id, environment, requires, target_robot_id, waiting from lanes_before;
drop table lanes_before;
create index lanes_waiting on lanes (id) where waiting > 0;

alter table jobs add column placement text not null default '';
alter table jobs add column labels text not null default '';
alter table jobs add column dependency_rule text not null default '';
alter table jobs add column on_unmet text not null default '';
alter table jobs add column deps_open integer not null default 0 check (deps_open >= 0);
alter table jobs add column parent_id text;
create index jobs_parts on jobs (parent_id, id) where parent_id is not null;

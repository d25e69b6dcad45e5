-- What a job asks of robots beyond target, environment and capabilities, what
-- it depends on, and the lanes that follow from it. class is a short name of
-- the placement's text, so that the key stays short.

alter table lanes add column class text collate "C" not null default '';
alter table lanes add column placement text collate "C" not null default '';
alter table lanes drop constraint lanes_tenant_id_environment_requires_target_robot_id_key;
create unique index lanes_key on lanes (tenant_id, environment, requires, target_robot_id, class);

alter table jobs add column placement text collate "C" not null default '';
alter table jobs add column labels text collate "C" not null default '';
alter table jobs add column dependency_rule text collate "C" not null default '';
alter table jobs add column on_unmet text collate "C" not null default '';
alter table jobs add column deps_open bigint not null default 0 check (deps_open >= 0);
alter table jobs add column parent_id text collate "C";
create index jobs_parts on jobs (parent_id, id) where parent_id is not null;

-- Which jobs wait for which. children counts the jobs that wait for a job, so
-- that the end of one without any looks at nothing. What a job that waits for
-- others needs to know at its release stands in its row.

create table job_parents (
  child_id text not null,
  parent_id text not null,
  tenant_id text not null,
  position integer not null,
  primary key (child_id, parent_id)
) strict, without rowid;
create index job_parents_parent on job_parents (parent_id, child_id);

alter table jobs add column children integer not null default 0 check (children >= 0);
alter table jobs add column wait_limit_ms integer not null default 0;
alter table jobs add column fill_inputs integer not null default 0;

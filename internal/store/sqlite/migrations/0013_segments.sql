-- Where nodes of workflows run, as operators say beside the documents, and jobs
-- that are cut into segments because of it: segments counts the parts of a whole,
-- segment is the number of a part in the job that parent_id names.

alter table jobs add column segments integer not null default 0;
alter table jobs add column segment integer not null default 0;
create index jobs_wholes on jobs (id) where segments > 0 and ended_at is null;

create table node_overrides (
  tenant_id text not null,
  workflow_id text not null,
  node_id text not null,
  placement text not null,
  same_as text not null,
  reason text not null,
  is_active integer not null,
  created_at integer,
  created_by text not null,
  primary key (workflow_id, node_id)
) strict, without rowid;

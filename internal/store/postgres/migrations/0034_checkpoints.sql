-- Where a job that failed stands, or why nobody can go on from there; and the
-- checkpoint of another job from which a job starts.

alter table job_data
  add column checkpoint bytea,
  add column checkpoint_epoch bigint not null default 0,
  add column checkpoint_node text not null default '',
  add column checkpoint_reason text not null default '',
  add column resumes bytea,
  add column resumes_from text not null default '';

-- Where a job that failed stands, or why nobody can go on from there; and the
-- checkpoint of another job from which a job starts.

alter table job_data add column checkpoint bytea;
alter table job_data add column checkpoint_epoch bigint not null default 0;
alter table job_data add column checkpoint_node text not null default '';
alter table job_data add column checkpoint_reason text not null default '';
alter table job_data add column resumes bytea;
alter table job_data add column resumes_from text not null default '';

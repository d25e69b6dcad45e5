-- Jobs that failed for good and that nobody has looked after yet: a list, not a
-- state. A row comes with the end of its job.

create table dead_letters (
  tenant_id text not null,
  job_id text not null,
  at integer not null,
  reprocessed_at integer,
  reprocessed_by text not null default '',
  primary key (tenant_id, job_id)
) strict, without rowid;
insert into dead_letters (tenant_id, job_id, at) select tenant_id, id, ended_at from jobs where dead_letter = 1;

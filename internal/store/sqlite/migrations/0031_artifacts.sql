-- Files that jobs left. They go with their job.

create table artifacts (
  job_id text not null,
  epoch integer not null,
  name text not null,
  tenant_id text not null,
  node text not null,
  media text not null,
  size integer not null,
  sha256 text not null,
  created_at integer not null,
  body blob not null,
  primary key (job_id, epoch, name)
) strict;

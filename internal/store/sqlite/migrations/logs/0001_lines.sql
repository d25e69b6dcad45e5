-- The lines that attempts print, in a file of their own.

create table log_heads (
  job_id text not null,
  epoch integer not null,
  tenant_id text not null,
  next_line integer not null,
  bytes integer not null,
  dropped integer not null,
  primary key (job_id, epoch)
) strict, without rowid;

create table log_lines (
  job_id text not null,
  epoch integer not null,
  line integer not null,
  tenant_id text not null,
  at integer,
  rank integer not null,
  level text not null,
  node text not null,
  message text not null,
  primary key (job_id, epoch, line)
) strict;

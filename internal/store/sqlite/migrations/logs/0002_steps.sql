-- Executions of nodes: a row when one was seen running, and one when it had ended.

create table steps (
  job_id text not null,
  epoch integer not null,
  seq integer not null,
  ended integer not null,
  tenant_id text not null,
  node text not null,
  node_type text not null,
  iteration text not null,
  branch text not null,
  status text not null,
  started_at integer,
  ended_at integer,
  error text not null,
  primary key (job_id, epoch, seq, ended)
) strict, without rowid;

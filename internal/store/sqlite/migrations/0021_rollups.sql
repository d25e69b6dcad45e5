-- Counts of jobs in buckets of 5 minutes, hours and days, so that no number is
-- made by looking at jobs. The head of a tenant says up to which event they are
-- counted and which minute was read last; both move with what they add.

create table rollup_heads (
  tenant_id text not null primary key,
  seq integer not null,
  at integer,
  sampled_at integer
) strict, without rowid;

create table rollups (
  tenant_id text not null,
  span integer not null, -- seconds
  dim text not null,
  at integer not null, -- begin of the bucket
  key text not null,
  label text not null,
  sample text not null,
  created integer not null,
  completed integer not null,
  failed integer not null,
  timed_out integer not null,
  cancelled integer not null,
  run_ms integer not null,
  waited integer not null,
  wait_ms integer not null,
  busy_ms integer not null,
  capacity_ms integer not null,
  samples integer not null,
  pending_sum integer not null,
  pending_max integer not null,
  online_sum integer not null,
  runs blob, -- a histogram, as fleet.Histogram writes it
  waits blob,
  primary key (tenant_id, span, dim, at, key)
) strict;
create index rollups_key on rollups (tenant_id, span, dim, key, at);
create index rollups_age on rollups (span, at);

-- How a robot's machine was, hour by hour; the minutes of a day beside it.
create table robot_hours (
  tenant_id text not null,
  robot_id text not null,
  at integer not null,
  body text not null,
  minutes blob,
  primary key (tenant_id, robot_id, at)
) strict;
create index robot_hours_age on robot_hours (at);
create index robot_hours_minutes on robot_hours (at) where minutes is not null;

-- What operators asked of robots. Few of them are open at a time; the indexes
-- of those that watch them hold no other.

create table commands (
  id text primary key,
  tenant_id text not null,
  robot_id text not null,
  kind text not null,
  state text not null check (state in ('requested', 'delivered', 'done', 'failed', 'expired')),
  requested_by text not null,
  instance_id text not null,
  message text not null,
  created_at integer not null,
  delivered_at integer,
  ended_at integer,
  expires_at integer,
  check ((state in ('requested', 'delivered')) = (ended_at is null))
) strict, without rowid;
create index commands_robot on commands (tenant_id, robot_id, id);
create unique index commands_open on commands (tenant_id, robot_id, kind) where ended_at is null;
create index commands_expire on commands (expires_at) where ended_at is null;

-- What is asked of many robots wave by wave, and how far each of them is.

create table bulk_operations (
  tenant_id text not null,
  id text not null,
  version integer not null,
  body text not null,
  ended_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create index bulk_open on bulk_operations (id) where ended_at is null;

create table bulk_targets (
  tenant_id text not null,
  bulk_id text not null,
  position integer not null,
  robot_id text not null,
  wave integer not null,
  state text not null check (state in ('pending', 'running', 'done', 'failed', 'skipped')),
  reason text not null,
  command_id text not null,
  primary key (tenant_id, bulk_id, wave, position)
) strict, without rowid;

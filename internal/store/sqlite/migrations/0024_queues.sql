-- Transaction queues. Counts stand beside a queue, so that nobody counts its
-- items; what is taken next, waits, is held or has ended is found by an index.

create table queues (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  body text not null,
  version integer not null,
  deleted_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index queues_name on queues (tenant_id, name_key) where deleted_at is null;

create table queue_heads (
  tenant_id text not null,
  queue_id text not null,
  fresh integer not null, -- the state new
  in_progress integer not null,
  successful integer not null,
  failed integer not null,
  abandoned integer not null,
  retried integer not null,
  deleted integer not null,
  postponed integer not null,
  primary key (tenant_id, queue_id)
) strict, without rowid;

create table queue_items (
  id text primary key,
  tenant_id text not null,
  queue_id text not null,
  status text not null,
  postponed integer not null, -- new, and not before a time
  rank integer not null, -- the place in line: rank, due, chain, id
  due integer not null,
  chain_id text not null,
  retry_no integer not null,
  lost_no integer not null,
  previous_id text,
  next_id text,
  priority integer not null,
  reference text not null,
  deadline integer,
  risk_at integer,
  not_before integer,
  overdue integer not null,
  robot_id text,
  robot_name text not null,
  job_id text,
  epoch integer not null,
  holder text not null,
  claim_key text not null,
  lease_until integer,
  started_at integer,
  completed_at integer,
  duration_ms integer not null,
  error_type text not null,
  error_message text not null,
  exception_type text not null,
  review text not null,
  reviewer text not null,
  labels text not null,
  version integer not null,
  created_at integer not null,
  updated_at integer not null
) strict;
create index queue_items_ready on queue_items (tenant_id, queue_id, rank, due, chain_id, id) where status = 'new' and not postponed;
create index queue_items_postponed on queue_items (tenant_id, queue_id, not_before) where postponed;
create index queue_items_list on queue_items (tenant_id, queue_id, status, id);
create index queue_items_reference on queue_items (tenant_id, queue_id, reference, id) where reference <> '';
create index queue_items_chain on queue_items (chain_id, id) where previous_id is not null;
create index queue_items_job on queue_items (job_id, epoch) where job_id is not null;
create index queue_items_deadline on queue_items (tenant_id, queue_id, deadline) where status = 'new' and deadline is not null;
create index queue_items_overdue on queue_items (deadline) where status = 'new' and not overdue and deadline is not null;
create index queue_items_ended on queue_items (tenant_id, queue_id, completed_at) where completed_at is not null;

-- What of an item is large or seldom read.
create table queue_item_data (
  item_id text primary key,
  tenant_id text not null,
  data blob not null,
  output blob,
  comments text not null
) strict;

-- References that a queue keeps apart, with the chain that has each.
create table queue_references (
  tenant_id text not null,
  queue_id text not null,
  reference text not null,
  chain_id text not null,
  until integer, -- null: without an end
  primary key (tenant_id, queue_id, reference)
) strict, without rowid;

-- Transaction queues. Counts stand beside a queue, so that nobody counts its
-- items; what is taken next, waits, is held or has ended is found by an index.

create table queues (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  body text not null,
  version bigint not null,
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
create unique index queues_name on queues (tenant_id, name_key) where deleted_at is null;

create table queue_heads (
  tenant_id text collate "C" not null,
  queue_id text collate "C" not null,
  fresh bigint not null, -- the state new
  in_progress bigint not null,
  successful bigint not null,
  failed bigint not null,
  abandoned bigint not null,
  retried bigint not null,
  deleted bigint not null,
  postponed bigint not null,
  primary key (tenant_id, queue_id)
);

create table queue_items (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  queue_id text collate "C" not null,
  status text collate "C" not null,
  postponed boolean not null, -- new, and not before a time
  rank bigint not null, -- the place in line: rank, due, chain, id
  due bigint not null,
  chain_id text collate "C" not null,
  retry_no bigint not null,
  lost_no bigint not null,
  previous_id text collate "C",
  next_id text collate "C",
  priority bigint not null,
  reference text collate "C" not null,
  deadline timestamptz,
  risk_at timestamptz,
  not_before timestamptz,
  overdue boolean not null,
  robot_id text collate "C",
  robot_name text not null,
  job_id text collate "C",
  epoch bigint not null,
  holder text not null,
  claim_key text collate "C" not null,
  lease_until timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  duration_ms bigint not null,
  error_type text not null,
  error_message text not null,
  exception_type text not null,
  review text not null,
  reviewer text not null,
  labels text not null,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
) with (fillfactor = 80);
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
  item_id text collate "C" primary key,
  tenant_id text collate "C" not null,
  data bytea not null,
  output bytea,
  comments text not null
);

-- References that a queue keeps apart, with the chain that has each.
create table queue_references (
  tenant_id text collate "C" not null,
  queue_id text collate "C" not null,
  reference text collate "C" not null,
  chain_id text collate "C" not null,
  until timestamptz, -- null: without an end
  primary key (tenant_id, queue_id, reference)
);

alter table queues enable row level security;
alter table queues force row level security;
create policy tenants on queues using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table queue_heads enable row level security;
alter table queue_heads force row level security;
create policy tenants on queue_heads using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table queue_items enable row level security;
alter table queue_items force row level security;
create policy tenants on queue_items using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table queue_item_data enable row level security;
alter table queue_item_data force row level security;
create policy tenants on queue_item_data using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table queue_references enable row level security;
alter table queue_references force row level security;
create policy tenants on queue_references using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

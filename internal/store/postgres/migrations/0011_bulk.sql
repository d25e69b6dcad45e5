-- What is asked of many robots wave by wave, and how far each of them is.

create table bulk_operations (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  version bigint not null,
  body text collate "C" not null,
  ended_at timestamptz,
  primary key (tenant_id, id)
);
create index bulk_open on bulk_operations (id) where ended_at is null;

create table bulk_targets (
  tenant_id text collate "C" not null,
  bulk_id text collate "C" not null,
  position bigint not null,
  robot_id text collate "C" not null,
  wave bigint not null,
  state text collate "C" not null check (state in ('pending', 'running', 'done', 'failed', 'skipped')),
  reason text collate "C" not null,
  command_id text collate "C" not null,
  primary key (tenant_id, bulk_id, wave, position)
);

alter table bulk_operations enable row level security;
alter table bulk_operations force row level security;
create policy tenants on bulk_operations using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table bulk_targets enable row level security;
alter table bulk_targets force row level security;
create policy tenants on bulk_targets using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

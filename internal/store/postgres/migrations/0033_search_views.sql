-- Things are found by the beginning of their names; and lists are looked at in
-- ways that people keep and share.

create index robots_called on robots (tenant_id, name collate "C") where deleted_at is null;
create index workflows_called on workflows (tenant_id, name) where deleted_at is null;
create index schedules_called on schedules (tenant_id, name collate "C", id) where deleted_at is null;
create index jobs_called on jobs (tenant_id, name collate "C", id) where name <> ''; -- most jobs have none of their own

create table views (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  page text collate "C" not null,
  owner text collate "C" not null, -- empty: shared in the tenant
  name_key text collate "C" not null,
  body text not null,
  revision bigint not null,
  primary key (tenant_id, id)
);
create unique index views_name on views (tenant_id, page, owner, name_key);

alter table views enable row level security;
alter table views force row level security;
create policy tenants on views using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

-- Things are found by the beginning of their names; and lists are looked at in
-- ways that people keep and share.

create index robots_called on robots (tenant_id, name) where deleted_at is null;
create index workflows_called on workflows (tenant_id, name) where deleted_at is null;
create index schedules_called on schedules (tenant_id, name, id) where deleted_at is null;
create index jobs_called on jobs (tenant_id, name, id) where name <> ''; -- most jobs have none of their own

create table views (
  tenant_id text not null,
  id text not null,
  page text not null,
  owner text not null, -- empty: shared in the tenant
  name_key text not null,
  body text not null,
  revision integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index views_name on views (tenant_id, page, owner, name_key);

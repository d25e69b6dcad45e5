-- Secrets that one job may have at a time, and who has which: a row for each
-- secret that the workflow of an attempt names, for as long as its slot is taken.

alter table secrets add column exclusive boolean not null default false;
create index secrets_exclusive on secrets (tenant_id, name) where exclusive;

create table secret_uses (
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  job_id text collate "C" not null,
  epoch bigint not null,
  primary key (tenant_id, name, job_id, epoch)
);
create index secret_uses_job on secret_uses (job_id, epoch);

alter table secret_uses enable row level security;
alter table secret_uses force row level security;
create policy tenants on secret_uses using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

-- Who outside of a job holds an item of a queue: the principal, not its name,
-- which another may come to have.
alter table queue_items add column holder_id text collate "C" not null default '';

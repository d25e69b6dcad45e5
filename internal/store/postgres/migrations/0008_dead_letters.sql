-- Jobs that failed for good and that nobody has looked after yet: a list, not a
-- state. A row comes with the end of its job.

create table dead_letters (
  tenant_id text collate "C" not null,
  job_id text collate "C" not null,
  at timestamptz not null,
  reprocessed_at timestamptz,
  reprocessed_by text collate "C" not null default '',
  primary key (tenant_id, job_id)
);
insert into dead_letters (tenant_id, job_id, at) select tenant_id, id, ended_at from jobs where dead_letter;

alter table dead_letters enable row level security;
alter table dead_letters force row level security;
create policy tenants on dead_letters using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

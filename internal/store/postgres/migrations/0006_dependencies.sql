-- Which jobs wait for which. children counts the jobs that wait for a job, so
-- that the end of one without any looks at nothing. What a job that waits for
-- others needs to know at its release stands in its row.

create table job_parents (
  child_id text collate "C" not null,
  parent_id text collate "C" not null,
  tenant_id text collate "C" not null,
  position bigint not null,
  primary key (child_id, parent_id)
);
create index job_parents_parent on job_parents (parent_id, child_id);

alter table jobs add column children bigint not null default 0 check (children >= 0);
alter table jobs add column wait_limit_ms bigint not null default 0;
alter table jobs add column fill_inputs boolean not null default false;

alter table job_parents enable row level security;
alter table job_parents force row level security;
create policy tenants on job_parents using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

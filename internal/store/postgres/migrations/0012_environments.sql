-- What is set for the robots and jobs of an environment. One that is not here
-- has nothing set.

create table environments (
  tenant_id text collate "C" not null,
  name text collate "C" not null,
  body text not null,
  primary key (tenant_id, name)
);
alter table environments enable row level security;
alter table environments force row level security;
create policy tenants on environments using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

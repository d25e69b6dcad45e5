-- Who made a key, of robots' too; and how often each is used, day by day.

alter table keys add column created_by text not null default ''; -- empty: older than this

create table key_uses (
  tenant_id text collate "C" not null,
  key_id text collate "C" not null,
  day bigint not null, -- since 1970, UTC
  uses bigint not null,
  primary key (tenant_id, key_id, day)
);
create index key_uses_day on key_uses (day);

alter table key_uses enable row level security;
alter table key_uses force row level security;
create policy tenants on key_uses using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

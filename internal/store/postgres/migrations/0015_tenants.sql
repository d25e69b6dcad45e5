-- Who the tenants are. What dispatch asks of them stands in columns, the rest in
-- the body. A head keeps its share_weight for older programs.

create table tenants (
  tenant_id text collate "C" primary key,
  weight bigint not null check (weight between 1 and 1000),
  suspended boolean not null,
  running_most bigint not null check (running_most >= 0),
  body text not null
);
create index tenants_held on tenants (tenant_id, suspended, running_most) where suspended or running_most > 0;

insert into tenants (tenant_id, weight, suspended, running_most, body)
  select x.id, coalesce(h.share_weight, 100), false, 0, json_build_object('id', x.id, 'name', x.id, 'timezone', 'UTC', 'priority', 10,
    'weight', coalesce(h.share_weight, 100), 'created_at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))::text
  from (select tenant_id as id from tenant_heads union select tenant_id from robots
    union select tenant_id from workflows union select tenant_id from keys) x left join tenant_heads h on h.tenant_id = x.id;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy tenants on tenants using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

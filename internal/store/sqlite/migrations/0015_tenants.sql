-- Who the tenants are. What dispatch asks of them stands in columns, the rest in
-- the body. A head keeps its share_weight for older programs.

create table tenants (
  tenant_id text primary key,
  weight integer not null check (weight between 1 and 1000),
  suspended integer not null check (suspended in (0, 1)),
  running_most integer not null check (running_most >= 0),
  body text not null
) strict, without rowid;
create index tenants_held on tenants (tenant_id, suspended, running_most) where suspended or running_most > 0;

insert into tenants (tenant_id, weight, suspended, running_most, body)
  select x.id, coalesce(h.share_weight, 100), 0, 0, json_object('id', x.id, 'name', x.id, 'timezone', 'UTC', 'priority', 10,
    'weight', coalesce(h.share_weight, 100), 'created_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'updated_at', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
  from (select tenant_id as id from tenant_heads union select tenant_id from robots
    union select tenant_id from workflows union select tenant_id from keys) x left join tenant_heads h on h.tenant_id = x.id;

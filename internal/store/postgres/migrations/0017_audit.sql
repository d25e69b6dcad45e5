-- Who did what: a chain of rows for each tenant. The body is a row in canonical
-- form, which its hash is over; the columns beside it are for looking.

create table audit_heads (
  tenant_id text collate "C" primary key,
  seq bigint not null,
  hash text collate "C" not null,
  cut_seq bigint not null default 0, -- rows up to it were let go
  cut_hash text collate "C" not null default '0000000000000000000000000000000000000000000000000000000000000000'
);

create table audit (
  tenant_id text collate "C" not null,
  seq bigint not null,
  at timestamptz not null,
  action text collate "C" not null,
  actor_id text collate "C" not null,
  object_kind text collate "C" not null,
  object_id text collate "C" not null,
  outcome text collate "C" not null,
  body text not null,
  prev_hash text collate "C" not null,
  hash text collate "C" not null,
  primary key (tenant_id, seq)
);
create index audit_object on audit (tenant_id, object_id, seq);
create index audit_actor on audit (tenant_id, actor_id, seq);
create index audit_at on audit (tenant_id, at, seq);

-- What a row's hash was, signed; a copy of each is offered to a place elsewhere.
create table audit_checkpoints (
  tenant_id text collate "C" not null,
  seq bigint not null,
  at timestamptz not null,
  body text not null,
  primary key (tenant_id, seq)
);

alter table audit_heads enable row level security;
alter table audit_heads force row level security;
create policy tenants on audit_heads using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));
alter table audit enable row level security;
alter table audit force row level security;
create policy tenants on audit using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));
alter table audit_checkpoints enable row level security;
alter table audit_checkpoints force row level security;
create policy tenants on audit_checkpoints using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

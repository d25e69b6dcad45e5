-- Webhooks that send events, what is on its way to them, and the secrets that
-- calls are signed with.

create table webhooks (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  body text not null,
  enabled boolean not null,
  revision bigint not null,
  seq bigint not null, -- the log was read up to this event
  replay_from bigint not null, -- the events after this one are sent again
  replay_to bigint not null,
  missed bigint not null,
  state text not null,
  failing_since timestamptz,
  hold_until timestamptz,
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
create unique index webhooks_name on webhooks (tenant_id, name_key) where deleted_at is null;
create index webhooks_enabled on webhooks (tenant_id, id) where enabled and deleted_at is null;
create index webhooks_deleted on webhooks (tenant_id, id) where deleted_at is not null;

create table webhook_deliveries (
  webhook_id text collate "C" not null,
  seq bigint not null, -- of the event
  tenant_id text collate "C" not null,
  event_id text collate "C" not null,
  kind text collate "C" not null,
  subject text collate "C" not null,
  event_at timestamptz not null,
  state text collate "C" not null,
  open boolean not null,
  tries bigint not null,
  next_at timestamptz,
  ended_at timestamptz,
  status bigint not null,
  reason text not null,
  body text not null,
  log text not null,
  version bigint not null,
  primary key (webhook_id, seq)
);
create index webhook_deliveries_event on webhook_deliveries (webhook_id, event_id);
create index webhook_deliveries_state on webhook_deliveries (webhook_id, state, seq);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at, seq) where open;
create index webhook_deliveries_subject on webhook_deliveries (webhook_id, subject, seq) where open;
create index webhook_deliveries_age on webhook_deliveries (event_at);

create table webhook_secrets (
  tenant_id text collate "C" not null,
  webhook_id text collate "C" not null,
  number bigint not null,
  key_version bigint not null,
  sealed text not null,
  until timestamptz,
  primary key (tenant_id, webhook_id, number)
);
create index webhook_secrets_key on webhook_secrets (key_version, tenant_id, webhook_id, number);

alter table webhooks enable row level security;
alter table webhooks force row level security;
create policy tenants on webhooks using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;
create policy tenants on webhook_deliveries using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table webhook_secrets enable row level security;
alter table webhook_secrets force row level security;
create policy tenants on webhook_secrets using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

-- Webhooks that send events, what is on its way to them, and the secrets that
-- calls are signed with.

create table webhooks (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  body text not null,
  enabled integer not null,
  revision integer not null,
  seq integer not null, -- the log was read up to this event
  replay_from integer not null, -- the events after this one are sent again
  replay_to integer not null,
  missed integer not null,
  state text not null,
  failing_since integer,
  hold_until integer,
  deleted_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index webhooks_name on webhooks (tenant_id, name_key) where deleted_at is null;
create index webhooks_enabled on webhooks (tenant_id, id) where enabled and deleted_at is null;
create index webhooks_deleted on webhooks (tenant_id, id) where deleted_at is not null;

create table webhook_deliveries (
  webhook_id text not null,
  seq integer not null, -- of the event
  tenant_id text not null,
  event_id text not null,
  kind text not null,
  subject text not null,
  event_at integer not null,
  state text not null,
  open integer not null,
  tries integer not null,
  next_at integer,
  ended_at integer,
  status integer not null,
  reason text not null,
  body text not null,
  log text not null,
  version integer not null,
  primary key (webhook_id, seq)
) strict;
create index webhook_deliveries_event on webhook_deliveries (webhook_id, event_id);
create index webhook_deliveries_state on webhook_deliveries (webhook_id, state, seq);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_at, seq) where open;
create index webhook_deliveries_subject on webhook_deliveries (webhook_id, subject, seq) where open;
create index webhook_deliveries_age on webhook_deliveries (event_at);

create table webhook_secrets (
  tenant_id text not null,
  webhook_id text not null,
  number integer not null,
  key_version integer not null,
  sealed text not null,
  until integer,
  primary key (tenant_id, webhook_id, number)
) strict, without rowid;
create index webhook_secrets_key on webhook_secrets (key_version, tenant_id, webhook_id, number);

-- Alerts: rules that somebody made or changed, channels, silences, what the rules
-- found, and what is to be told of it. There is one incident of a cause that is
-- not resolved; what is due is found by an index, so nothing costs by history.

create table alert_rules (
  tenant_id text collate "C" not null,
  id text collate "C" not null, -- of a built-in one: the word of its kind
  name_key text collate "C" not null,
  body text not null,
  revision bigint not null,
  primary key (tenant_id, id)
);
create unique index alert_rules_name on alert_rules (tenant_id, name_key);

create table alert_channels (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  body text not null,
  revision bigint not null,
  streak bigint not null, -- notices in a row that could not be sent
  fault text not null,
  last_ok_at timestamptz,
  primary key (tenant_id, id)
);
create unique index alert_channels_name on alert_channels (tenant_id, name_key);

create table alert_silences (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name_key text collate "C" not null,
  body text not null,
  revision bigint not null,
  primary key (tenant_id, id)
);
create unique index alert_silences_name on alert_silences (tenant_id, name_key);

create table incidents (
  id text collate "C" not null,
  tenant_id text collate "C" not null,
  rule_id text collate "C" not null,
  rule_name text not null,
  kind text collate "C" not null,
  severity text collate "C" not null,
  state text collate "C" not null,
  cause text collate "C" not null,
  title text not null,
  subject text collate "C" not null,
  subject_id text collate "C" not null,
  count bigint not null,
  data text not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  opened_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text not null,
  note text not null,
  resolved_at timestamptz,
  resolved_by text not null,
  step bigint not null,
  escalate_at timestamptz,
  due_at timestamptz not null, -- when it is looked at again
  primary key (id)
);
create unique index incidents_cause on incidents (tenant_id, rule_id, cause) where state <> 'resolved';
create index incidents_list on incidents (tenant_id, id) where state <> 'watched';
create index incidents_live on incidents (tenant_id, state, id) where state <> 'resolved';
create index incidents_due on incidents (due_at) where state <> 'resolved';
create index incidents_escalate on incidents (escalate_at) where escalate_at is not null;
create index incidents_age on incidents (resolved_at) where state = 'resolved';

create table alert_notices (
  id text collate "C" not null,
  tenant_id text collate "C" not null,
  incident_id text collate "C" not null,
  channel_id text collate "C" not null,
  kind text collate "C" not null,
  state text collate "C" not null,
  attempts bigint not null,
  fault text not null,
  held boolean not null,
  due_at timestamptz not null,
  created_at timestamptz not null,
  sent_at timestamptz,
  primary key (id)
);
create unique index alert_notices_once on alert_notices (incident_id, channel_id, kind);
create index alert_notices_due on alert_notices (due_at) where state = 'waiting';
create index alert_notices_held on alert_notices (tenant_id) where held;

-- How far the log of a tenant was followed. What happened before is nobody's alert.
create table alert_heads (
  tenant_id text collate "C" not null,
  seq bigint not null,
  primary key (tenant_id)
);
insert into alert_heads (tenant_id, seq) select tenant_id, seq from tenant_heads;

alter table alert_rules enable row level security;
alter table alert_rules force row level security;
create policy tenants on alert_rules using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table alert_channels enable row level security;
alter table alert_channels force row level security;
create policy tenants on alert_channels using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table alert_silences enable row level security;
alter table alert_silences force row level security;
create policy tenants on alert_silences using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table incidents enable row level security;
alter table incidents force row level security;
create policy tenants on incidents using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table alert_notices enable row level security;
alter table alert_notices force row level security;
create policy tenants on alert_notices using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table alert_heads enable row level security;
alter table alert_heads force row level security;
create policy tenants on alert_heads using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

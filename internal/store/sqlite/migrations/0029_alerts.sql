-- Alerts: rules that somebody made or changed, channels, silences, what the rules
-- found, and what is to be told of it. There is one incident of a cause that is
-- not resolved; what is due is found by an index, so nothing costs by history.

create table alert_rules (
  tenant_id text not null,
  id text not null, -- of a built-in one: the word of its kind
  name_key text not null,
  body text not null,
  revision integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index alert_rules_name on alert_rules (tenant_id, name_key);

create table alert_channels (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  body text not null,
  revision integer not null,
  streak integer not null, -- notices in a row that could not be sent
  fault text not null,
  last_ok_at integer,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index alert_channels_name on alert_channels (tenant_id, name_key);

create table alert_silences (
  tenant_id text not null,
  id text not null,
  name_key text not null,
  body text not null,
  revision integer not null,
  primary key (tenant_id, id)
) strict, without rowid;
create unique index alert_silences_name on alert_silences (tenant_id, name_key);

create table incidents (
  id text not null,
  tenant_id text not null,
  rule_id text not null,
  rule_name text not null,
  kind text not null,
  severity text not null,
  state text not null,
  cause text not null,
  title text not null,
  subject text not null,
  subject_id text not null,
  count integer not null,
  data text not null,
  first_at integer not null,
  last_at integer not null,
  opened_at integer,
  acknowledged_at integer,
  acknowledged_by text not null,
  note text not null,
  resolved_at integer,
  resolved_by text not null,
  step integer not null,
  escalate_at integer,
  due_at integer not null, -- when it is looked at again
  primary key (id)
) strict, without rowid;
create unique index incidents_cause on incidents (tenant_id, rule_id, cause) where state <> 'resolved';
create index incidents_list on incidents (tenant_id, id) where state <> 'watched';
create index incidents_live on incidents (tenant_id, state, id) where state <> 'resolved';
create index incidents_due on incidents (due_at) where state <> 'resolved';
create index incidents_escalate on incidents (escalate_at) where escalate_at is not null;
create index incidents_age on incidents (resolved_at) where state = 'resolved';

create table alert_notices (
  id text not null,
  tenant_id text not null,
  incident_id text not null,
  channel_id text not null,
  kind text not null,
  state text not null,
  attempts integer not null,
  fault text not null,
  held integer not null,
  due_at integer not null,
  created_at integer not null,
  sent_at integer,
  primary key (id)
) strict, without rowid;
create unique index alert_notices_once on alert_notices (incident_id, channel_id, kind);
create index alert_notices_due on alert_notices (due_at) where state = 'waiting';
create index alert_notices_held on alert_notices (tenant_id) where held;

-- How far the log of a tenant was followed. What happened before is nobody's alert.
create table alert_heads (
  tenant_id text not null,
  seq integer not null,
  primary key (tenant_id)
) strict, without rowid;
insert into alert_heads (tenant_id, seq) select tenant_id, seq from tenant_heads;

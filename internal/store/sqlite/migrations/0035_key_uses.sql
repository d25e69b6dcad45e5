-- Who made a key, of robots' too; and how often each is used, day by day.

alter table keys add column created_by text not null default ''; -- empty: older than this

create table key_uses (
  tenant_id text not null,
  key_id text not null,
  day integer not null, -- since 1970, UTC
  uses integer not null,
  primary key (tenant_id, key_id, day)
) strict, without rowid;
create index key_uses_day on key_uses (day);

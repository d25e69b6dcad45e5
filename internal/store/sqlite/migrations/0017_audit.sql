-- Who did what: a chain of rows for each tenant. The body is a row in canonical
-- form, which its hash is over; the columns beside it are for looking.

create table audit_heads (
  tenant_id text primary key,
  seq integer not null,
  hash text not null,
  cut_seq integer not null default 0, -- rows up to it were let go
  cut_hash text not null default '0000000000000000000000000000000000000000000000000000000000000000'
) strict, without rowid;

create table audit (
  tenant_id text not null,
  seq integer not null,
  at integer not null,
  action text not null,
  actor_id text not null,
  object_kind text not null,
  object_id text not null,
  outcome text not null,
  body text not null,
  prev_hash text not null,
  hash text not null,
  primary key (tenant_id, seq)
) strict, without rowid;
create index audit_object on audit (tenant_id, object_id, seq);
create index audit_actor on audit (tenant_id, actor_id, seq);
create index audit_at on audit (tenant_id, at, seq);

-- What a row's hash was, signed; a copy of each is offered to a place elsewhere.
create table audit_checkpoints (
  tenant_id text not null,
  seq integer not null,
  at integer not null,
  body text not null,
  primary key (tenant_id, seq)
) strict, without rowid;

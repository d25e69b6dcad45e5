-- People, their sign-ins, and the tokens by which these are known. Of a secret
-- only its hash is here.

create table users (
  tenant_id text not null,
  id text not null,
  name text not null,
  name_key text not null,
  email text not null,
  role text not null,
  disabled integer not null,
  password text not null,
  version integer not null,
  issuer text not null,
  subject text not null,
  created_at integer not null,
  updated_at integer not null,
  signed_in_at integer,
  primary key (id)
) strict, without rowid;
create index users_tenant on users (tenant_id, id);
create unique index users_name on users (tenant_id, name_key);
create unique index users_subject on users (tenant_id, issuer, subject) where issuer <> '';

create table sign_ins (
  tenant_id text not null,
  id text not null,
  user_id text not null,
  kind text not null,
  created_at integer not null,
  seen_at integer not null,
  ends_at integer not null,
  address text not null,
  agent text not null,
  primary key (tenant_id, user_id, id)
) strict, without rowid;
create index sign_ins_end on sign_ins (ends_at);

create table user_tokens (
  hash text primary key not null,
  tenant_id text not null,
  user_id text not null,
  sign_in_id text not null,
  kind text not null,
  created_at integer not null,
  expires_at integer not null,
  used_at integer
) strict, without rowid;
create index user_tokens_user on user_tokens (tenant_id, user_id, sign_in_id);
create index user_tokens_end on user_tokens (expires_at);

-- Failures to sign in, by name whether or not somebody has it, or by browser.
create table sign_in_guards (
  tenant_id text not null,
  subject text not null,
  failures integer not null,
  since integer not null,
  locked_until integer,
  primary key (tenant_id, subject)
) strict, without rowid;
create index sign_in_guards_since on sign_in_guards (since);

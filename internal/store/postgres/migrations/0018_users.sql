-- People, their sign-ins, and the tokens by which these are known. Of a secret
-- only its hash is here.

create table users (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  name text collate "C" not null,
  name_key text collate "C" not null,
  email text collate "C" not null,
  role text collate "C" not null,
  disabled boolean not null,
  password text collate "C" not null,
  version bigint not null,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  signed_in_at timestamptz,
  primary key (id)
);
create index users_tenant on users (tenant_id, id);
create unique index users_name on users (tenant_id, name_key);
create unique index users_subject on users (tenant_id, issuer, subject) where issuer <> '';

create table sign_ins (
  tenant_id text collate "C" not null,
  id text collate "C" not null,
  user_id text collate "C" not null,
  kind text collate "C" not null,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  ends_at timestamptz not null,
  address text collate "C" not null,
  agent text collate "C" not null,
  primary key (tenant_id, user_id, id)
);
create index sign_ins_end on sign_ins (ends_at);

create table user_tokens (
  hash text collate "C" primary key not null,
  tenant_id text collate "C" not null,
  user_id text collate "C" not null,
  sign_in_id text collate "C" not null,
  kind text collate "C" not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);
create index user_tokens_user on user_tokens (tenant_id, user_id, sign_in_id);
create index user_tokens_end on user_tokens (expires_at);

-- Failures to sign in, by name whether or not somebody has it, or by browser.
create table sign_in_guards (
  tenant_id text collate "C" not null,
  subject text collate "C" not null,
  failures bigint not null,
  since timestamptz not null,
  locked_until timestamptz,
  primary key (tenant_id, subject)
);
create index sign_in_guards_since on sign_in_guards (since);

alter table users enable row level security;
alter table users force row level security;
create policy tenants on users using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table sign_ins enable row level security;
alter table sign_ins force row level security;
create policy tenants on sign_ins using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table user_tokens enable row level security;
alter table user_tokens force row level security;
create policy tenants on user_tokens using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table sign_in_guards enable row level security;
alter table sign_in_guards force row level security;
create policy tenants on sign_in_guards using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

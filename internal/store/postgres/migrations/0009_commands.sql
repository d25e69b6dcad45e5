-- What operators asked of robots. Few of them are open at a time; the indexes
-- of those that watch them hold no other.

create table commands (
  id text collate "C" primary key,
  tenant_id text collate "C" not null,
  robot_id text collate "C" not null,
  kind text collate "C" not null,
  state text collate "C" not null check (state in ('requested', 'delivered', 'done', 'failed', 'expired')),
  requested_by text collate "C" not null,
  instance_id text collate "C" not null,
  message text collate "C" not null,
  created_at timestamptz not null,
  delivered_at timestamptz,
  ended_at timestamptz,
  expires_at timestamptz,
  check ((state in ('requested', 'delivered')) = (ended_at is null))
);
create index commands_robot on commands (tenant_id, robot_id, id);
create unique index commands_open on commands (tenant_id, robot_id, kind) where ended_at is null;
create index commands_expire on commands (expires_at) where ended_at is null;

alter table commands enable row level security;
alter table commands force row level security;
create policy tenants on commands using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

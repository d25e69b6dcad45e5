-- Counts of jobs in buckets of 5 minutes, hours and days, so that no number is
-- made by looking at jobs. The head of a tenant says up to which event they are
-- counted and which minute was read last; both move with what they add.

create table rollup_heads (
  tenant_id text collate "C" primary key,
  seq bigint not null,
  at timestamptz,
  sampled_at timestamptz
);

create table rollups (
  tenant_id text collate "C" not null,
  span bigint not null, -- seconds
  dim text collate "C" not null,
  at timestamptz not null, -- begin of the bucket
  key text collate "C" not null,
  label text collate "C" not null,
  sample text collate "C" not null,
  created bigint not null,
  completed bigint not null,
  failed bigint not null,
  timed_out bigint not null,
  cancelled bigint not null,
  run_ms bigint not null,
  waited bigint not null,
  wait_ms bigint not null,
  busy_ms bigint not null,
  capacity_ms bigint not null,
  samples bigint not null,
  pending_sum bigint not null,
  pending_max bigint not null,
  online_sum bigint not null,
  runs bytea, -- a histogram, as fleet.Histogram writes it
  waits bytea,
  primary key (tenant_id, span, dim, at, key)
);
create index rollups_key on rollups (tenant_id, span, dim, key, at);
create index rollups_age on rollups (span, at);

-- How a robot's machine was, hour by hour; the minutes of a day beside it.
create table robot_hours (
  tenant_id text collate "C" not null,
  robot_id text collate "C" not null,
  at timestamptz not null,
  body text not null,
  minutes bytea,
  primary key (tenant_id, robot_id, at)
);
create index robot_hours_age on robot_hours (at);
create index robot_hours_minutes on robot_hours (at) where minutes is not null;

alter table rollup_heads enable row level security;
alter table rollup_heads force row level security;
create policy tenants on rollup_heads using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table rollups enable row level security;
alter table rollups force row level security;
create policy tenants on rollups using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

alter table robot_hours enable row level security;
alter table robot_hours force row level security;
create policy tenants on robot_hours using ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]))
  with check ((select fleet_all()) or tenant_id = any ((select fleet_tenants())::text[]));

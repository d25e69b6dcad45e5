-- Secrets that one job may have at a time, and who has which: a row for each
-- secret that the workflow of an attempt names, for as long as its slot is taken.

alter table secrets add column exclusive integer not null default 0;
create index secrets_exclusive on secrets (tenant_id, name) where exclusive;

create table secret_uses (
  tenant_id text not null,
  name text not null,
  job_id text not null,
  epoch integer not null,
  primary key (tenant_id, name, job_id, epoch)
) strict, without rowid;
create index secret_uses_job on secret_uses (job_id, epoch);

-- Who outside of a job holds an item of a queue: the principal, not its name,
-- which another may come to have.
alter table queue_items add column holder_id text not null default '';

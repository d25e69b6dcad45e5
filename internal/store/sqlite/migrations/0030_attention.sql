-- What needs a person is found without looking at what does not; and bulk
-- operations may be about jobs.

create index jobs_held on jobs (tenant_id, waiting_since) where waiting_on = 'hold';
create index schedule_fires_missed on schedule_fires (tenant_id, made_at) where outcome = 'missed';

-- A target is a robot or a job; a retry makes a job.
alter table bulk_targets add column job_id text not null default '';
alter table bulk_targets add column made_id text not null default '';

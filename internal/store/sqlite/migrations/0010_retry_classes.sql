-- What follows an error of each class, where a job or its workflow sets it
-- apart from the rest of the policy.

alter table jobs add column retry_classes text not null default '';
alter table workflow_versions add column retry text not null default '';
alter table workflow_versions add column retry_safety text not null default '';

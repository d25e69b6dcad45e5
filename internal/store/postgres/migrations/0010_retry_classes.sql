-- What follows an error of each class, where a job or its workflow sets it
-- apart from the rest of the policy.

alter table jobs add column retry_classes text collate "C" not null default '';
alter table workflow_versions add column retry text collate "C" not null default '';
alter table workflow_versions add column retry_safety text collate "C" not null default '';

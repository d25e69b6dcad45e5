-- Triggers of files, which one robot looks for, and of mail, whose place in the
-- mailbox is kept beside what was started for it. Whoever waits for something
-- looks for the triggers of one kind.

alter table triggers add column robot_id text collate "C"; -- that looks for files
alter table triggers add column place text not null default ''; -- how far its mailbox was read
alter table triggers add column fault text not null default ''; -- why it cannot look now

drop index triggers_queue;
create index triggers_kind on triggers (kind, tenant_id, id) where kind <> 'webhook' and enabled and deleted_at is null;
create index triggers_robot on triggers (robot_id, tenant_id, id) where robot_id is not null and enabled and deleted_at is null;

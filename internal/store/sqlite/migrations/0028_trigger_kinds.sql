-- Whoever waits for something looks for the triggers of one kind.

drop index triggers_queue;
create index triggers_kind on triggers (kind, tenant_id, id) where kind <> 'webhook' and enabled and deleted_at is null;

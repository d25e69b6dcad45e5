-- What an operator wants of a robot, for how long, and what follows. Robots in
-- a mode are few, and those who watch them look at nothing else.

alter table robots add column mode_until integer;
alter table robots add column mode_note text not null default '';
alter table robots add column drain_deadline integer;
alter table robots add column on_deadline text not null default '';
alter table robots add column drain_then text not null default '';
create index robots_in_mode on robots (id, tenant_id) where admin_mode <> 'active' and deleted_at is null;

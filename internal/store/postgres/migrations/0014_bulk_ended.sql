-- Bulk operations that have ended go when they are old enough; they are found
-- by their end.

create index bulk_ended on bulk_operations (ended_at) where ended_at is not null;

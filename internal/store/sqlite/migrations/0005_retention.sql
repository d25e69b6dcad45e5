-- Old rows are found by keys that begin with a time, which are here already.
-- Lines of logs have a file of their own.

create index sessions_closed on sessions (id) where closed_at is not null;

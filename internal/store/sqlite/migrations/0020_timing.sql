-- With what a robot was welcomed: after so long a silence it is lost, or suspect.
-- 0: by an older version; then the server's own times hold.

alter table robots add column lost_ms integer not null default 0;
alter table robots add column suspect_ms integer not null default 0;

-- What the health of a robot is judged by: attempts that it lost, and how often
-- its connection ended.

alter table rollups add column lost bigint not null default 0;
alter table rollups add column disconnects bigint not null default 0;

-- Several orchestrators on one store: who does the chores. No column tells a
-- time: whoever watches a lease measures on a clock of its own how long
-- renew_seq has stood still. An empty member_id is a lease that was released.

create table leases (
  name text not null primary key,
  member_id text not null,
  term integer not null check (term > 0),
  renew_seq integer not null check (renew_seq > 0)
) strict, without rowid;

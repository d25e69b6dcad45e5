-- Several orchestrators on one store: who does the chores. No column tells a
-- time: whoever watches a lease measures on a clock of its own how long
-- renew_seq has stood still. An empty member_id is a lease that was released.

create table leases (
  name text collate "C" primary key,
  member_id text collate "C" not null,
  term bigint not null check (term > 0),
  renew_seq bigint not null check (renew_seq > 0)
) with (fillfactor = 50);

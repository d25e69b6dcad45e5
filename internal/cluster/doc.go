// Package cluster is what an orchestrator knows of the others that share its
// store: who is there, who does the chores, and whether the store itself can
// be reached from here. Members talk through the store and in no other way.
//
// It must not decide anything about jobs or robots. Nothing is correct only
// because there is one leader: a lease saves work, and two members that both
// believe they hold it do everything twice and harm nothing, because every
// chore is guarded like everything else.
//
// Guarantees:
//   - No wall clock takes part. Whoever watches a member or a lease measures on
//     its own monotonic clock how long a number stood still, so clocks that jump
//     or differ take nothing away from anybody.
//   - A lease is trusted from the start of its renewal for its length less a
//     margin, and taken by others no sooner than its length after they saw its
//     last renewal. So two hold it at once only if a clock runs wrong.
//   - A member is taken for gone only as it was last seen: one that renewed in
//     between stays. One that was taken for gone and is back learns it from its
//     next renewal, sends its robots to connect anew, and joins again.
//   - After an outage of the store nobody is gone until the full time has passed
//     again: none could renew meanwhile.
package cluster

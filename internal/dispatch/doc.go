// Package dispatch makes placement happen: it wakes, reads what is ready and
// who has room, asks placement.Plan, commits the plan, and hands the won
// assignments to whoever owns the robot's connection.
//
// It must not decide anything itself, and must not know a wire format: the
// connections are behind [Presence] and [Sender].
//
// Guarantees:
//   - An offer is sent only after its assignment is on disk.
//   - A wake-up that got lost delays work by at most one poll.
//   - A round's cost grows with free slots, lanes and refused jobs that stand in
//     front, not with the backlog.
//   - What cannot be assigned, whatever the reason, holds nobody behind it back.
//
// One goroutine, started by Run and stopped by its context, does all of it;
// Sender is called from it and must not block.
package dispatch

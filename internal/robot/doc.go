// Package robot is the program that runs jobs: it connects to an orchestrator,
// takes offers into its slots, runs them, and delivers how they ended.
//
// What to do with a frame or a tick is decided by [protocol.Robot]; this
// package carries it out with a real socket, a real disk and a real clock. How
// a workflow runs is the business of the [Runner] that it is given.
//
// The robot must not listen on any port, must not let an orchestrator widen
// what the local policy allows, and must not say that something has ended
// before that is on its disk.
//
// Who runs what:
//   - Run owns everything and waits for it. Its context asks for a drain: no
//     new offers, the work under way goes on for a bounded time.
//   - The executor, one goroutine, carries out effects in their order. Stops
//     alone do not queue behind it: they are carried out where they are decided.
//   - The connector keeps one connection at a time; each has a reader, a writer
//     and a pinger, and ends with the first of them.
//   - The beater sends heartbeats through a place of its own in the writer, so
//     that they never wait behind work, until the last attempt is reported.
//   - The ticker looks at fences and timeouts twice a second.
//   - Each attempt has one goroutine for its run and one for its log. Files that it
//     left wait in the folder files until its end is in the journal; then they are
//     handed over, for a bounded time, and then the end is told. A robot that dies
//     meanwhile goes on with them.
//
// One lock, driver.mu, guards the state machine and the runs. Nothing is read,
// written or waited for while it is held.
package robot

// Package protocol is the behaviour of a robot on the robot channel as a state
// machine: a frame, a tick or a fact about a run goes in, frames to send and
// things to do come out.
//
// The package must not read a clock, draw a number, start a goroutine or touch
// a socket or a file. Time is an argument: a duration on a clock that rises
// while the machine sleeps, with any origin. Whoever drives the machine
// (package robot, a simulator, a load generator) carries out the [Effect]s of
// a call in their order, and a [Write] must be on disk before what follows it.
//
// One attempt goes through
//
//	considering → accepted → running → finished → gone
//
// An offer is considered outside, then taken or refused. It begins only with
// job_start, or with its equal, the want continue at a reconnect or a renewal.
// When its run has ended, the end is a report in the journal, and the attempt
// is gone once that report is acknowledged. An end with files is written down first,
// and becomes a report when they are handed over or were given up. An attempt may be fenced at any
// time: by job_forget, by a higher epoch of its job, or by itself when its
// lease is about to end. Fenced attempts are stopped and never go on.
//
// Guarantees, each of them a property in the tests:
//   - Two epochs of one job never run at once: the old one has ended before
//     the new one starts.
//   - Nothing runs past the fence, which counts from the robot's own sending
//     time of the last message that was answered.
//   - A report is sent in every session until it is acknowledged, in the order
//     of the numbers, and numbers are never used twice.
//   - Attempts under way never exceed the slots.
//   - Reports stay in the sequence even if their attempt was forgotten, so an
//     acknowledgement up to a number has one meaning. Their verdict is stale
//     then, and they are kept as evidence.
package protocol

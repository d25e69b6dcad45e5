// Package engine runs one workflow graph to its end: it takes nodes from a
// queue, copies data along the links, keeps the variables, and follows loops,
// tries, retries and parallel branches.
//
// The engine knows how a document flows and nothing else. It must not open
// files, sockets or processes and must not import net or os: nodes reach the
// outside through [Host], which the runner implements with the robot's policy
// behind it. It never panics on a document: a node that panics fails its step.
//
// Guarantees:
//   - One node of a branch runs at a time; branches of a fork run on copies of
//     the variables and never see each other's writes.
//   - A pass of a loop is over when nothing of its body waits any more, so all of
//     the body sees the item of its own pass.
//   - The same document, inputs and host give the same path, in file order.
//   - Before every node the [Gate] is asked, so a fenced or cancelled run stops
//     between nodes, and ctx stops it inside one.
//   - A node that heeds neither its time limit nor the end of ctx holds the run up
//     for the grace and no longer. It is then left behind and named in the log and
//     the outcome: at most one for each branch, silent, and cut off from the run.
//   - Progress never falls. Every visit is one step record with a start and an end.
package engine

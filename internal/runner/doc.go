// Package runner is the room that takes one workflow to its end. It gives the
// engine its [engine.Host]: a folder of its own for each job, a guarded way out
// to the network, programs in a process group that dies as a whole, readings
// of the machine, and secrets. It bounds and cleans what a job writes to its
// log, and it stops a job that was cancelled or that ran out of time.
//
// The runner must not know who asked for the job: it speaks no wire protocol,
// reads no store and holds no lease. Whoever calls it (a robot, a terminal, a
// test) passes a [Job], a sink that hears about it and a gate that may stop it.
//
// Guarantees:
//   - Nothing that a job wrote or started outlives [Runner.Run], except in the
//     roots that the local [Policy] grants, and the job's folder when asked to keep it.
//   - A name in a workflow reaches only the job's folder and those roots, also
//     through symbolic links.
//   - Programs see an environment built from nothing; variables of the robot
//     that hold keys are in none of its copies.
//   - A secret that was fetched is replaced in all that the sink hears.
//   - The log of an attempt is bounded; what does not fit is counted and said.
package runner

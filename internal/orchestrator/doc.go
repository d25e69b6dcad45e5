// Package orchestrator holds the use cases: what may be asked of Casare Fleet
// and what then happens. It is the only room that changes state, and every
// transport (REST, robot sockets, chores) comes through it.
//
// It must not know HTTP, sockets or SQL, and must not evaluate anything that an
// author of a workflow wrote.
//
// Guarantees:
//   - Every use case asks the principal for its permission first.
//   - What returns without an error is committed, with its events.
//   - A refused request changes nothing.
//   - Rules about jobs are fleet's table; this package finds the subject, asks
//     the table and commits the move.
package orchestrator

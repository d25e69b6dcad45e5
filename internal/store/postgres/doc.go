// Package postgres keeps the facts in PostgreSQL, for one orchestrator or
// several at once.
//
// How a change gets to disk. Callers queue it; the committer takes whatever
// came while the last commit ran and writes it as one transaction on a
// connection of its own, in three trips to the database: lock and read what the
// group needs, write what it decided, commit. Only then are the callers
// answered. What is numbered by the tenant's head reads it where it is written.
// Heartbeats and log lines have a committer and a connection each, so that
// neither waits behind a decision.
//
// What makes several orchestrators safe. Rows are locked before they are read
// for a decision, robots before jobs, the tenant's head last; every statement
// carries its guard all the same. A group that lost a race, met a deadlock or
// broke a rule is rolled back and run again, each caller alone, so that one
// caller's fault is nobody else's. When the answer to a commit is lost, the
// committer asks the database by the commit's name what became of it; nobody is
// told success or failure before that is known.
//
// What it needs of the connection. Nothing but transactions: settings, role and
// tenant are set inside each, so a pooler between us and the database may give
// every transaction another session. Only wake-ups from other orchestrators
// need a session of their own (LISTEN); without one, everybody looks once a
// second.
//
// Tenants. Every statement has its scope, and row-level security stands behind
// it: each transaction says whose rows it may touch, and the role that works is
// not the owner of the tables. Callers of several tenants that share a commit
// share its reach: the wall stands between them and everybody else, and between
// each other they have the scopes of their statements.
//
// The package knows the driver and nothing else does. It must not decide what a
// job may do (package fleet does) and must not be imported but by the assembly.
package postgres

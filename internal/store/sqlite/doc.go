// Package sqlite keeps the store in a folder: fleet.db with everything that
// decisions need, logs.db with the lines that attempts print, and fleet.lock.
//
// It must not hold a rule about jobs: those are fleet's, and the statements are
// sqlstore's. What is here is how a transaction begins, is shared and ends.
//
// Who owns what. One goroutine, the committer's, owns the writing connection of
// a file and every statement prepared on it; another does the same for logs.db.
// Readers come from a pool, one connection for each View that runs. Close stops
// the goroutines after what was accepted is committed.
//
// How a commit is shared. The committer takes all callers that came while the
// last commit ran, begins one transaction, runs each caller inside a savepoint
// of its own, commits once, and only then answers. A caller that fails is
// rolled back to its savepoint and the others never notice. The price is that
// callers run one after another; the gain is one flush for all of them.
//
// What an answer means. Nil: the change is on disk (WAL, synchronous=FULL).
// fleet.ErrUnavailable: nothing was acknowledged, and after a restart the change
// may be there or not, as with any commit whose answer is lost. Status 507: no
// space; nothing was changed, reads go on, and writes go on once there is room.
// fleet.ErrExhausted without that status: the queue is full.
//
// A flush or a page that fails is not survived: what the operating system
// dropped cannot be asked for again. The store then refuses every write, says
// so in Health, and the process is to be restarted. ADR-0005 says why the
// driver is the one it is.
//
// One process per folder. The lock file holds the process id of its owner;
// a second orchestrator is refused with that id, and so is a folder on a
// network file system, where the lock means nothing.
package sqlite

// Package sqlstore is the store's SQL: every statement once, in text that
// SQLite and PostgreSQL both understand, beside the function that scans it.
//
// A database gives it a Conn inside a transaction and gets back the store's
// Reader and Tx and the batch verbs of the main road. The package does not know
// how a transaction begins or ends, and has no goroutine, clock or driver.
//
// How a commit is built. A Batch is one transaction of the database; each
// caller inside it has a Tx of its own. What callers share (the next event
// number of a tenant, how many jobs are in each state, how many wait in each
// lane) is counted in memory and written once, by Batch.Finish, as the last
// statements before the commit. A Tx whose caller failed is dropped and leaves
// no trace in these counts.
//
// What waits, what runs and what is due is found through partial indexes over
// columns of the rows themselves (jobs.lane_id, jobs.not_before, …), so there
// is no second copy that could drift, and history is never scanned.
//
// Inside Update, Lanes and Counts show the numbers as of the beginning of the
// database's transaction; everything else shows the caller's own writes.
package sqlstore

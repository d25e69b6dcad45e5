// Package store is the contract of storage: what the product asks of a
// database, in few verbs that each carry a promise. Databases implement it;
// storetest proves that they do; nothing outside knows SQL.
//
// The package must not decide anything: which move a job makes is computed by
// fleet's table, and a store commits it while the job is still as it was. It
// must not import a driver.
//
// Promises every implementation keeps:
//   - When a method that changes something returns nil, the change is on disk.
//   - A change and its events commit together; event numbers of a tenant are
//     dense and rise in commit order.
//   - A statement that finds the row changed changes nothing and says so with
//     fleet.ErrConflict.
//   - Every method takes a Scope and touches only rows that it covers.
//   - Signals are raised after the commit, carry no data, and may be lost.
//   - All methods are safe for concurrent use.
package store

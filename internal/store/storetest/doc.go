// Package storetest is the suite that every store passes: what the contract
// says, under one caller and under many, against a model, with faults and with
// recorded histories; and the invariants of the data as SQL.
//
// A database's own test file is a constructor and calls of Run, RunConcurrent,
// RunModel, RunFaults, RunLinear and Bench. No test of the suite may be left
// out for a database. The package must not know a driver.
package storetest

// Package canvas is the program behind `fleet canvas`: the interface on the
// author's own machine. It finds the orchestrator among a list of addresses,
// keeps looking when it is away, and passes requests of the page on to it with a
// key that the page never sees.
//
// It must not run workflows itself, must not reach a store, and must not keep a
// key anywhere but in memory.
//
// Guarantees: no answer and no log line holds the key; what a page sends as a
// credential is not passed on; a request that comes while no orchestrator is
// reached gets an answer that says so.
package canvas

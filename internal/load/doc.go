// Package load makes traffic: simulated robots that speak the real protocol
// over real sockets and do nothing for a living, and submitters that ask for
// jobs as fast as they are answered.
//
// It must not reach into an orchestrator: what it sees is what a client sees.
// It measures; it does not judge.
package load

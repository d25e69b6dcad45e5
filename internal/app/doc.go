// Package app assembles an orchestrator from its rooms: New builds, Start
// serves, Stop ends in the reverse order.
//
// It must not hold rules of its own. Signals of the operating system are not
// its business: whoever runs the program cancels a context and calls Stop.
//
// Guarantees: New leaves nothing behind when it fails; Stop may be called at
// any time and more than once, is bounded in time, and returns all errors that
// it met; after Stop nothing of the orchestrator runs.
package app

// Package gateway holds the sockets of robots: it lets them in, translates
// frames into use cases and back, and sends what is wanted of them.
//
// It must not decide about jobs and must not reach the store: every change is a
// use case. It must not clean up anything but the session that it opened.
//
// Goroutines of a connection, all ended by its context before the handler
// returns: the reader (the handler itself), the writer, the worker that commits
// what was read in order, the beater that answers heartbeats so that they never
// queue behind work, the logger, and the watcher that looks at what is wanted
// of the robot whenever it is woken, and from time to time without.
//
// Robots of the original come in by two more doors. Their dialects are translated
// into the channel's frames on its own connections (old*.go); those that poll
// are present while a claim of theirs is held (polling.go).
//
// Guarantees:
//   - A bad credential fails the handshake with 401 or 403 before the upgrade.
//   - An answer leaves only after the commit that it tells of.
//   - What waits to be written is bounded; a robot that does not read is
//     disconnected and resumes.
//   - A socket that ends moves no job; offers that it carried lapse.
package gateway

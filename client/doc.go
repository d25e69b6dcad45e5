// Package client is the Go SDK of Casare Fleet: one method for each operation
// of the API, in the types of package fleet.
//
// It must not hold rules of the product: what may be done is the server's to
// say. It keeps no state but the address that answered last.
//
// Guarantees:
//   - Reads, submits and whatever else is safe to repeat are tried three times,
//     after pauses that double, when the connection breaks or the server asks
//     for a later try; a submit carries an Idempotency-Key of its own, so a
//     repeated one gives the same job. What is not safe to repeat is sent again
//     only if the server has certainly not seen it.
//   - Errors are *Error around *fleet.Error: errors.Is(err, fleet.ErrConflict)
//     asks for the kind, RequestID(err) leads to the server's log.
//   - Iterators go on after a lost connection or a restart of the server where
//     they stood: nothing is missed and nothing comes twice.
//
// A Client is safe for concurrent use.
package client

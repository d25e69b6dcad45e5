// Package auth says who is asking: it turns a credential into a principal with
// a tenant and permissions, and makes and revokes keys.
//
// It must not know HTTP or sockets; transports hand it the texts they read. It
// never returns or logs a secret except once, from the call that made it.
//
// Guarantees: an unknown, expired or revoked credential is the same
// fleet.ErrUnauthenticated; the zero Principal may do nothing; tenant and robot
// come from the credential and never from a request.
package auth

// Package auth says who is asking: it turns a credential into a principal with
// a tenant and permissions, and makes and revokes keys.
//
// Files by noun: key.go the forms of keys, keys.go what is done with them,
// lookup.go whose they are, pepper.go what they are hashed with, watch.go how
// long they count and when they were used; fixed.go the key of the environment,
// enrolment.go tokens of machines; people.go those who sign in and signin.go,
// signedin.go, setup.go how they do it, password.go and token.go the secrets of
// both; principal.go who may do what, resolver.go from the texts of a request to
// a principal. A further kind of credential implements Kind and is handed to
// NewResolver; no door learns of it.
//
// It must not know HTTP or sockets; transports hand it the texts they read. It
// never returns or logs a secret except once, from the call that made it.
//
// Guarantees: an unknown, expired or revoked credential is the same
// fleet.ErrUnauthenticated; the zero Principal may do nothing; tenant and robot
// come from the credential and never from a request.
package auth

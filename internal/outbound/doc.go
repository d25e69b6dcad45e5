// Package outbound is the only way from this program to addresses that somebody
// else chose: HTTP nodes of workflows, and later webhooks and identity providers.
//
// A name is harmless until it is resolved, and may resolve differently the next
// time. So the guard sits in the dialler, after resolution, and looks at the
// address of every single connection, those of redirects included. What a
// [Policy] refuses is never dialled.
//
// The package must not read proxy settings or credentials from the environment,
// and must not be bypassed: no other room builds an http.Transport for calls to
// outside.
//
// Guarantees: redirects are counted and each is checked again; credentials do
// not leave the origin they were meant for; an answer is cut off with an error
// at its size limit, counted after decompression; every call ends within its
// timeout.
package outbound

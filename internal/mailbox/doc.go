// Package mailbox reads mailboxes by IMAP for triggers: what came after a place,
// and what the newest message is.
//
// It must not decide what becomes of a message, remember anything, or change a
// mailbox: folders are opened for reading alone, so no message is marked as seen.
// How a connection is made is its caller's: the guard of calls to the outside.
//
// Guarantees: nothing is sent before the connection is encrypted and the name of
// the server is proven. However much a server sends, what is read of one
// connection has a bound, and it ends with the context.
package mailbox

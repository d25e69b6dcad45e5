// Package certificate keeps the certificates of TLS: those in files of an
// operator, which are read anew when they change, and those of a local authority
// that this program makes itself and renews.
//
// It must not listen, dial or decide who may do what; it must not overwrite a
// key or an authority that is there, and no key leaves the folder.
//
// Guarantees: a file that cannot be used after a change leaves the certificate
// in use that was there before; private keys are written for their owner alone
// (0600) and complete or not at all. Safe for concurrent use; there is no
// goroutine, since files are looked at when somebody connects.
package certificate

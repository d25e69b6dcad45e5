// Package pyregex runs regular expressions written for Python's re module.
//
// The pattern is read by Python's grammar, with Python's error texts, and
// written again for a backtracking engine that knows lookaround and
// backreferences; the texts of a replacement follow Python too. Positions
// count characters, and empty matches are found where Python finds them.
//
// Differences that stay: word boundaries take combining marks as part of a
// word, lookbehinds may vary in length, case folding knows simple pairs only,
// and characters cannot be written by name (\N{...}).
//
// The package does no I/O and keeps no state. A [Pattern] may be used by many
// goroutines. A search ends with an error when it takes too long or too much
// memory, so a hostile pattern cannot hold a robot.
package pyregex

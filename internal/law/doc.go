// Package law holds the rules of the house as tests, and nothing else: it has no
// code that a program runs.
//
// The rules stand in ARCHITECTURE.md, between markers, where people read them.
// The tests parse that text, so it is their input and cannot fall behind: a
// package without a row, a row without a package and an import that no row
// allows all fail here, with the sentence that tells what to do.
//
// It must not import any room of the project.
package law

// Package workflow is the workflow document: a graph of nodes and connections
// as people store it, read from any dialect that is in use, checked, and
// written back in one canonical form.
//
// Parse reads JSON strictly and turns every dialect into the same Document; what
// it had to mend is told in Document.Notes. Validate then says what is wrong
// with the document, each problem with a code and its place. WithStart and Pairs
// answer what the file leaves unsaid: where a run begins, and which loop end,
// catch or join belongs to which start.
//
// The package must not run anything, evaluate any text of an author, or touch
// files, clocks or sockets. Everything here is a function of its arguments.
//
// Guarantees:
//   - Nodes and connections keep the order of the file, since the order of a run
//     depends on it. No answer depends on the order of a Go map.
//   - No input makes it panic, and no input makes it work for more than a small
//     multiple of its length.
//   - Parse(Canonical(doc)) has the same Hash as doc.
//   - A Document may be read by many goroutines as long as nobody changes it.
package workflow

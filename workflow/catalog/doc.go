// Package catalog knows what every node type looks like: its ports, its
// properties with their types, defaults, choices and ranges, its exec outputs,
// what a robot must be able to do to run it, and whether this version runs it.
//
// The facts live in data files, one per family, that are compiled into the
// program. The package knows nothing of behaviour: what a node does when it
// runs is code elsewhere. It must not read files at run time and keeps no
// global state: whoever needs a catalog loads one and passes it on.
//
// Guarantees:
//   - A Catalog never changes after Load and may be used by many goroutines.
//   - Names, families and ports come in the order of the data files, never in
//     the order of a map.
//   - Callers must not write to what they get; a default that is a list or an
//     object is shared, so clone it before handing it to a workflow.
package catalog

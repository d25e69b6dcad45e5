// Package cli is the command line: it reads what a person typed, calls the
// rooms that do the work, and says how it went in words, in a table, or as
// JSON or YAML.
//
// It holds no rule of the product: whatever it refuses would be refused by the
// orchestrator or the engine as well. It must not reach into the store or the
// use cases; an orchestrator is spoken to over HTTP, also when it runs in this
// very process.
//
// Promises to whoever calls it from a script:
//   - Standard output holds the answer and nothing else; with -o json or -o yaml
//     that is one document. Everything said to people goes to standard error.
//   - Colours, bars and anything that overwrites itself appear on a terminal
//     only, and NO_COLOR switches colours off there too.
//   - The exit code says what happened; exit.go has the whole list.
//   - Nothing is asked: a command that lacks something says what to add.
package cli

//go:generate go run ../gen/cli -o ../../docs/reference/cli.md

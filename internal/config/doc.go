// Package config says what can be set: one struct for each program, whose fields
// are flags, environment variables, lines of a YAML file and the reference page
// at once.
//
// A flag wins over the environment, that over the file, that over the default.
// Keys that nobody knows are errors that name the nearest known key, so that a
// misspelt limit is never silently the default. A secret may be given as
// file:/path, prints as *** everywhere, and is read with [Secret.Reveal].
//
// The package holds data and its checks. It must not open databases or sockets,
// or know any room but the vocabulary. It reads files only where a value says
// file:, and the configuration file itself.
package config

//go:generate go run ../gen/config -o ../../docs/reference/config.md
//go:generate go run ../gen/config -limits -o ../../docs/reference/limits.md

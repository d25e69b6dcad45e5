// Package web is the interface for browsers: the built pages that are compiled
// into the program, and the handler that serves them.
//
// It is a leaf: it must not know the API, a tenant or a setting.
//
// Guarantees: every page is served with a content security policy whose nonce is
// fresh; what has a hash in its name is cached for ever and a miss of it is 404;
// nothing is read from disk after the start unless a folder was named.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var embedded embed.FS

// Dist is what was built, as it is compiled in.
func Dist() (fs.FS, error) { return fs.Sub(embedded, "dist") }

// Package examples holds small workflows that run anywhere: no browser, no
// network, no program of the machine. They are what fleet dev shows, what the
// guides speak of, and what tests run.
//
// The package is data. It must not import any room, and every file in it must
// stay valid without a warning.
package examples

import (
	"embed"
	"fmt"
	"strings"
)

// Files holds the workflows by file name.
//
//go:embed *.json
var Files embed.FS

// HelloName is the workflow that fleet dev runs.
const HelloName = "hello"

// Names lists the workflows, without .json, in order.
func Names() []string {
	entries, err := Files.ReadDir(".")
	if err != nil {
		return nil // cannot happen: the folder is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".json")
	}
	return names
}

// Get returns a workflow by its name.
func Get(name string) ([]byte, error) {
	text, err := Files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("there is no example %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return text, nil
}

// Command api writes the OpenAPI document and the list of events. It must not
// know a route or an event itself: internal/httpapi is the only source.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/casarerpa/fleet/internal/httpapi"
)

func main() {
	dir := flag.String("o", "api", "folder to write openapi.json and events.json to")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string) error {
	for name, make := range map[string]func() ([]byte, error){
		"openapi.json": httpapi.Document, "events.json": httpapi.EventDocument,
	} {
		text, err := make()
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

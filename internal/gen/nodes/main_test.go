package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/catalog"
)

// The committed page is what the catalog says today.
func TestPageIsCurrent(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	want, err := render(cat)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "reference", "nodes.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/reference/nodes.md is out of date; run go run ./internal/gen/nodes (-want +got):\n%s", diff)
	}
}

package examples

import (
	"testing"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// TestExamplesAreValid: no error, no warning, nothing to mend: examples are
// what people copy.
func TestExamplesAreValid(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	names := Names()
	if len(names) < 3 {
		t.Fatalf("only %v", names)
	}
	for _, name := range names {
		text, err := Get(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := workflow.Parse(text, workflow.Options{Catalog: cat})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, d := range workflow.Validate(doc, cat, workflow.Policy{}) {
			t.Errorf("%s: %s", name, d)
		}
		if len(doc.Notes) > 0 {
			t.Errorf("%s is not in the canonical form: %v", name, doc.Notes)
		}
		if _, ok := doc.Start(); !ok {
			t.Errorf("%s has no start node", name)
		}
	}
	if _, err := Get("nothing"); err == nil {
		t.Error("an unknown example was found")
	}
}

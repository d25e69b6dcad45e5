package load

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// TestProcessesAreValid: what the demonstration stores can be read, drawn and
// run by anybody.
func TestProcessesAreValid(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	shares := 0
	for _, p := range processes() {
		shares += p.share
		text, err := p.document()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := workflow.Parse(text, workflow.Options{Catalog: cat})
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		for _, d := range workflow.Validate(doc, cat, workflow.Policy{}) {
			t.Errorf("%s: %s", p.name, d)
		}
	}
	robots := 0
	for _, team := range teams() {
		robots += team.share
	}
	if shares != 100 || robots != 100 {
		t.Errorf("shares of jobs add up to %d and of robots to %d, want 100", shares, robots)
	}
}

// TestSameSeedSameScripts: pictures of the demonstration repeat.
func TestSameSeedSameScripts(t *testing.T) {
	for _, p := range processes() {
		a, b := rand.New(rand.NewPCG(7, 1)), rand.New(rand.NewPCG(7, 1))
		failed := 0
		for range 200 {
			one, two := p.script(a), p.script(b)
			if diff := cmp.Diff(one, two); diff != "" {
				t.Fatalf("%s: %s", p.name, diff)
			}
			if one.Error != nil {
				failed++
			}
		}
		if failed == 0 || failed > 2*p.failing+60 {
			t.Errorf("%s: %d of 200 runs fail, want about %d %%", p.name, failed, p.failing)
		}
	}
}

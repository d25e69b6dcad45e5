package orchestrator

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// An export has the jobs of this very moment, and those that an orchestrator whose
// clock is ahead has stored.
func TestExportHasTheNewest(t *testing.T) {
	w := newWorld(t)
	old := w.submit()
	w.now = w.now.Add(2 * time.Second)
	ahead := w.submit()
	w.now = w.now.Add(-time.Second)
	var got []fleet.ID
	w.must(w.Jobs.Export(t.Context(), w.admin, JobExport{}, func(list []JobLine) error {
		for i := range list {
			got = append(got, list[i].Job.ID)
		}
		return nil
	}))
	if len(got) != 2 || got[0] != ahead.ID || got[1] != old.ID {
		t.Errorf("%v; want %s and %s", got, ahead.ID, old.ID)
	}
}

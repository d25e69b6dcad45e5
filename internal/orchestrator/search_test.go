package orchestrator

import (
	"fmt"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// TestSearchSeesWhatMayBeSeen: what somebody lacks the permission for is not found.
func TestSearchSeesWhatMayBeSeen(t *testing.T) {
	w := newWorld(t)
	name := "nothing"
	_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name})
	w.must(err)
	job := w.submit()
	kinds := func(p auth.Principal, text string) string {
		list, err := w.Searches.Search(t.Context(), p, text, 8)
		w.must(err)
		out := ""
		for _, f := range list {
			out += string(f.Kind) + " "
		}
		return out
	}
	if got := kinds(w.admin, "Noth"); got != "workflow job queue " {
		t.Errorf("found: %s", got)
	}
	if got := kinds(w.admin, string(job.ID)); got != "job " {
		t.Errorf("found by id: %s", got)
	}
	if got := kinds(w.admin.In("acme"), "noth"); got != "" {
		t.Errorf("found in another tenant: %s", got)
	}
	if _, err := w.Searches.Search(t.Context(), w.robot, "noth", 8); fleet.AsError(err).Code != fleet.CodeForbidden {
		t.Errorf("a robot: %v", err)
	}
	for _, text := range []string{"", "  ", "a\x00", string(make([]byte, 101))} {
		if _, err := w.Searches.Search(t.Context(), w.admin, text, 8); fleet.AsError(err).Code != fleet.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// BenchmarkSearch searches beside 100,000 jobs, a third of them with names of
// their own: by the beginnings of a name and of an id that all of them have, and
// by whole ones.
func BenchmarkSearch(b *testing.B) {
	w := newWorld(b)
	v, _, err := w.Workflows.Put(b.Context(), w.admin, "month end", []byte(document))
	w.must(err)
	var last fleet.ID
	for k := range 100 {
		rs := make([]SubmitRequest, 1000)
		for i := range rs {
			if rs[i].WorkflowID = v.WorkflowID; i%3 == 0 {
				rs[i].JobName = fmt.Sprintf("monthly %d-%d", k, i)
			}
		}
		out, _, err := w.Jobs.SubmitMany(b.Context(), w.admin, rs, false)
		w.must(err)
		last = out[0].Job.ID
	}
	for name, text := range map[string]string{"a name of all": "month", "a name": "monthly 77-33", "ids of all": string(last)[:4], "an id": string(last)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				found, err := w.Searches.Search(b.Context(), w.admin, text, 8)
				if err != nil || len(found) == 0 {
					b.Fatalf("%d found, %v", len(found), err)
				}
			}
		})
	}
}

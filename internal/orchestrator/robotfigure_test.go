package orchestrator

import "testing"

// A robot may hold jobs of environments that the caller does not see.
func TestFiguresForABoundKey(t *testing.T) {
	w := newWorld(t)
	w.connect()
	w.start(w.submit(func(r *SubmitRequest) { r.Environment = "lan" }))
	seen := w.submit()
	w.start(seen)
	bound := w.admin
	bound.Environments = []string{"default"}
	f, err := w.Robots.Figures(t.Context(), bound, "r1")
	w.must(err)
	if len(f.Current) != 1 || f.Current[0].ID != seen.ID {
		t.Errorf("current = %+v", f.Current)
	}
}

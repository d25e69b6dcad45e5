package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store/sqlite"
)

// A full disk refuses writes with what it is and when to come back. Reads go
// on, the program counts as well, and when there is room again everything that
// was accepted is there, and nothing that was refused.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	var kept []string
	t.Run("full", func(t *testing.T) {
		w := newWorldOn(t, onDisk(t, sqlite.Options{Dir: dir, MaxPages: 400}))
		big := `{"workflow_json":` + doc + `,"inputs":{"text":"` + strings.Repeat("x", 20_000) + `"}}`
		submit := func() answer { return w.do("developer", "POST", "/api/v1/jobs", big) }
		a := submit()
		for ; a.status == http.StatusCreated && len(kept) < 400; a = submit() {
			kept = append(kept, string(read[SubmittedJob](w, a).ID))
		}
		if a.status != http.StatusInsufficientStorage || a.header.Get("Retry-After") != "10" {
			t.Fatalf("after %d jobs: %d, Retry-After %q, %s", len(kept), a.status, a.header.Get("Retry-After"), a.body)
		}
		p := read[Problem](w, a)
		if p.Title != "Insufficient storage" || p.Kind != fleet.CodeExhausted || p.Code != "no_space" || p.Error.Code != "DATABASE_ERROR" {
			t.Errorf("title %q, kind %q, code %q, error.code %q", p.Title, p.Kind, p.Code, p.Error.Code)
		}
		for _, id := range kept {
			if a := w.do("viewer", "GET", "/api/v1/jobs/"+id, ""); a.status != http.StatusOK {
				t.Errorf("job %s: %d %s", id, a.status, a.body)
			}
		}
		for _, path := range []string{"/api/v1/jobs", "/api/v1/events", "/health/ready"} {
			if a := w.do("viewer", "GET", path, ""); a.status != http.StatusOK {
				t.Errorf("GET %s: %d %s", path, a.status, a.body)
			}
		}
	})
	t.Run("room again", func(t *testing.T) {
		w := newWorldOn(t, onDisk(t, sqlite.Options{Dir: dir}))
		var got []string
		for _, j := range read[struct {
			Jobs []struct {
				ID string `json:"job_id"`
			} `json:"jobs"`
		}](w, w.do("viewer", "GET", "/api/v1/jobs?limit=500", "")).Jobs {
			got = append(got, j.ID)
		}
		slices.Sort(got)
		slices.Sort(kept)
		if len(kept) == 0 || !slices.Equal(got, kept) {
			t.Errorf("%d jobs are there, %d were accepted", len(got), len(kept))
		}
		w.submit(`{"workflow_json":` + doc + `}`)
	})
}

// onDisk opens the embedded store, whichever store the other tests run on: what
// is shown here is about its file.
func onDisk(t *testing.T, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

package orchestrator

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// A page of dead letters with large inputs ends early, and the pages together
// hold each letter once.
func TestDeadLettersBounded(t *testing.T) {
	w := newWorld(t)
	w.connect()
	large := json.RawMessage(`{"text":"` + strings.Repeat("x", 240<<10) + `"}`)
	none := fleet.RetryChange{Max: new(int)}
	const n = 40 // of 240 KiB
	for range n {
		w.fail(w.start(w.submit(func(r *SubmitRequest) { r.Variables, r.Retry = large, &none })), fleet.ClassApplication)
	}
	seen, pages := map[fleet.ID]bool{}, 0
	for page := (fleet.Page{Limit: 500}); ; pages++ {
		got, err := w.Jobs.DeadLetters(t.Context(), w.admin, false, page)
		w.must(err)
		size := 0
		for i := range got.Letters {
			size += len(got.Letters[i].Data.Variables)
			if seen[got.Letters[i].Job.ID] {
				t.Errorf("job %s comes twice", got.Letters[i].Job.ID)
			}
			seen[got.Letters[i].Job.ID] = true
		}
		if size > maxDeadBytes+len(large) {
			t.Errorf("a page of %d letters has %d bytes", len(got.Letters), size)
		}
		if got.Total != n {
			t.Errorf("%d in all, want %d", got.Total, n)
		}
		if page.Cursor = got.Next; got.Next == "" {
			break
		}
	}
	if len(seen) != n || pages == 0 {
		t.Errorf("%d letters in %d pages, want %d in more than one", len(seen), pages+1, n)
	}
}

package placement

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = os.Getenv("UPDATE_GOLDEN") != ""

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestGolden plans each world of testdata and compares the plan with what is
// written below it. UPDATE_GOLDEN=1 writes it anew: read the diff before
// committing it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := transcript(Plan(world(t, string(archive.Files[0].Data))))
			if update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("plan differs (-want +got):\n%s", diff)
			}
		})
	}
}

func transcript(o Outcome) string {
	var b strings.Builder
	for _, a := range o.Assigned {
		fmt.Fprintf(&b, "%s -> %s (%s)\n", a.JobID, a.RobotID, a.Why)
	}
	for _, r := range o.Refused {
		fmt.Fprintf(&b, "%s waits (%s): %s\n", r.JobID, r.Code, r.Text)
	}
	for _, k := range o.Kept {
		fmt.Fprintf(&b, "reservation %s holds %d, short by %d\n", k.ID, k.Held, k.ShortBy)
	}
	if !o.Next.IsZero() {
		fmt.Fprintf(&b, "next look at %s\n", o.Next.Format("15:04:05"))
	}
	return b.String()
}

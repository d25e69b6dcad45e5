package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// testConn opens a migrated fleet.db, or logs.db, with a connection of the test.
func testConn(t testing.TB, name, dir string) *conn {
	t.Helper()
	f := file{path: filepath.Join(t.TempDir(), name), synchronous: "FULL"}
	if err := bring(t.Context(), f, dir, time.Now); err != nil {
		t.Fatal(err)
	}
	c, err := f.open(true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.db.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// connFor is the file that a statement is for.
func connFor(s *sqlstore.Stmt, main, logs *conn) *conn {
	if strings.HasPrefix(s.Name, "log.") {
		return logs
	}
	return main
}

func TestStatements(t *testing.T) {
	main, logs := testConn(t, "fleet.db", "migrations"), testConn(t, "logs.db", "migrations/logs")
	names := map[string]bool{}
	// Bodies are found by the hash of their content; the rest of the list has no
	// tenant at all.
	free := []string{"workflow_body.put", "workflow_body.get", "store_meta.insert", "store_meta.pepper", "store_meta.set_pepper"}
	states := regexp.MustCompile(`(?i)(update\s+jobs\s+set[^;]*\bstate\s*=)|(insert\s+into\s+jobs\b)`)
	for _, s := range sqlstore.All() {
		if names[s.Name] {
			t.Errorf("two statements are named %s", s.Name)
		}
		names[s.Name] = true
		// A copy is prepared, so that the statement does not count as used.
		if _, err := connFor(s, main, logs).prepare(&sqlstore.Stmt{Name: s.Name, SQL: s.SQL, N: s.N}); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		shared := strings.HasPrefix(s.Name, "member.") || strings.HasPrefix(s.Name, "lease.") // of no tenant
		if !strings.Contains(s.SQL, "tenant_id") && !shared && !slices.Contains(free, s.Name) {
			t.Errorf("%s does not mention tenant_id", s.Name)
		}
		head, _, _ := strings.Cut(s.SQL, "where")
		if writes := states.MatchString(head); writes != slices.Contains([]string{"job.insert", "job.number", "job.move"}, s.Name) {
			t.Errorf("%s writes a job's state: %v", s.Name, writes)
		}
	}
}

// TestPlans keeps the plans of the hot statements: no scan of a table that
// grows. Run with FLEET_UPDATE=1 to write testdata/plans.txt anew, and read
// the difference.
func TestPlans(t *testing.T) {
	main, logs := testConn(t, "fleet.db", "migrations"), testConn(t, "logs.db", "migrations/logs")
	var out strings.Builder
	for _, s := range sqlstore.All() {
		c := connFor(s, main, logs)
		fmt.Fprintf(&out, "%s\n", s.Name)
		st, _, err := c.db.PrepareTransient("explain query plan " + ownText(s))
		if err != nil {
			t.Fatal(err)
		}
		for {
			more, err := st.Step()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			line := st.ColumnText(3)
			fmt.Fprintf(&out, "  %s\n", line)
			if scan := regexp.MustCompile(`^SCAN (jobs|j|events|attempts|a|job_data|log_lines|effects|refusals)\b`); scan.MatchString(line) &&
				!strings.Contains(line, "jobs_") && !strings.Contains(line, "attempts_") {
				t.Errorf("%s: %s", s.Name, line)
			}
		}
		if err := st.Finalize(); err != nil {
			t.Fatal(err)
		}
	}
	golden := filepath.Join("testdata", "plans.txt")
	if os.Getenv("FLEET_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != string(want) {
		t.Errorf("the plans differ from %s; run with FLEET_UPDATE=1 and read the difference:\n%s", golden, got)
	}
}

package original

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// contract is how many rows of each kind there are.
var contract = []struct {
	kind string
	rows int
}{{"M", 37}, {"C", 20}, {"R", 53}, {"W", 10}, {"P", 30}, {"D", 24}}

// TestLedger fails for a row that no test holds, and for a test that is not there.
func TestLedger(t *testing.T) {
	text, err := os.ReadFile("ledger.txt")
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{} // by package
	source := func(dir string) string {
		if s, known := sources[dir]; known {
			return s
		}
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for _, f := range files {
			if filepath.Base(f) == "ledger_test.go" {
				continue
			}
			body, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(body)
		}
		sources[dir] = all.String()
		return sources[dir]
	}
	held := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(line, " ", 4)
		if len(parts) < 3 || held[parts[0]] {
			t.Errorf("%q is no row, or stands twice", line)
			continue
		}
		held[parts[0]] = true
		s := source(parts[1])
		if !regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(parts[2]) + `\(t \*testing\.T\)`).MatchString(s) {
			t.Errorf("%s: there is no %s in %s", parts[0], parts[2], parts[1])
		}
		if len(parts) == 4 && !strings.Contains(s, `"`+parts[3]) {
			t.Errorf("%s: %s has no part %q", parts[0], parts[2], parts[3])
		}
	}
	for _, k := range contract {
		for i := range k.rows {
			if row := fmt.Sprint(k.kind, i+1); !held[row] {
				t.Errorf("no test holds %s", row)
			}
			delete(held, fmt.Sprint(k.kind, i+1))
		}
	}
	for row := range held {
		t.Errorf("%s is no row of the contract", row)
	}
}

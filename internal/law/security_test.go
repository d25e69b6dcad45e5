package law

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var namedTest = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)` in `([a-z0-9/]+)`")

// tests finds the tests of a package by name.
func tests(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// TestSecurityRows: each row of the table of what can be attacked names a test,
// and every test that it names is there.
func TestSecurityRows(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "guide", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(text), "<!-- law:security -->")
	part, _, end := strings.Cut(part, "<!-- law:end -->")
	if !ok || !end {
		t.Fatal("docs/guide/security.md has no table of tests")
	}
	rows := 0
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "| API") {
			continue
		}
		rows++
		named := namedTest.FindAllStringSubmatch(line, -1)
		if len(named) == 0 {
			t.Errorf("no test is named in: %s", line)
		}
		for _, m := range named {
			if !strings.Contains(tests(t, m[2]), "\nfunc "+m[1]+"(") {
				t.Errorf("there is no %s in %s", m[1], m[2])
			}
		}
	}
	if rows != 10 {
		t.Errorf("%d rows, want 10", rows)
	}
}

// parsers is everything that reads bytes from outside, and what fuzzes it.
var parsers = map[string]string{
	"a workflow document":                    "workflow FuzzParse",
	"a value of a workflow, and its text":    "workflow/value FuzzParse, workflow/value FuzzFormat",
	"a robot's frame":                        "wire FuzzDecode",
	"the frames of a robot's session":        "internal/gateway FuzzSession",
	"the frames of the original's dialects":  "internal/gateway FuzzOldFrames",
	"an error of an orchestrator, at robots": "client FuzzProblem",
	"a comparison, a version range":          "fleet FuzzComparison",
	"a robot's journal":                      "internal/robot FuzzJournal",
	"a configuration file":                   "internal/config FuzzParse",
	"a key, a token":                         "internal/auth FuzzKeyForms",
	"a token of an issuer, and its header":   "internal/issuer FuzzToken, internal/issuer FuzzTokenHeader",
	"a wish on an open stream":               "internal/stream FuzzWish",
	"a message of a mailbox":                 "internal/mailbox FuzzMessage",
	"credentials in a query":                 "internal/caller FuzzQuery",
	"forwarding headers":                     "internal/caller FuzzClient",
	"redacted text":                          "internal/redact FuzzNoCanary",
	"redacted JSON":                          "internal/redact FuzzNoCanaryInJSON",
	"a graph that runs":                      "internal/engine FuzzGraph",
	"a regular expression":                   "internal/engine/pyregex FuzzCompile",
	"an expression":                          "internal/engine/pyexpr FuzzCompile",
	"a template":                             "internal/engine/template FuzzResolve",
	"a path into XML":                        "internal/nodes/markup FuzzFind",
	"an address that others choose":          "internal/outbound FuzzClassify",
	"a backup":                               "internal/store/transfer FuzzArchive, internal/store/transfer FuzzRow",
	"a sealed value, a master key":           "internal/seal FuzzOpen, internal/seal FuzzParse",
	"a cron expression, a calendar":          "internal/calendar FuzzCron, internal/calendar FuzzICal",
	"the query and the cursor of a list":     "internal/httpapi FuzzQuery",
	"the body of a submit":                   "internal/httpapi FuzzSubmission",
	"an exported audit":                      "internal/auditchain FuzzExport",
}

// TestParsersAreFuzzed: each has its target, and each target stands for one.
func TestParsersAreFuzzed(t *testing.T) {
	named := map[string]bool{}
	for what, list := range parsers {
		for target := range strings.SplitSeq(list, ", ") {
			dir, name, _ := strings.Cut(target, " ")
			named[target] = true
			text := tests(t, dir)
			if !strings.Contains(text, "\nfunc "+name+"(f *testing.F)") {
				t.Errorf("%s: there is no %s in %s", what, name, dir)
			}
			seeds, _ := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(dir), "testdata", "fuzz", name, "*"))
			if len(seeds) == 0 && !strings.Contains(text, "f.Add(") {
				t.Errorf("%s: %s begins with nothing", what, target)
			}
		}
	}
	fuzz := regexp.MustCompile(`(?m)^func (Fuzz[A-Za-z0-9_]*)\(`)
	walk(t, ".go", func(path, text string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		dir, err := filepath.Rel(root(t), filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fuzz.FindAllStringSubmatch(text, -1) {
			if target := filepath.ToSlash(dir) + " " + m[1]; !named[target] && !strings.Contains(target, "web") {
				t.Logf("%s stands for no parser of the list", target)
			}
		}
	})
}

package workflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/workflow/value"
)

var update = flag.Bool("update", false, "write the golden files anew")

// A golden file holds a document and everything this package says about it.
// An entry named policy switches the text guard or foreign runners.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	cat := testCatalog(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var data, policyText []byte
			out := &txtar.Archive{Comment: archive.Comment}
			for _, f := range archive.Files {
				switch f.Name {
				case "document":
					data = f.Data
					out.Files = append(out.Files, f)
				case "policy":
					policyText = f.Data
					out.Files = append(out.Files, f)
				}
			}
			section := func(name, text string) {
				if text != "" {
					out.Files = append(out.Files, txtar.File{Name: name, Data: []byte(text)})
				}
			}
			doc, err := Parse(data, Options{Catalog: cat})
			var syntax *SyntaxError
			switch {
			case errors.As(err, &syntax):
				section("syntax", syntax.Error()+"\n")
			case err != nil:
				t.Fatal(err)
			default:
				section("diagnostics", diagnosticText(Validate(doc, cat, policyOf(string(policyText)))))
				section("notes", noteText(doc.Notes))
				section("start", startText(doc))
				section("pairs", pairText(Pairs(doc)))
				section("needs", needText(Require(doc)))
				section("variables", mapText(t, doc.Defaults()))
				section("canonical", canonicalText(t, doc))
				checkRoundTrip(t, doc, cat)
			}
			got := txtar.Format(out)
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(txtar.Format(archive)), string(got)); diff != "" {
				t.Errorf("differs (-want +got); run with -update and read the change:\n%s", diff)
			}
		})
	}
}

func policyOf(text string) Policy {
	var p Policy
	switch {
	case strings.Contains(text, "guard=off"):
		p.TextGuard = GuardOff
	case strings.Contains(text, "guard=refuse"):
		p.TextGuard = GuardRefuse
	}
	p.Foreign = strings.Contains(text, "foreign")
	return p
}

func diagnosticText(ds Diagnostics) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "%s %s %s\n", d.Severity, d.Code, d.Sentence())
	}
	return b.String()
}

func noteText(notes []Note) string {
	var b strings.Builder
	for _, n := range notes {
		fmt.Fprintf(&b, "%s %s: %s\n", n.Rule, n.NodeID, n.Text)
	}
	return b.String()
}

func startText(doc *Document) string {
	run := doc.WithStart()
	if run == doc {
		return ""
	}
	var b strings.Builder
	for _, c := range run.Connections[len(doc.Connections):] {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

func pairText(p Pairing) string {
	var b strings.Builder
	for _, m := range []struct {
		name string
		of   map[string]string
	}{
		{"loop start", p.LoopStart},
		{"loop", p.LoopOf},
		{"try", p.TryOf},
		{"retry", p.RetryOf},
		{"join", p.JoinOf},
	} {
		for _, id := range slices.Sorted(maps.Keys(m.of)) {
			fmt.Fprintf(&b, "%s of %s is %s\n", m.name, id, m.of[id])
		}
	}
	return b.String()
}

func needText(r Requirements) string {
	var b strings.Builder
	for _, c := range r.Capabilities {
		fmt.Fprintf(&b, "%s for %s\n", c, strings.Join(r.Derived[c], ", "))
	}
	return b.String()
}

func mapText(t *testing.T, m *value.Map) string {
	t.Helper()
	if m.Len() == 0 {
		return ""
	}
	data, err := value.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "\n"
}

// canonicalText indents the canonical form without touching its order.
func canonicalText(t *testing.T, doc *Document) string {
	t.Helper()
	data, err := Canonical(doc)
	if err != nil {
		return err.Error() + "\n"
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", " "); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

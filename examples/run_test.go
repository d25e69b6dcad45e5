package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// told keeps the log of a run.
type told struct{ lines []string }

func (s *told) Log(l engine.Line)        { s.lines = append(s.lines, l.Message) }
func (s *told) Step(engine.Step)         {}
func (s *told) Progress(engine.Progress) {}

// TestExamplesRun takes each workflow to its end with the engine that robots
// use, under the strictest policy, and compares what it tells and leaves.
func TestExamplesRun(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	library, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{Catalog: cat, Library: library, WorkDir: t.TempDir(), Policy: runner.Policy{NetworkOff: true}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		lines    []string
		variable string
		want     string
		file     string
		content  string
	}{
		{
			name: "hello",
			lines: []string{
				"Parcel to Lyon: 2.5 kg, goes by bicycle",
				"Parcel to Porto: 11.2 kg, goes by truck",
				"Parcel to Graz: 4.0 kg, goes by bicycle",
				"Hello fleet: 3 parcels, 17.7 kg in all",
			},
			variable: "greeting", want: "Hello fleet: 3 parcels, 17.7 kg in all",
		},
		{
			name:     "files",
			lines:    []string{"3 orders, 209.75 in all; written to summary.json"},
			variable: "summary", want: "{'orders': 3, 'total': 209.75, 'columns': ['id', 'customer', 'amount']}",
			file: "orders.csv", content: "id,customer,amount\r\nA-1,Ines,120.5\r\nA-2,Jonas,80.0\r\nA-3,\"Maud, Paris\",9.25\r\n",
		},
		{
			name:     "errors",
			lines:    []string{"Worked at attempt 3", "Caught CustomError: there is no customer 4711", "Done, and nothing was left open"},
			variable: "attempts", want: "3.0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := Get(c.name)
			if err != nil {
				t.Fatal(err)
			}
			dir, sink := t.TempDir(), &told{}
			out, err := r.Run(t.Context(), runner.Job{ID: c.name, Document: text, Dir: dir, KeepDir: true}, sink, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !out.Success {
				t.Fatalf("failed at %s: %s\nlog: %s", out.FailedNode, out.Error, strings.Join(sink.lines, "\n"))
			}
			if c.name == "files" && len(sink.lines) == 1 { // ends with a path of this run
				sink.lines[0], _, _ = strings.Cut(sink.lines[0], dir)
			}
			if diff := cmp.Diff(c.lines, sink.lines); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
			got, _ := out.Variables.Get(c.variable)
			if value.Str(got) != c.want {
				t.Errorf("%s = %s, want %s", c.variable, value.Str(got), c.want)
			}
			if len(out.Notes) > 0 {
				t.Errorf("an example must need no mending: %v", out.Notes)
			}
			if c.file == "" {
				return
			}
			content, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil || string(content) != c.content {
				t.Errorf("%s: %v\n%q", c.file, err, content)
			}
		})
	}
}

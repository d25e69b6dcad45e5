package engine_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

var update = flag.Bool("update", false, "write the transcripts anew")

// TestGolden runs the documents of testdata and compares what happened with
// the transcript below each. A document is written in a short form:
//
//	id Type {"setting": "value"}     a node
//	a > b.body > c                   flow links; exec_out unless a port is named
//	a.result ~> c.data               a data link
//
// A part called flow is the document, vars.json the job's variables, any
// other part a file in the job's folder, in the short form if it ends in .flow.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, got := transcript(t, archive)
			if diff := cmp.Diff(want, got); diff != "" && !*update {
				t.Errorf("transcript (-want +got):\n%s", diff)
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// transcript runs an archive. The transcript part of it is replaced.
func transcript(t *testing.T, archive *txtar.Archive) (want, got string) {
	t.Helper()
	var doc []byte
	vars := value.NewMap()
	opts := engine.Options{}
	var files []enginetest.Option
	kept := archive.Files[:0]
	for _, f := range archive.Files {
		switch f.Name {
		case "transcript":
			want = string(f.Data)
			continue
		case "flow":
			doc = document(t, string(f.Data))
		case "vars.json":
			v, err := value.Parse(f.Data)
			if err != nil {
				t.Fatal(err)
			}
			vars = v.(*value.Map)
		case "options.json":
			if err := json.Unmarshal(f.Data, &opts); err != nil {
				t.Fatal(err)
			}
		default:
			data := f.Data
			if strings.HasSuffix(f.Name, ".flow") {
				data = document(t, string(f.Data))
			}
			files = append(files, enginetest.File(f.Name, string(data)))
		}
		kept = append(kept, f)
	}
	var heard recorder
	opts.Variables, opts.Sink = vars, &heard
	out, err := play(t, doc, opts, files...)
	got = describe(out, err, &heard)
	archive.Files = append(kept, txtar.File{Name: "transcript", Data: []byte(got)})
	return want, got
}

// play parses, validates and runs a document with the standard library.
func play(t testing.TB, doc []byte, opts engine.Options, files ...enginetest.Option) (*engine.Outcome, error) {
	t.Helper()
	return playIn(t.Context(), t, doc, opts, files...)
}

func playIn(ctx context.Context, t testing.TB, doc []byte, opts engine.Options, files ...enginetest.Option) (*engine.Outcome, error) {
	t.Helper()
	opts.Catalog = enginetest.Catalog(t)
	d := parse(t, doc, opts.Catalog)
	if opts.Library == nil {
		lib, err := nodes.Standard()
		if err != nil {
			t.Fatal(err)
		}
		opts.Library = lib
	}
	opts.Host = enginetest.Host(t, files...)
	return engine.Run(ctx, d, opts)
}

func parse(t testing.TB, doc []byte, cat *catalog.Catalog) *workflow.Document {
	t.Helper()
	d, err := workflow.Parse(doc, workflow.Options{Catalog: cat})
	if err != nil {
		t.Fatal(err)
	}
	if err := workflow.Validate(d, cat, workflow.Policy{}).Err(); err != nil {
		t.Fatal(err)
	}
	return d
}

func describe(out *engine.Outcome, err error, heard *recorder) string {
	var b strings.Builder
	switch {
	case err != nil:
		fmt.Fprintf(&b, "stopped: %v\n", err)
	case out.Success:
		b.WriteString("success\n")
	default:
		fmt.Fprintf(&b, "failed at %s: %s (%s, %s)\n", out.FailedNode, out.Error, out.ErrorType, out.ErrorClass)
	}
	fmt.Fprintf(&b, "executed %d of %d visits\n", out.Executed, out.Visits)
	fmt.Fprintf(&b, "path: %s\n", strings.Join(out.Path, " "))
	for _, l := range heard.sorted() {
		fmt.Fprintf(&b, "log: %s\n", l)
	}
	for k, v := range out.Variables.All() {
		fmt.Fprintf(&b, "%s = %s\n", k, value.Repr(v))
	}
	for _, n := range heard.notes() {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, n := range out.Notes {
		fmt.Fprintf(&b, "mended: %s\n", n)
	}
	return b.String()
}

// recorder keeps what a run tells and checks the promises of the sink.
type recorder struct {
	lines    []engine.Line
	steps    []engine.Step
	progress []engine.Progress
	branched bool
}

func (r *recorder) Log(l engine.Line) { r.lines = append(r.lines, l) }
func (r *recorder) Step(s engine.Step) {
	r.steps = append(r.steps, s)
	r.branched = r.branched || s.Branch != ""
}
func (r *recorder) Progress(p engine.Progress) { r.progress = append(r.progress, p) }

// sorted is the log, in order unless branches ran at the same time.
func (r *recorder) sorted() []string {
	var out []string
	for _, l := range r.lines {
		out = append(out, l.Message)
	}
	if r.branched {
		slices.Sort(out)
	}
	return out
}

// notes are those of the steps, with the iteration of the step.
func (r *recorder) notes() []string {
	var out []string
	for _, s := range r.steps {
		for _, n := range s.Notes {
			at := s.NodeID
			if s.Iteration != "" {
				at += "[" + s.Iteration + "]"
			}
			out = append(out, at+": "+n)
		}
	}
	if r.branched {
		slices.Sort(out)
	}
	return out
}

// document turns the short form into JSON.
func document(t testing.TB, text string) []byte {
	t.Helper()
	list := value.NewMap()
	var links []any
	extra := value.NewMap()
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if part, ok := strings.CutPrefix(line, "! "); ok { // a top-level entry
			name, v, _ := strings.Cut(part, " ")
			extra.Set(name, parseValue(t, v))
			continue
		}
		words := strings.Fields(line)
		if words[1] == "~>" {
			from, to, _ := strings.Cut(line, " ~> ")
			links = append(links, link(from, "result", to, "value"))
			continue
		}
		if words[1] == ">" {
			chain := strings.Split(line, " > ")
			for i := 1; i < len(chain); i++ {
				target, _, _ := strings.Cut(chain[i], ".")
				links = append(links, link(chain[i-1], "exec_out", target, "exec_in"))
			}
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		node := value.MapOf("node_id", fields[0], "node_type", fields[1], "config", value.NewMap())
		if len(fields) == 3 {
			node.Set("config", parseValue(t, fields[2]))
		}
		list.Set(fields[0], node)
	}
	doc := value.MapOf("metadata", value.MapOf("name", "golden"), "nodes", list, "connections", links)
	for k, v := range extra.All() {
		doc.Set(k, v)
	}
	data, err := value.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseValue(t testing.TB, text string) any {
	t.Helper()
	v, err := value.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func link(from, fromPort, to, toPort string) *value.Map {
	source, port, ok := strings.Cut(from, ".")
	if ok {
		fromPort = port
	}
	target, port, ok := strings.Cut(to, ".")
	if ok {
		toPort = port
	}
	return value.MapOf("source_node", source, "source_port", fromPort, "target_node", target, "target_port", toPort)
}

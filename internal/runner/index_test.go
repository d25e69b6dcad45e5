package runner_test

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/internal/runner/runnertest"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// TestIndex runs every real file of the first wave and compares how it ended.
func TestIndex(t *testing.T) {
	dir := runnertest.Folder(t, "../..")
	base := runnertest.Serve(t, dir)
	r := newRunner(t)
	for _, f := range runnertest.Files(t, dir) {
		t.Run(f.Name, func(t *testing.T) {
			if f.Skip != "" {
				t.Skip(f.Skip)
			}
			job := runner.Job{ID: "index", Dir: t.TempDir()}
			job.Document, job.Variables = f.Load(t, base, job.Dir)
			var heard collector
			out, err := r.Run(t.Context(), job, &heard, nil)
			if err != nil {
				t.Fatal(err)
			}
			f.Compare(t, base, runnertest.Result{
				Success: out.Success, Refused: out.ErrorClass == engine.ClassInvalid, Error: out.Error, FailedNode: out.FailedNode,
				Executed: out.Executed, Path: append([]string{}, out.Path...), Variables: out.Variables, Lines: heard.log(), Dir: job.Dir,
			})
		})
	}
}

func newRunner(t testing.TB) *runner.Runner {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{
		Catalog: cat, Library: lib, WorkDir: t.TempDir(),
		Policy: runner.Policy{AllowShell: true, AllowPython: true, AllowNode: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// collector keeps what a run tells.
type collector struct {
	lines    []string
	levels   []engine.Level
	steps    []engine.Step
	progress []engine.Progress
}

func (c *collector) Log(l engine.Line) {
	c.lines = append(c.lines, l.Message)
	c.levels = append(c.levels, l.Level)
}
func (c *collector) Step(s engine.Step)         { c.steps = append(c.steps, s) }
func (c *collector) Progress(p engine.Progress) { c.progress = append(c.progress, p) }

// log returns the lines as the index writes them.
func (c *collector) log() []string {
	out := make([]string, len(c.lines))
	for i, l := range c.lines {
		out[i] = "[" + strings.ToUpper(string(c.levels[i])) + "] " + l
	}
	return out
}

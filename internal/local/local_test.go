package local_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
)

func newRuns(t *testing.T, limit int) *local.Runs {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	r, err := runner.New(runner.Config{Catalog: cat, Library: lib, WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	runs := local.New(r, limit)
	t.Cleanup(runs.Close)
	return runs
}

const (
	hello = `{"nodes": {"log": {"node_id": "log", "node_type": "LogNode", "config": {"message": "hi"}}}}`
	waits = `{"nodes": {"w": {"node_id": "w", "node_type": "WaitNode", "config": {"duration": 60}}}}`
)

func TestEventsComeInOrder(t *testing.T) {
	runs := newRuns(t, 1)
	var kinds []string
	out, err := runs.Run(t.Context(), runner.Job{ID: "a", Document: []byte(hello)}, func(e local.Event) {
		switch {
		case e.Log != nil:
			kinds = append(kinds, "log "+e.Log.Message)
		case e.Step != nil:
			kinds = append(kinds, "step "+e.Step.NodeID+" "+string(e.Step.Status))
		case e.Outcome != nil:
			kinds = append(kinds, "outcome")
		}
	})
	if err != nil || !out.Success {
		t.Fatalf("%+v %v", out, err)
	}
	want := []string{
		"step __auto_start__ running", "step __auto_start__ completed",
		"step log running", "log [log] hi", "step log completed", "outcome",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("events = %q", kinds)
	}
}

func TestRunsAreBoundedAndCancelled(t *testing.T) {
	runs := newRuns(t, 1)
	var wait sync.WaitGroup
	started := make(chan string, 2)
	errs := make([]error, 2)
	for i, id := range []string{"one", "two"} {
		wait.Go(func() {
			_, errs[i] = runs.Run(t.Context(), runner.Job{ID: id, Document: []byte(waits)}, func(e local.Event) {
				if e.Step != nil && e.Step.NodeID == "w" && e.Step.Status == runner.StepRunning {
					started <- id
				}
			})
		})
	}
	first := <-started
	select {
	case second := <-started:
		t.Errorf("%s and %s run at once", first, second)
	case <-time.After(50 * time.Millisecond):
	}
	if _, err := runs.Run(t.Context(), runner.Job{ID: first, Document: []byte(hello)}, nil); err == nil {
		t.Error("an id runs twice")
	}
	if err := runs.Cancel(first); err != nil {
		t.Error(err)
	}
	second := <-started // it gets the room that has become free
	if second == first {
		t.Errorf("%s ran again", first)
	}
	runs.Close()
	wait.Wait()
	for i, err := range errs {
		if !errors.Is(err, local.ErrCancelled) {
			t.Errorf("run %d: %v", i, err)
		}
	}
	if len(runs.Active()) != 0 {
		t.Errorf("active: %v", runs.Active())
	}
	if _, err := runs.Run(t.Context(), runner.Job{ID: "late", Document: []byte(hello)}, nil); err == nil {
		t.Error("a closed room took a run")
	}
}

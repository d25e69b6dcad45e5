package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// FuzzGraph runs small random graphs of structural nodes: none may panic, hang,
// leave a step open, or give another path when it is run again.
func FuzzGraph(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed, uint8(4+seed%12))
	}
	cat := enginetest.Catalog(f)
	lib, err := nodes.Standard()
	if err != nil {
		f.Fatal(err)
	}
	host := enginetest.Host(f)
	f.Fuzz(func(t *testing.T, seed uint64, size uint8) {
		doc, err := workflow.Parse(randomGraph(t, seed, int(size)), workflow.Options{Catalog: cat})
		if err != nil {
			t.Fatal(err)
		}
		run := func() (*engine.Outcome, *recorder) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			heard := &recorder{}
			out, err := engine.Run(ctx, doc, engine.Options{
				Catalog: cat, Library: lib, Host: host, Sink: heard,
				Limits: engine.Limits{Visits: 500, VariableBytes: 20_000, TotalBytes: 200_000},
			})
			if ctx.Err() != nil {
				t.Fatalf("seed %d size %d: the run hangs", seed, size)
			}
			if err != nil && out.ErrorType != "LimitExceeded" && out.ErrorType != "MemoryError" {
				t.Fatalf("seed %d size %d: %v", seed, size, err)
			}
			if out.Stack != "" {
				t.Fatalf("seed %d size %d: a node broke: %s\n%s", seed, size, out.Error, out.Stack)
			}
			return out, heard
		}
		first, heard := run()
		open := map[int64]bool{}
		for _, s := range heard.steps {
			open[s.Seq] = s.Status == engine.StepRunning
		}
		for seq, running := range open {
			if running {
				t.Errorf("seed %d size %d: step %d has no end", seed, size, seq)
			}
		}
		second, _ := run()
		if !heard.branched && fmt.Sprint(first.Path, first.Error) != fmt.Sprint(second.Path, second.Error) {
			t.Errorf("seed %d size %d: two runs differ:\n%v %s\n%v %s", seed, size, first.Path, first.Error, second.Path, second.Error)
		}
	})
}

// randomGraph draws a graph whose links may go anywhere, in circles too.
func randomGraph(t testing.TB, seed uint64, size int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	size = 2 + size%24
	types := []struct {
		typ   string
		ports []string
	}{
		{"CommentNode", nil},
		{"IfNode", []string{"true", "false"}},
		{"ForLoopStartNode", []string{"body", "completed"}},
		{"ForLoopEndNode", nil},
		{"WhileLoopStartNode", []string{"body", "completed"}},
		{"WhileLoopEndNode", nil},
		{"BreakNode", nil},
		{"ContinueNode", nil},
		{"TryNode", []string{"try_body"}},
		{"CatchNode", []string{"catch_body"}},
		{"FinallyNode", []string{"finally_body"}},
		{"OnErrorNode", []string{"protected_body", "on_error", "finally"}},
		{"RetryNode", []string{"retry_body", "success", "failed"}},
		{"RetrySuccessNode", nil},
		{"RetryFailNode", nil},
		{"ThrowErrorNode", nil},
		{"IncrementVariableNode", nil},
		{"ForkNode", []string{"branch_1", "branch_2"}},
		{"JoinNode", nil},
		{"ParallelForEachNode", []string{"body", "completed"}},
		{"EndNode", nil},
		{"MergeNode", nil},
		{"MathOperationNode", nil},
	}
	list := value.MapOf("s", value.MapOf("node_id", "s", "node_type", "StartNode"))
	ids, ports := []string{"s"}, [][]string{{"exec_out"}}
	for i := range size {
		k := types[r.IntN(len(types))]
		id := fmt.Sprintf("n%d", i)
		config := value.MapOf(
			"items", []any{int64(1), int64(2)}, "expression", []string{"x < 3", "True", "item == 2", "False"}[r.IntN(4)],
			"max_iterations", int64(3), "initial_delay", int64(0), "max_attempts", int64(2),
			"variable_name", "x", "error_message", "boom", "a", int64(1), "b", "{{x}}",
		)
		if r.IntN(10) == 0 {
			config.Set("_disabled", true)
		}
		list.Set(id, value.MapOf("node_id", id, "node_type", k.typ, "config", config))
		ids = append(ids, id)
		ports = append(ports, append([]string{"exec_out"}, k.ports...))
	}
	var links []any
	for i := range ids {
		for _, port := range ports[i] {
			for range r.IntN(3) {
				// Mostly forward, as people draw, sometimes anywhere.
				to := 1 + r.IntN(len(ids)-1)
				if i+1 < len(ids) && r.IntN(4) > 0 {
					to = min(len(ids)-1, i+1+r.IntN(3))
				}
				if to != i {
					links = append(links, link(ids[i], port, ids[to], "exec_in"))
				}
			}
		}
		if r.IntN(6) == 0 {
			links = append(links, link(ids[i]+".result", "", ids[r.IntN(len(ids))]+".a", ""))
		}
	}
	doc, err := value.Marshal(value.MapOf("nodes", list, "connections", links))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow/value"
)

// with is the standard library with some types replaced.
func with(t testing.TB, set engine.Set) engine.Library {
	t.Helper()
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	return overlay{set, lib}
}

type overlay struct{ over, under engine.Library }

func (o overlay) Node(typ string) (engine.Node, bool) {
	if n, ok := o.over.Node(typ); ok {
		return n, true
	}
	return o.under.Node(typ)
}

func TestNodeTimeout(t *testing.T) {
	doc := document(t, `
s StartNode
wait WaitNode {"duration": 300}
s > wait`)
	synctest.Test(t, func(t *testing.T) {
		out, err := play(t, doc, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if out.Error != "Node wait timed out after 120.0s" || out.ErrorClass != engine.ClassTimeout || out.FailedNode != "wait" {
			t.Errorf("outcome = %+v", out)
		}
	})
}

func TestTimeoutCanBeCaught(t *testing.T) {
	doc := document(t, `
s StartNode
try TryNode
wait WaitNode {"duration": 300}
catch CatchNode {}
log LogNode {"message": "{{catch.error_type}}"}
s > try
try.try_body > wait
catch.catch_body > log`)
	synctest.Test(t, func(t *testing.T) {
		var heard recorder
		out, err := play(t, doc, engine.Options{Sink: &heard, NodeTimeout: 1500 * time.Millisecond})
		if err != nil || !out.Success || len(heard.lines) != 1 || !strings.HasSuffix(heard.lines[0].Message, "TimeoutError") {
			t.Errorf("out = %+v, err = %v, lines = %v", out, err, heard.lines)
		}
	})
}

// A node that heeds nothing cannot be ended from inside; the run ends without it.
func TestStuckNodeIsLeftBehind(t *testing.T) {
	doc := document(t, `
s StartNode
stuck LogNode {"message": "x"}
s > stuck`)
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var heard recorder
		lib := with(t, engine.Set{"LogNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			<-free
			c.Log(engine.LevelInfo, "too late")
			return engine.Continue(), nil
		})})
		started := time.Now()
		out, err := play(t, doc, engine.Options{Library: lib, Sink: &heard, NodeTimeout: 10 * time.Second, Grace: 2 * time.Second})
		if err != nil || out.Error != "Node stuck timed out after 10.0s" {
			t.Errorf("out = %+v, err = %v", out, err)
		}
		if took := time.Since(started); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		close(free)
		synctest.Wait()
		// The author is told before the run ends; nothing of the node comes after.
		if len(heard.lines) != 1 || !strings.Contains(heard.lines[0].Message, "left behind") {
			t.Errorf("the sink heard %v", heard.lines)
		}
	})
}

func TestCancelInsideAndBetween(t *testing.T) {
	doc := document(t, `
s StartNode
wait WaitNode {"duration": 60}
log LogNode {"message": "never"}
s > wait > log`)
	why := errors.New("asked to stop")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(why) })
		started := time.Now()
		var heard recorder
		out, err := playIn(ctx, t, doc, engine.Options{Sink: &heard})
		if !errors.Is(err, why) {
			t.Errorf("err = %v", err)
		}
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if out.Success || len(heard.lines) != 0 {
			t.Errorf("out = %+v", out)
		}
		last := heard.steps[len(heard.steps)-1]
		if last.NodeID != "wait" || last.Status != engine.StepCancelled {
			t.Errorf("last step = %+v", last)
		}
	})
	// Between nodes: the loop is endless, but each node ends at once.
	doc = document(t, `
s StartNode
loop WhileLoopStartNode {"expression": "True", "max_iterations": 100000000}
c CommentNode
end WhileLoopEndNode {}
s > loop
loop.body > c > end`)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := playIn(ctx, t, doc, engine.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
}

// gate records what it is asked and can stop or skip.
type gate struct {
	entered []string
	effects []string
	stopAt  string
	skip    map[string]map[string]any
}

var errFenced = errors.New("fenced")

func (g *gate) Enter(_ context.Context, id string) error {
	g.entered = append(g.entered, id)
	if id == g.stopAt {
		return errFenced
	}
	return nil
}

func (g *gate) Begin(_ context.Context, id, key string) (map[string]any, bool, error) {
	g.effects = append(g.effects, "begin "+key)
	outcome, skip := g.skip[key]
	return outcome, skip, nil
}

func (g *gate) End(_ context.Context, id, key string, ok bool, outcome map[string]any) error {
	g.effects = append(g.effects, fmt.Sprintf("end %s %t %v", key, ok, outcome["outputs"]))
	return nil
}

func TestGateStopsTheRun(t *testing.T) {
	doc := document(t, `
s StartNode
try TryNode
a CommentNode
catch CatchNode {}
log LogNode {"message": "never"}
s > try
try.try_body > a
catch.catch_body > log`)
	g := &gate{stopAt: "a"}
	out, err := play(t, doc, engine.Options{Gate: g})
	if !errors.Is(err, errFenced) || out.Success {
		t.Errorf("out = %+v, err = %v", out, err)
	}
	if diff := cmp.Diff([]string{"s", "try", "a"}, g.entered); diff != "" {
		t.Error(diff)
	}
}

func TestEffects(t *testing.T) {
	doc := document(t, `
! settings {"fleet": {"effects": {"send": true}}}
s StartNode
loop ForLoopStartNode {"items": ["x", "y"]}
send SetVariableNode {"variable_name": "sent", "value": "{{item}}"}
log LogNode {"message": "{{send.value}} {{sent}}", "include_node_id": false}
end ForLoopEndNode {}
s > loop
loop.body > send > log > end`)
	g := &gate{skip: map[string]map[string]any{"send[0]": {"outputs": map[string]any{"value": "from before"}}}}
	var heard recorder
	out, err := play(t, doc, engine.Options{Gate: g, Sink: &heard})
	if err != nil || !out.Success {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	want := []string{"begin send[0]", "begin send[1]", "end send[1] true map[value:y]"}
	if diff := cmp.Diff(want, g.effects); diff != "" {
		t.Error(diff)
	}
	if got := heard.sorted(); got[0] != "from before {sent}" && got[0] != "from before {{sent}}" {
		t.Errorf("log = %q", got)
	}
}

func TestPanicFailsTheStep(t *testing.T) {
	doc := document(t, `
s StartNode
a LogNode {"message": "x"}
s > a`)
	lib := with(t, engine.Set{"LogNode": engine.Func(func(context.Context, *engine.Call) (engine.Result, error) { panic("oh") })})
	out, err := play(t, doc, engine.Options{Library: lib})
	if err != nil || out.Success || !strings.Contains(out.Error, "oh") || out.Stack == "" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

func TestUnknownTypeIsRefused(t *testing.T) {
	doc := document(t, `
s StartNode
a LogNode {"message": "x"}
s > a`)
	out, err := play(t, doc, engine.Options{Library: engine.Set{}})
	if err != nil || out.ErrorClass != engine.ClassInvalid || !strings.HasPrefix(out.Error, "UNSUPPORTED_NODE_TYPE: Unsupported node type LogNode") {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

func TestLimits(t *testing.T) {
	loop := document(t, `
s StartNode
loop WhileLoopStartNode {"expression": "True", "max_iterations": 100000000}
end WhileLoopEndNode {}
s > loop
loop.body > end`)
	out, err := play(t, loop, engine.Options{Limits: engine.Limits{Visits: 1000}})
	if err == nil || !strings.Contains(out.Error, "1000 node executions") || out.ErrorType != "LimitExceeded" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
	big := document(t, `
s StartNode
a SetVariableNode {"variable_name": "v", "value": "{{x}}{{x}}"}
s > a`)
	vars := value.MapOf("x", strings.Repeat("x", 600))
	out, err = play(t, big, engine.Options{Variables: vars, Limits: engine.Limits{VariableBytes: 1000}})
	if err != nil || out.ErrorType != "MemoryError" || out.FailedNode != "a" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
	many := document(t, `
s StartNode
loop ForLoopStartNode {"mode": "range", "start": 0, "end": 100}
a ListAppendNode {"list": "{{all}}", "item": "{{x}}"}
b SetVariableNode {"variable_name": "all", "value": "{{a.result}}"}
end ForLoopEndNode {}
s > loop
loop.body > a > b > end`)
	vars.Set("all", []any{})
	out, err = play(t, many, engine.Options{Variables: vars, Limits: engine.Limits{TotalBytes: 10_000}})
	if err == nil || out.ErrorType != "MemoryError" {
		t.Errorf("out = %s, err = %v", out.Error, err)
	}
}

func TestSinkPromises(t *testing.T) {
	doc := document(t, `
s StartNode
loop ForLoopStartNode {"items": [1, 2]}
big SetVariableNode {"variable_name": "v", "value": "{{text}}"}
log LogNode {"message": "{{text}}"}
end ForLoopEndNode {}
boom ThrowErrorNode {}
s > loop
loop.body > big > log > end
loop.completed > boom`)
	var heard recorder
	vars := value.MapOf("text", strings.Repeat("ä", 100_000))
	if _, err := play(t, doc, engine.Options{Sink: &heard, Variables: vars}); err != nil {
		t.Fatal(err)
	}
	open := map[int64]engine.Step{}
	for _, s := range heard.steps {
		if s.Status == engine.StepRunning {
			open[s.Seq] = s
			continue
		}
		first, ok := open[s.Seq]
		if !ok || first.NodeID != s.NodeID || first.Iteration != s.Iteration {
			t.Errorf("step %d ended without a start: %+v", s.Seq, s)
		}
		delete(open, s.Seq)
		if s.NodeID == "big" {
			if text, _ := s.Outputs["value"].(string); len(text) > 64<<10 || !strings.HasSuffix(text, "(cut)") {
				t.Errorf("outputs were not cut: %d bytes", len(text))
			}
			if s.Iteration != "0" && s.Iteration != "1" {
				t.Errorf("iteration = %q", s.Iteration)
			}
		}
	}
	if len(open) != 0 {
		t.Errorf("steps without an end: %v", open)
	}
	last := -1
	for _, p := range heard.progress {
		if p.Percent < last || p.Percent > 100 {
			t.Errorf("progress fell from %d to %d", last, p.Percent)
		}
		last = p.Percent
	}
	if heard.progress[0].Message != "Loading workflow..." || heard.progress[1].Percent != 5 {
		t.Errorf("progress starts with %v", heard.progress[:2])
	}
	for _, l := range heard.lines {
		if len(l.Message) > 64<<10 {
			t.Errorf("a line has %d bytes", len(l.Message))
		}
	}
	if last := heard.steps[len(heard.steps)-1]; last.Status != engine.StepFailed || last.Error != "Custom error" {
		t.Errorf("last = %+v", last)
	}
}

// The caller's variables stay as they were, and internals stay inside.
func TestVariablesAreCopied(t *testing.T) {
	doc := document(t, `
s StartNode
a ListAppendNode {"list": "{{l}}", "item": 3}
b SetVariableNode {"variable_name": "l", "value": "{{a.result}}"}
c SetVariableNode {"variable_name": "_hidden", "value": 1}
s > a > b > c`)
	list := []any{int64(1)}
	vars := value.MapOf("l", list)
	out, err := play(t, doc, engine.Options{Variables: vars, JobID: "j"})
	if err != nil || !out.Success {
		t.Fatalf("%+v %v", out, err)
	}
	if got, _ := vars.Get("l"); !value.Equal(got, []any{int64(1)}) {
		t.Errorf("the job's variables changed to %v", value.Repr(vars))
	}
	if out.Variables.Has("_hidden") || out.Variables.Has("_job_id") {
		t.Errorf("internals are shown: %v", out.Variables.Keys())
	}
}

func TestSecretsInTexts(t *testing.T) {
	doc := document(t, `
s StartNode
log LogNode {"message": "key {{$secret:api}}", "include_node_id": false}
s > log`)
	var heard recorder
	_, err := play(t, doc, engine.Options{Sink: &heard}, enginetest.Secrets(map[string]string{"api": "s3cr3t"}))
	if err != nil || heard.lines[0].Message != "key s3cr3t" {
		t.Errorf("lines = %v, err = %v", heard.lines, err)
	}
}

func TestCallTimeoutAndSubmit(t *testing.T) {
	inner := document(t, `
s StartNode
w WaitNode {"duration": 50}
s > w`)
	doc := document(t, `
s StartNode
call CallSubworkflowNode {"subworkflow_path": "in.json", "timeout_seconds": 3}
log LogNode {"message": "handled"}
s > call
call.error > log`)
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		out, err := play(t, doc, engine.Options{}, enginetest.File("in.json", string(inner)))
		if err != nil || !out.Success || time.Since(started) != 3*time.Second {
			t.Errorf("out = %+v, err = %v after %s", out, err, time.Since(started))
		}
	})
	async := document(t, `
s StartNode
call CallSubworkflowNode {"subworkflow_id": "other", "execution_mode": "async"}
s > call`)
	out, err := play(t, async, engine.Options{Submit: func(_ context.Context, ref string, _ *value.Map) (string, error) {
		return "job-of-" + ref, nil
	}})
	if err != nil || !out.Success {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	call, _ := out.Variables.Get("call")
	if id, _ := call.(*value.Map).Get("job_id"); id != "job-of-other" {
		t.Errorf("job_id = %v", id)
	}
}

func TestParallelIsParallel(t *testing.T) {
	doc := document(t, `
s StartNode
each ParallelForEachNode {"items": [1, 2, 3, 4, 5, 6], "batch_size": 3}
wait WaitNode {"duration": 10}
fork ForkNode {"branch_count": 2, "fail_fast": true}
slow WaitNode {"duration": 100}
boom ThrowErrorNode {"error_message": "first"}
join JoinNode
s > each
each.body > wait
each.completed > fork
fork.branch_1 > slow > join
fork.branch_2 > boom > join`)
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		out, err := play(t, doc, engine.Options{})
		if err != nil || out.Error != "first" || out.FailedNode != "boom" {
			t.Errorf("out = %+v, err = %v", out, err)
		}
		if took := time.Since(started); took != 20*time.Second {
			t.Errorf("two batches and a fork that fails at once took %s", took)
		}
	})
	items := document(t, `
s StartNode
each ParallelForEachNode {"items": [1, 2], "timeout_per_item": 2}
slow IfNode {"expression": "item == 2"}
wait WaitNode {"duration": 10}
s > each
each.body > slow
slow.true > wait`)
	synctest.Test(t, func(t *testing.T) {
		out, err := play(t, items, engine.Options{})
		if err != nil || !out.Success {
			t.Fatalf("out = %+v, err = %v", out, err)
		}
		each, _ := out.Variables.Get("each")
		if text := value.Repr(each); !strings.Contains(text, "The item timed out after 2.0s") {
			t.Errorf("results = %s", text)
		}
	})
}

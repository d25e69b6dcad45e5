package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/workflow/value"
)

// Calls out of a loop or a retry are calls of their own: each has its own keys,
// or the second one would be taken for the first one that somebody repeats.
func TestEffectsOfCalledWorkflows(t *testing.T) {
	doc := document(t, `
s StartNode
loop ForLoopStartNode {"items": ["x", "y"]}
retry RetryNode {"max_attempts": 2, "initial_delay": 0}
call SubflowNode {"subflow_path": "sub.json"}
first IfNode {"expression": "retry.attempt == 1"}
boom ThrowErrorNode {}
end ForLoopEndNode {}
s > loop
loop.body > retry
retry.retry_body > call > first
first.true > boom
retry.success > end`)
	sub := document(t, `
! settings {"fleet": {"effects": {"send": true}}}
s StartNode
send SetVariableNode {"variable_name": "sent", "value": "{{item}}"}
s > send`)
	g := &gate{}
	var heard recorder
	out, err := play(t, doc, engine.Options{Gate: g, Sink: &heard}, enginetest.File("sub.json", string(sub)))
	if err != nil || !out.Success {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	var begun []string
	for _, e := range g.effects {
		if key, ok := strings.CutPrefix(e, "begin "); ok {
			begun = append(begun, key)
		}
	}
	if diff := cmp.Diff([]string{"send[0]", "send[0]#2", "send[1]", "send[1]#2"}, begun); diff != "" {
		t.Error(diff)
	}
	for _, s := range heard.steps {
		if s.NodeID == "call/send" && s.Iteration == "" {
			t.Errorf("step %+v does not tell the pass of the call", s)
		}
	}
}

// A type that acts on the outside world is announced without a word in the
// document, and the document may take that back.
func TestEffectsOfTypes(t *testing.T) {
	for setting, want := range map[string]int{"": 1, `! settings {"fleet": {"effects": {"tell": false}}}`: 0} {
		doc := document(t, setting+`
s StartNode
tell WebhookNotifyNode {"webhook_url": "http://127.0.0.1:1/", "message": "x", "error_details": {}}
s > tell`)
		g := &gate{}
		if _, err := play(t, doc, engine.Options{Gate: g, Library: with(t, engine.Set{
			"WebhookNotifyNode": engine.Func(func(context.Context, *engine.Call) (engine.Result, error) { return engine.Continue(), nil }),
		})}); err != nil {
			t.Fatal(err)
		}
		begun := slices.DeleteFunc(g.effects, func(e string) bool { return !strings.HasPrefix(e, "begin") })
		if len(begun) != want {
			t.Errorf("%q: effects %q", setting, g.effects)
		}
	}
}

// A node that is left behind in a called workflow silences that workflow, not
// the ones around it.
func TestStuckNodeOfCalledWorkflow(t *testing.T) {
	doc := document(t, `
s StartNode
try TryNode
call CallSubworkflowNode {"subworkflow_path": "sub.json", "timeout_seconds": 5}
catch CatchNode {}
log LogNode {"message": "went on after {{catch.error_type}}"}
s > try
try.try_body > call
catch.catch_body > log`)
	sub := document(t, `
s StartNode
stuck CommentNode
s > stuck`)
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		var heard recorder
		lib := with(t, engine.Set{"CommentNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			<-free
			c.Log(engine.LevelInfo, "too late")
			return engine.Continue(), nil
		})})
		out, err := play(t, doc, engine.Options{Library: lib, Sink: &heard, Grace: time.Second}, enginetest.File("sub.json", string(sub)))
		if err != nil || !out.Success {
			t.Errorf("out = %+v, err = %v", out, err)
		}
		close(free)
		synctest.Wait()
		if len(heard.lines) != 2 || !strings.Contains(heard.lines[0].Message, "left behind: stuck") ||
			!strings.Contains(heard.lines[1].Message, "went on after TimeoutError") {
			t.Errorf("heard %+v", heard.lines)
		}
		if last := heard.progress[len(heard.progress)-1]; last.Percent != 100 {
			t.Errorf("progress ends with %+v", last)
		}
	})
}

// Whatever a setting holds, evaluating it cannot break the robot.
func TestSecretAsLimit(t *testing.T) {
	doc := document(t, `
s StartNode
retry RetryNode {"max_attempts": "{{$secret:n}}", "initial_delay": 0}
boom ThrowErrorNode {}
s > retry
retry.retry_body > boom`)
	out, err := play(t, doc, engine.Options{}, enginetest.Secrets(map[string]string{"n": "2"}))
	if err != nil || out.Success || out.FailedNode != "boom" || !slices.Equal(out.Path, strings.Fields("s retry boom retry boom retry")) {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

// Forks in forks hold no more goroutines than the run may have, and still end.
func TestNestedForksAreBounded(t *testing.T) {
	doc := document(t, `
s StartNode
a ParallelForEachNode {"items": "123456", "batch_size": 6}
b ParallelForEachNode {"items": "123456", "batch_size": 6}
c ParallelForEachNode {"items": "123456", "batch_size": 6}
work CommentNode
s > a
a.body > b
b.body > c
c.body > work`)
	var now, most, all atomic.Int64
	lib := with(t, engine.Set{"CommentNode": engine.Func(func(context.Context, *engine.Call) (engine.Result, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		all.Add(1)
		return engine.Continue(), nil
	})})
	out, err := play(t, doc, engine.Options{Library: lib, Limits: engine.Limits{Branches: 4}})
	if err != nil || !out.Success || all.Load() != 216 || most.Load() > 5 {
		t.Errorf("%d at once of %d; out = %+v, err = %v", most.Load(), all.Load(), out, err)
	}
}

func TestParallelResultsAreBounded(t *testing.T) {
	doc := document(t, `
s StartNode
p ParallelForEachNode {"items": "{{list}}", "batch_size": 50}
v SetVariableNode {"variable_name": "v", "value": "{{big}}{{item}}"}
s > p
p.body > v`)
	list := make([]any, 200)
	for i := range list {
		list[i] = int64(i)
	}
	vars := value.MapOf("big", strings.Repeat("x", 1000), "list", list)
	out, err := play(t, doc, engine.Options{Variables: vars, Limits: engine.Limits{TotalBytes: 100_000}})
	if err == nil || out.ErrorType != "MemoryError" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

// A counting loop makes no list, so its length costs nothing until it runs.
func TestLongRangeStartsAtOnce(t *testing.T) {
	for _, c := range []struct{ start, end, step, want string }{
		{"0", "10000000", "1", "0"},
		{"-9223372036854775808", "9223372036854775807", "4611686018427387904", "-9223372036854775808 -4611686018427387904 0"},
		{"3", "0", "-1", "3 2 1"},
		{"0", "9223372036854775807", "1", "ValueError"},
		{"5", "5", "1", ""},
	} {
		doc := document(t, fmt.Sprintf(`
s StartNode
loop ForLoopStartNode {"mode": "range", "start": %s, "end": %s, "step": %s}
log LogNode {"message": "{{item}}"}
enough IfNode {"expression": "loop.current_index == 2 or 10000000 == %s"}
stop BreakNode {}
end ForLoopEndNode {}
s > loop
loop.body > log > enough
enough.true > stop
enough.false > end`, c.start, c.end, c.step, c.end))
		var heard recorder
		out, err := play(t, doc, engine.Options{Sink: &heard})
		if err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for _, l := range heard.lines {
			got = append(got, strings.TrimPrefix(l.Message, "[log] "))
		}
		if s := strings.Join(got, " ") + out.ErrorType; s != c.want {
			t.Errorf("%+v: %q (%s)", c, s, out.Error)
		}
	}
}

// The end of the run reaches a node three workflows down at once, and a time
// limit counts for each pass anew.
func TestCancelAndTimeoutsDeepInside(t *testing.T) {
	doc := document(t, `
s StartNode
p ParallelForEachNode {"items": [1, 2]}
call SubflowNode {"subflow_path": "sub.json"}
s > p
p.body > call`)
	sub := document(t, `
s StartNode
loop WhileLoopStartNode {"expression": "True", "max_iterations": 3}
try TryNode
wait WaitNode {"duration": 100}
catch CatchNode {}
log LogNode {"message": "{{catch.error_type}}", "include_node_id": false}
end WhileLoopEndNode {}
s > loop
loop.body > try
try.try_body > wait
catch.catch_body > log > end`)
	synctest.Test(t, func(t *testing.T) {
		var heard recorder
		started := time.Now()
		out, err := play(t, doc, engine.Options{Sink: &heard, NodeTimeout: 10 * time.Second}, enginetest.File("sub.json", string(sub)))
		if err != nil || !out.Success || len(heard.lines) != 6 || time.Since(started) != 30*time.Second {
			t.Errorf("%s, %d lines; out = %+v, err = %v", time.Since(started), len(heard.lines), out, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(15*time.Second, func() { cancel(why) })
		started := time.Now()
		var heard recorder
		out, err := playIn(ctx, t, doc, engine.Options{Sink: &heard, NodeTimeout: 10 * time.Second}, enginetest.File("sub.json", string(sub)))
		if !errors.Is(err, why) || out.Success || time.Since(started) != 15*time.Second {
			t.Errorf("%s; out = %+v, err = %v", time.Since(started), out, err)
		}
		for _, s := range heard.steps {
			if s.Status == engine.StepFailed && s.NodeID != "call/wait" {
				t.Errorf("step %+v should be cancelled", s)
			}
		}
	})
}

// Variables without end stop the run, however small each of them is.
func TestManySmallVariablesAreBounded(t *testing.T) {
	doc := document(t, `
s StartNode
loop ForLoopStartNode {"mode": "range", "end": 100000}
v SetVariableNode {"variable_name": "v{{item}}", "value": 1}
end ForLoopEndNode {}
s > loop
loop.body > v > end`)
	out, err := play(t, doc, engine.Options{Limits: engine.Limits{TotalBytes: 1 << 20}})
	if err == nil || out.ErrorType != "MemoryError" || out.Variables.Len() > 20_000 {
		t.Errorf("%d variables; %s, err = %v", out.Variables.Len(), out.ErrorType, err)
	}
}

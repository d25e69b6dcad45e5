package engine_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// breaking is the standard library of which the visit with a certain number
// fails, after it has put something on its ports.
type breaking struct {
	lib   engine.Library
	at    int64
	count atomic.Int64
}

func (l *breaking) Node(typ string) (engine.Node, bool) {
	n, ok := l.lib.Node(typ)
	if !ok {
		return nil, false
	}
	return engine.Func(func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		if l.count.Add(1) == l.at {
			c.Set("result", "of a visit that failed")
			c.Set("left", "over")
			return engine.Result{}, engine.Fail("Planned", "planned")
		}
		return n.Run(ctx, c)
	}), true
}

// walks runs one document whole, broken and on from there.
type walks struct {
	t     testing.TB
	doc   *workflow.Document
	opts  engine.Options
	lib   engine.Library
	files []enginetest.Option
	host  engine.Host // nil: a new one for each run
}

func (w *walks) run(opts engine.Options) (*engine.Outcome, *recorder, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	heard := &recorder{}
	if opts.Sink, opts.Host = heard, w.host; w.host == nil {
		opts.Host = enginetest.Host(w.t, w.files...)
	}
	out, err := engine.Run(ctx, w.doc, opts)
	return out, heard, err
}

// ended lists the steps that came to an end.
func ended(heard *recorder) []string {
	var out []string
	for _, s := range heard.steps {
		if s.Status != engine.StepRunning {
			out = append(out, fmt.Sprintf("%s[%s]%s %s %s", s.NodeID, s.Iteration, s.Branch, s.Status, s.Error))
		}
	}
	return out
}

// breakAt fails visit n and goes on from there. It says whether there was a
// visit n, and whether it could be gone on from.
func (w *walks) breakAt(n int, whole *engine.Outcome, steps []string) (there, resumed bool) {
	w.t.Helper()
	opts := w.opts
	lib := &breaking{lib: w.lib, at: int64(n)}
	opts.Library, opts.Keeping = lib, &engine.Keeping{Workflow: "w"}
	opts.Workflow = "w"
	opts.Keeping.Stays = func() string { return "" }
	broken, heard, err := w.run(opts)
	if lib.count.Load() < int64(n) {
		return false, false
	}
	if err != nil || broken.Success || broken.Error != "planned" {
		return true, false // somebody dealt with it
	}
	if broken.Checkpoint == nil {
		if broken.NoCheckpoint == "" {
			w.t.Errorf("visit %d: neither a checkpoint nor why there is none", n)
		}
		return true, false
	}
	if broken.CheckpointNode != broken.FailedNode || broken.NoCheckpoint != "" {
		w.t.Errorf("visit %d: checkpoint before %q, failed at %q", n, broken.CheckpointNode, broken.FailedNode)
	}
	again := strings.Contains(string(broken.Checkpoint), `"kind":"retry"`) && !strings.Contains(string(broken.Checkpoint), `"limit":1,`)
	opts.Library, opts.Resume = w.lib, broken.Checkpoint
	rest, after, err := w.run(opts)
	if err != nil {
		if errors.As(err, new(*engine.Failure)) {
			return true, true // a limit of the run, which counts anew
		}
		w.t.Fatalf("visit %d: %v", n, err)
	}
	if again {
		return true, true // its attempts are counted anew
	}
	got := slices.DeleteFunc(ended(heard), func(s string) bool { return strings.HasSuffix(s, "failed planned") })
	got = append(got, ended(after)...)
	if diff := cmp.Diff(steps, got); diff != "" {
		w.t.Fatalf("visit %d: steps (-whole +in two):\n%s\n%s", n, diff, broken.Checkpoint)
	}
	if whole.Success != rest.Success || whole.Error != rest.Error || whole.Executed != rest.Executed || whole.FailedNode != rest.FailedNode {
		w.t.Fatalf("visit %d: whole %+v\nin two %+v", n, whole, rest)
	}
	if a, b := value.Repr(whole.Variables), value.Repr(rest.Variables); !sameVariables(whole.Variables, rest.Variables) {
		w.t.Fatalf("visit %d: variables\nwhole  %s\nin two %s", n, a, b)
	}
	return true, true
}

// sameVariables leaves the order aside, and tells NaN as equal to itself.
func sameVariables(a, b *value.Map) bool {
	if a.Len() != b.Len() {
		return false
	}
	for k, v := range a.All() {
		other, ok := b.Get(k)
		if !ok || value.Repr(v) != value.Repr(other) {
			return false
		}
	}
	return true
}

// everywhere breaks every visit in turn.
func (w *walks) everywhere() (visits, resumed int) {
	w.t.Helper()
	opts := w.opts
	opts.Library = w.lib
	whole, heard, err := w.run(opts)
	if err != nil || heard.branched {
		return 0, 0 // branches run in no certain order
	}
	steps := ended(heard)
	for n := 1; n <= 60; n++ {
		there, went := w.breakAt(n, whole, steps)
		if !there {
			break
		}
		visits++
		if went {
			resumed++
		}
	}
	return visits, resumed
}

func standard(t testing.TB) engine.Library {
	t.Helper()
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// A run that goes on from the node that failed ends as one in which that node
// did not fail: same steps from there, same result, same variables.
func TestGoldenDocumentsGoOn(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	visits, resumed := 0, 0
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			w := &walks{t: t, lib: standard(t)}
			w.opts.Catalog = enginetest.Catalog(t)
			w.opts.Limits.Visits = 2000
			for _, f := range archive.Files {
				switch f.Name {
				case "flow":
					w.doc = parse(t, document(t, string(f.Data)), w.opts.Catalog)
				case "vars.json":
					w.opts.Variables = parseValue(t, string(f.Data)).(*value.Map)
				case "options.json":
					t.Skip("of other options than robots have")
				case "transcript":
				default:
					data := f.Data
					if strings.HasSuffix(f.Name, ".flow") {
						data = document(t, string(f.Data))
					}
					w.files = append(w.files, enginetest.File(f.Name, string(data)))
				}
			}
			v, r := w.everywhere()
			visits, resumed = visits+v, resumed+r
		})
	}
	t.Logf("%d visits broken, %d gone on from", visits, resumed)
	if resumed < 100 {
		t.Errorf("only %d of %d broken visits could be gone on from", resumed, visits)
	}
}

// The same of graphs that nobody would draw.
func TestRandomGraphsGoOn(t *testing.T) {
	seeds := uint64(3000)
	if testing.Short() {
		seeds = 400
	}
	cat, lib, host := enginetest.Catalog(t), standard(t), enginetest.Host(t)
	visits, resumed := 0, 0
	for seed := range seeds {
		doc, err := workflow.Parse(randomGraph(t, seed, int(4+seed%20)), workflow.Options{Catalog: cat})
		if err != nil {
			t.Fatal(err)
		}
		w := &walks{t: t, doc: doc, lib: lib, host: host}
		w.opts.Catalog = cat
		w.opts.Limits = engine.Limits{Visits: 500, VariableBytes: 20_000, TotalBytes: 200_000}
		v, r := w.everywhere()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		visits, resumed = visits+v, resumed+r
	}
	t.Logf("%d visits broken, %d gone on from", visits, resumed)
	if resumed < int(seeds)/3 {
		t.Errorf("only %d of %d broken visits could be gone on from", resumed, visits)
	}
}

// once breaks a node the first time that it runs.
func once(t testing.TB, typ string) engine.Library {
	t.Helper()
	lib, ran := standard(t), false
	under, _ := lib.Node(typ)
	return overlay{engine.Set{typ: engine.Func(func(ctx context.Context, c *engine.Call) (engine.Result, error) {
		if !ran {
			ran = true
			return engine.Result{}, engine.Fail("Planned", "planned")
		}
		return under.Run(ctx, c)
	})}, lib}
}

// A retry that gives up starts anew with the node that failed last and with all
// of its attempts.
func TestRetryGoesOn(t *testing.T) {
	doc := document(t, `
s StartNode
r RetryNode {"max_attempts": 3, "initial_delay": 0}
a SetVariableNode {"variable_name": "tries", "value": "{{r.attempt}}"}
boom CommentNode {}
d LogNode {"message": "done {{tries}}"}
s > r
r.retry_body > a > boom
r.success > d`)
	fails := 0
	lib := with(t, engine.Set{"CommentNode": engine.Func(func(context.Context, *engine.Call) (engine.Result, error) {
		if fails++; fails <= 5 {
			return engine.Result{}, engine.Fail("Planned", "planned")
		}
		return engine.Continue(), nil
	})})
	out, err := play(t, doc, engine.Options{Library: lib, Keeping: keeping()})
	if err != nil || out.FailedNode != "boom" || out.CheckpointNode != "boom" {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	var heard recorder
	out, err = play(t, doc, engine.Options{Library: lib, Resume: out.Checkpoint, Sink: &heard})
	if err != nil || !out.Success {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	// boom fails twice more, and the attempts that follow run the body from its start.
	if got := strings.Join(out.Path, " "); got != "boom r a boom r a boom d" {
		t.Errorf("path %s", got)
	}
	if heard.lines[len(heard.lines)-1].Message != "[d] done 3" {
		t.Errorf("lines %v", heard.lines)
	}
}

func keeping() *engine.Keeping {
	return &engine.Keeping{Stays: func() string { return "" }}
}

func TestNoCheckpoint(t *testing.T) {
	live := with(t, engine.Set{
		"CommentNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			c.Set("page", &struct{ open bool }{true})
			return engine.Continue(), nil
		}),
		"MergeNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			c.State("connection", func() any { return new(int) })
			return engine.Continue(), nil
		}),
	})
	tests := map[string]struct {
		flow, why string
	}{
		"fork": {`
f ForkNode {}
boom ThrowErrorNode {}
ok LogNode {"message": "x"}
j JoinNode {}
s > f
f.branch_1 > boom > j
f.branch_2 > ok > j`, "the failure was in one of the parallel branches of node f"},
		"subflow": {`
c SubflowNode {"subflow_path": "sub.flow"}
s > c`, "the failure was inside of the workflow that node c calls"},
		"finally": {`
t TryNode {}
boom ThrowErrorNode {}
fin FinallyNode {}
s > t
t.try_body > boom`, "the failure has left the try or retry around node boom"},
		"another's failure": {`
t TryNode {}
boom ThrowErrorNode {}
c CatchNode {"error_types": "Other"}
s > t
t.try_body > boom`, "the failure has left the try that node c belongs to"},
		"a page": {`
p CommentNode {}
boom ThrowErrorNode {}
s > p > boom`, "node p holds something that lives in its robot only (struct)"},
		"a connection": {`
d MergeNode {}
boom ThrowErrorNode {}
s > d > boom`, "node d keeps something that lives in its robot only"},
		"an XML document": {`
x ParseXMLNode {"xml_string": "<a/>"}
boom ThrowErrorNode {}
s > x > boom`, "node x keeps something that lives in its robot only"},
		"too much": {`
l ForLoopStartNode {"mode": "range", "end": 900}
v SetVariableNode {"variable_name": "v{{item}}", "value": "{{item}} and some more text that makes this one long so that there is too much {{item}} of it in the end, and then a little more than that {{item}}"}
e ForLoopEndNode {}
boom ThrowErrorNode {}
s > l
l.body > v > e
l.completed > boom`, "its variables take more than 64 KiB, most of all node v"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sub := document(t, "s StartNode\nboom ThrowErrorNode\ns > boom")
			out, err := play(t, document(t, "s StartNode"+test.flow), engine.Options{Library: live, Keeping: keeping()}, enginetest.File("sub.flow", string(sub)))
			if err != nil || out.Success || out.Checkpoint != nil || out.NoCheckpoint != test.why {
				t.Errorf("success %v (%s), checkpoint of %d bytes, why %q, err %v; want %q", out.Success, out.Error, len(out.Checkpoint), out.NoCheckpoint, err, test.why)
			}
		})
	}
}

// A node that reads an XML document where there is none keeps nothing.
func TestReadingNothingKeepsNothing(t *testing.T) {
	doc := document(t, "s StartNode\nx XPathQueryNode {\"xpath\": \"a\"}\ns > x")
	out, err := play(t, doc, engine.Options{Keeping: keeping()})
	if err != nil || out.Success || out.CheckpointNode != "x" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

// What is one thing in two places stays one, and each value keeps its type.
func TestValuesCrossAsTheyAre(t *testing.T) {
	doc := document(t, "s StartNode\nmake CommentNode\nboom MergeNode\ns > make > boom")
	shared := []any{int64(1), 2.0, nil, true, "a text that is long enough to stand once only"}
	set, err := value.NewSet(int64(3), "x")
	if err != nil {
		t.Fatal(err)
	}
	held := value.MapOf("b", shared, "a", shared, "tuple", value.Tuple{"x", shared}, "set", set, "bytes", []byte{0, 255}, "broken", "a\xffb",
		"time", time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "local", time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local), "empty", []any{}, "none", value.NewMap(), "minus", -0.5)
	var got *value.Map
	lib := with(t, engine.Set{
		"CommentNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			c.SetVar("held", held)
			return engine.Continue(), nil
		}),
		"MergeNode": engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
			v, _ := c.Var("held")
			if v == held {
				return engine.Result{}, engine.Fail("Planned", "planned")
			}
			got, _ = v.(*value.Map)
			return engine.Continue(), nil
		}),
	})
	out, err := play(t, doc, engine.Options{Library: lib, Keeping: keeping()})
	if err != nil || out.Checkpoint == nil {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	if n := strings.Count(string(out.Checkpoint), "long enough"); n != 1 {
		t.Errorf("the text stands %d times: %s", n, out.Checkpoint)
	}
	out, err = play(t, doc, engine.Options{Library: lib, Resume: out.Checkpoint})
	if err != nil || !out.Success {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	if diff := cmp.Diff(fmt.Sprintf("%#v", held.Keys()), fmt.Sprintf("%#v", got.Keys())); diff != "" {
		t.Error(diff)
	}
	for k, v := range held.All() {
		back, _ := got.Get(k)
		if fmt.Sprintf("%T", v) != fmt.Sprintf("%T", back) || value.Repr(v) != value.Repr(back) {
			t.Errorf("%s is %T %v, want %T %v", k, back, value.Repr(back), v, value.Repr(v))
		}
	}
	a, _ := got.Get("a")
	a.([]any)[0] = "changed"
	if b, _ := got.Get("b"); b.([]any)[0] != "changed" {
		t.Error("one list has become two")
	}
}

// A secret stays out; what was made of one cannot be kept.
func TestSecretsStayOut(t *testing.T) {
	const secret = "c4n4ry-value"
	doc := func(text string) []byte {
		return document(t, `
s StartNode
v SetVariableNode {"variable_name": "pw", "value": "`+text+`"}
d MergeNode {}
l LogNode {"message": "with {{pw}}"}
s > v > d > l`)
	}
	keep := keeping()
	keep.Secret = func(text string) (string, bool) { return "pass", text == secret }
	keep.Tells = func(text []byte) bool { return strings.Contains(string(text), secret) }
	lib := once(t, "MergeNode")
	known := enginetest.Secrets(map[string]string{"pass": secret})
	out, err := play(t, doc("{{$secret:pass}}"), engine.Options{Library: lib, Keeping: keep}, known)
	if err != nil || out.Checkpoint == nil || strings.Contains(string(out.Checkpoint), secret) {
		t.Fatalf("out = %+v, err = %v, %s", out, err, out.Checkpoint)
	}
	var heard recorder
	rest, err := play(t, doc("{{$secret:pass}}"), engine.Options{Library: lib, Resume: out.Checkpoint, Sink: &heard}, known)
	if err != nil || !rest.Success || heard.lines[len(heard.lines)-1].Message != "[l] with "+secret {
		t.Errorf("out = %+v, err = %v, lines %v", rest, err, heard.lines)
	}
	rest, err = play(t, doc("{{$secret:pass}}"), engine.Options{Library: lib, Resume: out.Checkpoint})
	if err != nil || rest.Success || !strings.Contains(rest.Error, "needs the secret pass") {
		t.Errorf("without the secret: out = %+v, err = %v", rest, err)
	}
	out, err = play(t, doc("Bearer {{$secret:pass}}"), engine.Options{Library: once(t, "MergeNode"), Keeping: keep}, known)
	if err != nil || out.NoCheckpoint != "variable pw holds a value that was made of a secret" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

func TestCheckpointOfAnotherWorkflow(t *testing.T) {
	doc := document(t, "s StartNode\nboom ThrowErrorNode\ns > boom")
	out, err := play(t, doc, engine.Options{Workflow: "one", Keeping: &engine.Keeping{Workflow: "one", Stays: func() string { return "" }}})
	if err != nil || out.CheckpointNode != "boom" {
		t.Fatalf("out = %+v, err = %v", out, err)
	}
	out, err = play(t, doc, engine.Options{Workflow: "two", Resume: out.Checkpoint})
	if err != nil || out.Success || out.ErrorClass != engine.ClassInvalid || !strings.Contains(out.Error, "another version of the workflow") {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

// Hostile checkpoints are refused in words, or run within the limits.
func FuzzResume(f *testing.F) {
	cat, lib, host := enginetest.Catalog(f), standard(f), enginetest.Host(f)
	doc := parse(f, document(f, `
s StartNode
l ForLoopStartNode {"items": ["a", "b"]}
t TryNode {}
r RetryNode {"max_attempts": 2, "initial_delay": 0}
m MathOperationNode {"a": 1, "b": 2}
o OnErrorNode {}
boom ThrowErrorNode {}
fin CommentNode {}
e ForLoopEndNode {}
w WhileLoopStartNode {"expression": "False"}
s > l
l.body > t
t.try_body > r
r.retry_body > m > o
o.protected_body > boom
r.success > e
l.completed > w`), cat)
	limits := engine.Limits{Visits: 300, VariableBytes: 20_000, TotalBytes: 200_000}
	out, err := engine.Run(f.Context(), doc, engine.Options{Catalog: cat, Library: lib, Host: host, Limits: limits, Keeping: keeping()})
	if err != nil || out.Checkpoint == nil {
		f.Fatalf("out = %+v, err = %v", out, err)
	}
	f.Add(out.Checkpoint)
	for _, s := range []string{
		``, `[]`, `{}`, `{"format":1}`, `{"format":1,"workflow":"","values":[{"l":[{"r":0}]}]}`,
		`{"format":1,"workflow":"","node":"m","values":[{"l":["x"]},{"l":[{"r":0},{"r":0}]}],"variables":{"v":{"r":1}},"ports":{},"done":[],"before":[],"loops":{},"joined":{},"frames":[],"queue":[["m",0]]}`,
		`{"format":1,"workflow":"","node":"m","values":[],"variables":{},"ports":{},"done":[],"before":[],"loops":{"l":{"next":0,"count":1000000}},"joined":{},"frames":[{"kind":"loop","owner":"l","parent":0,"pass":9223372036854775807}],"queue":[["m",1]]}`,
		`{"format":1,"workflow":"","node":"m","values":[],"variables":{},"ports":{},"done":[],"before":[],"loops":{"w":{"next":-1}},"joined":{},"frames":[{"kind":"retry","owner":"r","parent":0,"phase":3}],"queue":[["r",1]]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := engine.Run(ctx, doc, engine.Options{Catalog: cat, Library: lib, Host: host, Limits: limits, Resume: text, Keeping: keeping()})
		if ctx.Err() != nil {
			t.Fatal("the run hangs")
		}
		if out.Stack != "" {
			t.Fatalf("a node broke: %s\n%s", out.Error, out.Stack)
		}
		if err != nil && out.ErrorType != "LimitExceeded" && out.ErrorType != "MemoryError" {
			t.Fatal(err)
		}
		if len(out.Checkpoint) > engine.MaxCheckpoint {
			t.Errorf("a checkpoint of %d bytes", len(out.Checkpoint))
		}
	})
}

// Cases that nothing else holds: what a pass still has to do after its end was
// reached, or after somebody left it.
func TestUnfinishedPassesGoOn(t *testing.T) {
	for name, flow := range map[string]string{
		"reached": `
s StartNode
l ForLoopStartNode {"items": [1, 2, 3]}
a LogNode {"message": "a {{item}}"}
b LogNode {"message": "b {{item}}"}
b2 LogNode {"message": "b2 {{item}}"}
c EndNode {}
e ForLoopEndNode {}
d LogNode {"message": "done"}
s > l
l.body > a > e
l.body > b > b2 > c
l.completed > d`,
		"jumped": `
s StartNode
o ForLoopStartNode {"items": [1, 2]}
i ForLoopStartNode {"items": ["x", "y"]}
a LogNode {"message": "a {{item}}"}
b LogNode {"message": "b {{item}}"}
c LogNode {"message": "c {{item}}"}
oe ForLoopEndNode {"paired_start_id": "o"}
d LogNode {"message": "done"}
s > o
o.body > i
i.body > a > oe
i.body > b > c
o.completed > d`,
	} {
		t.Run(name, func(t *testing.T) {
			w := &walks{t: t, lib: standard(t)}
			w.opts.Catalog = enginetest.Catalog(t)
			w.doc = parse(t, document(t, flow), w.opts.Catalog)
			w.opts.Limits.Visits = 200
			visits, resumed := w.everywhere()
			if resumed < 4 || resumed < visits-1 {
				t.Errorf("%d of %d visits could be gone on from", resumed, visits)
			}
		})
	}
}

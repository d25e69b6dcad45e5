package runner_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// chain makes a document of nodes that follow one another.
func chain(t testing.TB, list ...*value.Map) []byte {
	t.Helper()
	all := value.MapOf("start", value.MapOf("node_id", "start", "node_type", "StartNode"))
	var links []any
	before := "start"
	for _, n := range list {
		id, _ := n.Get("node_id")
		all.Set(id.(string), n)
		links = append(links, value.MapOf(
			"source_node", before, "source_port", "exec_out", "target_node", id, "target_port", "exec_in"))
		before = id.(string)
	}
	doc, err := value.Marshal(value.MapOf("nodes", all, "connections", links))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func node(id, typ string, config ...any) *value.Map {
	return value.MapOf("node_id", id, "node_type", typ, "config", value.MapOf(config...))
}

// setup makes a runner whose configuration the test may change.
func setup(t testing.TB, change func(*runner.Config)) (*runner.Runner, runner.Config) {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	cfg := runner.Config{Catalog: cat, Library: lib, WorkDir: t.TempDir(), Policy: runner.Policy{AllowShell: true}}
	if change != nil {
		change(&cfg)
	}
	r, err := runner.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r, cfg
}

func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFolderOfAJob(t *testing.T) {
	r, cfg := setup(t, nil)
	doc := chain(t, node("w", "WriteFileNode", "file_path", "out/a.txt", "content", "x"))
	out, err := r.Run(t.Context(), runner.Job{ID: "1", Document: doc}, nil, nil)
	if err != nil || !out.Success {
		t.Fatalf("%+v %v", out, err)
	}
	if names := leftovers(t, cfg.WorkDir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
	out, err = r.Run(t.Context(), runner.Job{ID: "2", Document: doc, KeepDir: true}, nil, nil)
	if err != nil || !out.Success {
		t.Fatalf("%+v %v", out, err)
	}
	names := leftovers(t, cfg.WorkDir)
	if len(names) != 1 {
		t.Fatalf("kept: %v", names)
	}
	if data, err := os.ReadFile(filepath.Join(cfg.WorkDir, names[0], "out", "a.txt")); err != nil || string(data) != "x" {
		t.Errorf("kept file: %q, %v", data, err)
	}
}

func TestBadDocuments(t *testing.T) {
	r, _ := setup(t, nil)
	for name, doc := range map[string]string{
		"not JSON":       "{",
		"duplicate keys": `{"nodes": {"a": {"node_id": "a", "node_type": "StartNode"}}, "nodes": {}}`,
		"no nodes":       `{"connections": []}`,
		"unknown type":   `{"nodes": {"a": {"node_id": "a", "node_type": "NoSuchNode"}}}`,
		"a list":         `[]`,
		"too deep":       strings.Repeat("[", 100) + strings.Repeat("]", 100),
	} {
		t.Run(name, func(t *testing.T) {
			out, err := r.Run(t.Context(), runner.Job{ID: "x", Document: []byte(doc)}, nil, nil)
			if err != nil || out.Success || out.ErrorClass != engine.ClassInvalid || out.Error == "" {
				t.Errorf("out = %+v, err = %v", out, err)
			}
		})
	}
}

// A workflow that writes a gigabyte to its log costs the quota and no more.
func TestLogFlood(t *testing.T) {
	r, _ := setup(t, func(c *runner.Config) { c.LogQuota = 1 << 20 })
	line := strings.Repeat("x", 60_000)
	doc, err := value.Marshal(value.MapOf(
		"nodes", value.MapOf(
			"s", node("s", "StartNode"),
			"loop", node("loop", "ForLoopStartNode", "mode", "range", "start", int64(0), "end", int64(17_000)),
			"log", node("log", "LogNode", "message", line, "level", "info"),
			"end", node("end", "ForLoopEndNode", "paired_start_id", "loop"),
		),
		"connections", []any{
			wire("s", "exec_out", "loop"), wire("loop", "body", "log"), wire("log", "exec_out", "end"),
		}))
	if err != nil {
		t.Fatal(err)
	}
	var heard counting
	out, err := r.Run(t.Context(), runner.Job{ID: "flood", Document: doc}, &heard, nil)
	if err != nil || !out.Success {
		t.Fatalf("%+v %v", out, err)
	}
	if heard.bytes > 1<<20 {
		t.Errorf("the sink got %d bytes", heard.bytes)
	}
	if !strings.HasPrefix(heard.last, "dropped ") || heard.lines < 10 {
		t.Errorf("%d lines, the last is %.80q", heard.lines, heard.last)
	}
}

func wire(from, port, to string) *value.Map {
	return value.MapOf("source_node", from, "source_port", port, "target_node", to, "target_port", "exec_in")
}

type counting struct {
	lines, bytes int
	last         string
}

func (c *counting) Log(l engine.Line) {
	c.lines++
	c.bytes += len(l.Message)
	c.last = l.Message
}
func (c *counting) Step(engine.Step)         {}
func (c *counting) Progress(engine.Progress) {}

func TestSecretsAreHidden(t *testing.T) {
	r, _ := setup(t, nil)
	const secret = "hunter2-hunter2"
	doc := chain(t,
		node("v", "SetVariableNode", "variable_name", "key", "value", "{{$secret:api}}"),
		node("log", "LogNode", "message", "key is {{key}} and {{known}}"),
		node("boom", "ThrowErrorNode", "error_message", "refused: {{key}}"))
	var heard collector
	out, err := r.Run(t.Context(), runner.Job{
		ID: "s", Document: doc, Secrets: []string{"known-before"},
		Variables: value.MapOf("known", "known-before"),
		Secret:    func(context.Context, string) (string, error) { return secret, nil },
	}, &heard, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(heard.lines, "\n") + out.Error + value.Repr(out.Variables)
	for _, s := range heard.steps {
		all += s.Error + value.Repr(value.FromGo(s.Outputs))
	}
	for _, p := range heard.progress {
		all += p.Message
	}
	if strings.Contains(all, secret) || strings.Contains(all, "known-before") {
		t.Errorf("a secret is told: %s", all)
	}
	if heard.lines[0] != "[log] key is *** and ***" {
		t.Errorf("line = %q", heard.lines[0])
	}
}

// A step must not log in with the reference in place of the password.
func TestStepFailsWithoutItsSecret(t *testing.T) {
	r, _ := setup(t, nil)
	doc := chain(t,
		node("in", "LogNode", "message", "as {{$secret:erp.user}}"),
		node("again", "LogNode", "message", "as {{$secret:erp.user}} with {{$secret:erp.password}}"))
	var heard collector
	asked := map[string]int{}
	out, err := r.Run(t.Context(), runner.Job{
		ID: "s", Document: doc,
		Secret: func(_ context.Context, name string) (string, error) {
			if asked[name]++; name == "erp.password" {
				return "", errors.New("the vault is shut")
			}
			return "robot-7", nil
		},
	}, &heard, nil)
	if err != nil {
		t.Fatal(err)
	}
	if out.Success || out.FailedNode != "again" || !strings.Contains(out.Error, "secret erp.password: the vault is shut") {
		t.Errorf("outcome = %+v", out)
	}
	if len(heard.lines) != 1 {
		t.Errorf("the step acted: %q", heard.lines)
	}
	if asked["erp.user"] != 1 {
		t.Errorf("the user was fetched %d times in one run", asked["erp.user"])
	}
}

// A secret must not come through at the border of a cut, as a number, or in
// the record of an effect.
func TestSecretsInOtherForms(t *testing.T) {
	r, _ := setup(t, func(c *runner.Config) { c.Limits = engine.Limits{LogLine: 64} })
	doc := chain(t,
		node("pin", "SetVariableNode", "variable_name", "pin", "value", "{{$secret:pin}}", "variable_type", "Int32"),
		node("log", "LogNode", "message", strings.Repeat("x", 36)+" {{$secret:key}}"),
		node("keep", "SetVariableNode", "variable_name", "k", "value", "{{$secret:key}}"))
	doc = append(bytes.TrimSuffix(doc, []byte("}")), `,"settings":{"fleet":{"effects":{"keep":true}}}}`...)
	secrets := map[string]string{"pin": "81726354", "key": "hunter2-hunter2-hunter2"}
	var heard collector
	g := &recordGate{}
	out, err := r.Run(t.Context(), runner.Job{
		ID: "s", Document: doc,
		Secret: func(_ context.Context, name string) (string, error) { return secrets[name], nil },
	}, &heard, g)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(heard.lines, "\n") + value.Repr(out.Variables)
	for _, s := range heard.steps {
		all += value.Repr(value.FromGo(s.Outputs))
	}
	for _, s := range []string{"81726354", "hunter2"} {
		if strings.Contains(all, s) {
			t.Errorf("%s is told: %s", s, all)
		}
	}
	if len(heard.lines) == 0 || !strings.HasSuffix(heard.lines[0], engine.CutMark) {
		t.Errorf("lines = %q", heard.lines)
	}
	if len(g.ended) != 1 || strings.Contains(g.ended[0], "hunter2") {
		t.Errorf("recorded %q", g.ended)
	}
}

// recordGate lets everything pass and keeps what is recorded of effects.
type recordGate struct{ ended []string }

func (g *recordGate) Enter(context.Context, string) error { return nil }

func (g *recordGate) Begin(context.Context, string, string) (map[string]any, bool, error) {
	return nil, false, nil
}

func (g *recordGate) End(_ context.Context, _, _ string, _ bool, outcome map[string]any) error {
	g.ended = append(g.ended, value.Repr(value.FromGo(outcome)))
	return nil
}

func TestTimeoutOfTheJob(t *testing.T) {
	r, cfg := setup(t, nil)
	doc := chain(t, node("w", "WaitNode", "duration", int64(60)))
	out, err := r.Run(t.Context(), runner.Job{ID: "t", Document: doc, Timeout: 100 * time.Millisecond}, nil, nil)
	if err != nil || out.Success || out.ErrorClass != engine.ClassTimeout || out.Error != "Job execution timed out after 0.1s" {
		t.Errorf("out = %+v, err = %v", out, err)
	}
	if names := leftovers(t, cfg.WorkDir); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

func TestPolicySwitchesProgramsOff(t *testing.T) {
	r, _ := setup(t, func(c *runner.Config) { c.Policy = runner.Policy{} })
	doc := chain(t, node("run", "RunCommandNode", "command", "echo hi"))
	out, err := r.Run(t.Context(), runner.Job{ID: "p", Document: doc}, nil, nil)
	if err != nil || out.Success || !strings.Contains(out.Error, "policy of this robot does not allow") {
		t.Errorf("out = %+v, err = %v", out, err)
	}
}

// A polite stop lets the node end; one that takes too long is forced.
func TestStop(t *testing.T) {
	doc := chain(t,
		node("a", "WaitNode", "duration", 0.2),
		node("b", "LogNode", "message", "never"))
	for _, c := range []struct {
		grace time.Duration
		want  error
	}{{time.Minute, runner.ErrStopped}, {time.Millisecond, runner.ErrForced}} {
		r, _ := setup(t, nil)
		stop := make(chan struct{})
		var heard collector
		out, err := r.Run(t.Context(), runner.Job{ID: "s", Document: doc, Stop: stop, StopGrace: c.grace},
			&onStep{collector: &heard, node: "a", do: sync.OnceFunc(func() { close(stop) })}, nil)
		if !errors.Is(err, runner.ErrStopped) || errors.Is(c.want, runner.ErrForced) != errors.Is(err, runner.ErrForced) {
			t.Errorf("grace %s: err = %v", c.grace, err)
		}
		if out == nil || out.Success || len(heard.lines) != 0 {
			t.Errorf("grace %s: out = %+v", c.grace, out)
		}
	}
}

// onStep does something when a node starts.
type onStep struct {
	*collector
	node string
	do   func()
}

func (o *onStep) Step(s engine.Step) {
	if s.NodeID == o.node {
		o.do()
	}
	o.collector.Step(s)
}

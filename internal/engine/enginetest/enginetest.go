// Package enginetest runs single nodes and small workflows in tests, with the
// runner's real host in a temporary folder: real files, real programs, real
// sockets.
//
// It must not replace anything by a mock, and it does not import the node
// library, so that every family can use it in its own tests.
package enginetest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
	"github.com/casarerpa/fleet/workflow/value"
)

// setup is what the options change.
type setup struct {
	vars    *value.Map
	dir     string
	policy  runner.Policy
	environ []string
	secrets map[string]string
	files   map[string]string
	lines   *[]engine.Line
	notes   *[]string
	raw     bool
	id      string
}

// Option changes the surroundings of a visit.
type Option func(*setup)

// Vars gives the run variables. The map is live: what the node writes shows in it.
func Vars(vars *value.Map) Option { return func(s *setup) { s.vars = vars } }

// Variables gives the run variables from Go values.
func Variables(vars map[string]any) Option {
	return func(s *setup) { s.vars = fromGo(vars) }
}

// In makes the visit use this folder as the job's own.
func In(dir string) Option { return func(s *setup) { s.dir = dir } }

// File puts a file into the job's folder first.
func File(name, content string) Option {
	return func(s *setup) {
		if s.files == nil {
			s.files = map[string]string{}
		}
		s.files[name] = content
	}
}

// Policy replaces the policy, which otherwise allows programs and loopback.
func Policy(p runner.Policy) Option { return func(s *setup) { s.policy = p } }

// Environ replaces the environment that the job's copy starts from.
func Environ(environ ...string) Option { return func(s *setup) { s.environ = environ } }

// Secrets are what Host.Secret knows.
func Secrets(secrets map[string]string) Option { return func(s *setup) { s.secrets = secrets } }

// Lines collects what the node logs.
func Lines(into *[]engine.Line) Option { return func(s *setup) { s.lines = into } }

// Notes collects the remarks of the step.
func Notes(into *[]string) Option { return func(s *setup) { s.notes = into } }

// ID sets the node's id, which is otherwise "node".
func ID(id string) Option { return func(s *setup) { s.id = id } }

// Raw keeps the settings as given: no defaults, no aliases.
func Raw() Option { return func(s *setup) { s.raw = true } }

// Visit runs node once as the catalog's type typ, with in on its ports and cfg
// as its settings. Go values are turned into workflow values first. The outputs
// are what the node set; err is the failure of the step.
func Visit(t testing.TB, node engine.Node, typ string, in, cfg map[string]any, opts ...Option) (*value.Map, engine.Result, error) {
	t.Helper()
	s := newSetup(t, opts)
	cat := Catalog(t)
	spec, ok := cat.Type(typ)
	if !ok {
		t.Fatalf("the catalog has no type %s", typ)
	}
	config := fromGo(cfg)
	if !s.raw {
		engine.Prepare(cat, spec, config)
	}
	inputs := map[string]any{}
	for k, v := range in {
		inputs[k] = value.FromGo(v)
	}
	single := engine.Single{
		Node: node, NodeID: s.id, Type: typ, Spec: spec, Inputs: inputs, Config: config,
		Variables: s.vars, Host: s.open(t),
	}
	if s.lines != nil {
		single.Log = func(l engine.Line) { *s.lines = append(*s.lines, l) }
	}
	out, err := engine.VisitOne(t.Context(), single)
	if s.notes != nil {
		*s.notes = append(*s.notes, out.Notes...)
	}
	return out.Outputs, out.Result, err
}

// Host opens the runner's real host in a temporary folder for the test.
func Host(t testing.TB, opts ...Option) engine.Host {
	t.Helper()
	return newSetup(t, opts).open(t)
}

// Catalog loads the catalog.
func Catalog(t testing.TB) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func newSetup(t testing.TB, opts []Option) *setup {
	t.Helper()
	s := &setup{
		id:     "node",
		policy: runner.Policy{AllowShell: true, AllowPython: true, AllowNode: true},
	}
	for _, o := range opts {
		o(s)
	}
	if s.vars == nil {
		s.vars = value.NewMap()
	}
	if s.dir == "" {
		s.dir = t.TempDir()
	}
	return s
}

func (s *setup) open(t testing.TB) engine.Host {
	t.Helper()
	for name, content := range s.files {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o := runner.HostOptions{Environ: s.environ}
	o.Secret = func(_ context.Context, name string) (string, error) {
		if v, ok := s.secrets[name]; ok {
			return v, nil
		}
		return "", runner.NoSecret{Reason: engine.Fail("KeyError", "Secret %q is not available here", name)}
	}
	h, err := runner.OpenHost(s.dir, s.policy, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	return h
}

// fromGo makes an object of a Go map, with sorted keys since Go has no order.
func fromGo(m map[string]any) *value.Map {
	out := value.NewMap()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out.Set(k, value.FromGo(m[k]))
	}
	return out
}

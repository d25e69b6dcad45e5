package local_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
)

func newDesk(t *testing.T, o local.DeskOptions) *local.Desk {
	t.Helper()
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	lib, err := nodes.Standard()
	if err != nil {
		t.Fatal(err)
	}
	if o.Runner, err = runner.New(runner.Config{Catalog: cat, Library: lib, WorkDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	o.Catalog, o.IDs = cat, fleet.NewIDs(time.Now, rand.Reader)
	d := local.NewDesk(o)
	t.Cleanup(d.Close)
	return d
}

// end waits for the end of a run.
func end(t *testing.T, d *local.Desk, id fleet.ID) fleet.LocalRun {
	t.Helper()
	for v := int64(0); ; {
		run, err := d.Get(t.Context(), "default", id, v)
		if err != nil {
			t.Fatal(err)
		}
		if run.State.Final() {
			return run
		}
		v = run.Version
	}
}

func TestARunIsToldNodeByNode(t *testing.T) {
	d := newDesk(t, local.DeskOptions{})
	run, err := d.Start("default", fleet.LocalStart{Document: []byte(hello)})
	if err != nil {
		t.Fatal(err)
	}
	got := end(t, d, run.ID)
	if got.State != fleet.Completed || got.Progress != 100 || len(got.Nodes) != 2 || got.Nodes[1].ID != "log" || got.Nodes[1].Status != "completed" ||
		got.Nodes[1].Runs != 1 || !strings.Contains(string(got.Result), `"nodes_executed":2`) || got.Host == "" {
		t.Errorf("%+v %s", got, got.Result)
	}
	log, err := d.Log(t.Context(), "default", run.ID, 1, 100)
	if err != nil || len(log.Lines) != 1 || log.Lines[0].Line != 1 || log.Lines[0].Node != "log" || !strings.Contains(log.Lines[0].Message, "hi") {
		t.Errorf("%+v %v", log, err)
	}
	if _, err := d.Get(t.Context(), "globex", run.ID, 0); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("another tenant sees it: %v", err)
	}
	if n := len(d.List("globex")); n != 0 {
		t.Errorf("another tenant sees %d", n)
	}
	if _, err := d.Cancel("default", run.ID); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("an ended run was cancelled: %v", err)
	}
}

func TestARunIsCancelled(t *testing.T) {
	d := newDesk(t, local.DeskOptions{Slots: 1, Waiting: 1})
	one, err := d.Start("default", fleet.LocalStart{Document: []byte(waits)})
	if err != nil {
		t.Fatal(err)
	}
	two, err := d.Start("default", fleet.LocalStart{Document: []byte(waits)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Start("default", fleet.LocalStart{Document: []byte(waits)})
	if !errors.Is(err, fleet.ErrExhausted) {
		t.Errorf("a third: %v", err)
	}
	for _, id := range []fleet.ID{two.ID, one.ID} { // the one that waits first
		if _, err := d.Cancel("default", id); err != nil {
			t.Error(err)
		}
		if run := end(t, d, id); run.State != fleet.Cancelled || run.Error != nil {
			t.Errorf("%+v", run)
		}
	}
}

func TestAFailureNamesItsNode(t *testing.T) {
	d := newDesk(t, local.DeskOptions{})
	run, err := d.Start("default", fleet.LocalStart{Document: []byte(
		`{"nodes":{"x":{"node_id":"x","node_type":"ThrowErrorNode","config":{"error_message":"broken"}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	got := end(t, d, run.ID)
	if got.State != fleet.Failed || got.Error == nil || got.Error.Node != "x" || got.Nodes[len(got.Nodes)-1].Status != "failed" {
		t.Errorf("%+v %+v", got, got.Error)
	}
	_, err = d.Start("default", fleet.LocalStart{Document: []byte(`{"nodes":{"x":{"node_id":"x","node_type":"NoSuchNode"}}}`)})
	var e *fleet.Error
	if !errors.As(err, &e) || e.Reason != "workflow_invalid" || len(e.Fields) == 0 || !strings.Contains(e.Fields[0].Field, "x") {
		t.Errorf("%v %+v", err, e)
	}
	_, err = d.Start("default", fleet.LocalStart{Document: []byte(hello), Variables: []byte(`[1]`)})
	if !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("inputs: %v", err)
	}
}

func TestOldRunsAreForgottenAndLogsBounded(t *testing.T) {
	d := newDesk(t, local.DeskOptions{Kept: 2, Lines: 1})
	var last fleet.ID
	for range 4 {
		run, err := d.Start("default", fleet.LocalStart{Document: []byte(
			`{"nodes":{"a":{"node_id":"a","node_type":"LogNode","config":{"message":"1"}},"b":{"node_id":"b","node_type":"LogNode","config":{"message":"2"}}},
			"connections":[{"source_node":"a","source_port":"exec_out","target_node":"b","target_port":"exec_in"}]}`)})
		if err != nil {
			t.Fatal(err)
		}
		end(t, d, run.ID)
		last = run.ID
	}
	if n := len(d.List("default")); n > 2 {
		t.Errorf("%d runs are remembered", n)
	}
	log, err := d.Log(t.Context(), "default", last, 1, 100)
	if err != nil || len(log.Lines) != 2 || !strings.Contains(log.Lines[1].Message, "1 further line") {
		t.Errorf("%+v %v", log, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if log, err = d.Log(ctx, "default", last, 3, 100); err != nil || len(log.Lines) != 0 {
		t.Errorf("beyond the end: %+v %v", log, err)
	}
}

func TestFilesStayInTheFolder(t *testing.T) {
	outside := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "flows")
	must(os.MkdirAll(filepath.Join(dir, "sub", ".git"), 0o755))
	must(os.WriteFile(filepath.Join(outside, "secret.json"), []byte(`{}`), 0o600))
	must(os.WriteFile(filepath.Join(dir, "a.json"), []byte(`{"metadata":{"name":"A"},"nodes":{}, "n": 10.0}`), 0o600))
	must(os.WriteFile(filepath.Join(dir, "sub", "b.JSON"), []byte(`{}`), 0o600))
	must(os.WriteFile(filepath.Join(dir, "sub", ".git", "c.json"), []byte(`{}`), 0o600))
	must(os.WriteFile(filepath.Join(dir, "notes.txt"), []byte(`x`), 0o600))
	must(os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(dir, "link.json")))
	f, err := local.OpenFiles(dir, 1000)
	must(err)
	defer f.Close()
	list, more, err := f.List()
	must(err)
	if len(list) != 2 || more || list[0].Path != "a.json" || list[1].Path != "sub/b.JSON" {
		t.Errorf("%+v", list)
	}
	for _, bad := range []string{"", "../secret.json", "/etc/passwd.json", "sub/../../x.json", "link.json", "notes.txt", "sub/.git/c.json", `..\x.json`, "a.json/../../x.json", "./a.json"} {
		if got, err := f.Open(bad); err == nil {
			t.Errorf("%q was opened: %+v", bad, got)
		}
		if _, err := f.Save(bad, "{}", ""); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
	if text, err := os.ReadFile(filepath.Join(outside, "secret.json")); err != nil || string(text) != "{}" {
		t.Errorf("%s %v", text, err)
	}
	a, err := f.Open("a.json")
	must(err)
	if a.Name != "A" || !strings.Contains(a.Text, "10.0") {
		t.Errorf("%+v", a)
	}
	if _, err := f.Save("a.json", "{}", ""); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("it was overwritten: %v", err)
	}
	b, err := f.Save("a.json", a.Text+"\n", a.ETag)
	must(err)
	if _, err := f.Save("a.json", "{}", a.ETag); !errors.Is(err, fleet.ErrConflict) || b.ETag == a.ETag {
		t.Errorf("a change of another was covered up: %v", err)
	}
	if _, err := f.Save("new/deep.json", "{}", ""); err != nil {
		t.Error(err)
	}
	if _, err := f.Save("big.json", strings.Repeat("x", 1001), ""); err == nil {
		t.Error("too large a file was written")
	}
	if _, err := f.Save("gone.json", "{}", "x"); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("%v", err)
	}
	entries, err := os.ReadDir(dir)
	must(err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// TestCheckTellsOfPlaces: the author's machine knows without an orchestrator how
// the places of its nodes cut a workflow, and which cut is refused.
func TestCheckTellsOfPlaces(t *testing.T) {
	d := newDesk(t, local.DeskOptions{})
	placed := func(in string) []byte {
		return []byte(`{"nodes":{"s":{"node_id":"s","node_type":"StartNode"},"l":{"node_id":"l","node_type":"ForLoopStartNode","config":{"items":[1]}},
			"x":{"node_id":"x","node_type":"LogNode","config":{"message":"m"}},"e":{"node_id":"e","node_type":"ForLoopEndNode"}},
			"connections":[{"source_node":"s","source_port":"exec_out","target_node":"l","target_port":"exec_in"},
			{"source_node":"l","source_port":"body","target_node":"x","target_port":"exec_in"},{"source_node":"x","source_port":"exec_out","target_node":"e","target_port":"exec_in"}],
			"settings":{"fleet":{"nodes":{"` + in + `":{"robot_id":"r1"}}}}}`)
	}
	found, segments, err := d.Check(placed("l"))
	if err != nil || !found.OK() || len(segments) != 1 || segments[0].Entry != "s" || segments[0].Placement.Target != "r1" {
		t.Errorf("%v %v %+v", err, found, segments)
	}
	found, segments, err = d.Check(placed("x"))
	if errs := found.Errors(); err != nil || len(errs) != 1 || errs[0].Code != "PLACEMENT_CUT_FORBIDDEN" || errs[0].NodeID != "x" || segments != nil {
		t.Errorf("%v %v %+v", err, found, segments)
	}
}

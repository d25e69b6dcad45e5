package robot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// watchFake is an orchestrator that knows files.
type watchFake struct {
	list   []fleet.Watch
	told   []string
	faults map[fleet.ID]string
	fail   error
	again  int
}

func (f *watchFake) RobotWatches(context.Context) ([]fleet.Watch, error) { return f.list, f.fail }

func (f *watchFake) TellWatched(_ context.Context, _ fleet.ID, file fleet.WatchedFile) (fleet.WatchAnswer, error) {
	if f.fail != nil {
		return fleet.WatchAnswer{}, f.fail
	}
	f.told = append(f.told, fmt.Sprintf("%s:%d", filepath.Base(file.Path), file.Size))
	return fleet.WatchAnswer{Outcome: fleet.FiringAccepted, AgainSeconds: f.again}, nil
}

func (f *watchFake) TellWatchFault(_ context.Context, id fleet.ID, fault string) error {
	f.faults[id] = fault
	return f.fail
}

// watching is a robot that watches one folder, on a clock that the test moves.
type watching struct {
	*testing.T
	dir, in string
	server  *watchFake
	w       *watcher
	now     time.Time
}

func newWatching(t *testing.T) *watching {
	t.Helper()
	dir := t.TempDir()
	o := &watching{T: t, dir: dir, in: filepath.Join(dir, "root", "in"), now: time.Now()}
	if err := os.MkdirAll(o.in, 0o750); err != nil {
		t.Fatal(err)
	}
	o.server = &watchFake{faults: map[fleet.ID]string{}, list: []fleet.Watch{{Trigger: "t1", Since: 7, Path: filepath.Join(o.in, "*.pdf"), SettleSeconds: 2}}}
	o.restart()
	return o
}

func (o *watching) restart() {
	o.w = newWatcher(o.server, []string{filepath.Join(o.dir, "root")}, filepath.Join(o.dir, "watches.json"), slog.New(slog.DiscardHandler))
}

func (o *watching) write(name, text string) {
	o.Helper()
	if err := os.WriteFile(filepath.Join(o.in, name), []byte(text), 0o600); err != nil {
		o.Fatal(err)
	}
}

// pass lets seconds go by, with a look in each.
func (o *watching) pass(seconds int) {
	for range seconds {
		o.now = o.now.Add(time.Second)
		o.w.pass(o.Context(), o.now)
	}
}

// want is what the orchestrator was told since it was asked last.
func (o *watching) want(what, want string) {
	o.Helper()
	if got := strings.Join(o.server.told, " "); got != want {
		o.Errorf("%s: told of %q, want %q", what, got, want)
	}
	o.server.told = nil
}

func TestWatch(t *testing.T) {
	o := newWatching(t)
	o.write("before.pdf", "x")
	o.pass(5)
	o.want("what was there before", "")
	o.write("a.pdf", "1")
	o.write("a.txt", "1")
	o.pass(2)
	o.want("it does not stand still yet", "")
	o.write("a.pdf", "12")
	o.pass(2)
	o.want("it was written to", "")
	o.pass(2)
	o.want("it stands still", "a.pdf:2")
	o.pass(5)
	o.want("once", "")
	o.restart()
	o.pass(5)
	o.want("nor after a restart", "")
	o.write("a.pdf", "other")
	o.pass(4)
	o.want("another content", "a.pdf:5")
	if err := os.Remove(filepath.Join(o.in, "a.pdf")); err != nil {
		t.Fatal(err)
	}
	o.pass(2)
	o.write("a.pdf", "back")
	o.pass(4)
	o.want("taken away and put there again", "a.pdf:4")

	// Dropped while the robot is away, and told of before it was kept.
	o.write("away.pdf", "123")
	o.restart()
	kept, err := os.ReadFile(o.w.file)
	if err != nil {
		t.Fatal(err)
	}
	o.pass(4)
	o.want("dropped meanwhile", "away.pdf:3")
	if err := os.WriteFile(o.w.file, kept, 0o600); err != nil { // as if it had died after it told
		t.Fatal(err)
	}
	o.restart()
	o.pass(4)
	o.want("told again, which the orchestrator knows", "away.pdf:3")

	// Nobody answers, then the trigger cools.
	o.server.fail = errors.New("away")
	o.write("b.pdf", "1")
	o.pass(10)
	o.want("nobody is there", "")
	o.server.fail = nil
	o.server.again = 20
	o.pass(6)
	o.want("it is told of", "b.pdf:1")
	o.pass(10)
	o.want("it waits", "")
	o.server.again = 0
	o.pass(11)
	o.want("and comes again", "b.pdf:1")

	// Enabled anew: what lies there is none of it, unless existing files count.
	o.server.list[0].Since = 8
	o.write("c.pdf", "1")
	o.pass(40)
	o.want("it begins anew", "")
	o.server.list[0].Since, o.server.list[0].Existing = 9, true
	o.pass(40)
	if n := len(o.server.told); n != 5 {
		t.Errorf("of those that lie there %d count: %v", n, o.server.told)
	}
	o.server.told, o.server.list = nil, nil
	o.pass(40)
	if len(o.w.memory) != 0 {
		t.Errorf("of a trigger that is gone there is %v", o.w.memory)
	}
}

// A robot looks into the folders that it was given, and through no link out of
// them, and says what it cannot do.
func TestWatchPolicy(t *testing.T) {
	o := newWatching(t)
	secret := filepath.Join(o.dir, "secret")
	if err := os.MkdirAll(secret, 0o750); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{secret: "out", filepath.Join(secret, "x.pdf"): "in/link.pdf"} {
		if err := os.Symlink(from, filepath.Join(o.dir, "root", to)); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	if err := os.WriteFile(filepath.Join(secret, "x.pdf"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(o.in, "folder.pdf"), 0o750); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(o.dir, "root")
	o.server.list = nil
	for id, path := range map[fleet.ID]string{
		"inside": filepath.Join(o.in, "*.pdf"), "outside": filepath.Join(secret, "*.pdf"), "a link": filepath.Join(root, "out", "*.pdf"),
		"up": root + "/in/../../secret/*.pdf", "nowhere": filepath.Join(root, "nowhere", "*.pdf"),
	} {
		o.server.list = append(o.server.list, fleet.Watch{Trigger: id, Since: 1, Path: path, SettleSeconds: 1, Existing: true})
	}
	o.pass(10)
	o.want("of nothing", "")
	for id, fault := range o.server.faults {
		if (id == "inside") != (fault == "") {
			t.Errorf("%s: the fault is %q", id, fault)
		}
	}
	if len(o.server.faults) != 5 {
		t.Errorf("%v", o.server.faults)
	}
	o.write("a.pdf", "1")
	o.pass(4)
	o.want("one inside", "a.pdf:1")
	if err := os.Mkdir(filepath.Join(root, "nowhere"), 0o750); err != nil {
		t.Fatal(err)
	}
	o.pass(10)
	if fault := o.server.faults["nowhere"]; fault != "" {
		t.Errorf("the folder is there, and the fault is still %q", fault)
	}
}

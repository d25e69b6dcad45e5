package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// A file starts one job however often its robot tells of it, waits while the
// trigger cools, and is nobody else's to tell of.
func TestFileTrigger(t *testing.T) {
	w, workflow := newTriggers(t)
	tr := w.trigger(workflow, TriggerChange{
		File:   &fleet.FileRule{RobotID: w.robot.RobotID, Path: "/in/*.pdf"},
		Inputs: json.RawMessage(`{"file":{"pointer":"/path"}}`),
		Filter: &[]fleet.Comparison{{Path: "/size", Op: fleet.OpGreater, Value: json.RawMessage("0")}},
	})
	if list, err := w.Triggers.Watches(t.Context(), w.robot); err != nil || len(list) != 1 || list[0].Trigger != tr.ID || list[0].SettleSeconds != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	found := func(path string, size int64) (fleet.Firing, time.Duration) {
		t.Helper()
		f, wait, err := w.Triggers.Found(t.Context(), w.robot, tr.ID, fleet.WatchedFile{Path: path, Size: size, Modified: w.now.Truncate(time.Hour)})
		w.must(err)
		return f, wait
	}
	a, _ := found("/in/a.pdf", 7)
	job := w.get(a.JobID)
	if a.Outcome != fleet.FiringAccepted || string(job.Data.Variables) != `{"file":"/in/a.pdf"}` || job.Job.Target != w.robot.RobotID {
		t.Errorf("%+v: %s for %q", a, job.Data.Variables, job.Job.Target)
	}
	if again, _ := found("/in/a.pdf", 7); again.Outcome != fleet.FiringDuplicate || again.JobID != a.JobID {
		t.Errorf("told of again: %+v", again)
	}
	if other, _ := found("/in/a.pdf", 8); other.Outcome != fleet.FiringAccepted {
		t.Errorf("written anew: %+v", other)
	}
	if empty, _ := found("/in/empty.pdf", 0); empty.Outcome != fleet.FiringFiltered {
		t.Errorf("filtered: %+v", empty)
	}
	for _, path := range []string{"/in/a.txt", "/in/../etc/x.pdf", "/in/deep/x.pdf", "/out/a.pdf", "/in/" + strings.Repeat("x", maxFilePath) + ".pdf"} {
		if _, _, err := w.Triggers.Found(t.Context(), w.robot, tr.ID, fleet.WatchedFile{Path: path, Size: 1, Modified: w.now}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%.40s: %v", path, err)
		}
	}
	stranger := w.robot
	stranger.RobotID = "r-else"
	_, _, err := w.Triggers.Found(t.Context(), stranger, tr.ID, fleet.WatchedFile{Path: "/in/a.pdf", Size: 1, Modified: w.now})
	w.is(err, fleet.CodeNotFound, "trigger_not_found")
	if list, err := w.Triggers.Watches(t.Context(), stranger); err != nil || len(list) != 0 {
		t.Errorf("a stranger watches %+v %v", list, err)
	}

	minute := 60
	_, err = w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{CooldownSeconds: &minute})
	w.must(err)
	rows := len(w.firings(tr.ID))
	for range 3 {
		if f, wait := found("/in/c.pdf", 1); f.Outcome != fleet.FiringCooling || wait < time.Second || wait > time.Minute {
			t.Errorf("it waits %s: %+v", wait, f)
		}
	}
	if n := len(w.firings(tr.ID)) - rows; n != 1 {
		t.Errorf("a file that waits left %d rows", n)
	}
	w.now = w.now.Add(time.Minute)
	w.connect()
	f, _, err := w.Triggers.Found(t.Context(), w.robot, tr.ID, fleet.WatchedFile{Path: "/in/c.pdf", Size: 1, Modified: w.now})
	w.must(err)
	if f.Outcome != fleet.FiringAccepted {
		t.Errorf("after the pause: %+v", f)
	}

	w.must(w.Triggers.CannotWatch(t.Context(), w.robot, tr.ID, "the folder /in is outside\x00"))
	got, err := w.Triggers.Get(t.Context(), w.admin, string(tr.ID))
	w.must(err)
	if got.Fault != "the folder /in is outside " {
		t.Errorf("fault %q", got.Fault)
	}
	since := got.Since
	_, err = w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{File: &fleet.FileRule{RobotID: w.robot.RobotID, Path: "/other/*"}})
	w.must(err)
	if got, _ = w.Triggers.Get(t.Context(), w.admin, string(tr.ID)); got.Fault != "" || got.Since == since {
		t.Errorf("another folder begins anew: %+v", got.TriggerState)
	}
}

// post is a mailbox.
type post struct {
	validity uint32
	list     []fleet.MailMessage
	fail     error
	mu       sync.Mutex // guards password
	password string
}

func (p *post) put(n int) {
	for range n {
		uid := uint32(len(p.list) + 1) //nolint:gosec // few
		at := fleet.MailPlace{Validity: p.validity, UID: uid, At: time.Unix(int64(uid), 0).UTC()}
		p.list = append(p.list, fleet.MailMessage{Place: at, UID: uid, Validity: p.validity, Subject: fmt.Sprint("Order ", uid), From: "ada@example.org"})
	}
}

func (p *post) Read(_ context.Context, _ fleet.EmailRule, password string, after fleet.MailPlace, limit int) ([]fleet.MailMessage, fleet.MailPlace, error) {
	p.mu.Lock()
	p.password = password
	p.mu.Unlock()
	if p.fail != nil {
		return nil, after, p.fail
	}
	end := fleet.MailPlace{Validity: p.validity, UID: uint32(len(p.list))} //nolint:gosec // few
	if after.Validity == 0 {
		return nil, end, nil
	}
	from := min(int(after.UID), len(p.list))
	return p.list[from:min(from+limit, len(p.list))], end, nil
}

func (p *post) Newest(context.Context, fleet.EmailRule, string) (m fleet.MailMessage, ok bool, err error) {
	if len(p.list) == 0 || p.fail != nil {
		return m, false, p.fail
	}
	return p.list[len(p.list)-1], true, nil
}

// Messages that come start jobs, each one, wherever whoever reads them dies and
// however many do.
func TestEmailTrigger(t *testing.T) {
	w, workflow := newTriggers(t)
	box := &post{validity: 7}
	w.Triggers.Mail = box
	box.put(3) // before the trigger was there
	tr := w.trigger(workflow, TriggerChange{
		Email:  &fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "shop.key"},
		Inputs: json.RawMessage(`{"subject":{"pointer":"/subject"}}`),
		Filter: &[]fleet.Comparison{{Not: &fleet.Comparison{Path: "/subject", Op: fleet.OpEqual, Value: json.RawMessage(`"Order 6"`)}}},
	})
	scope := store.System("test").In("default")
	read := func() time.Duration {
		t.Helper()
		again, err := w.Triggers.Read(t.Context(), scope, tr.ID)
		w.must(err)
		return again
	}
	outcomes := func() map[fleet.FiringOutcome]int {
		out := map[fleet.FiringOutcome]int{}
		for _, f := range w.firings(tr.ID) {
			out[f.Outcome]++
		}
		return out
	}
	read()
	if got := outcomes(); len(got) != 0 || box.password != shopSecret {
		t.Fatalf("what was there before: %v, with the password %q", got, box.password)
	}
	box.put(2*mailsAtOnce + 5) // 4 to 48, of which 6 is filtered
	done := make(chan error)
	for range 2 {
		go func() { _, err := w.Triggers.Read(t.Context(), scope, tr.ID); done <- err }()
	}
	for range 2 {
		w.must(<-done)
	}
	read()
	if got := outcomes(); got[fleet.FiringAccepted] != 2*mailsAtOnce+4 || got[fleet.FiringFiltered] != 1 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	before := len(w.firings(tr.ID))
	read()
	if n := len(w.firings(tr.ID)) - before; n != 0 {
		t.Errorf("%d rows for nothing", n)
	}

	// Whoever reads dies between the answer of the server and the store: nothing is
	// lost, nothing comes twice.
	box.put(1)
	gone, kill := context.WithCancel(t.Context())
	kill()
	_, _ = w.Triggers.Read(gone, scope, tr.ID)
	read()
	if n := len(w.firings(tr.ID)) - before; n != 1 {
		t.Errorf("%d rows for one message", n)
	}

	// While it is full, messages wait; one row says so.
	one := 1
	_, err := w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{MaxActive: &one})
	w.must(err)
	before = len(w.firings(tr.ID))
	box.put(2)
	for range 3 {
		if read() <= 0 {
			t.Error("it does not wait")
		}
	}
	if got := w.firings(tr.ID); len(got)-before != 1 || got[0].Outcome != fleet.FiringFull {
		t.Errorf("%d rows, the last %+v", len(got)-before, got[0])
	}

	// A fault is told of once, and is gone when the mailbox answers again.
	box.fail = errors.New("login of ada with " + shopSecret + " refused")
	for range 2 {
		if _, err := w.Triggers.Read(t.Context(), scope, tr.ID); err == nil || strings.Contains(err.Error(), shopSecret) {
			t.Errorf("a fault is %v", err)
		}
	}
	if got, _ := w.Triggers.Get(t.Context(), w.admin, string(tr.ID)); got.Fault != "login of ada with *** refused" {
		t.Errorf("fault %q", got.Fault)
	}
	tried, err := w.Triggers.Try(t.Context(), w.admin, string(tr.ID), nil)
	w.must(err)
	if tried.Outcome != fleet.FiringRefused || tried.Reason != "login of ada with *** refused" {
		t.Errorf("tried: %+v", tried)
	}
	box.fail = nil
	none := 0
	_, err = w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{MaxActive: &none})
	w.must(err)
	before = len(w.firings(tr.ID))
	read()
	if got, _ := w.Triggers.Get(t.Context(), w.admin, string(tr.ID)); got.Fault != "" || len(w.firings(tr.ID))-before != 2 {
		t.Errorf("fault %q, %d rows", got.Fault, len(w.firings(tr.ID))-before)
	}
	tried, err = w.Triggers.Try(t.Context(), w.admin, string(tr.ID), nil)
	w.must(err)
	if tried.Outcome != fleet.FiringAccepted || !strings.Contains(string(tried.Inputs), "Order 51") {
		t.Errorf("tried: %+v %s", tried, tried.Inputs)
	}

	// The same numbers in another folder are other messages.
	before = len(w.firings(tr.ID))
	_, err = w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{Email: &fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "shop.key", Folder: "Other"}})
	w.must(err)
	kept := box.list
	box.list = box.list[:3]
	read()
	box.list = kept
	read()
	if got := w.firings(tr.ID); len(got)-before != len(kept)-3 || got[0].Outcome != fleet.FiringAccepted {
		t.Errorf("%d rows in another folder, the last %+v", len(got)-before, got[0])
	}

	// What comes while it is disabled is none of it.
	_, err = w.Triggers.Enable(t.Context(), w.admin, string(tr.ID), false, "")
	w.must(err)
	box.put(2)
	read()
	_, err = w.Triggers.Enable(t.Context(), w.admin, string(tr.ID), true, "")
	w.must(err)
	before = len(w.firings(tr.ID))
	read()
	box.put(1)
	read()
	if n := len(w.firings(tr.ID)) - before; n != 1 {
		t.Errorf("%d rows after it was enabled again, want 1", n)
	}
}

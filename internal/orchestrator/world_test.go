package orchestrator

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/workflow/catalog"
)

const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// named is the empty workflow under another name.
func named(name string) []byte { return []byte(strings.Replace(document, "nothing", name, 1)) }

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is the use cases on a real store, on a clock that the test moves.
type world struct {
	testing.TB
	*Orchestrator
	store dbtest.Store
	now   time.Time
	admin auth.Principal
	robot auth.Principal
	epoch int64 // of the robot's session
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{TB: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), admin: auth.Local(), robot: auth.Robot("default", "r1", "default")}
	clock := func() time.Time { return w.now }
	ids := fleet.NewIDs(clock, rand.Reader)
	log := slog.New(slog.DiscardHandler)
	db := dbtest.Open(t, dbtest.Options{Now: clock, IDs: ids, Logger: log})
	cat, err := catalog.Load()
	w.must(err)
	o := Options{
		Store: twice{db}, IDs: ids, Now: clock, Chance: func() float64 { return 0 }, Catalog: cat, Logger: log, Limits: DefaultLimits(),
		Timing: func(string) fleet.Timing { return fleet.DefaultTiming() },
	}
	for _, c := range change {
		c(&o)
	}
	w.store, w.Orchestrator = db, New(o)
	t.Cleanup(func() {
		if err := storetest.Invariants(context.WithoutCancel(t.Context()), db); err != nil {
			t.Error(err)
		}
	})
	return w
}

// twice runs the function of each update a second time after the first was
// rolled back, as a store does that lost a race: what it left behind outside of
// the transaction must not count.
type twice struct{ store.Store }

var errAgain = errors.New("once more")

func (s twice) Update(ctx context.Context, sc store.Scope, fn func(tx store.Tx) error) error {
	err := s.Store.Update(ctx, sc, func(tx store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errAgain
	})
	if !errors.Is(err, errAgain) {
		return err
	}
	return s.Store.Update(ctx, sc, fn)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// connect lets the robot of the world sign in.
func (w *world) connect(words ...string) {
	w.Helper()
	got, err := w.Robots.Connect(w.Context(), w.robot, Hello{
		Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Hostname: "h", Slots: 10, Capabilities: words,
	}, "token")
	w.must(err)
	w.epoch = got.Session.Epoch
}

func (w *world) submit(change ...func(*SubmitRequest)) fleet.Job {
	w.Helper()
	r := SubmitRequest{Document: []byte(document)}
	for _, c := range change {
		c(&r)
	}
	out, err := w.Jobs.Submit(w.Context(), w.admin, r)
	w.must(err)
	return out.Job
}

// start hands a job to the robot and lets it begin.
func (w *world) start(job fleet.Job) store.Ref {
	w.Helper()
	won, lost, err := w.store.Assign(w.Context(), w.admin.Scope(), []store.Assignment{{
		Tenant: "default", JobID: job.ID, Epoch: job.Epoch, RobotID: "r1", SessionEpoch: w.epoch, AcceptWithin: 10 * time.Second,
	}}, w.now)
	w.must(err)
	if len(won) != 1 {
		w.Fatalf("lost %+v", lost)
	}
	ref := store.Ref{JobID: job.ID, Epoch: won[0].Attempt.Epoch}
	w.must(w.Attempts.Accept(w.Context(), w.robot, ref))
	return ref
}

func (w *world) report(r fleet.Report, ref store.Ref) fleet.VerdictKind {
	w.Helper()
	r.JobID, r.Epoch = ref.JobID, ref.Epoch
	got, err := w.Attempts.Report(w.Context(), w.robot, []fleet.Report{r})
	w.must(err)
	return got[0].Verdict
}

func (w *world) complete(ref store.Ref) {
	w.Helper()
	if v := w.report(fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{}`)}, ref); v != fleet.VerdictApplied {
		w.Fatalf("verdict %s", v)
	}
}

func (w *world) fail(ref store.Ref, class fleet.ErrorClass) {
	w.Helper()
	v := w.report(fleet.Report{Kind: fleet.ReportFailed, Error: &fleet.JobError{Class: class, Message: "no"}}, ref)
	if v != fleet.VerdictApplied {
		w.Fatalf("verdict %s", v)
	}
}

func (w *world) get(id fleet.ID) JobView {
	w.Helper()
	v, err := w.Jobs.Get(w.Context(), w.admin, id)
	w.must(err)
	return v
}

// count is how many rows a table has.
func (w *world) count(table string) string {
	w.Helper()
	rows, err := w.store.QueryText(w.Context(), "select count(*) from "+table)
	w.must(err)
	return rows[0][0]
}

// is fails unless err has the code and the reason.
func (w *world) is(err error, code fleet.Code, reason string) {
	w.Helper()
	var e *fleet.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason != reason {
		w.Errorf("got %v (%+v), want %s/%s", err, e, code, reason)
	}
}

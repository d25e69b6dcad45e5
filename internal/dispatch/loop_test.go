package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
	"github.com/casarerpa/fleet/workflow/catalog"
)

const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

func TestMain(m *testing.M) { dbtest.Main(m) }

// world is a real store with the loop on it; the test plays the connections.
type world struct {
	testing.TB
	store dbtest.Store
	core  *orchestrator.Orchestrator
	loop  *Loop
	now   time.Time

	mu      sync.Mutex
	present []Present
	offers  []store.Won
	sent    chan store.Won
}

func newWorld(t testing.TB, change ...func(*Options)) *world {
	t.Helper()
	w := &world{TB: t, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), sent: make(chan store.Won, 10_000)}
	clock := func() time.Time { return w.now }
	ids := fleet.NewIDs(clock, rand.Reader)
	log := slog.New(slog.DiscardHandler)
	db := dbtest.Open(t, dbtest.Options{Now: clock, IDs: ids, Logger: log})
	cat, err := catalog.Load()
	w.must(err)
	timing := func(string) fleet.Timing { return fleet.DefaultTiming() }
	w.store = db
	w.core = orchestrator.New(orchestrator.Options{
		Store: db, IDs: ids, Now: clock, Chance: func() float64 { return 0 }, Catalog: cat, Timing: timing,
		Limits: orchestrator.DefaultLimits(), Logger: log,
	})
	o := Options{Store: db, Presence: w, Sender: w, Timing: timing, Now: clock, Logger: log}
	for _, c := range change {
		c(&o)
	}
	w.loop = New(o)
	t.Cleanup(func() {
		if err := storetest.Invariants(context.WithoutCancel(t.Context()), db); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) Present() []Present {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.present)
}

func (w *world) Offer(_ context.Context, _ store.Scope, won []store.Won) {
	w.mu.Lock()
	w.offers = append(w.offers, won...)
	w.mu.Unlock()
	for _, one := range won {
		select {
		case w.sent <- one:
		default:
		}
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// robot connects a robot with slots, which is present from then on.
func (w *world) robot(id fleet.RobotID, slots int, environment string) auth.Principal {
	w.Helper()
	p := auth.Robot("default", id, environment)
	got, err := w.core.Robots.Connect(w.Context(), p, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "i-" + string(id), JournalID: "j", Slots: slots,
	}, "token")
	w.must(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.present = append(w.present, Present{Tenant: "default", RobotID: id, SessionEpoch: got.Session.Epoch})
	return p
}

func (w *world) submit(change ...func(*orchestrator.SubmitRequest)) fleet.Job {
	w.Helper()
	r := orchestrator.SubmitRequest{Document: []byte(document)}
	for _, c := range change {
		c(&r)
	}
	out, err := w.core.Jobs.Submit(w.Context(), auth.Local(), r)
	w.must(err)
	return out.Job
}

func priority(p fleet.Priority) func(*orchestrator.SubmitRequest) {
	return func(r *orchestrator.SubmitRequest) { r.Priority = &p }
}

// round runs one round and returns what it offered.
func (w *world) round() (offered []store.Won, more bool) {
	w.Helper()
	w.mu.Lock()
	w.offers = nil
	w.mu.Unlock()
	more, err := w.loop.RunOnce(w.Context(), w.now)
	w.must(err)
	return w.offers, more
}

// end brings an offered job to its end, which frees the slot.
func (w *world) end(p auth.Principal, won store.Won) {
	w.Helper()
	ref := store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}
	w.must(w.core.Attempts.Accept(w.Context(), p, ref))
	verdicts, err := w.core.Attempts.Report(w.Context(), p, []fleet.Report{{
		Kind: fleet.ReportComplete, JobID: ref.JobID, Epoch: ref.Epoch, Result: json.RawMessage(`{}`),
	}})
	w.must(err)
	if verdicts[0].Verdict != fleet.VerdictApplied {
		w.Fatalf("%+v", verdicts)
	}
}

func TestOrder(t *testing.T) {
	w := newWorld(t)
	p := w.robot("r1", 1, "default")
	late, early := w.now.Add(2*time.Hour), w.now.Add(time.Hour)
	want := []fleet.Job{
		6: w.submit(priority(20)), 4: w.submit(), 5: w.submit(), 0: w.submit(priority(0)), 1: w.submit(priority(1)),
		3: w.submit(func(r *orchestrator.SubmitRequest) { r.Deadline = late }),
		2: w.submit(func(r *orchestrator.SubmitRequest) { r.Deadline = early }),
	}
	for i, job := range want {
		got, _ := w.round()
		if len(got) != 1 || got[0].Job.ID != job.ID {
			t.Fatalf("turn %d went to %+v, want priority %d, submitted as %d", i, got, job.Priority, job.Seq)
		}
		w.end(p, got[0])
	}
	if got, more := w.round(); len(got) != 0 || more {
		t.Errorf("an empty round offered %d and asks for more: %v", len(got), more)
	}
}

func TestOfferIsOnDiskBeforeItIsSent(t *testing.T) {
	w := newWorld(t)
	w.robot("r1", 1, "default")
	job := w.submit()
	got, _ := w.round()
	if len(got) != 1 || got[0].Attempt.Epoch != 1 || got[0].Assignment.AcceptWithin != 10*time.Second {
		t.Fatalf("%+v", got)
	}
	v, err := w.core.Jobs.Get(t.Context(), auth.Local(), job.ID)
	w.must(err)
	if v.Job.State != fleet.Assigned || v.Job.RobotID != "r1" {
		t.Errorf("%+v", v.Job)
	}
}

func TestFullWindowGoesOn(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Window = 4 })
	w.robot("r1", 10, "default")
	for range 9 {
		w.submit()
	}
	sizes, rounds := []int{}, 0
	for more := true; more && rounds < 10; rounds++ {
		var got []store.Won
		got, more = w.round()
		sizes = append(sizes, len(got))
	}
	if !slices.Equal(sizes, []int{4, 4, 1}) {
		t.Errorf("rounds offered %v", sizes)
	}
}

// A session that was replaced between the look and the commit loses the race;
// nothing is offered to it.
func TestLostRace(t *testing.T) {
	w := newWorld(t)
	p := w.robot("r1", 1, "default")
	job := w.submit()
	stale := w.present
	if _, err := w.core.Robots.Connect(t.Context(), p, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "i-r1", JournalID: "j", Slots: 1,
	}, "token"); err != nil {
		t.Fatal(err)
	}
	w.present = stale
	if got, _ := w.round(); len(got) != 0 {
		t.Errorf("offered %+v to a session that is over", got)
	}
	w.present[0].SessionEpoch++
	if got, _ := w.round(); len(got) != 1 || got[0].Job.ID != job.ID {
		t.Errorf("offered %+v", got)
	}
}

// Two dispatchers on one store: each job is offered once.
func TestTwoLoops(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 100, "default")
	w.robot("b", 100, "default")
	for range 200 {
		w.submit()
	}
	second := New(w.loop.o)
	var wg sync.WaitGroup
	for _, l := range []*Loop{w.loop, second} {
		wg.Go(func() {
			for range 20 {
				if _, err := l.RunOnce(t.Context(), w.now); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	seen := map[fleet.ID]bool{}
	for _, won := range w.offers {
		if seen[won.Job.ID] {
			t.Errorf("job %s was offered twice", won.Job.ID)
		}
		seen[won.Job.ID] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d of 200 were offered", len(seen))
	}
}

// A signal may be lost; the slow look finds the work all the same.
func TestLostSignal(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Poll = 50 * time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.loop.Run(ctx) }()
	w.submit() // its signal finds nobody present
	p := auth.Robot("default", "r1", "default")
	got, err := w.core.Robots.Connect(t.Context(), p, orchestrator.Hello{
		Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Slots: 1,
	}, "token")
	w.must(err)
	w.mu.Lock() // nothing is raised for this
	w.present = []Present{{Tenant: "default", RobotID: "r1", SessionEpoch: got.Session.Epoch}}
	w.mu.Unlock()
	select {
	case <-w.sent:
	case <-time.After(5 * time.Second):
		t.Error("the job was not offered without a signal")
	}
	stop()
	<-done
}

// Jobs that the only robot refused stand first; those behind them must not
// wait for that.
func TestRefusedJobsHoldNobodyBack(t *testing.T) {
	w := newWorld(t)
	p := w.robot("r1", 1, "default")
	for range 60 {
		w.submit(priority(1))
	}
	for range 60 { // each is offered and refused
		got, _ := w.round()
		if len(got) != 1 {
			t.Fatalf("offered %d", len(got))
		}
		ref := store.Ref{JobID: got[0].Job.ID, Epoch: got[0].Attempt.Epoch}
		w.must(w.core.Attempts.Reject(t.Context(), p, ref, fleet.RejectNoSpace, ""))
	}
	willing := w.submit(priority(5))
	got, _ := w.round()
	if len(got) != 1 || got[0].Job.ID != willing.ID {
		t.Fatalf("behind 60 refused jobs %+v was offered", got)
	}
	w.end(p, got[0])
	w.now = w.now.Add(61 * time.Second) // the refusals are over
	if _, err := w.core.Attempts.Beat(t.Context(), p, store.Beat{SessionEpoch: 1}); err != nil {
		t.Fatal(err)
	}
	if got, _ := w.round(); len(got) != 1 || got[0].Job.Priority != 1 {
		t.Errorf("after the refusals %+v was offered", got)
	}
}

// An assignment that the store will not have, for whatever reason, must not
// take the slot in every plan.
func TestAssignmentThatNeverHoldsHoldsNobodyBack(t *testing.T) {
	w := newWorld(t)
	w.robot("r1", 1, "prod")
	doomed := w.submit(priority(0), func(r *orchestrator.SubmitRequest) { r.Target, r.Environment = "r1", "prod" })
	// Since then the robot was moved: its key names another environment.
	w.present = nil
	w.robot("r1", 1, "test")
	behind := w.submit(priority(9), func(r *orchestrator.SubmitRequest) { r.Environment = "test" })
	var offered []fleet.ID
	for range 3 {
		got, more := w.round()
		for _, x := range got {
			offered = append(offered, x.Job.ID)
		}
		if !more {
			break
		}
	}
	if len(offered) != 1 || (offered[0] != behind.ID && offered[0] != doomed.ID) {
		t.Errorf("offered %v; the slot stays empty behind %s", offered, doomed.ID)
	}
}

// BenchmarkFullFleet is a round in which one slot of a whole fleet became free.
func BenchmarkFullFleet(b *testing.B) {
	for _, robots := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("robots=%d", robots), func(b *testing.B) {
			w := newWorld(b)
			p := w.robot("r0", 1, "default")
			for i := 1; i < robots; i++ {
				w.robot(fleet.RobotID(fmt.Sprintf("r%d", i)), 1, "default")
			}
			fill(w, 2*robots)
			for b.Loop() {
				got, _ := w.round()
				if len(got) == 0 {
					b.Fatal("nothing was offered")
				}
				b.StopTimer()
				for _, won := range got {
					if won.Assignment.RobotID == "r0" {
						ref := store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}
						w.must(w.core.Attempts.Release(b.Context(), p, ref)) // back in line
						w.must(w.store.Update(b.Context(), p.Scope(), func(tx store.Tx) error { return tx.ClearRefusals("r0") }))
					}
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkRound(b *testing.B) {
	for _, pending := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			w := newWorld(b)
			p := w.robot("r1", 1, "default")
			fill(w, pending)
			b.ResetTimer()
			for b.Loop() {
				got, _ := w.round()
				if len(got) != 1 {
					b.Fatalf("offered %d", len(got))
				}
				b.StopTimer()
				ref := store.Ref{JobID: got[0].Job.ID, Epoch: got[0].Attempt.Epoch}
				w.must(w.core.Attempts.Release(b.Context(), p, ref)) // back in line
				w.must(w.store.Update(b.Context(), p.Scope(), func(tx store.Tx) error { return tx.ClearRefusals("r1") }))
				b.StartTimer()
			}
		})
	}
}

// BenchmarkIdleRound is a look that finds no room, the most frequent one.
func BenchmarkIdleRound(b *testing.B) {
	for _, pending := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("pending=%d", pending), func(b *testing.B) {
			w := newWorld(b)
			w.robot("r1", 1, "default")
			fill(w, pending)
			w.round()
			for b.Loop() {
				w.round()
			}
		})
	}
}

// fill puts jobs into the store, a thousand at a time.
func fill(w *world, n int) {
	w.Helper()
	for n > 0 {
		rs := make([]orchestrator.SubmitRequest, min(n, 1000))
		for i := range rs {
			rs[i].Document = []byte(document)
		}
		_, faults, err := w.core.Jobs.SubmitMany(w.Context(), auth.Local(), rs, false)
		w.must(err)
		w.must(faults[0])
		n -= len(rs)
	}
}

package dispatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// edit changes a robot as an operator does.
func (w *world) edit(id fleet.RobotID, c orchestrator.RobotChange) {
	w.Helper()
	_, err := w.core.Robots.Edit(w.Context(), auth.Local(), id, c)
	w.must(err)
}

func placed(p fleet.Placement) func(*orchestrator.SubmitRequest) {
	return func(r *orchestrator.SubmitRequest) { r.Placement = p }
}

// takes fails unless one round hands the job, and nothing else, to the robot.
func (w *world) takes(job fleet.Job, robot fleet.RobotID) {
	w.Helper()
	got, _ := w.round()
	if len(got) != 1 || got[0].Job.ID != job.ID || got[0].Attempt.RobotID != robot {
		w.Fatalf("offered %+v, want %s to %s", offers(got), job.ID, robot)
	}
}

// waits fails if a round hands anything out, or says another reason.
func (w *world) waits(job fleet.Job, code fleet.WaitingCode) {
	w.Helper()
	if got, _ := w.round(); len(got) != 0 {
		w.Fatalf("offered %+v, want none", offers(got))
	}
	e, err := w.core.Jobs.Explain(w.Context(), auth.Local(), job.ID)
	w.must(err)
	if e.Job.WaitingCode != code {
		w.Fatalf("%s waits for %s (%s), want %s", job.ID, e.Job.WaitingCode, e.Summary, code)
	}
}

func TestPoolsTagsAndFacts(t *testing.T) {
	w := newWorld(t)
	w.robot("web-1", 5, "default")
	w.robot("pay-1", 5, "default")
	pool := "pay"
	w.edit("pay-1", orchestrator.RobotChange{Pool: &pool, Tags: &[]string{"fast"}, Facts: map[string]*fleet.Fact{"licences": {Value: 2.0}}})
	w.takes(w.submit(placed(fleet.Placement{Pool: "pay"})), "pay-1")
	w.takes(w.submit(placed(fleet.Placement{Tags: fleet.Capabilities{"fast"}})), "pay-1")
	licences := func(n string) fleet.Placement {
		return fleet.Placement{Facts: []fleet.Comparison{{Fact: "licences", Op: fleet.OpGreaterEqual, Value: []byte(n)}}}
	}
	w.takes(w.submit(placed(licences("2"))), "pay-1")
	job := w.submit(placed(licences("3")))
	w.waits(job, fleet.CodeNoMatch)
	w.edit("web-1", orchestrator.RobotChange{Facts: map[string]*fleet.Fact{"licences": {Value: 3.0}}})
	w.takes(job, "web-1")
}

func TestUsualRobotsComeFirst(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 1, "default")
	w.robot("b", 1, "default")
	workflow := w.submit().Workflow.ID
	first, _ := w.round()
	w.end(auth.Robot("default", first[0].Attempt.RobotID, "default"), first[0])
	for _, u := range []fleet.UsualRobot{{WorkflowID: workflow, RobotID: "b"}} {
		_, err := w.core.Jobs.Assign(t.Context(), auth.Local(), u)
		w.must(err)
	}
	w.takes(w.submit(), "b")
	w.takes(w.submit(), "a")
}

func TestStickyKeyGoesBackToItsRobot(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 2, "default")
	order := placed(fleet.Placement{Sticky: &fleet.Sticky{Mode: fleet.StickyHard, Key: "order-7"}})
	w.takes(w.submit(order), "a")
	w.end(auth.Robot("default", "a", "default"), w.offers[0])
	w.robot("b", 5, "default")
	w.takes(w.submit(), "b") // without a key the robot that was idle for longer
	w.takes(w.submit(order), "a")
	w.takes(w.submit(order), "a")
	job := w.submit(order) // a is full now
	w.waits(job, fleet.CodeNoSlot)
}

func TestFallbackOpensWithTime(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 1, "default")
	w.robot("b", 1, "default")
	w.takes(w.submit(func(r *orchestrator.SubmitRequest) { r.Target = "a" }), "a")
	job := w.submit(placed(fleet.Placement{Fallback: []fleet.FallbackStep{
		{Match: fleet.Selector{Robots: []fleet.RobotID{"a"}}, WaitSeconds: 30}, {Match: fleet.Selector{All: true}},
	}}))
	w.waits(job, fleet.CodeNoSlot)
	if want := w.now.Add(30 * time.Second); !w.loop.next.Equal(want) {
		t.Errorf("looks again at %s, want %s", w.loop.next, want)
	}
	w.now = w.now.Add(29 * time.Second)
	w.waits(job, fleet.CodeNoSlot)
	w.now = w.now.Add(time.Second)
	w.takes(job, "b")
}

func TestReservationHoldsUntilItsEnd(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 2, "default")
	_, warnings, err := w.core.Reservations.Put(t.Context(), auth.Local(), fleet.Reservation{
		Name: "month end", Selector: fleet.Selector{All: true}, Slots: 1, Enabled: true,
		For:     fleet.ReservationFor{Labels: map[string]string{"team": "pay"}},
		Windows: []fleet.Window{{From: w.now.Add(-time.Hour), Until: w.now.Add(time.Minute)}},
	})
	w.must(err)
	if len(warnings) != 0 {
		t.Errorf("warnings %q", warnings)
	}
	w.takes(w.submit(), "a")
	other := w.submit()
	w.waits(other, fleet.CodeReserved)
	holder := w.submit(func(r *orchestrator.SubmitRequest) { r.Labels = map[string]string{"team": "pay"} })
	w.takes(holder, "a")
	w.end(auth.Robot("default", "a", "default"), w.offers[0])
	w.waits(other, fleet.CodeReserved)
	w.now = w.now.Add(time.Minute)
	_, err = w.core.Attempts.Beat(t.Context(), auth.Robot("default", "a", "default"), store.Beat{SessionEpoch: 1})
	w.must(err)
	w.takes(other, "a")
}

// The documented order, through the store: priority, then the time of
// submission, however the slots come free.
func TestMixedPrioritiesStartInOrder(t *testing.T) {
	jobs, robots := 1000, 50
	if testing.Short() {
		jobs, robots = 200, 10
	}
	w := newWorld(t)
	type submitted struct {
		id       fleet.ID
		priority fleet.Priority
		n        int
	}
	var want []submitted
	for done := 0; done < jobs; done += 100 {
		rs := make([]orchestrator.SubmitRequest, 100)
		for i := range rs {
			p := fleet.Priority((done + i*7) % 21)
			rs[i] = orchestrator.SubmitRequest{Document: []byte(document), Priority: &p}
		}
		out, _, err := w.core.Jobs.SubmitMany(t.Context(), auth.Local(), rs, false)
		w.must(err)
		for i := range out {
			want = append(want, submitted{out[i].Job.ID, out[i].Job.Priority, len(want)})
		}
	}
	slices.SortStableFunc(want, func(a, b submitted) int { return int(a.priority) - int(b.priority) })
	for i := range robots {
		w.robot(fleet.RobotID(fmt.Sprintf("r%02d", i)), 1, "default")
	}
	var got []fleet.ID
	for len(got) < jobs {
		offered, _ := w.round()
		if len(offered) == 0 {
			t.Fatalf("nothing was offered after %d jobs", len(got))
		}
		for _, won := range offered {
			got = append(got, won.Job.ID)
		}
		for _, won := range offered { // all robots come free at once
			w.end(auth.Robot("default", won.Attempt.RobotID, "default"), won)
		}
	}
	for i := range want {
		if got[i] != want[i].id {
			t.Fatalf("place %d went to %s, not to %s of priority %d", i, got[i], want[i].id, want[i].priority)
		}
	}
}

// What is recorded can be planned again to the same answer.
func TestRecordedRoundsReplay(t *testing.T) {
	var records []placement.Record
	w := newWorld(t, func(o *Options) { o.Record = func(r placement.Record) { records = append(records, r) } })
	w.robot("a", 2, "default")
	for range 5 {
		w.submit()
	}
	w.round()
	if len(records) != 1 || len(records[0].Outcome.Assigned) != 2 {
		t.Fatalf("recorded %+v", records)
	}
	if diff, err := records[0].Replay(); err != nil || diff != "" {
		t.Errorf("replayed to something else: %v %s", err, diff)
	}
}

// offers names what was handed out, for messages.
func offers(list []store.Won) (out []string) {
	for _, won := range list {
		out = append(out, fmt.Sprintf("%s to %s", won.Job.ID, won.Attempt.RobotID))
	}
	return out
}

// An exclusive secret has one job at a time: the next is handed out when the one
// before it ends, also if another robot would have room, and says who has it.
func TestExclusiveSecret(t *testing.T) {
	w := newWorld(t)
	robots := map[fleet.RobotID]auth.Principal{"a": w.robot("a", 5, "default"), "b": w.robot("b", 5, "default")}
	mark := func(yes bool) {
		t.Helper()
		w.must(w.store.Update(t.Context(), auth.Local().Scope(), func(tx store.Tx) error {
			return tx.PutSecret(fleet.Secret{Tenant: "default", Name: "erp", Exclusive: yes})
		}))
	}
	mark(true)
	needs := func(r *orchestrator.SubmitRequest) {
		r.Document = []byte(strings.Replace(document, `"nodes"`, `"settings":{"fleet":{"secrets":["erp"]}},"nodes"`, 1))
		r.Placement.Secrets = []string{"another"} // what a request says of it counts for nothing
	}
	var jobs []fleet.Job
	for range 4 {
		jobs = append(jobs, w.submit(needs))
	}
	other := w.submit()
	if got := jobs[0].Placement.Secrets; !slices.Equal(got, []string{"erp"}) {
		t.Fatalf("the job names %v", got)
	}
	won, _ := w.round()
	if len(won) != 2 || won[0].Job.ID != jobs[0].ID || won[1].Job.ID != other.ID {
		t.Fatalf("offered %v", offers(won))
	}
	w.waits(jobs[1], fleet.CodeSecretHeld)
	e, err := w.core.Jobs.Explain(t.Context(), auth.Local(), jobs[1].ID)
	w.must(err)
	if len(e.Blockers) != 1 || e.Blockers[0].ID != jobs[0].ID || e.Job.WaitingOn != fleet.WaitingConcurrency ||
		!strings.Contains(e.Summary, "the secret erp, which one job may have at a time: job "+string(jobs[0].ID)+" has it") {
		t.Errorf("%s: %q, %+v", e.Job.WaitingOn, e.Summary, e.Blockers)
	}
	if i := slices.IndexFunc(e.Fleet.WouldRunIf, func(c placement.Change) bool { return c.Change == "secret_freed" }); i < 0 {
		t.Errorf("would run if %+v", e.Fleet.WouldRunIf)
	}
	w.end(robots[won[0].Attempt.RobotID], won[0])
	won, _ = w.round()
	if len(won) != 1 || won[0].Job.ID != jobs[1].ID {
		t.Fatalf("offered %v, want the second", offers(won))
	}
	wake, stop := w.store.Signals().Listen(store.TopicReady)
	defer stop()
	mark(false)
	<-wake
	if won, _ = w.round(); len(won) != 2 {
		t.Fatalf("offered %v, want all that wait", offers(won))
	}
}

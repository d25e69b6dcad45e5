package dispatch

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// A job on a lent slot makes way for one that the slot is kept for: it is back
// among those that wait, uncounted, and does not take the slot again.
func TestRecallOfALentSlot(t *testing.T) {
	w := newWorld(t)
	p := w.robot("a", 2, "default")
	_, _, err := w.core.Reservations.Put(t.Context(), auth.Local(), fleet.Reservation{
		Name: "month end", Selector: fleet.Selector{All: true}, Slots: 1, For: fleet.ReservationFor{Labels: map[string]string{"team": "pay"}},
		Lend: true, Recall: fleet.RecallStop, RecallGraceSeconds: 30, Enabled: true,
	})
	w.must(err)
	first := w.submit()
	w.takes(first, "a")
	w.must(w.core.Attempts.Accept(t.Context(), p, store.Ref{JobID: first.ID, Epoch: 1}))
	w.now = w.now.Add(5 * time.Second)
	lent := w.submit()
	w.takes(lent, "a")
	w.must(w.core.Attempts.Accept(t.Context(), p, store.Ref{JobID: lent.ID, Epoch: 1}))
	recall := func(want int) {
		t.Helper()
		n, watch, err := w.core.Reservations.Recall(t.Context(), store.System("test"))
		w.must(err)
		if n != want || !watch {
			t.Errorf("%d jobs are stopped, want %d", n, want)
		}
	}
	recall(0)
	foreign := w.submit()
	recall(0)
	holder := w.submit(func(r *orchestrator.SubmitRequest) { r.Labels = map[string]string{"team": "pay"} })
	recall(1)
	recall(0) // the slot is on its way
	w.waits(holder, fleet.CodeNoSlot)
	answer, err := w.core.Attempts.Beat(t.Context(), p, store.Beat{SessionEpoch: 1, Attempts: []store.BeatAttempt{
		{JobID: first.ID, Epoch: 1}, {JobID: lent.ID, Epoch: 1},
	}})
	w.must(err)
	if len(answer.Cancel) != 1 || answer.Cancel[0].JobID != lent.ID || answer.Cancel[0].Reason != fleet.StopRecall || answer.Cancel[0].Grace != 30*time.Second {
		t.Fatalf("the robot is told %+v, want to stop %s within 30s", answer.Cancel, lent.ID)
	}
	_, err = w.core.Attempts.Report(t.Context(), p, []fleet.Report{{Kind: fleet.ReportStopped, JobID: lent.ID, Epoch: 1, By: fleet.ByRequest}})
	w.must(err)
	w.takes(holder, "a")
	v, err := w.core.Jobs.Get(t.Context(), auth.Local(), lent.ID)
	w.must(err)
	if v.Job.State != fleet.Pending || v.Job.RetriesUsed != 0 || v.Job.LostUsed != 0 {
		t.Errorf("the recalled job is %s, retries %d, lost %d", v.Job.State, v.Job.RetriesUsed, v.Job.LostUsed)
	}
	w.waits(foreign, fleet.CodeNoSlot)
	recall(0)
}

// A window that opens by cron holds slots from its instant on; at its end the
// loop looks by itself.
func TestReservationByCron(t *testing.T) {
	w := newWorld(t)
	p := w.robot("a", 1, "default")
	at := func(now time.Time) { // the robot is heard of
		w.now = now
		_, err := w.core.Attempts.Beat(t.Context(), p, store.Beat{SessionEpoch: 1})
		w.must(err)
	}
	begins := w.now.Truncate(time.Minute).Add(time.Minute)
	_, _, err := w.core.Reservations.Put(t.Context(), auth.Local(), fleet.Reservation{
		Name: "mornings", Selector: fleet.Selector{All: true}, Slots: 1, For: fleet.ReservationFor{Labels: map[string]string{"team": "pay"}},
		Cron: begins.Format("4 15 2 1 *"), LengthSeconds: 60, Enabled: true,
	})
	w.must(err)
	at(begins.Add(-time.Second))
	first := w.submit()
	w.takes(first, "a")
	w.end(p, w.offers[0])
	at(begins)
	job := w.submit()
	w.waits(job, fleet.CodeReserved)
	if want := begins.Add(time.Minute); !w.loop.next.Equal(want) {
		t.Errorf("the loop looks again at %s, want %s", w.loop.next, want)
	}
	at(begins.Add(time.Minute))
	w.takes(job, "a")
}

package upkeep

import (
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// jumping is a fleet whose wall clock can be set while its monotonic clock goes
// on.
type jumping struct {
	*fleetOfOne
	mono time.Time
	held []store.Ref // that the robot renews
}

func newJumping(t *testing.T) *jumping {
	j := &jumping{fleetOfOne: newFleet(t), mono: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
	j.timers.Clock = func() time.Time { return j.mono }
	return j
}

// on lets time go on, second by second, as it does when nobody sets a clock.
func (j *jumping) on(d time.Duration) {
	j.t.Helper()
	for range int(d / time.Second) {
		j.mono, j.clock = j.mono.Add(time.Second), j.clock.Add(time.Second)
		if len(j.held) > 0 {
			j.beat(j.held...)
		}
		if _, err := j.timers.RunOnce(j.t.Context(), j.clock); err != nil {
			j.t.Fatal(err)
		}
		if err := j.reaper.RunOnce(j.t.Context(), j.mono); err != nil {
			j.t.Fatal(err)
		}
	}
}

// grace is what a stop gives in these tests.
const grace = time.Minute

// stopped is a running job that is asked to stop and goes on.
func (j *jumping) stopped() fleet.Job {
	j.t.Helper()
	job := j.submit()
	j.held = append(j.held, j.start(job, true))
	if _, err := j.core.Jobs.Cancel(j.t.Context(), auth.Local(), job.ID, fleet.CancelRequest{Grace: grace}); err != nil {
		j.t.Fatal(err)
	}
	return job
}

// limited is a job that nobody takes, with a limit for its wait.
func (j *jumping) limited(limit time.Duration) fleet.Job {
	return j.submit(func(r *orchestrator.SubmitRequest) {
		r.Requires, r.WaitLimit = []string{"fax"}, limit
		r.IdempotencyKey, r.RequestHash = "limited", "h"
	})
}

// A wall clock that is set an hour forward ends nothing before its time: no
// lease, no offer, no stop, no wait.
func TestClockForward(t *testing.T) {
	j := newJumping(t)
	running := j.submit()
	j.held = append(j.held, j.start(running, true))
	offered, late, limited, stopped := j.submit(), j.submit(), j.limited(10*time.Minute), j.stopped()
	delayed := j.submit(func(r *orchestrator.SubmitRequest) { r.Delay = 30 * time.Minute })
	ref := j.start(offered, false)
	j.start(late, false)
	j.on(2 * time.Second)
	j.clock = j.clock.Add(time.Hour)
	j.on(5 * time.Second)
	j.want(offered.ID, fleet.Assigned)
	if err := j.core.Attempts.Accept(t.Context(), j.robot, ref); err != nil {
		t.Fatalf("an offer that was taken in time is refused: %v", err)
	}
	j.held = append(j.held, ref)
	j.want(late.ID, fleet.Assigned)
	j.want(limited.ID, fleet.Pending)
	j.want(stopped.ID, fleet.Cancelling)
	if got := j.want(delayed.ID, fleet.Pending); got.WaitingOn == fleet.WaitingTime {
		t.Error("the time that was named is past, and the job still waits for it")
	}
	if again := j.limited(10 * time.Minute); again.ID != limited.ID {
		t.Error("a key was forgotten")
	}

	j.on(4 * time.Second) // 11 s since the offers
	j.want(late.ID, fleet.Pending)
	j.on(grace + fleet.StopConfirm - 12*time.Second)
	j.want(stopped.ID, fleet.Cancelling)
	j.on(2 * time.Second)
	if got := j.want(stopped.ID, fleet.Cancelled); got.CancelOutcome != fleet.StoppedUnconfirmed {
		t.Errorf("the stop ended %s", got.CancelOutcome)
	}
	j.held = []store.Ref{j.held[0], ref}
	// What begins after the step has its usual time, and no more.
	after := j.stopped()
	j.on(grace + fleet.StopConfirm - time.Second)
	j.want(after.ID, fleet.Cancelling)
	j.on(2 * time.Second)
	j.want(after.ID, fleet.Cancelled)
	j.held = []store.Ref{j.held[0], ref}
	j.on(8 * time.Minute)
	j.want(limited.ID, fleet.TimedOut)
	for _, id := range []fleet.ID{running.ID, offered.ID} {
		if got := j.want(id, fleet.Running); got.Epoch != 1 || got.Silent || got.LostUsed != 0 {
			t.Errorf("job at epoch %d, silent %v, lost %d times: want 1, no, 0", got.Epoch, got.Silent, got.LostUsed)
		}
	}
}

// A wall clock that is set an hour back ends nothing early either, and a robot
// that is gone loses its work as soon as ever.
func TestClockBackward(t *testing.T) {
	j := newJumping(t)
	running := j.submit()
	j.held = append(j.held, j.start(running, true))
	offered, silent, limited := j.submit(), j.submit(), j.limited(10*time.Minute)
	j.start(offered, false)
	j.start(silent, true)
	stopped := j.stopped()
	j.held = j.held[:1] // the others are not heard of again
	j.on(2 * time.Second)
	j.clock = j.clock.Add(-time.Hour)
	j.on(80 * time.Second)
	j.want(silent.ID, fleet.Running)
	j.want(limited.ID, fleet.Pending)
	if again := j.limited(10 * time.Minute); again.ID != limited.ID {
		t.Error("a key was forgotten")
	}
	j.on(20 * time.Second)
	for id, want := range map[fleet.ID]fleet.State{silent.ID: fleet.Pending, offered.ID: fleet.Pending, stopped.ID: fleet.Cancelled} {
		j.want(id, want)
	}
	j.clock = j.clock.Add(time.Hour) // and it is set right again
	j.on(10 * time.Second)
	j.want(limited.ID, fleet.Pending)
	if got := j.want(running.ID, fleet.Running); got.Epoch != 1 || got.Silent || got.LostUsed != 0 {
		t.Errorf("job at epoch %d, silent %v, lost %d times: want 1, no, 0", got.Epoch, got.Silent, got.LostUsed)
	}
}

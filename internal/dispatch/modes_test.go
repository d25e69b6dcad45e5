package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

func (w *world) mode(id fleet.RobotID, c fleet.ModeChange) fleet.Robot {
	w.Helper()
	_, robot, err := w.core.Robots.SetMode(w.Context(), auth.Local(), id, fleet.CommandPause, c)
	w.must(err)
	return robot
}

func (w *world) keepModes() {
	w.Helper()
	w.must(w.core.Robots.KeepModes(w.Context(), store.System("test")))
}

func TestPauseEndsByItself(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 1, "default")
	if got := w.mode("a", fleet.ModeChange{Mode: fleet.ModePaused, For: 20 * time.Second, Note: "coffee"}); got.Status != fleet.RobotPaused {
		t.Errorf("status %s", got.Status)
	}
	job := w.submit()
	w.waits(job, fleet.CodeNoneAvailable)
	w.keepModes()
	w.waits(job, fleet.CodeNoneAvailable)
	w.now = w.now.Add(20 * time.Second)
	w.keepModes()
	w.takes(job, "a")
}

// Quarantine is lifted by a person who resumes the robot, not by a time that is
// over or a drain that has ended.
func TestEndOfAModeLiftsNoQuarantine(t *testing.T) {
	w := newWorld(t)
	till := w.now.Add(time.Hour)
	for id, c := range map[fleet.RobotID]fleet.ModeChange{
		"a": {Mode: fleet.ModePaused, For: 20 * time.Second},
		"b": {Mode: fleet.ModeMaintenance, For: 20 * time.Second},
		"c": {Mode: fleet.ModeDraining, Then: fleet.ModeActive},
	} {
		w.robot(id, 1, "default")
		w.must(w.store.Update(t.Context(), store.Tenant("default"), func(tx store.Tx) error {
			robot, err := tx.Robot(id)
			robot.QuarantineTill = till
			w.must(err)
			return tx.PutRobot(robot)
		}))
		w.mode(id, c)
	}
	w.now = w.now.Add(20 * time.Second)
	w.keepModes()
	for _, id := range []fleet.RobotID{"a", "b", "c"} {
		got, err := w.core.Robots.Get(t.Context(), auth.Local(), id)
		w.must(err)
		if got.Mode != fleet.ModeActive || !got.QuarantineTill.Equal(till) || got.Status != fleet.RobotError {
			t.Errorf("%s is in mode %s, status %s, in quarantine until %s", id, got.Mode, got.Status, got.QuarantineTill)
		}
		if got = w.mode(id, fleet.ModeChange{Mode: fleet.ModeActive}); !got.QuarantineTill.IsZero() {
			t.Errorf("%s was resumed and is in quarantine until %s", id, got.QuarantineTill)
		}
	}
}

func TestDrainEndsWhenNothingIsHeld(t *testing.T) {
	w := newWorld(t)
	p := w.robot("a", 2, "default")
	running := w.submit()
	w.takes(running, "a")
	won := w.offers[0]
	w.must(w.core.Attempts.Accept(t.Context(), p, store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}))
	w.mode("a", fleet.ModeChange{Mode: fleet.ModeDraining})
	w.keepModes()
	w.waits(w.submit(), fleet.CodeNoneAvailable)
	robot := func() fleet.Robot {
		r, err := w.core.Robots.Get(t.Context(), auth.Local(), "a")
		w.must(err)
		return r
	}
	if r := robot(); r.Status != fleet.RobotDraining {
		t.Errorf("while it holds a job it is %s", r.Status)
	}
	_, err := w.core.Attempts.Report(t.Context(), p, []fleet.Report{{Kind: fleet.ReportComplete, JobID: running.ID, Epoch: 1, Result: []byte(`{}`)}})
	w.must(err)
	w.keepModes()
	if r := robot(); r.Mode != fleet.ModeMaintenance {
		t.Errorf("drained it is in mode %s", r.Mode)
	}
}

func TestDrainDeadlineHandsWorkBack(t *testing.T) {
	w := newWorld(t)
	p := w.robot("a", 1, "default")
	job := w.submit()
	w.takes(job, "a")
	ref := store.Ref{JobID: job.ID, Epoch: 1}
	w.must(w.core.Attempts.Accept(t.Context(), p, ref))
	w.mode("a", fleet.ModeChange{Mode: fleet.ModeDraining, Deadline: 10 * time.Second})
	w.now = w.now.Add(10 * time.Second)
	w.keepModes()
	answer, err := w.core.Attempts.Beat(t.Context(), p, store.Beat{SessionEpoch: 1, Attempts: []store.BeatAttempt{{JobID: job.ID, Epoch: 1}}})
	w.must(err)
	if len(answer.Cancel) != 1 || answer.Cancel[0].Reason != fleet.StopDrain {
		t.Fatalf("the robot is told %+v", answer.Cancel)
	}
	_, err = w.core.Attempts.Report(t.Context(), p, []fleet.Report{{Kind: fleet.ReportStopped, JobID: job.ID, Epoch: 1, By: fleet.ByRequest}})
	w.must(err)
	v, err := w.core.Jobs.Get(t.Context(), auth.Local(), job.ID)
	w.must(err)
	if v.Job.State != fleet.Pending || v.Job.RetriesUsed != 0 || v.Job.LostUsed != 0 {
		t.Errorf("the job is %s, retries %d, lost %d", v.Job.State, v.Job.RetriesUsed, v.Job.LostUsed)
	}
	w.robot("b", 1, "default")
	w.takes(job, "b")
}

// Draining a robot a thousand times while jobs are offered at full rate loses
// none, and hands none out twice.
func TestDrainAtFullRateLosesNothing(t *testing.T) {
	drains := 1000
	if testing.Short() {
		drains = 100
	}
	w := newWorld(t, func(o *Options) { o.Now = time.Now })
	w.now = time.Now()
	p := w.robot("a", 4, "default")
	ctx, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	var completed, again atomic.Int64
	ended := make(chan struct{}, 10_000)
	done.Go(func() { // the robot: takes what it is offered and ends it
		seen := map[fleet.ID]bool{}
		for {
			select {
			case <-ctx.Done():
				return
			case won := <-w.sent:
				ref := store.Ref{JobID: won.Job.ID, Epoch: won.Attempt.Epoch}
				if err := w.core.Attempts.Accept(ctx, p, ref); err != nil {
					continue // taken back by then
				}
				if seen[won.Job.ID] {
					again.Add(1)
				}
				seen[won.Job.ID] = true
				if _, err := w.core.Attempts.Report(ctx, p, []fleet.Report{{
					Kind: fleet.ReportComplete, JobID: ref.JobID, Epoch: ref.Epoch, Result: []byte(`{}`),
				}}); err == nil {
					completed.Add(1)
					ended <- struct{}{}
				}
			}
		}
	})
	done.Go(func() { w.loop.Run(ctx) })
	submitted := int64(0)
	for i := range drains {
		if i%10 == 0 {
			rs := make([]orchestrator.SubmitRequest, 20)
			for k := range rs {
				rs[k].Document = []byte(document)
			}
			_, _, err := w.core.Jobs.SubmitMany(t.Context(), auth.Local(), rs, false)
			w.must(err)
			submitted += int64(len(rs))
		}
		w.mode("a", fleet.ModeChange{Mode: fleet.ModeDraining})
		w.keepModes()
		w.mode("a", fleet.ModeChange{Mode: fleet.ModeActive})
	}
	for late := time.After(time.Minute); completed.Load() < submitted; { // the robot works the rest off
		select {
		case <-ended:
			continue
		case <-late:
		}
		break
	}
	stop()
	done.Wait()
	if completed.Load() != submitted || again.Load() != 0 {
		t.Errorf("%d jobs submitted, %d completed, %d handed out a second time", submitted, completed.Load(), again.Load())
	}
}

func TestDrainThenShutdownAsksTheProcessOnce(t *testing.T) {
	w := newWorld(t)
	w.robot("a", 1, "default")
	w.mode("a", fleet.ModeChange{Mode: fleet.ModeDraining, Then: fleet.ThenShutdown})
	w.keepModes()
	w.keepModes()
	commands := func() (out []fleet.Command) {
		list, _, err := w.core.Robots.Commands(t.Context(), auth.Local(), "a", fleet.Page{})
		w.must(err)
		for _, c := range list {
			if c.Kind == fleet.CommandShutdown {
				out = append(out, c)
			}
		}
		return out
	}
	if list := commands(); len(list) != 1 || list[0].State != fleet.CommandRequested {
		t.Fatalf("commands %+v", list)
	}
	r, err := w.core.Robots.Get(t.Context(), auth.Local(), "a")
	w.must(err)
	if r.Mode != fleet.ModeMaintenance {
		t.Errorf("mode %s", r.Mode)
	}
	w.now = w.now.Add(fleet.CommandLife - time.Second)
	w.keepModes()
	if got := commands()[0].State; got != fleet.CommandRequested {
		t.Errorf("before its time is over it is %s", got)
	}
	w.now = w.now.Add(time.Second)
	w.keepModes()
	if got := commands()[0].State; got != fleet.CommandExpired {
		t.Errorf("after its time it is %s", got)
	}
}

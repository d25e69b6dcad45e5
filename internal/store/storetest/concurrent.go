package storetest

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// size is the full size of a test, or the short one.
func size(full, short int) int {
	if testing.Short() {
		return short
	}
	return full
}

// RunConcurrent asks what holds when many callers come at once.
func RunConcurrent(t *testing.T, open Open) {
	for name, test := range map[string]func(f *Fixture){
		"two assigners never share a job": raceAssign, "lives": raceLives,
		"one account, many planners": raceCheckOut,
		"cancel against complete":    raceComplete, "cancel against accept": raceAccept,
		"parents that end together": raceParents, "segments that end while their whole is cancelled": raceWholes,
	} {
		t.Run(name, func(t *testing.T) {
			f := New(t, open)
			test(f)
			f.CheckInvariants()
		})
	}
}

// together runs fn in n goroutines and waits.
func together(n int, fn func(caller int)) {
	var wg sync.WaitGroup
	for c := range n {
		wg.Go(func() { fn(c) })
	}
	wg.Wait()
}

// raceAssign lets 32 planners plan the same jobs onto the same few robots.
func raceAssign(f *Fixture) {
	const robots, slots, planners = 4, 5, 32
	sessions := map[fleet.RobotID]int64{}
	for i := range robots {
		sessions[name("r", i)] = f.Robot(name("r", i), slots)
	}
	var jobs []fleet.Job
	for range 2 * robots * slots {
		jobs = append(jobs, f.Submit(f.Spec()))
	}
	var mu sync.Mutex
	won := map[fleet.ID]int{}
	held := map[fleet.RobotID]int{}
	together(planners, func(c int) {
		chance := rand.New(rand.NewPCG(1, uint64(c)))
		for range 20 {
			robot := name("r", chance.IntN(robots))
			var plan []store.Assignment
			for range 5 {
				plan = append(plan, f.Plan(jobs[chance.IntN(len(jobs))], robot, sessions[robot]))
			}
			got, lost, err := f.Store.Assign(f.Context(), f.Scope, plan, f.Now)
			if err != nil || len(got)+len(lost) != len(plan) {
				f.Errorf("won %d and lost %d of %d: %v", len(got), len(lost), len(plan), err)
			}
			mu.Lock()
			for _, w := range got {
				won[w.Job.ID]++
				held[robot]++
			}
			mu.Unlock()
		}
	})
	for id, n := range won {
		is(f, "grants of "+string(id), n, 1)
	}
	for robot, n := range held {
		is(f, "slots of "+string(robot), n, slots)
	}
}

func raceLives(f *Fixture) {
	together(32, func(c int) {
		session := f.Robot(name("r", c), 3)
		var report int64
		for range size(60, 8) {
			if err := f.lifeCycle(name("r", c), session, &report); err != nil {
				f.Error(err)
			}
		}
	})
	f.System(func(r store.Reader) error {
		n, err := r.Counts()
		for state, c := range n {
			is(f, string(state), c, int64(0))
		}
		return err
	})
}

// raceComplete lets a cancel and a completion meet. Whatever comes first, the
// job ends once, completed, and the cancelling caller can read why.
func raceComplete(f *Fixture) {
	const robots = 8
	races := size(10_000, 500)
	var sessions [robots]int64
	for i := range robots {
		sessions[i] = f.Robot(name("r", i), 100)
	}
	together(robots, func(c int) {
		for i := range races / robots {
			j := f.Running(f.Spec(), name("r", c), sessions[c])
			var verdict fleet.Verdict
			var cancelled bool
			var err error
			together(2, func(side int) {
				if side == 0 {
					var v []fleet.Verdict
					if v, err = f.Store.Report(f.Context(), f.Scope, []fleet.Report{f.NewReport(j, fleet.ReportComplete, int64(i+1))}, f.Now); err == nil {
						verdict = v[0]
					}
					return
				}
				cerr := f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
					m, err := s.Cancel(fleet.CancelRequest{By: "u", Grace: time.Minute}, f.Now)
					cancelled = m != nil
					return m, err
				})
				if cerr != nil {
					f.Error(cerr)
				}
			})
			got := f.Job(j.ID)
			if err != nil || verdict.Verdict != fleet.VerdictApplied || got.State != fleet.Completed || got.CancelTooLate != cancelled {
				f.Errorf("verdict %+v (%v), job %s, too late %v, cancel applied %v", verdict, err, got.State, got.CancelTooLate, cancelled)
			}
		}
	})
}

// raceWholes lets cancels of all segments, from the last on, meet the ends of
// segments: every whole ends once, as its segments say.
func raceWholes(f *Fixture) {
	const robots, parts = 8, 3
	var sessions [robots]int64
	for i := range robots {
		sessions[i] = f.Robot(name("r", i), 100)
	}
	var mu sync.Mutex
	ends := map[fleet.State]int{}
	together(robots, func(c int) {
		for i := range size(800, 80) / robots {
			w, segments := f.whole(parts, nil)
			for k := range i % parts { // so many end before anybody cancels
				f.reportOf(f.begins(segments[k], name("r", c), sessions[c]))
			}
			running := f.begins(segments[i%parts], name("r", c), sessions[c])
			together(2, func(side int) {
				if side == 0 {
					f.reportOf(running)
					return
				}
				err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
					for k := range parts {
						if _, err := tx.Subject(segments[k].ID); err != nil {
							return err
						}
					}
					for k := parts - 1; k >= 0; k-- {
						s, err := tx.Subject(segments[k].ID)
						if err != nil {
							return err
						}
						m, err := s.Cancel(fleet.CancelRequest{By: "u", Grace: time.Minute}, f.Now)
						if err == nil && m != nil {
							err = tx.Apply(m)
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					f.Error(err)
				}
			})
			got, last := f.Job(w.ID), i%parts == parts-1
			if (got.State == fleet.Completed) != last || !got.State.Final() {
				f.Errorf("a whole whose segment %d of %d was running is %s", i%parts+1, parts, got.State)
			}
			mu.Lock()
			ends[got.State]++
			mu.Unlock()
		}
	})
	if ends[fleet.Completed] == 0 || ends[fleet.Cancelled] == 0 {
		f.Errorf("ends: %v", ends)
	}
}

// reportOf completes a job; each has a journal of its own.
func (f *Fixture) reportOf(j fleet.Job) {
	f.Helper()
	r := f.NewReport(j, fleet.ReportComplete, 1)
	r.JournalID, r.Result = string(j.ID), []byte(`{"variables":{}}`)
	if v := f.Report(r); v[0].Verdict != fleet.VerdictApplied {
		f.Errorf("verdict %+v", v)
	}
}

// raceAccept lets a cancel and an accept meet: either the robot hears no and
// the job is cancelled, or it runs and is being stopped.
func raceAccept(f *Fixture) {
	const robots = 8
	var sessions [robots]int64
	for i := range robots {
		sessions[i] = f.Robot(name("r", i), 100)
	}
	together(robots, func(c int) {
		for range size(2_000, 200) / robots {
			j := f.Submit(f.Spec())
			won, _, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(j, name("r", c), sessions[c])}, f.Now)
			if err != nil || len(won) != 1 {
				f.Errorf("assign: %d won, %v", len(won), err)
				return
			}
			j = won[0].Job
			var accept error
			together(2, func(side int) {
				if side == 0 {
					errs, err := f.Store.Accept(f.Context(), f.Scope, []store.Acceptance{f.acceptance(j)}, f.Now)
					if accept = err; err == nil {
						accept = errs[0]
					}
					return
				}
				if err := f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
					return s.Cancel(fleet.CancelRequest{By: "u", Grace: time.Minute}, f.Now)
				}); err != nil {
					f.Error(err)
				}
			})
			state := f.Job(j.ID).State
			if accept == nil && state != fleet.Cancelling || errors.Is(accept, fleet.ErrConflict) && state != fleet.Cancelled {
				f.Errorf("accept answered %v, the job is %s", accept, state)
			}
			if state == fleet.Cancelling {
				f.Report(f.NewReport(j, fleet.ReportStopped, 0))
			}
		}
	})
}

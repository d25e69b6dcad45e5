package storetest

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// transport opens a session of another kind for a robot.
func (f *Fixture) transport(id fleet.RobotID, kind string) (epoch int64) {
	f.Helper()
	f.Update(func(tx store.Tx) (err error) {
		epoch, err = tx.OpenSessionAs(fleet.Session{
			ID: f.IDs.New(), Tenant: f.Tenant, RobotID: id, MemberID: "member-1", Transport: kind, InstanceID: "i", JournalID: "j", OpenedAt: f.Now,
		})
		return err
	})
	return epoch
}

// attempt reads the newest attempt of a job.
func (f *Fixture) attempt(job fleet.ID) (a fleet.Attempt) {
	f.Helper()
	f.View(func(r store.Reader) error {
		s, err := r.Subject(job)
		if err == nil {
			a = *s.Attempt
		}
		return err
	})
	return a
}

// taken reads how many slots of a robot are taken, and those of attempts that
// are over.
func (f *Fixture) taken(id fleet.RobotID) (n int, over []store.TakenSlot) {
	f.Helper()
	f.View(func(r store.Reader) error {
		robot, err := r.Robot(id)
		if err != nil {
			return err
		}
		n = robot.Taken
		over, err = r.TakenSlots(id)
		return err
	})
	return n, over
}

// unstoppable is a job that was to stop on a robot of the original, and whose
// time for that is over.
func (f *Fixture) unstoppable(id fleet.RobotID, session int64) fleet.Job {
	f.Helper()
	j := f.Running(f.Spec(), id, session)
	f.Cancel(j.ID)
	f.Later(time.Hour)
	f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.StopLimit(j.Epoch, f.Now) }))
	return f.Job(j.ID)
}

// oldTests are about robots of the original.
func oldTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"start mode": func(f *Fixture) {
			f.Robot("r1", 9)
			for kind, want := range map[string]fleet.StartMode{
				fleet.TransportSocket: fleet.StartTwoStep, fleet.TransportPoll: fleet.StartClaim,
				fleet.TransportFlat: fleet.StartOneStep, fleet.TransportEnvelope: fleet.StartOneStep,
			} {
				j := f.Assign(f.Submit(f.Spec()), "r1", f.transport("r1", kind))
				is(f, kind, f.attempt(j.ID).StartMode, want)
			}
		},
		"slot that is not free": func(f *Fixture) {
			f.Robot("r1", 2)
			s1 := f.transport("r1", fleet.TransportPoll)
			j := f.unstoppable("r1", s1)
			is(f, "state", j.State, fleet.Cancelled)
			n, over := f.taken("r1")
			is(f, "taken", n, 1)
			is(f, "over", len(over), 1)
			is(f, "ref", over[0].Ref, store.Ref{JobID: j.ID, Epoch: 1})
			is(f, "heard", over[0].LastSeen.IsZero(), false)
			f.System(func(r store.Reader) error {
				all, err := r.TakenSlots("")
				is(f, "of all", len(all), 1)
				return err
			})
			f.Other("globex").View(func(r store.Reader) error {
				none, err := r.TakenSlots("r1")
				is(f, "of another tenant", len(none), 0)
				return err
			})
			f.Update(func(tx store.Tx) error {
				freed, err := tx.FreeSlot(over[0].Ref, "r2", f.Now)
				is(f, "by another robot", freed, false)
				if err != nil {
					return err
				}
				freed, err = tx.FreeSlot(over[0].Ref, "r1", f.Now)
				is(f, "freed", freed, true)
				if err != nil {
					return err
				}
				freed, err = tx.FreeSlot(over[0].Ref, "r1", f.Now)
				is(f, "once", freed, false)
				return err
			})
			n, _ = f.taken("r1")
			is(f, "then taken", n, 0)
			// A live attempt's slot is not given back so.
			live := f.Running(f.Spec(), "r1", s1)
			f.Update(func(tx store.Tx) error {
				freed, err := tx.FreeSlot(store.Ref{JobID: live.ID, Epoch: 1}, "r1", f.Now)
				is(f, "live", freed, false)
				return err
			})
		},
		"slot freed by a late word": func(f *Fixture) {
			f.Robot("r1", 2)
			j := f.unstoppable("r1", f.transport("r1", fleet.TransportFlat))
			v := f.Report(f.NewReport(j, fleet.ReportComplete, 0))
			is(f, "verdict", v[0].Verdict, fleet.VerdictStale)
			n, _ := f.taken("r1")
			is(f, "taken", n, 0)
			is(f, "state", f.Job(j.ID).State, fleet.Cancelled)
		},
		"regrant": func(f *Fixture) {
			f.Robot("r1", 1)
			s1 := f.transport("r1", fleet.TransportPoll)
			j := f.Running(f.Spec(), "r1", s1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			}))
			is(f, "lost", f.Job(j.ID).LostUsed, 1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Regrant(fleet.Slot{RobotID: "r1", SessionEpoch: s1, Max: 1}, f.Now)
			}))
			j = f.Job(j.ID)
			is(f, "state", j.State, fleet.Running)
			is(f, "epoch", j.Epoch, int64(2))
			is(f, "given back", j.LostUsed, 0)
			is(f, "mode", f.attempt(j.ID).StartMode, fleet.StartRegrant)
			n, _ := f.taken("r1")
			is(f, "taken", n, 1)
			v := f.Report(f.NewReport(j, fleet.ReportComplete, 0))
			is(f, "verdict", v[0].Verdict, fleet.VerdictApplied)
		},
	}
}

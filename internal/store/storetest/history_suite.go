package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// ended is a job that ended elsewhere.
func (f *Fixture) ended(state fleet.State, at time.Time) fleet.Job {
	spec := f.Spec()
	j := fleet.NewJob(spec, at.Add(-time.Hour))
	j.State, j.WaitingOn, j.WaitingSince = state, "", time.Time{}
	j.FirstStartedAt, j.StartedAt, j.EndedAt, j.RobotID, j.EndReason = at.Add(-time.Minute), at.Add(-time.Minute), at, "old-robot", "imported"
	return j
}

func historyTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"a job that ended elsewhere": func(f *Fixture) {
			at := f.Now.Add(-48 * time.Hour).Truncate(time.Millisecond)
			done, broken := f.ended(fleet.Completed, at), f.ended(fleet.Failed, at)
			broken.ErrorClass = fleet.ClassApplication
			first := f.Submit(f.Spec())
			f.Update(func(tx store.Tx) error {
				return errors.Join(
					tx.AddEnded(done, fleet.JobData{Variables: []byte(`{"n":1}`), Result: []byte(`{"ok":true}`), DurationMS: 60_000}, "somebody"),
					tx.AddEnded(broken, fleet.JobData{Error: &fleet.JobError{Class: fleet.ClassApplication, Message: "no"}}, "somebody"),
				)
			})
			got := f.Job(done.ID)
			is(f, "state", got.State, fleet.Completed)
			is(f, "times", fmt.Sprint(got.CreatedAt.Equal(done.CreatedAt), got.StartedAt.Equal(done.StartedAt), got.EndedAt.Equal(at)), "true true true")
			is(f, "robot", got.RobotID, "old-robot")
			is(f, "number", got.Seq, first.Seq+1)
			is(f, "handed out", got.HandedOut(), false)
			f.View(func(r store.Reader) error {
				d, err := r.JobData(done.ID)
				is(f, "data", fmt.Sprint(string(d.Variables), string(d.Result), d.DurationMS), `{"n":1}{"ok":true}60000`)
				if err != nil {
					return err
				}
				if d, err = r.JobData(broken.ID); err == nil {
					is(f, "error", d.Error.Message, "no")
				}
				if err != nil {
					return err
				}
				letters, err := r.DeadLetters(true, fleet.Page{Limit: 10})
				is(f, "dead letters", len(letters.Letters), 0)
				if err != nil {
					return err
				}
				list, err := r.Jobs(store.JobFilter{States: []fleet.State{fleet.Completed, fleet.Failed}}, fleet.Page{Limit: 10})
				is(f, "listed", len(list.Jobs), 2)
				is(f, "counted", list.Total, 2)
				return err
			})
			next := f.Submit(f.Spec())
			is(f, "the number after them", next.Seq, first.Seq+3)
			f.Update(func(tx store.Tx) error {
				err := tx.AddEnded(done, fleet.JobData{}, "somebody")
				is(f, "once more", errors.Is(err, fleet.ErrConflict), true)
				err = tx.AddEnded(f.ended(fleet.Running, at), fleet.JobData{}, "somebody")
				is(f, "one that has not ended", errors.Is(err, fleet.ErrInvalid), true)
				return nil
			})
		},
		"what ended elsewhere goes when its time is over": func(f *Fixture) {
			at := f.Now.Add(-48 * time.Hour)
			old := f.ended(fleet.Completed, at)
			old.ID = fleet.FirstID(at.Add(-time.Hour)) + "-7000-8000-000000000001" // made when it was submitted
			f.Update(func(tx store.Tx) error { return tx.AddEnded(old, fleet.JobData{}, "somebody") })
			n := 0
			f.Update(func(tx store.Tx) (err error) { _, n, err = tx.PruneJobs("", f.Now.Add(-time.Hour), 10); return err })
			is(f, "pruned", n, 1)
		},
	}
}

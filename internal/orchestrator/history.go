package orchestrator

import (
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Ended is a job that ended elsewhere and is kept for its history.
type Ended struct {
	Job  fleet.Job
	Data fleet.JobData
}

// TakeOver stores jobs that ended elsewhere, all in one transaction, and says of
// each whether it was taken; those that are here already stay as they are. Nothing
// waits for them, no robot is told, and the numbers of the fleet leave them out.
func (j *Jobs) TakeOver(ctx context.Context, p auth.Principal, list []Ended) (taken []bool, err error) {
	if err := errors.Join(p.Require(fleet.JobsPurge), p.WholeTenant()); err != nil { // the right to say what history is
		return nil, err
	}
	err = j.act(ctx, p, "job.import", fleet.SubjectJob, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		taken = make([]bool, len(list))
		n := 0
		for i := range list {
			err := tx.AddEnded(list[i].Job, list[i].Data, p.Name)
			if errors.Is(err, fleet.ErrConflict) {
				continue
			}
			if err != nil {
				return err
			}
			taken[i] = true
			n++
		}
		d.After = map[string]any{"taken": n}
		if n == 0 {
			d.Action = ""
		}
		return nil
	})
	return taken, err
}

// Kept says which jobs are here.
func (j *Jobs) Kept(ctx context.Context, p auth.Principal, ids []fleet.ID) (here []bool, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		here = make([]bool, len(ids))
		for i, id := range ids {
			_, err := r.Job(id)
			if here[i] = err == nil; err != nil && !errors.Is(err, fleet.ErrNotFound) {
				return err
			}
		}
		return nil
	})
	return here, err
}

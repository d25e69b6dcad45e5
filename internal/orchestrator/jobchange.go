package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// Prioritize makes a job that waits more or less urgent. A part of a job is as
// urgent as its whole: whichever is named, the whole changes, and with it all
// parts that still wait.
func (j *Jobs) Prioritize(ctx context.Context, p auth.Principal, id fleet.ID, to fleet.Priority) (job fleet.Job, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return job, err
	}
	whole, err := j.wholeOfID(ctx, p, id)
	if err != nil {
		return job, err
	}
	err = j.act(ctx, p, "job.priority", fleet.SubjectJob, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if _, err := j.prioritize(tx, p, whole, to, d); err != nil {
			return err
		}
		job, err = tx.Job(id)
		return err
	})
	return job, err
}

// prioritize is Prioritize as a part of a transaction. It tells whether anything
// changed; if not, there is nothing to audit.
func (j *Jobs) prioritize(tx store.Tx, p auth.Principal, whole fleet.ID, to fleet.Priority, d *fleet.AuditDraft) (changed bool, err error) {
	if err := lockSegments(tx, whole); err != nil {
		return false, err
	}
	sub, err := tx.Subject(whole)
	if err != nil {
		return false, err
	}
	m, err := sub.Prioritize(to, p.Name)
	if err != nil || m == nil {
		d.Action = ""
		return false, err
	}
	if sub.Job.Segments > 0 {
		segments, err := tx.Segments(whole)
		if err != nil {
			return false, err
		}
		for i := range segments {
			if segments[i].State != fleet.Pending {
				continue
			}
			s, err := tx.Subject(segments[i].ID)
			if err != nil {
				return false, err
			}
			part, err := s.Prioritize(to, p.Name)
			if err == nil && part != nil {
				err = tx.Apply(part)
			}
			if err != nil {
				return false, err
			}
		}
	}
	d.Object.Name = sub.Job.Name
	d.Before, d.After = map[string]any{"priority": sub.Job.Priority}, map[string]any{"priority": to}
	return true, tx.Apply(m)
}

// Retarget lets a job that waits ask for another robot, or with none for any.
func (j *Jobs) Retarget(ctx context.Context, p auth.Principal, id fleet.ID, to fleet.RobotID) (job fleet.Job, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return job, err
	}
	err = j.act(ctx, p, "job.move", fleet.SubjectJob, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if _, err := j.retarget(tx, p, id, to, d); err != nil {
			return err
		}
		job, err = tx.Job(id)
		return err
	})
	return job, err
}

// retarget is Retarget as a part of a transaction. It tells whether anything
// changed; if not, there is nothing to audit.
func (j *Jobs) retarget(tx store.Tx, p auth.Principal, id fleet.ID, to fleet.RobotID, d *fleet.AuditDraft) (changed bool, err error) {
	sub, err := tx.Subject(id)
	if err != nil {
		return false, err
	}
	m, err := sub.Retarget(to, p.Name)
	if err != nil || m == nil {
		d.Action = ""
		return false, err
	}
	if to != "" {
		at := &m.Job
		lane := placement.Lane{Tenant: at.Tenant, Environment: at.Environment, Requires: at.Requires, Target: to, Placement: at.Placement}
		if err := j.targetRuns(tx, lane); err != nil {
			return false, err
		}
	}
	d.Object.Name = sub.Job.Name
	d.Before, d.After = map[string]any{"target_robot_id": sub.Job.Target}, map[string]any{"target_robot_id": to}
	return true, tx.Apply(m)
}

package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// JobBulk asks the same of many jobs: of those that it names, or of all that a
// query selects when it is asked.
type JobBulk struct {
	Kind    fleet.CommandKind
	Change  fleet.JobChange
	Jobs    []fleet.ID
	Query   *JobQuery
	RetryOf fleet.ID
}

// bulkAtOnce is how many jobs are looked after before the answer; the chores go on
// with the rest.
const bulkAtOnce = 100

// StartBulk fixes the jobs and stores the operation with one row for each, then
// begins. Each job is asked as it would be alone: what cannot be done of one leaves
// the others.
func (j *Jobs) StartBulk(ctx context.Context, p auth.Principal, in JobBulk) (b fleet.Bulk, err error) {
	if err := cmp.Or(p.Require(fleet.JobsRun), p.WholeTenant()); err != nil {
		return b, err
	}
	if !in.Kind.OfJobs() {
		return b, fleet.Invalid("kind", "kind must be %s, %s, %s or %s; got %q.", fleet.BulkCancelJobs, fleet.BulkRetryJobs, fleet.BulkPriorityJobs, fleet.BulkMoveJobs, shortText(string(in.Kind)))
	}
	ids := distinctIDs(in.Jobs)
	switch {
	case len(ids) > 0 && in.Query != nil:
		return b, fleet.Invalid("ids", "Give ids or a filter, not both.")
	case in.Query != nil:
		if ids, err = j.selected(ctx, p, *in.Query, in.Kind); err != nil {
			return b, err
		}
	}
	switch {
	case len(ids) == 0:
		e := fleet.Invalid("ids", "No job is selected.")
		e.Reason = "empty_selection"
		return b, e
	case len(ids) > fleet.MaxBulkTargets:
		return b, fleet.Invalid("ids", "An operation may have at most %d jobs; got more. Narrow the filter.", fleet.MaxBulkTargets)
	}
	b = fleet.Bulk{
		ID: j.IDs.New(), Tenant: p.Tenant, Kind: in.Kind, Jobs: in.Change, Size: len(ids), StopPercent: 100, State: fleet.BulkRunning,
		Wave: 1, Waves: 1, Total: len(ids), By: p.Name, RetryOf: in.RetryOf, CreatedAt: j.Now(),
	}
	targets := make([]fleet.BulkTarget, len(ids))
	for i, id := range ids {
		targets[i] = fleet.BulkTarget{Bulk: b.ID, Position: i, JobID: id, Wave: 1, State: fleet.TargetPending}
	}
	err = j.act(ctx, p, "bulk.start", fleet.SubjectBulk, string(b.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.After = map[string]any{"kind": b.Kind, "change": b.Jobs, "total": b.Total, "retry_of": b.RetryOf}
		for _, id := range in.Jobs {
			if _, err := tx.Job(id); err != nil {
				return err
			}
		}
		if err := tx.AddBulk(b, targets); err != nil {
			return err
		}
		return tx.Append(b.Tenant, bulkEvent(fleet.EventBulkStarted, &b))
	})
	if err != nil {
		return b, err
	}
	if err := j.keepBulk(ctx, p.Scope(), b.ID); err != nil && !lostRace(err) {
		return b, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) { b, err = r.Bulk(b.ID); return err })
	return b, err
}

func distinctIDs(in []fleet.ID) (out []fleet.ID) {
	seen := make(map[fleet.ID]bool, len(in))
	for _, id := range in {
		if !seen[id] {
			out = append(out, id)
		}
		seen[id] = true
	}
	return out
}

// selected lists the jobs of a query of which something of a kind can be asked.
func (j *Jobs) selected(ctx context.Context, p auth.Principal, q JobQuery, kind fleet.CommandKind) (out []fleet.ID, err error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	may := func(s fleet.State) bool { return !s.Final() }
	switch kind { //nolint:exhaustive // the rest are of robots
	case fleet.BulkRetryJobs:
		may = func(s fleet.State) bool { return s == fleet.Failed || s == fleet.Cancelled || s == fleet.TimedOut }
	case fleet.BulkPriorityJobs, fleet.BulkMoveJobs:
		may = func(s fleet.State) bool { return s == fleet.Pending }
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		f, err := j.filter(r, p.Scope(), q, j.Now())
		if err != nil {
			return err
		}
		var states []fleet.State
		for _, s := range fleet.States() {
			if may(s) && (len(f.States) == 0 || slices.Contains(f.States, s)) {
				states = append(states, s)
			}
		}
		if len(states) == 0 {
			return nil
		}
		f.States = states
		for page := (fleet.Page{Limit: fleet.PageMax}); len(out) <= fleet.MaxBulkTargets; {
			list, err := r.Jobs(f, page)
			if err != nil {
				return err
			}
			for i := range list.Jobs {
				if list.Jobs[i].Parent == "" { // a segment is not asked alone
					out = append(out, list.Jobs[i].ID)
				}
			}
			if page.Cursor = list.Next; page.Cursor == "" {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// keepBulk takes an operation a step further: each job in a transaction of its own,
// with its row, so that whoever goes on after a death does nothing twice.
func (j *Jobs) keepBulk(ctx context.Context, s store.Scope, id fleet.ID) error {
	for range bulkAtOnce {
		more := false
		err := j.Store.Update(ctx, s, func(tx store.Tx) error {
			b, err := tx.Bulk(id)
			if more = false; err != nil || b.State != fleet.BulkRunning {
				return err
			}
			t, err := tx.NextBulkTarget(id, b.Done+b.Failed+b.Skipped)
			if err != nil {
				return err
			}
			if b.Stop != "" || t.JobID == "" {
				return endBulk(tx, &b, j.Now())
			}
			more = true
			return j.bulkOne(tx, &b, &t)
		})
		if refused, ok := errors.AsType[*refusedTarget](err); ok { // what was begun of it was rolled back
			more = true
			err = j.Store.Update(ctx, s, func(tx store.Tx) error {
				b, err := tx.Bulk(id)
				if err != nil || b.State != fleet.BulkRunning || b.Version != refused.version { // or somebody else has settled it
					return err
				}
				t := refused.target
				if err := settleTarget(tx, &b, &t, fleet.TargetFailed, refused.Error()); err != nil {
					return err
				}
				return tx.PutBulk(b)
			})
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// refusedTarget says why something cannot be done with a job.
type refusedTarget struct {
	error
	target  fleet.BulkTarget
	version int64 // of the operation as it was asked
}

// bulkOne does to one job what the operation is for.
func (j *Jobs) bulkOne(tx store.Tx, b *fleet.Bulk, t *fleet.BulkTarget) error {
	p := auth.Bulk(b.Tenant, b.By)
	refuse := func(err error) error {
		if e := fleet.AsError(err); e != nil && e.Code != fleet.CodeInternal && e.Code != fleet.CodeUnavailable && e.Reason != "job_changed" {
			t.MadeID = ""
			return &refusedTarget{e, *t, b.Version}
		}
		return err
	}
	d := p.Audit("job.cancel", fleet.SubjectJob, string(t.JobID))
	d.Reason = "bulk operation " + string(b.ID)
	switch b.Kind {
	case fleet.BulkRetryJobs:
		d.Action, t.MadeID = "job.retry", j.IDs.New()
		if _, err := j.retryIn(tx, p, t.JobID, t.MadeID, RetryHow{Onward: b.Jobs.Onward}, &d, func(tx store.Tx) error { return j.lookedAfter(tx, p, t.JobID) }); err != nil {
			return refuse(err)
		}
		if err := settleTarget(tx, b, t, fleet.TargetDone, fmt.Sprintf("Retried as %s.", t.MadeID)); err != nil {
			return err
		}
	case fleet.BulkPriorityJobs, fleet.BulkMoveJobs:
		said, state, err := j.bulkChange(tx, p, b, t.JobID, &d)
		if err != nil {
			return refuse(err)
		}
		if err := settleTarget(tx, b, t, state, said); err != nil {
			return err
		}
	default:
		said, state, changed, err := j.bulkCancel(tx, p, b, t.JobID, &d)
		if err != nil {
			return refuse(err)
		}
		if !changed {
			d.Action = ""
		}
		if err := settleTarget(tx, b, t, state, said); err != nil {
			return err
		}
	}
	if d.Action != "" {
		if err := tx.Audit(b.Tenant, d); err != nil {
			return err
		}
	}
	return tx.PutBulk(*b)
}

// bulkChange changes what one job asks for, and says what it asks for now.
func (j *Jobs) bulkChange(tx store.Tx, p auth.Principal, b *fleet.Bulk, id fleet.ID, d *fleet.AuditDraft) (said string, state fleet.BulkTargetState, err error) {
	var changed bool
	if b.Kind == fleet.BulkPriorityJobs {
		job, err := tx.Job(id)
		if err != nil {
			return "", "", err
		}
		d.Action, said = "job.priority", fmt.Sprintf("Its priority is %d.", b.Jobs.Priority)
		if changed, err = j.prioritize(tx, p, cmp.Or(job.Parent, id), b.Jobs.Priority, d); err != nil {
			return "", "", err
		}
	} else {
		d.Action, said = "job.move", "Any robot that fits may run it."
		if b.Jobs.Target != "" {
			said = fmt.Sprintf("It waits for robot %s.", b.Jobs.Target)
		}
		if changed, err = j.retarget(tx, p, id, b.Jobs.Target, d); err != nil {
			return "", "", err
		}
	}
	if !changed {
		return "It was so before. " + said, fleet.TargetSkipped, nil
	}
	return said, fleet.TargetDone, nil
}

// bulkCancel cancels one job, and says what became of that.
func (j *Jobs) bulkCancel(tx store.Tx, p auth.Principal, b *fleet.Bulk, id fleet.ID, d *fleet.AuditDraft) (said string, state fleet.BulkTargetState, changed bool, err error) {
	before, err := tx.Job(id)
	if err != nil {
		return "", "", false, err
	}
	whole := cmp.Or(before.Parent, before.ID)
	if before.State.Final() {
		return "It had ended before: " + string(before.State) + ".", fleet.TargetSkipped, false, nil
	}
	if err := lockSegments(tx, whole); err != nil {
		return "", "", false, err
	}
	r := fleet.CancelRequest{Reason: b.Jobs.Reason, Grace: b.Jobs.Grace.Std(), Force: b.Jobs.Force, By: p.Name}
	after, changed, err := j.cancel(tx, whole, r)
	if err != nil {
		return "", "", false, err
	}
	a := CancelAnswer{Previous: before.State, Job: after, Accepted: true}
	canceled(d, &a, &before, r, changed)
	if after.State == fleet.Cancelled {
		return "It is cancelled.", fleet.TargetDone, changed, nil
	}
	return "Its robot was told to stop, by " + after.StopDeadline.UTC().Format(time.RFC3339) + " at the latest.", fleet.TargetDone, changed, nil
}

// endBulk ends an operation of jobs when nothing of it is left, or when it is to
// begin nothing more.
func endBulk(tx store.Tx, b *fleet.Bulk, now time.Time) error {
	if b.Stop != "" {
		n, err := tx.SkipBulkTargets(b.Tenant, b.ID, "The operation was "+string(b.Stop)+".")
		if err != nil {
			return err
		}
		b.Skipped += n
	}
	b.Next(now)
	if err := tx.Append(b.Tenant, bulkEvent(fleet.EventBulkEnded, b)); err != nil {
		return err
	}
	return tx.PutBulk(*b)
}

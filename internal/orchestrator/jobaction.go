package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// CancelAnswer says what a cancel did.
type CancelAnswer struct {
	Previous fleet.State
	Job      fleet.Job
	Accepted bool // false for a job that had ended before
	// Dependents is how many others of its branch had not ended before.
	Dependents int
}

// Cancel asks for a job to be stopped. A job that has ended is answered with
// Accepted false, which is no error: a completion may simply have been first.
func (j *Jobs) Cancel(ctx context.Context, p auth.Principal, id fleet.ID, r fleet.CancelRequest) (CancelAnswer, error) {
	var answer CancelAnswer
	if err := p.Require(fleet.JobsRun); err != nil {
		return answer, err
	}
	r.By = p.Name
	whole, err := j.wholeOfID(ctx, p, id) // a segment is not cancelled alone
	if err != nil {
		return answer, err
	}
	err = j.act(ctx, p, "job.cancel", fleet.SubjectJob, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		answer = CancelAnswer{} // it may run again
		if err := lockSegments(tx, whole); err != nil {
			return err
		}
		job, err := tx.Job(id)
		if err != nil {
			return err
		}
		answer.Previous, answer.Accepted = job.State, !job.State.Final()
		if err := fail.At(fail.CancelBeforeCommit); err != nil {
			return err
		}
		var moved bool
		if answer.Job, moved, err = j.cancel(tx, whole, r); err == nil && whole != id {
			answer.Job, err = tx.Job(id)
		}
		canceled(d, &answer, &job, r, moved)
		return err
	})
	if err == nil {
		err = fail.At(fail.CancelAfterCommit)
	}
	return answer, err
}

// canceled tells of a cancel, unless it changed nothing: the job had ended, or
// the same was asked before.
func canceled(d *fleet.AuditDraft, a *CancelAnswer, job *fleet.Job, r fleet.CancelRequest, changed bool) {
	if !changed {
		d.Action = ""
	}
	d.Object.Name = job.Name
	d.Before, d.After = map[string]any{"status": a.Previous}, map[string]any{"reason": r.Reason, "force": r.Force}
}

// DefaultGrace is the time a stop waits unless the request says otherwise.
func (j *Jobs) DefaultGrace() time.Duration { return j.Timing(fleet.DefaultEnvironment).StopGrace }

// RetryHow is what a person may ask of a retry.
type RetryHow struct {
	// Dependents also makes those jobs anew that were cancelled because of the
	// first; their ids come in the order in which they were made.
	Dependents bool
	// Robot is RetrySameRobot, RetryAnyRobot or the id of one; empty leaves what
	// the first job asked for.
	Robot string
	// From is RetryFromStart, which empty means too, or RetryFromFailed.
	From string
	// Onward is RetryFromFailed where that can be, and from the start elsewhere.
	Onward bool
}

// Words for the robot of a retry.
const (
	RetrySameRobot = "same" // the one that had the job last
	RetryAnyRobot  = "any"  // no certain one, even if the first job asked for one
)

// Retry makes a new job from one that failed, was cancelled or timed out.
func (j *Jobs) Retry(ctx context.Context, p auth.Principal, id fleet.ID, how RetryHow) (job fleet.Job, dependents []fleet.ID, err error) {
	job, err = j.retry(ctx, p, id, how, func(tx store.Tx) (err error) {
		dependents = nil // it may run again
		if how.Dependents {
			if dependents, err = j.rebuild(tx, id, p.Name); err != nil {
				return err
			}
		}
		return j.lookedAfter(tx, p, id)
	})
	return job, dependents, err
}

// onRobot sets which robot a retry asks for.
func onRobot(tx store.Tx, spec *fleet.JobSpec, first *fleet.Job, robot string) error {
	if robot == "" {
		return nil
	}
	if first.Segments > 0 {
		return fleet.Invalid("robot", "Job %s runs in %d parts, each on a robot of its own.", first.ID, first.Segments)
	}
	switch robot {
	case RetryAnyRobot:
		spec.Target = ""
	case RetrySameRobot:
		if first.RobotID == "" {
			return fleet.Invalid("robot", "No robot has had job %s.", first.ID)
		}
		spec.Target = first.RobotID
	default:
		if _, err := tx.Robot(fleet.RobotID(robot)); err != nil {
			return err
		}
		spec.Target = fleet.RobotID(robot)
	}
	return nil
}

// lookedAfter takes a job from the open dead letters, if it is one.
func (j *Jobs) lookedAfter(tx store.Tx, p auth.Principal, id fleet.ID) error {
	_, err := tx.MarkReprocessed(id, p.Name, j.Now())
	return err
}

// retry makes the new job; then does what else belongs to it.
// Jobs that are held because of the first wait for the new one.
func (j *Jobs) retry(ctx context.Context, p auth.Principal, id fleet.ID, how RetryHow, then func(tx store.Tx) error) (job fleet.Job, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return job, err
	}
	newID := j.IDs.New()
	err = j.act(ctx, p, "job.retry", fleet.SubjectJob, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if job, err = j.retryIn(tx, p, id, newID, how, d, then); err != nil {
			return err
		}
		return fail.At(fail.RetryBeforeCommit)
	})
	if err == nil {
		err = fail.At(fail.RetryAfterCommit)
	}
	return job, err
}

// retryIn is retry as a part of a transaction.
func (j *Jobs) retryIn(tx store.Tx, p auth.Principal, id, newID fleet.ID, how RetryHow, d *fleet.AuditDraft, then func(tx store.Tx) error) (job fleet.Job, err error) {
	sub, err := tx.Subject(id)
	if err != nil {
		return job, err
	}
	d.Object.Name, d.After = sub.Job.Name, map[string]any{"retried_as": newID}
	spec, err := sub.RetrySpec(newID, p.Name)
	if err != nil {
		return job, err
	}
	if err := onRobot(tx, &spec, &sub.Job, how.Robot); err != nil {
		return job, err
	}
	if how.Onward {
		how.From = RetryFromFailed
	}
	starts, err := resumes(tx, &spec, &sub.Job, how.From)
	if e := fleet.AsError(err); how.Onward && e != nil && e.Reason == "not_resumable" {
		starts, err = resumes(tx, &spec, &sub.Job, RetryFromStart)
	}
	if err != nil {
		return job, err
	}
	if starts != nil {
		d.After = map[string]any{"retried_as": newID, "from_node": starts.Node}
	}
	earlier, err := tx.Jobs(store.JobFilter{RetryOf: id}, fleet.Page{Limit: fleet.PageMax})
	if err != nil {
		return job, err
	}
	for _, e := range earlier.Jobs {
		if !e.State.Final() {
			return job, fleet.Errorf(fleet.CodeConflict, "retry_in_progress", "Job %s is being retried as %s.", id, e.ID)
		}
	}
	data, err := tx.JobData(id)
	if err != nil {
		return job, err
	}
	if job, err = j.again(tx, &sub.Job, spec, fleet.JobData{Variables: data.Variables, Resumes: starts}, p.Name); err != nil {
		return job, err
	}
	if err := then(tx); err != nil {
		return job, err
	}
	return job, takeOver(tx, &sub.Job, job.ID)
}

// again stores the job that repeats one. One that was never released waits again
// for its parents, or for the jobs that repeat them: its inputs are not filled.
func (j *Jobs) again(tx store.Tx, first *fleet.Job, spec fleet.JobSpec, data fleet.JobData, by string) (fleet.Job, error) {
	variables := data.Variables
	if first.Segments > 0 {
		return j.wholeAgain(tx, first, spec, variables, by)
	}
	var parents []fleet.ID
	if !first.HandedOut() {
		var err error
		if parents, err = tx.Parents(first.ID); err != nil {
			return fleet.Job{}, err
		}
	}
	for i, id := range parents {
		var err error
		if parents[i], err = newestRetry(tx, id); err != nil {
			return fleet.Job{}, err
		}
		variables, err = fleet.RenameInputs(variables, func(ref string) (fleet.ID, bool) { return parents[i], ref == string(id) })
		if err != nil {
			return fleet.Job{}, err
		}
	}
	if len(parents) > 0 {
		spec.DependsOn, spec.Rule, spec.OnUnmet, spec.FillInputs = parents, first.Rule, first.OnUnmet, first.FillInputs
		spec.WaitLimit = first.WaitLimit.Std()
	}
	out, err := tx.Enqueue([]store.Submission{{
		Job: fleet.NewJob(spec, j.Now()), Data: fleet.JobData{Variables: variables, Resumes: data.Resumes}, Actor: by, Parents: parents, MaxChildren: j.Limits.Children,
		Graph: spec.Parent != "", // others of this transaction name it
	}})
	if err != nil {
		return fleet.Job{}, err
	}
	return out[0].Job, out[0].Err
}

// takeOver lets the jobs that are held because of one wait for the one that
// repeats it.
func takeOver(tx store.Tx, first *fleet.Job, again fleet.ID) error {
	if first.Children == 0 {
		return nil
	}
	children, err := tx.Children(first.ID)
	if err != nil {
		return err
	}
	for _, id := range children {
		child, err := tx.Job(id)
		if err != nil {
			return err
		}
		if child.WaitingOn == fleet.WaitingHold {
			if err := tx.MoveChild(id, first.ID, again); err != nil {
				return err
			}
		}
	}
	return nil
}

// Decide answers a job that needs a person.
func (j *Jobs) Decide(ctx context.Context, p auth.Principal, id fleet.ID, version int64, d fleet.Decision) (fleet.Job, error) {
	if err := p.Require(fleet.JobsDecide); err != nil {
		return fleet.Job{}, err
	}
	if len(d.Result) > 0 && !isObject(d.Result) {
		return fleet.Job{}, fleet.Invalid("result", "result must be a JSON object.")
	}
	d.By = p.Name
	audit := p.Audit("job.decide", fleet.SubjectJob, string(id))
	audit.After = map[string]any{"do": d.Do, "reason": d.Reason}
	if len(d.Effects) > 0 {
		audit.After = map[string]any{"do": d.Do, "reason": d.Reason, "effects": d.Effects}
	}
	job, err := j.move(ctx, p.Scope(), id, func(tx store.Tx, sub fleet.Subject) (*fleet.Move, error) {
		if version != 0 && sub.Job.Version != version {
			e := fleet.Errorf(fleet.CodeConflict, "version_changed", "Job %s has changed since it was read.", id)
			e.Status = 412
			return nil, e
		}
		if err := fail.At(fail.DecideBeforeCommit); err != nil {
			return nil, err
		}
		open, err := tx.OpenEffects(id)
		if err != nil {
			return nil, err
		}
		m, err := sub.Decide(d, open, j.Now())
		if err != nil || m == nil {
			return m, err
		}
		return m, tx.Audit(p.Tenant, audit)
	})
	if err == nil {
		err = fail.At(fail.DecideAfterCommit)
	}
	return job, err
}

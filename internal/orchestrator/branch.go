package orchestrator

import (
	"context"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// A branch is a job with everything that waits or waited for it, directly or
// over others.

// errLargeBranch refuses what one transaction should not do.
func errLargeBranch(id fleet.ID) error {
	return fleet.Errorf(fleet.CodeInvalid, "branch_too_large", "More than %d jobs hang on job %s.", fleet.MaxGraph, id).
		WithFix("Take its parts one by one.")
}

// branch lists the jobs of a branch that enter lets in, the first one first and
// nearer ones before farther ones. What hangs on a job that is not let in is not
// looked at over that job.
func branch(tx store.Tx, first fleet.ID, enter func(fleet.Job) (bool, error)) ([]fleet.Job, error) {
	var out []fleet.Job
	seen := map[fleet.ID]bool{first: true}
	for queue := []fleet.ID{first}; len(queue) > 0; queue = queue[1:] {
		sub, err := tx.Subject(queue[0])
		if errors.Is(err, fleet.ErrNotFound) && queue[0] != first { // retention was here first
			continue
		}
		if err == nil && sub.Job.Parent != "" { // a segment stands for its whole
			if sub.Job, err = wholeOf(tx, sub.Job); err == nil {
				if seen[sub.Job.ID] {
					continue
				}
				seen[sub.Job.ID] = true
			}
		}
		if err != nil {
			return nil, err
		}
		if queue[0] != first {
			in, err := enter(sub.Job)
			if err != nil {
				return nil, err
			}
			if !in {
				continue
			}
		}
		out = append(out, sub.Job)
		if sub.Job.Children == 0 {
			continue
		}
		children, err := tx.Children(sub.Job.ID)
		if err != nil {
			return nil, err
		}
		for _, id := range children {
			if seen[id] {
				continue
			}
			if len(seen) > fleet.MaxGraph {
				return nil, errLargeBranch(first)
			}
			seen[id] = true
			queue = append(queue, id)
		}
	}
	return out, nil
}

// CancelBranch asks for a job and for all that hangs on it to be stopped, in one
// transaction. The farthest go first, so that no end on the way releases any.
func (j *Jobs) CancelBranch(ctx context.Context, p auth.Principal, id fleet.ID, r fleet.CancelRequest) (answer CancelAnswer, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return answer, err
	}
	r.By = p.Name
	err = j.act(ctx, p, "job.cancel", fleet.SubjectJob, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		answer = CancelAnswer{} // it may run again
		list, err := branch(tx, id, func(fleet.Job) (bool, error) { return true, nil })
		if err != nil {
			return err
		}
		answer.Previous, answer.Accepted = list[0].State, !list[0].State.Final()
		moved := false
		for i, was := range slices.Backward(list) {
			job, changed, err := j.cancel(tx, was.ID, r) // the end of another may have ended it
			if err != nil {
				return err
			}
			moved = moved || changed
			if i == 0 {
				answer.Job = job
			} else if !was.State.Final() {
				answer.Dependents++
			}
		}
		canceled(d, &answer, &list[0], r, moved)
		d.After["dependents"] = answer.Dependents
		return nil
	})
	return answer, err
}

// rebuild makes the part of a branch anew that was cancelled because first did
// not end as it was needed: each job with its own rule, on the jobs that repeat
// its parents. What somebody has repeated already is left alone.
func (j *Jobs) rebuild(tx store.Tx, first fleet.ID, by string) (made []fleet.ID, err error) {
	list, err := branch(tx, first, func(job fleet.Job) (bool, error) {
		if job.State != fleet.Cancelled || job.EndReason != "dependency_unmet" {
			return false, nil
		}
		newest, err := newestRetry(tx, job.ID)
		return newest == job.ID, err
	})
	if err != nil {
		return nil, err
	}
	left := map[fleet.ID]fleet.Job{}
	for _, job := range list[1:] {
		left[job.ID] = job
	}
	// A job finds what repeats its parents in the store, so they go before it.
	var build func(job fleet.Job) error
	build = func(job fleet.Job) error {
		delete(left, job.ID)
		parents, err := comesAfter(tx, &job)
		if err != nil {
			return err
		}
		for _, id := range parents {
			if parent, ok := left[id]; ok {
				if err := build(parent); err != nil {
					return err
				}
			}
		}
		id := j.IDs.New()
		spec, err := fleet.Subject{Job: job}.RetrySpec(id, by)
		if err != nil {
			return err
		}
		data, err := tx.JobData(job.ID)
		if err != nil {
			return err
		}
		again, err := j.again(tx, &job, spec, fleet.JobData{Variables: data.Variables}, by)
		if err != nil {
			return err
		}
		made = append(made, again.ID)
		return takeOver(tx, &job, again.ID)
	}
	for _, job := range list[1:] {
		if _, ok := left[job.ID]; ok {
			if err := build(job); err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

// newestRetry follows a job to the last one that repeats it; itself if none does.
func newestRetry(r store.Reader, id fleet.ID) (fleet.ID, error) {
	for {
		page, err := r.Jobs(store.JobFilter{RetryOf: id}, fleet.Page{Limit: 1}) // newest first
		if err != nil || len(page.Jobs) == 0 {
			return id, err
		}
		id = page.Jobs[0].ID
	}
}

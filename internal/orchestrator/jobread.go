package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// JobView is a job with all that is known about it.
type JobView struct {
	Job     fleet.Job
	Data    fleet.JobData
	Parts   []fleet.Job // the segments of a whole
	Waiting string      // a sentence for people while the job is pending

	Nodes   int           // of the workflow version that it runs; 0: not known
	Typical time.Duration // in the middle of the newest completed runs of its workflow
	Runs    int           // how many those were

	Resumable *fleet.Resumable  // it failed: whether it can be gone on from there
	Resumed   *fleet.Resumption // it starts from where another one failed

	Source PrioritySource // who said how urgent it is

	AcceptBy time.Time // the offer that is open lapses then
	LeavesAt time.Time // the robot is silent: if it stays so, the job leaves it then
	Alike    string    // failures that are like this one have the same mark

	Open []fleet.Effect // steps that nobody knows the end of, while a person is asked
}

// Get returns one job.
func (j *Jobs) Get(ctx context.Context, p auth.Principal, id fleet.ID) (v JobView, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return v, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if v.Job, err = r.Job(id); err != nil {
			return err
		}
		if v.Data, err = r.JobData(id); err != nil {
			return err
		}
		if v.Job.Segments > 0 {
			if v.Parts, err = r.Segments(id); err != nil {
				return err
			}
		}
		left, starts, err := r.Checkpoint(id)
		if err != nil {
			return err
		}
		v.Resumable, v.Resumed = v.Job.Resumable(left), starts
		if v.Source, err = prioritySource(r, &v.Job); err != nil {
			return err
		}
		if err := j.around(r, &v); err != nil {
			return err
		}
		if v.Job.State == fleet.Pending || v.Job.Segments > 0 && !v.Job.State.Final() {
			return j.explain(r, &v)
		}
		return nil
	})
	return v, err
}

// PrioritySource is who said how urgent a job is, and when it was changed who did
// that; empty where the events that tell of it are not kept any more.
type PrioritySource struct {
	From fleet.PrioritySource
	By   string // who changed it
}

// prioritySource reads it from the events of a job. A part has that of its whole.
func prioritySource(r store.Reader, job *fleet.Job) (out PrioritySource, err error) {
	events, err := r.Events(store.EventFilter{
		Subject: fleet.SubjectJob, SubjectID: string(cmp.Or(job.Parent, job.ID)), Kinds: []fleet.EventKind{fleet.EventJobSubmitted, fleet.EventJobPriority},
	})
	if err != nil {
		return out, err
	}
	for i := range events {
		var told struct {
			Source fleet.PrioritySource `json:"priority_source"`
			By     string               `json:"by"`
		}
		if err := json.Unmarshal(events[i].Data, &told); err != nil {
			return out, fmt.Errorf("event %d: %w", events[i].Seq, err)
		}
		if events[i].Kind == fleet.EventJobPriority {
			out = PrioritySource{fleet.PriorityOfChange, told.By}
		} else {
			out.From = told.Source
		}
	}
	if out.From == "" && job.RetryOf != "" {
		out.From = fleet.PriorityOfRetry
	}
	return out, nil
}

// around adds what a job is measured by: its workflow, the runs before it, and
// the limits that hold for its robot.
func (j *Jobs) around(r store.Reader, v *JobView) error {
	job := &v.Job
	if job.Workflow.ID != "" {
		version, err := r.WorkflowVersion(job.Workflow.ID, job.Workflow.Version)
		if err == nil {
			v.Nodes = version.NodeCount
		} else if fleet.AsError(err).Code != fleet.CodeNotFound { // it may have been deleted
			return err
		}
		runs, err := r.RunTimes(job.Tenant, job.Workflow.ID, runsAsked)
		if err != nil {
			return err
		}
		v.Typical, v.Runs = median(runs), len(runs)
	}
	switch job.State { //nolint:exhaustive // the others are measured by nothing more
	case fleet.Failed, fleet.TimedOut:
		facts := fleet.JobFacts{Job: *job, Error: v.Data.Error}
		v.Alike, _ = facts.Failure()
	case fleet.NeedsDecision:
		var err error
		if v.Open, err = r.OpenEffects(job.ID); err != nil {
			return err
		}
	case fleet.Assigned, fleet.Running:
		list, err := r.Attempts(job.ID)
		if err != nil || len(list) == 0 || !list[len(list)-1].Live() {
			return err
		}
		a := &list[len(list)-1]
		if job.State == fleet.Assigned {
			v.AcceptBy = a.AcceptBy
		}
		if !a.SilentSince.IsZero() {
			t := j.Timing(job.Environment)
			v.LeavesAt = a.SilentSince.Add(t.Lost - t.Suspect)
		}
	}
	return nil
}

// List returns a page of jobs, newest first.
func (j *Jobs) List(ctx context.Context, p auth.Principal, f store.JobFilter, page fleet.Page) (list store.JobPage, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return list, err
	}
	if page, err = page.Normalize(); err != nil {
		return list, err
	}
	err = j.Store.View(ctx, p.Reach(), func(r store.Reader) error { list, err = r.Jobs(f, page); return err })
	return list, err
}

// Attempts returns the attempts of a job, oldest first.
func (j *Jobs) Attempts(ctx context.Context, p auth.Principal, id fleet.ID) (list []fleet.Attempt, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if _, err := r.Job(id); err != nil {
			return err
		}
		list, err = r.Attempts(id)
		return err
	})
	return list, err
}

// Log returns lines of a job's log, and the job as it was before they were read:
// one that had ended by then gets no further ones.
func (j *Jobs) Log(ctx context.Context, p auth.Principal, id fleet.ID, q store.LogQuery) (job fleet.Job, lines []fleet.LogLine, err error) {
	if job, q.Limit, err = j.told(ctx, p, id, q.Limit); err != nil {
		return job, nil, err
	}
	lines, err = j.Store.ReadLogs(ctx, p.Scope(), id, q)
	return job, lines, err
}

// told is the job whose lines or steps somebody asks for, and how many of them.
func (j *Jobs) told(ctx context.Context, p auth.Principal, id fleet.ID, asked int) (job fleet.Job, limit int, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return job, 0, err
	}
	if limit = asked; limit == 0 {
		limit = 1000
	}
	if limit < 1 || limit > 5000 {
		return job, 0, fleet.Invalid("limit", "limit must be between 1 and 5000; got %d.", limit)
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error { job, err = r.Job(id); return err })
	return job, limit, err
}

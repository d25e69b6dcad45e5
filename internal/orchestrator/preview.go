package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// Preview tells what placement would do with a job if it were submitted now,
// and stores nothing. A request without a workflow asks for its placement alone.
// Of a workflow that is cut into segments the answer is about the first.
func (j *Jobs) Preview(ctx context.Context, p auth.Principal, r SubmitRequest) (e Explanation, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return e, err
	}
	r.DryRun, r.DependsOn, r.IdempotencyKey = true, nil, ""
	if r.WorkflowID == "" && r.Document == nil {
		tenant, err := j.tenant(ctx, p)
		if err != nil {
			return e, err
		}
		spec, err := j.spec(p, r, tenant.Priority)
		if err != nil {
			return e, err
		}
		if err := j.place(ctx, p, r, resolved{}, &spec, fleet.PlacedAt{}, nil); err != nil {
			return e, err
		}
		e.Job = fleet.NewJob(spec, j.Now())
	} else {
		sub, err := j.prepare(ctx, p, r)
		if err != nil {
			return e, err
		}
		if e.Job = sub.Job; len(sub.segments) > 0 {
			e.Job = sub.segments[0].Job
		}
	}
	e.EvaluatedAt = j.Now()
	err = j.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		robots, err := j.robots(rd, e.EvaluatedAt)
		if err != nil {
			return err
		}
		e.Names = names(robots)
		s, err := snapshot.Read(rd, func() ([]placement.Candidate, error) { return candidates(robots), nil },
			snapshot.Options{Now: e.EvaluatedAt, Ask: &e.Job})
		if err != nil {
			return err
		}
		full, _ := placement.Explain(s.View, e.Job.ID)
		e.Fleet = &full
		if e.Job.WaitingCode, e.Summary = full.Code, full.Summary; full.Assigned != nil {
			e.Summary = "Would start at once on " + string(full.Assigned.RobotID) + "."
		}
		return nil
	})
	return e, err
}

package httpapi

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// DeadLetterGroup is dead letters that are alike.
type DeadLetterGroup struct {
	Fingerprint string `json:"fingerprint" doc:"The same as in /analytics/failures."`
	fleet.Failure
	Count  int       `json:"count"`
	First  time.Time `json:"first_failed_at"`
	Last   time.Time `json:"last_failed_at"`
	Sample fleet.ID  `json:"sample_job_id" doc:"The newest of them."`
}

// DeadLetterGroups is all groups, the largest first.
type DeadLetterGroups struct {
	Groups []DeadLetterGroup `json:"groups"`
	More   bool              `json:"more" doc:"There are older dead letters, which are in no group."`
}

// GroupRetryAnswer says what became of the jobs of a group.
type GroupRetryAnswer struct {
	Made    []fleet.ID     `json:"job_ids" doc:"The new jobs."`
	Refused []RefusedRetry `json:"refused"`
	Left    int            `json:"left" doc:"Of the group that are for another retry: one makes 500 at most."`
	Message string         `json:"message"`
}

// RefusedRetry is a dead letter whose job was not repeated.
type RefusedRetry struct {
	JobID fleet.ID `json:"job_id"`
	Why   string   `json:"why"`
}

type deadGroupsReply struct{ Body DeadLetterGroups }

func (a *API) deadGroups(ctx context.Context, _ *struct{}) (*deadGroupsReply, error) {
	groups, more, err := a.o.Orchestrator.Jobs.DeadGroups(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	out := DeadLetterGroups{Groups: make([]DeadLetterGroup, len(groups)), More: more}
	for i := range groups {
		g := &groups[i]
		stamp(&g.First, &g.Last)
		out.Groups[i] = DeadLetterGroup{g.Fingerprint, g.Failure, len(g.Jobs), g.First, g.Last, g.Jobs[0]}
	}
	return &deadGroupsReply{out}, nil
}

type groupInput struct {
	Fingerprint string `path:"fingerprint"`
}

type groupRetryReply struct{ Body GroupRetryAnswer }

func (a *API) retryDeadGroup(ctx context.Context, in *groupInput) (*groupRetryReply, error) {
	p := auth.From(ctx)
	done, err := a.o.Orchestrator.Jobs.RetryDeadGroup(ctx, p, in.Fingerprint, func(jobs int) error { return a.limitSubmits(ctx, p, jobs) })
	if err != nil {
		return nil, err
	}
	out := GroupRetryAnswer{Made: append([]fleet.ID{}, done.Made...), Refused: []RefusedRetry{}, Left: done.Left, Message: fmt.Sprintf("%d jobs are tried again as new ones.", len(done.Made))}
	if len(done.Made) == 1 {
		out.Message = "1 job is tried again as a new one."
	}
	for _, r := range done.Refused {
		out.Refused = append(out.Refused, RefusedRetry{r.Job, fleet.AsError(r.Err).Message})
	}
	if n := len(done.Refused); n > 0 {
		out.Message += fmt.Sprintf(" %d were refused.", n)
	}
	if done.Left > 0 {
		out.Message += fmt.Sprintf(" %d are left for another retry.", done.Left)
	}
	return &groupRetryReply{out}, nil
}

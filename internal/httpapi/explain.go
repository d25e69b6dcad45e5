package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// JobExplanation says why a job waits, and what would let it start.
type JobExplanation struct {
	JobID          fleet.ID          `json:"job_id"`
	Status         fleet.State       `json:"status"`
	EvaluatedAt    time.Time         `json:"evaluated_at"`
	WaitingOn      fleet.WaitingOn   `json:"waiting_on,omitempty"`
	WaitingCode    fleet.WaitingCode `json:"waiting_code,omitempty"`
	WaitingSince   time.Time         `json:"waiting_since,omitzero"`
	WaitingSummary string            `json:"waiting_summary"`
	Position       JobPosition       `json:"position"`
	Blockers       []fleet.Blocker   `json:"blockers" doc:"What holds it back: jobs and reservations that have what it would fit, else the reason alone; at most 10. Empty exactly when it would be assigned now, or does not wait."`
	Estimate       *fleet.Estimate   `json:"estimate,omitempty" doc:"When the next slot that it would fit is expected; left out where too few runs are known."`
	Counts         JobCounts         `json:"counts"`
	Robots         []ExplainedRobot  `json:"robots" doc:"Every robot of the tenant once, by id; at most limit."`
	RobotsTotal    int               `json:"robots_total"`
	Changes        []JobChange       `json:"would_run_if" doc:"Single changes after which the job would start."`
	Attempts       []fleet.Attempt   `json:"attempts" doc:"The robots that have had it."`
}

// JobPosition is the job's place among those that wait.
type JobPosition struct {
	Higher int `json:"ahead_higher_priority"`
	Same   int `json:"ahead_same_priority"`
	Total  int `json:"total" doc:"Its place in line, from 1; 0 if it does not wait for a robot."`
}

// JobCounts sorts the robots by what keeps them from the job.
type JobCounts struct {
	Robots  int            `json:"robots"`
	Fit     int            `json:"fit" doc:"Meet every demand, free or not."`
	Free    int            `json:"fit_and_free"`
	ByFirst map[string]int `json:"by_first_reason" doc:"By the first check that fails; adds up to robots less fit_and_free."`
	ByAny   map[string]int `json:"by_any_reason" doc:"By each check that fails."`
}

// ExplainedRobot is what every check says of one robot.
type ExplainedRobot struct {
	RobotID     fleet.RobotID    `json:"robot_id"`
	Name        string           `json:"name"`
	Verdict     string           `json:"verdict" enum:"fits,blocked"`
	FirstReason string           `json:"first_reason,omitempty"`
	Checks      []ExplainedCheck `json:"checks"`
}

// ExplainedCheck is one check.
type ExplainedCheck struct {
	Code   string `json:"code"`
	OK     bool   `json:"ok"`
	Wanted string `json:"wanted"`
	Found  string `json:"found"`
}

// JobChange is one thing that would let the job start.
type JobChange struct {
	Change string          `json:"change" enum:"slot_frees,robot_returns,quota_raised,secret_freed,demand_dropped,priority_raised,robot_added"`
	Text   string          `json:"text"`
	Robots []fleet.RobotID `json:"robots"`
}

func (a *API) explainRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/explain", id: "jobs.explain", summary: "Why does the job wait?",
		may: need(fleet.JobsRead), rate: rateRead, times: 20,
		description: "The answer is placement's own: no robot fits exactly when none would be given the job now.",
	}, a.explainJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/placement/preview", id: "placement.preview", summary: "What would become of a job now?",
		may: need(fleet.JobsRun), rate: rateRead, times: 20, reads: true, body: jsonBody[SubmitRequest](workflowBody, true),
		description: "Takes what a submit takes, the workflow left out if need be, answers as explain does, and stores nothing.",
	}, a.previewJob)
}

type explainInput struct {
	JobInput
	Limit  int    `query:"limit" minimum:"0" maximum:"10000" default:"200" doc:"The most robots that are listed."`
	Reason string `query:"reason" doc:"Only robots whose first reason this is."`
}

type explainReply struct{ Body JobExplanation }

func (a *API) explainJob(ctx context.Context, in *explainInput) (*explainReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	e, err := a.o.Orchestrator.Jobs.Explain(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &explainReply{explained(&e, in)}, nil
}

type previewInput struct {
	Limit int `query:"limit" minimum:"0" maximum:"10000" default:"200" doc:"The most robots that are listed."`
}

func (a *API) previewJob(ctx context.Context, in *previewInput) (*explainReply, error) {
	req, err := a.submits.read(callOf(ctx).body, "")
	if err != nil {
		return nil, err
	}
	e, err := a.o.Orchestrator.Jobs.Preview(ctx, auth.From(ctx), req)
	if err != nil {
		return nil, err
	}
	return &explainReply{explained(&e, &explainInput{Limit: in.Limit})}, nil
}

// explained brings an explanation into the form of the API.
func explained(e *orchestrator.Explanation, in *explainInput) JobExplanation {
	job := showJob(e.Job)
	out := JobExplanation{
		JobID: job.ID, Status: job.State, EvaluatedAt: e.EvaluatedAt, WaitingSummary: e.Summary,
		Counts:   JobCounts{ByFirst: map[string]int{}, ByAny: map[string]int{}},
		Estimate: e.Estimate,
		Blockers: showAll(e.Blockers, showBlocker), Robots: []ExplainedRobot{}, Changes: []JobChange{}, Attempts: showAll(e.Attempts, showAttempt),
	}
	stamp(&out.EvaluatedAt)
	if job.State == fleet.Pending {
		out.WaitingOn, out.WaitingCode, out.WaitingSince = job.WaitingOn, job.WaitingCode, job.WaitingSince
	}
	if e.Fleet != nil {
		out.fill(e, in)
	}
	return out
}

// showBlocker brings the times into the form of the API.
func showBlocker(b fleet.Blocker) fleet.Blocker {
	stamp(&b.Since, &b.Until)
	return b
}

// fill adds what placement says.
func (out *JobExplanation) fill(e *orchestrator.Explanation, in *explainInput) {
	f := e.Fleet
	out.Position = JobPosition{f.Ahead.HigherPriority, f.Ahead.SamePriority, f.Ahead.HigherPriority + f.Ahead.SamePriority + 1}
	out.Counts.Robots, out.Counts.Fit, out.Counts.Free = f.Counts.Robots, f.Counts.Fit, f.Counts.Free
	for check, n := range f.Counts.First {
		out.Counts.ByFirst[string(check)] = n
	}
	for check, n := range f.ByAny {
		out.Counts.ByAny[string(check)] = n
	}
	for _, r := range f.Robots {
		if in.Reason != "" && string(r.First) != in.Reason {
			continue
		}
		if out.RobotsTotal++; out.RobotsTotal > in.Limit {
			continue
		}
		x := ExplainedRobot{RobotID: r.RobotID, Name: e.Names[r.RobotID], Verdict: "blocked", FirstReason: string(r.First)}
		if r.Fits {
			x.Verdict = "fits"
		}
		for _, c := range r.Checks {
			x.Checks = append(x.Checks, ExplainedCheck{string(c.Code), c.OK, c.Wanted, c.Found})
		}
		out.Robots = append(out.Robots, x)
	}
	for _, c := range f.WouldRunIf {
		out.Changes = append(out.Changes, JobChange{c.Change, c.Text, append([]fleet.RobotID{}, c.Robots...)})
	}
}

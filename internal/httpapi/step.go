package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// StepPage is a part of a job's steps and where to go on.
type StepPage struct {
	JobID     fleet.ID     `json:"job_id"`
	Status    fleet.State  `json:"status"`
	Steps     []fleet.Step `json:"steps"`
	NextEpoch int64        `json:"next_epoch" doc:"Where to go on: the attempt. Ask again from the first step that still runs to see how it ended."`
	NextStep  int64        `json:"next_step" doc:"Where to go on: the number of a step in that attempt."`
}

// JobTimeline says when what happened in a job.
type JobTimeline struct {
	Job      fleet.Job               `json:"job"`
	Now      time.Time               `json:"now" doc:"The orchestrator's clock; what still runs has lasted until then."`
	Parts    []fleet.Job             `json:"segment_jobs" doc:"The segments of a job that is cut into some, in their order."`
	Attempts []fleet.Attempt         `json:"attempts" doc:"Of the job, or of its segments."`
	Nodes    []orchestrator.NodeTime `json:"nodes" doc:"What each node did in each attempt, in the order of the first starts, by the robot's clock."`
	Steps    int                     `json:"steps" doc:"Executions of nodes that were counted."`
	Cut      bool                    `json:"cut" doc:"There are more steps than were counted."`
}

func (a *API) stepRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/steps", id: "jobs.steps", summary: "List the steps of a job: each execution of a node",
		may: need(fleet.JobsRead), rate: rateRead, times: 10,
	}, a.jobSteps)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/timeline", id: "jobs.timeline", summary: "Show when what happened in a job",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.jobTimeline)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/log/search", id: "jobs.log_search", summary: "Search all lines of a job's log, and count them by level",
		may: need(fleet.JobsRead), rate: rateRead, times: 10,
	}, a.searchLog)
}

type stepInput struct {
	JobInput
	Epoch int64 `query:"epoch" doc:"Attempt to start in; the first if left out."`
	From  int64 `query:"from_step" doc:"Number of a step in that attempt to start at; 1 is the first."`
	Limit int   `query:"limit" doc:"1 to 5000; 1000 if left out."`
}

type stepReply struct{ Body StepPage }

func (a *API) jobSteps(ctx context.Context, in *stepInput) (*stepReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	job, steps, err := a.o.Orchestrator.Jobs.Steps(ctx, auth.From(ctx), id, orchestrator.StepQuery{Epoch: in.Epoch, From: in.From, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := StepPage{JobID: id, Status: job.State, Steps: showAll(steps, showStep), NextEpoch: max(in.Epoch, 1), NextStep: max(in.From, 1)}
	if n := len(steps); n > 0 {
		out.NextEpoch, out.NextStep = steps[n-1].Epoch, steps[n-1].Seq+1
	}
	return &stepReply{out}, nil
}

type timelineReply struct{ Body JobTimeline }

func (a *API) jobTimeline(ctx context.Context, in *JobInput) (*timelineReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	t, err := a.o.Orchestrator.Jobs.Timeline(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &timelineReply{JobTimeline{
		Job: showJob(t.Job), Now: a.o.Now().UTC().Truncate(time.Millisecond), Parts: showAll(t.Parts, showJob), Attempts: showAll(t.Attempts, showAttempt),
		Nodes: showAll(t.Nodes, showNode), Steps: t.Steps, Cut: t.Cut,
	}}, nil
}

type searchInput struct {
	JobInput
	Text  string `query:"q" doc:"Text to look for, in any case; every line matches if left out." maxLength:"200"`
	Level string `query:"level" doc:"Least level: TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL."`
	Node  string `query:"node_id" doc:"Lines of one node." maxLength:"256"`
	Limit int    `query:"limit" doc:"Matches to list, 1 to 5000; 1000 if left out."`
}

type searchReply struct{ Body orchestrator.LogFound }

func (a *API) searchLog(ctx context.Context, in *searchInput) (*searchReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	level, err := levelOf(in.Level)
	if err != nil {
		return nil, err
	}
	found, err := a.o.Orchestrator.Jobs.SearchLog(ctx, auth.From(ctx), id, orchestrator.LogSearch{
		Text: in.Text, Level: level, Node: in.Node, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &searchReply{found}, nil
}

func showStep(s fleet.Step) fleet.Step {
	stamp(&s.StartedAt, &s.EndedAt)
	return s
}

func showNode(n orchestrator.NodeTime) orchestrator.NodeTime {
	stamp(&n.StartedAt, &n.EndedAt)
	return n
}

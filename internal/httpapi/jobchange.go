package httpapi

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// PriorityBody says how urgent a job is to be.
type PriorityBody struct {
	Priority *fleet.Priority `json:"priority" doc:"0 to 20, 0 goes first; or critical, high, normal, low."`
}

// MoveBody says which robot a job is to ask for.
type MoveBody struct {
	Target string `json:"target_robot_id" doc:"The id of a robot, or any."`
}

// targetOf reads the robot that is named; the word any is none.
func targetOf(field, text string) (fleet.RobotID, error) {
	if text == orchestrator.RetryAnyRobot {
		return "", nil
	}
	id, err := fleet.ParseRobotID(text)
	if err != nil {
		return "", fleet.Invalid(field, "%s must be the id of a robot, or any; got %q.", field, clip(text, 40))
	}
	return id, nil
}

type jobChangeReply struct {
	ETag string `header:"ETag"`
	Body fleet.Job
}

func (a *API) prioritizeJob(ctx context.Context, in *JobInput) (*jobChangeReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := decode[PriorityBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Priority == nil {
		return nil, fleet.Invalid("priority", "priority must be between 0 and 20.")
	}
	job, err := a.o.Orchestrator.Jobs.Prioritize(ctx, auth.From(ctx), id, *body.Priority)
	if err != nil {
		return nil, err
	}
	return &jobChangeReply{ETag: etag(job.Version), Body: showJob(job)}, nil
}

func (a *API) moveJob(ctx context.Context, in *JobInput) (*jobChangeReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := decode[MoveBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	to, err := targetOf("target_robot_id", body.Target)
	if err != nil {
		return nil, err
	}
	job, err := a.o.Orchestrator.Jobs.Retarget(ctx, auth.From(ctx), id, to)
	if err != nil {
		return nil, err
	}
	return &jobChangeReply{ETag: etag(job.Version), Body: showJob(job)}, nil
}

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// WatchList is what a robot looks at.
type WatchList struct {
	Watches []fleet.Watch `json:"watches"`
}

// WatchBody is what a robot says of what it looks at: a file that stands still,
// or why it cannot look.
type WatchBody struct {
	Path     string    `json:"path,omitempty"`
	Size     int64     `json:"size,omitempty"`
	Modified time.Time `json:"modified_at,omitzero"`
	// Fault is there for those who tell of none: empty, it is gone.
	Fault *string `json:"fault,omitempty" doc:"Why it cannot look, instead of a file; empty: it can."`
}

// watchRoutes are for robots that look for files.
func (a *API) watchRoutes() {
	watches := Base + "/robot/watches"
	route(a, operation{
		method: http.MethodGet, path: watches, id: "robot.watches", summary: "What the robot is to look at for triggers of files", may: need(fleet.RobotsConnect), rate: rateRobot,
	}, a.robotWatches)
	route(a, operation{
		method: http.MethodPost, path: watches + "/{id}", id: "robot.watched", summary: "Tell of a file that stands still, or why the robot cannot look", may: need(fleet.RobotsConnect), rate: rateRobot,
		body: jsonBody[WatchBody](plainBody, true),
	}, a.robotWatched)
}

type (
	watchesReply struct{ Body WatchList }
	watchedInput struct {
		ID string `path:"id" doc:"The id of the trigger."`
	}
	watchedReply struct{ Body fleet.WatchAnswer }
)

func (a *API) robotWatches(ctx context.Context, _ *struct{}) (*watchesReply, error) {
	list, err := a.o.Orchestrator.Triggers.Watches(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &watchesReply{WatchList{list}}, nil
}

func (a *API) robotWatched(ctx context.Context, in *watchedInput) (*watchedReply, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return nil, fleet.NotFound("trigger", in.ID)
	}
	body, err := decode[WatchBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.Fault != nil {
		err := a.o.Orchestrator.Triggers.CannotWatch(ctx, auth.From(ctx), id, *body.Fault)
		return &watchedReply{fleet.WatchAnswer{Outcome: fleet.FiringRefused}}, err
	}
	f, wait, err := a.o.Orchestrator.Triggers.Found(ctx, auth.From(ctx), id, fleet.WatchedFile{Path: body.Path, Size: body.Size, Modified: body.Modified})
	if err != nil {
		return nil, err
	}
	return &watchedReply{fleet.WatchAnswer{Outcome: f.Outcome, JobID: f.JobID, AgainSeconds: int((wait + time.Second - 1) / time.Second)}}, nil
}

package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// EnrolmentBody asks for a token with which machines enrol themselves.
type EnrolmentBody struct {
	NamePattern string   `json:"name_pattern,omitempty" doc:"Of the ids that robots may take; * is any text, ? any character. Default: any."`
	Environment string   `json:"environment,omitempty" doc:"Where the robots live; default if left out."`
	Pool        string   `json:"pool,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Uses        int      `json:"uses,omitempty" doc:"How many machines; 1 to 1000. Default: 1."`
	Life        int64    `json:"expires_in_seconds,omitempty" doc:"60 to 86400. Default: 3600."`
}

// NewEnrolment is a token with its secret, which is shown this once.
type NewEnrolment struct {
	fleet.Enrolment
	Token string `json:"token"`
}

// EnrolmentList is all tokens of the tenant, without secrets.
type EnrolmentList struct {
	Enrolments []fleet.Enrolment `json:"enrolments"`
}

// EnrolBody is what a machine says of itself.
type EnrolBody struct {
	RobotID  string `json:"robot_id" doc:"Letters, digits, - and _; it must match the token's pattern."`
	Name     string `json:"name,omitempty" doc:"For people; default: the id."`
	Hostname string `json:"hostname,omitempty"`
}

// Enrolled is a new robot with its key, which is shown this once.
type Enrolled struct {
	Robot  fleet.Robot `json:"robot"`
	KeyID  fleet.ID    `json:"key_id"`
	APIKey string      `json:"api_key"`
}

func (a *API) enrolmentRoutes() {
	const at = Base + "/enrolments"
	route(a, operation{
		method: http.MethodPost, path: at, id: "enrolments.create", summary: "Make a token with which machines enrol themselves; it is shown once",
		may: need(fleet.KeysManage), rate: rateWrite, status: http.StatusCreated, body: jsonBody[EnrolmentBody](plainBody, true),
	}, a.createEnrolment)
	route(a, operation{
		method: http.MethodGet, path: at, id: "enrolments.list", summary: "List enrolment tokens", may: need(fleet.KeysManage), rate: rateRead,
	}, a.listEnrolments)
	route(a, operation{
		method: http.MethodDelete, path: at + "/{id}", id: "enrolments.revoke", summary: "Revoke an enrolment token; robots that it made stay",
		may: need(fleet.KeysManage), rate: rateWrite, status: http.StatusNoContent,
	}, a.revokeEnrolment)
	route(a, operation{
		method: http.MethodPost, path: Base + "/robots/enrol", id: "robots.enrol", summary: "Become a robot, with an enrolment token as credential",
		may: need(fleet.RobotsEnrol), rate: rateEnrol, status: http.StatusCreated, body: jsonBody[EnrolBody](plainBody, true),
	}, a.enrol)
}

func showEnrolment(e fleet.Enrolment) fleet.Enrolment {
	stamp(&e.CreatedAt, &e.ExpiresAt, &e.RevokedAt)
	return e
}

type newEnrolmentReply struct{ Body NewEnrolment }

func (a *API) createEnrolment(ctx context.Context, _ *struct{}) (*newEnrolmentReply, error) {
	body, err := decode[EnrolmentBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	tags, err := fleet.NewCapabilities(body.Tags...)
	if err != nil {
		return nil, err
	}
	life, err := seconds("expires_in_seconds", body.Life)
	if err != nil {
		return nil, err
	}
	made, secret, err := a.enrolments.Create(ctx, auth.From(ctx), fleet.Enrolment{
		NamePattern: body.NamePattern, Environment: body.Environment, Pool: body.Pool, Tags: tags, UsesMax: body.Uses,
	}, life)
	if err != nil {
		return nil, err
	}
	return &newEnrolmentReply{NewEnrolment{showEnrolment(made), secret.Reveal()}}, nil
}

type enrolmentsReply struct{ Body EnrolmentList }

func (a *API) listEnrolments(ctx context.Context, _ *struct{}) (*enrolmentsReply, error) {
	list, err := a.enrolments.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &enrolmentsReply{EnrolmentList{showAll(list, showEnrolment)}}, nil
}

func (a *API) revokeEnrolment(ctx context.Context, in *keyInput) (*struct{}, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return nil, fleet.NotFound("enrolment token", in.ID)
	}
	return nil, a.enrolments.Revoke(ctx, auth.From(ctx), id)
}

type enrolReply struct {
	Location string `header:"Location"`
	Body     Enrolled
}

func (a *API) enrol(ctx context.Context, _ *struct{}) (*enrolReply, error) {
	body, err := decode[EnrolBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	robot, key, secret, err := a.o.Orchestrator.Robots.Enrol(ctx, auth.From(ctx), a.enrolments, orchestrator.EnrolRequest{
		RobotID: fleet.RobotID(body.RobotID), Name: body.Name, Hostname: body.Hostname,
	})
	if err != nil {
		return nil, err
	}
	return &enrolReply{
		Location: Base + "/robots/" + string(robot.ID), Body: Enrolled{Robot: showRobot(robot), KeyID: key.ID, APIKey: secret.Reveal()},
	}, nil
}

// keyLife reads when a key is to end: at a time, after seconds, or never (0).
func keyLife(in *auth.KeyRequest, at time.Time, after *int64) (err error) {
	in.ExpiresAt = at
	if after == nil {
		return nil
	}
	if in.Life, err = seconds("expires_in_seconds", *after); err != nil {
		return err
	}
	in.Never = in.Life == 0
	return nil
}

package orchestrator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// retryOf reads settings.fleet.retry of a document; nil if it says nothing.
func retryOf(d *workflow.Document) (*fleet.RetryChange, error) {
	if d.Fleet.Retry == nil {
		return nil, nil
	}
	const field = "settings.fleet.retry"
	text, err := json.Marshal(d.Fleet.Retry)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	c := new(fleet.RetryChange)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fleet.Invalid(field, "%s cannot be read: %s.", field, err)
	}
	return c, c.Apply(fleet.DefaultRetry()).Validate()
}

// place joins what the workflow, its nodes and the request say of where a job may
// run, and refuses a robot that is named and cannot.
func (j *Jobs) place(ctx context.Context, p auth.Principal, r SubmitRequest, found resolved, s *fleet.JobSpec, nodes fleet.PlacedAt, requires fleet.Capabilities) error {
	extra, err := fleet.NewCapabilities(r.Requires...)
	if err != nil {
		return err
	}
	asked := r.Placement.Asked()
	if err := nodeplace.Check("placement", &asked); err != nil {
		return err
	}
	merged, err := fleet.MergePlacements(
		fleet.PlacedAt{Where: "the workflow's settings", Placement: found.placement},
		nodes,
		fleet.PlacedAt{Where: "the request", Placement: fleet.Placement{Target: r.Target, Environment: r.Environment, Capabilities: extra}},
		fleet.PlacedAt{Where: "the placement of the request", Placement: asked},
	)
	if err != nil {
		return err
	}
	if merged.Environment != "" && merged.Environment != s.Environment {
		s.Environment = merged.Environment
		if r.RunTimeout == 0 {
			s.RunTimeout = j.Timing(s.Environment).RunTimeout
		}
	}
	s.Target, s.Requires = merged.Target, requires.Union(merged.Capabilities)
	s.Placement = merged.Rest()
	s.Placement.Secrets = found.secrets
	if s.Target != "" {
		return j.checkTarget(ctx, p, *s)
	}
	return nil
}

// checkTarget refuses a named robot that is unknown or can never run the job.
// One that is offline or busy is fine: the job waits for it. So is one of which
// a fact is not known yet.
func (j *Jobs) checkTarget(ctx context.Context, p auth.Principal, s fleet.JobSpec) error {
	if _, err := fleet.ParseRobotID(string(s.Target)); err != nil {
		return targetError("invalid_field", fleet.AsError(err).Message)
	}
	lane := placement.Lane{Tenant: s.Tenant, Environment: s.Environment, Requires: s.Requires, Target: s.Target, Placement: s.Placement}
	return j.Store.View(ctx, p.Scope(), func(r store.Reader) error { return j.targetRuns(r, lane) })
}

// targetRuns is checkTarget for jobs of a lane, as a reader has the robot.
func (j *Jobs) targetRuns(r store.Reader, s placement.Lane) error {
	robot, err := r.Robot(s.Target)
	if errors.Is(err, fleet.ErrNotFound) {
		return targetError("robot_not_found", fmt.Sprintf("There is no robot %s.", s.Target)).
			WithFix("Choose a registered robot, or none to let any suitable robot run the job.")
	}
	if err != nil {
		return err
	}
	set, err := r.Environments()
	if err != nil {
		return err
	}
	candidate := placement.CandidateOf(&robot)
	if e := settings(set, s.Tenant, s.Environment); e != nil {
		s.Strict = e.Strict
	}
	if e := settings(set, robot.Tenant, robot.Environment); e != nil {
		candidate.Strict = e.Strict
	}
	switch why, ok := placement.Unfit(&s, &candidate, j.Now()); {
	case !ok:
		return nil
	case why.Code == placement.CheckEnvironment:
		return targetError("target_cannot_run", fmt.Sprintf("Robot %s lives in the environment %s; the job is for %s.", robot.ID, robot.Environment, s.Environment)).
			WithFix("Choose a robot of that environment, or leave the environment out.")
	case robot.LastSeen.IsZero() && why.Code != placement.CheckAvoided, why.Code == placement.CheckFactUnknown:
		return nil // it may still say so
	case why.Code == placement.CheckCapability:
		return targetError("target_cannot_run", fmt.Sprintf("Robot %s lacks the capability %s.", robot.ID, robot.Capabilities.Missing(s.Requires)[0])).
			WithFix("Choose another robot or change what the workflow requires.")
	default:
		return targetError("target_cannot_run", fmt.Sprintf("Robot %s cannot run the job: %s, wanted %s, found %s.", robot.ID, why.Code, why.Wanted, why.Found)).
			WithFix("Choose another robot, or change what the workflow or the request demands.")
	}
}

// targetError says what is wrong with the robot that a request names.
func targetError(reason, message string) *fleet.Error {
	e := fleet.Invalid("target_robot_id", "%s", message)
	e.Reason = reason
	return e
}

// usual remembers what stands beside workflows, their usual robots and the places
// of their nodes, for a moment, so that a submit
// does not read them each time. A change made on another orchestrator is seen
// when the moment is over.
type usual struct {
	moments[usualKey, usualEntry]
}

// usualKey is a workflow by its id, or by its name while it has none yet in a
// request that brings its document.
type usualKey struct {
	tenant fleet.TenantID
	id     fleet.ID
	name   string
}

type usualEntry struct {
	workflow  fleet.ID
	robots    []fleet.RobotID
	overrides []fleet.NodeOverride
}

const usualMoment = 2 * time.Second

func (u *usual) forget(id fleet.ID) {
	u.moments.forget(func(e usualEntry) bool { return e.workflow == id })
}

// usualRobots are the usual robots of a workflow, the best first, and the places
// of its nodes. A workflow that is not there yet has none.
func (j *Jobs) usualRobots(ctx context.Context, p auth.Principal, w fleet.JobWorkflow) (e usualEntry, err error) {
	k := usualKey{tenant: p.Tenant, id: w.ID}
	if w.ID == "" {
		k.name = w.Name
	}
	if e, ok := j.usual.get(k, j.Now()); ok {
		return e, nil
	}
	id := w.ID
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if id == "" {
			have, err := r.WorkflowByName(w.Name)
			if err != nil {
				return err
			}
			id = have.ID
		}
		list, err := r.UsualRobots(id)
		for _, u := range list {
			e.robots = append(e.robots, u.RobotID)
		}
		if err != nil {
			return err
		}
		e.overrides, err = r.NodeOverrides(id)
		return err
	})
	switch {
	case id == "" && errors.Is(err, fleet.ErrNotFound):
		return usualEntry{}, nil
	case err == nil:
		e.workflow = id
		j.usual.put(k, e, j.Now().Add(usualMoment))
	}
	return e, err
}

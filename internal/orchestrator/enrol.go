package orchestrator

import (
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// EnrolRequest is what a machine says of itself that has an enrolment token.
type EnrolRequest struct {
	RobotID  fleet.RobotID
	Name     string // default: the id
	Hostname string
}

// Enrol makes a robot of a machine: its row, its key and one use of the token,
// or nothing of all that. The secret is returned this once.
func (r *Robots) Enrol(ctx context.Context, p auth.Principal, tokens *auth.Enrolments, in EnrolRequest) (robot fleet.Robot, key fleet.Key, secret auth.Secret, err error) {
	join, secret, err := tokens.Join(p, in.RobotID)
	if err != nil {
		return robot, key, auth.Secret{}, err
	}
	if in.Name == "" {
		in.Name = string(in.RobotID)
	}
	if err := fleet.ValidateName("name", in.Name, 128); err != nil {
		return robot, key, auth.Secret{}, err
	}
	if len(in.Hostname) > 255 {
		return robot, key, auth.Secret{}, fleet.Invalid("hostname", "hostname may have at most 255 characters; got %d.", len(in.Hostname))
	}
	token := p.Enrolment
	err = r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		_, err := tx.Robot(in.RobotID)
		switch {
		case err == nil:
			return fleet.Errorf(fleet.CodeConflict, "robot_id_in_use", "There is a robot %s already.", in.RobotID).
				WithFix("Choose another id, or let an administrator make a key for that robot: fleet key create robot.")
		case !errors.Is(err, fleet.ErrNotFound):
			return err
		}
		if err := roomForRobot(tx, p.Tenant); err != nil {
			return err
		}
		robot = fleet.Robot{
			ID: in.RobotID, Tenant: p.Tenant, Name: in.Name, Hostname: in.Hostname, Environment: token.Environment, Pool: token.Pool,
			Tags: token.Tags, Mode: fleet.ModeActive, CreatedAt: join.Key.CreatedAt,
		}
		// What the token says was said by a person, so the robot does not change it.
		if token.Pool != "" {
			robot.Pinned = append(robot.Pinned, "pool")
		}
		if len(token.Tags) > 0 {
			robot.Pinned = append(robot.Pinned, "tags")
		}
		if err := tx.PutRobot(robot); err != nil {
			return err
		}
		if err := join.Store(tx); err != nil {
			return err
		}
		data := map[string]any{"enrolment_id": string(token.ID), "environment": token.Environment, "key_id": string(join.Key.ID)}
		err = tx.Append(p.Tenant, fleet.EventDraft{
			Kind: fleet.EventRobotEnrolled, Subject: fleet.SubjectRobot, SubjectID: string(robot.ID), Actor: p.Name, Data: data,
		})
		if err != nil {
			return err
		}
		d := p.Audit("robot.enrol", fleet.SubjectRobot, string(robot.ID))
		d.Object.Name, d.After = robot.Name, data
		return tx.Audit(p.Tenant, d)
	})
	if err != nil {
		return robot, key, auth.Secret{}, err
	}
	robot.Derive(r.Timing(robot.Environment), r.Now())
	return robot, join.Key, secret, nil
}

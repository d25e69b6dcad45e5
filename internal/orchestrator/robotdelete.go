package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Delete takes a robot out of the fleet for good. Its keys end with it and its
// session is closed, so it can neither begin nor renew anything. It may go on
// with what it has begun until its fence, wherever the word of its end reaches
// it: that stays with it until its lease has ended here too, and then it is lost
// as if the robot had vanished. Only a registration by somebody else than the
// robot makes it again.
func (r *Robots) Delete(ctx context.Context, p auth.Principal, id fleet.RobotID) error {
	if err := p.Require(fleet.RobotsManage); err != nil {
		return err
	}
	return r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		robot, err := tx.Robot(id)
		if err != nil {
			return err
		}
		held, err := r.remove(tx, &robot, p.Name, r.Now())
		if err != nil {
			return err
		}
		act := p.Audit("robot.delete", fleet.SubjectRobot, string(id))
		act.Object.Name, act.Before = robot.Name, map[string]any{"name": robot.Name, "environment": robot.Environment, "held": held}
		return tx.Audit(robot.Tenant, act)
	})
}

// remove takes a robot out and tells how many attempts it held.
func (r *Robots) remove(tx store.Tx, robot *fleet.Robot, by string, now time.Time) (held int, err error) {
	id := robot.ID
	list, err := tx.HeldBy(id)
	if err != nil {
		return 0, err
	}
	for _, sub := range list {
		if sub.Job.State == fleet.Assigned { // it begins on a word that it will not get
			if err := tx.TakeBack(sub, now); err != nil {
				return 0, err
			}
		}
	}
	taken, err := tx.TakenSlots(id)
	if err != nil {
		return 0, err
	}
	for _, s := range taken {
		if _, err := tx.FreeSlot(s.Ref, id, now); err != nil {
			return 0, err
		}
	}
	if _, err := tx.RevokeRobotKeys(id, now); err != nil {
		return 0, err
	}
	if err := tx.DeleteRobot(id, now); err != nil {
		return 0, err
	}
	return len(list), tx.Append(robot.Tenant, modeEvent(fleet.EventRobotDeleted, id, by, map[string]any{"name": robot.Name, "environment": robot.Environment}))
}

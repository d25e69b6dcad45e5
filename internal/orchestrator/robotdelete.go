package orchestrator

import (
	"context"

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
		now := r.Now()
		held, err := tx.HeldBy(id)
		if err != nil {
			return err
		}
		for _, sub := range held {
			if sub.Job.State == fleet.Assigned { // it begins on a word that it will not get
				if err := notTaken(tx, sub, now); err != nil {
					return err
				}
			}
		}
		taken, err := tx.TakenSlots(id)
		if err != nil {
			return err
		}
		for _, s := range taken {
			if _, err := tx.FreeSlot(s.Ref, id, now); err != nil {
				return err
			}
		}
		if _, err := tx.RevokeRobotKeys(id, now); err != nil {
			return err
		}
		if err := tx.DeleteRobot(id, now); err != nil {
			return err
		}
		act := p.Audit("robot.delete", fleet.SubjectRobot, string(id))
		act.Object.Name, act.Before = robot.Name, map[string]any{"name": robot.Name, "environment": robot.Environment, "held": len(held)}
		if err := tx.Audit(robot.Tenant, act); err != nil {
			return err
		}
		return tx.Append(robot.Tenant, modeEvent(fleet.EventRobotDeleted, id, p.Name, map[string]any{"name": robot.Name, "environment": robot.Environment}))
	})
}

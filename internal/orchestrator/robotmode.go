package orchestrator

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// SetMode pauses, drains or resumes a robot, or takes it into maintenance.
func (r *Robots) SetMode(ctx context.Context, p auth.Principal, id fleet.RobotID, kind fleet.CommandKind, c fleet.ModeChange) (done fleet.Command, robot fleet.Robot, err error) {
	if err := p.Require(fleet.RobotsOperate); err != nil {
		return done, robot, err
	}
	if err := c.Validate(); err != nil {
		return done, robot, err
	}
	now := r.Now()
	err = r.act(ctx, p, "robot."+string(kind), fleet.SubjectRobot, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if robot, err = tx.Robot(id); err != nil {
			return err
		}
		d.Object.Name = robot.Name
		d.After = map[string]any{"mode_before": robot.Mode, "mode": c.Mode, "note": c.Note, "running": c.Running}
		if err := r.change(tx, &robot, c, p.Name, now); err != nil {
			return err
		}
		if done, err = r.note(tx, &robot, kind, p.Name); err != nil {
			return err
		}
		if (c.Mode == fleet.ModeMaintenance || c.Mode == fleet.ModePaused) && c.Running != "" && c.Running != fleet.KeepRunning {
			return r.clear(tx, &robot, c.Running, p.Name, now)
		}
		return nil
	})
	robot.Derive(r.Timing(robot.Environment), now)
	return done, robot, err
}

func (r *Robots) change(tx store.Tx, robot *fleet.Robot, c fleet.ModeChange, by string, now time.Time) error {
	from := robot.Mode
	robot.SetMode(c, now)
	return putMode(tx, robot, from, by)
}

// lapse is a change that nobody asked for now: what was asked for has come to
// its end.
func lapse(tx store.Tx, robot *fleet.Robot, c fleet.ModeChange, now time.Time) error {
	from := robot.Mode
	robot.Lapse(c, now)
	return putMode(tx, robot, from, "")
}

func putMode(tx store.Tx, robot *fleet.Robot, from fleet.AdminMode, by string) error {
	if err := tx.PutRobot(*robot); err != nil {
		return err
	}
	data := map[string]any{"from": from, "to": robot.Mode}
	if robot.ModeNote != "" {
		data["note"] = robot.ModeNote
	}
	if !robot.ModeUntil.IsZero() {
		data["until"] = robot.ModeUntil.UTC().Format(time.RFC3339)
	}
	return tx.Append(robot.Tenant, modeEvent(fleet.EventRobotMode, robot.ID, by, data))
}

func modeEvent(kind fleet.EventKind, id fleet.RobotID, by string, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectRobot, SubjectID: string(id), Actor: by, Data: data}
}

// clear takes from a robot what it holds.
func (r *Robots) clear(tx store.Tx, robot *fleet.Robot, how fleet.OnDeadline, by string, now time.Time) error {
	held, err := tx.HeldBy(robot.ID)
	if err != nil {
		return err
	}
	grace := r.Timing(robot.Environment).StopGrace
	for _, sub := range held {
		var m *fleet.Move
		if how == fleet.CancelRunning {
			m, err = sub.Cancel(fleet.CancelRequest{By: by, Reason: "robot " + string(robot.ID) + " leaves service", Grace: grace}, now)
		} else {
			m, err = sub.Hand(grace, now)
		}
		if err == nil && m != nil {
			err = tx.Apply(m)
		}
		if err != nil && !lostRace(err) {
			return err
		}
	}
	return nil
}

// KeepModes brings modes to their ends: a pause whose time is over, a drain
// that has nothing left or no time left, a command that was not carried out. It
// is done by whoever does the chores.
func (r *Robots) KeepModes(ctx context.Context, s store.Scope) error {
	now := r.Now()
	var due []store.RobotRef
	err := r.Store.View(ctx, s, func(rd store.Reader) error {
		robots, err := rd.InMode()
		for i := range robots {
			if x := &robots[i]; ends(x, now) != "" {
				due = append(due, store.RobotRef{Tenant: x.Tenant, RobotID: x.ID})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	faults := []error{r.ExpireCommands(ctx, s)}
	for _, ref := range due {
		err := r.Store.Update(ctx, s.In(ref.Tenant), func(tx store.Tx) error {
			robot, err := tx.Robot(ref.RobotID)
			if err != nil {
				return err
			}
			switch ends(&robot, now) {
			case "until":
				return lapse(tx, &robot, fleet.ModeChange{Mode: fleet.ModeActive}, now)
			case "drained":
				if err := tx.Append(robot.Tenant, modeEvent(fleet.EventRobotDrained, robot.ID, "", map[string]any{"then": robot.DrainThen})); err != nil {
					return err
				}
				if robot.DrainThen != fleet.ThenShutdown {
					return lapse(tx, &robot, fleet.ModeChange{Mode: robot.DrainThen, Note: robot.ModeNote}, now)
				}
				if _, err := r.request(tx, &robot, fleet.CommandShutdown, ""); err != nil {
					return err
				}
				return lapse(tx, &robot, fleet.ModeChange{Mode: fleet.ModeMaintenance, Note: robot.ModeNote}, now)
			case "deadline":
				how := robot.OnDeadline
				robot.DrainDeadline = time.Time{} // once
				if err := tx.PutRobot(robot); err != nil {
					return err
				}
				return r.clear(tx, &robot, how, "", now)
			}
			return nil
		})
		if err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// ends says what is due of a robot's mode; empty if nothing is.
func ends(r *fleet.Robot, now time.Time) string {
	switch {
	case !r.ModeUntil.IsZero() && !now.Before(r.ModeUntil):
		return "until"
	case r.Mode == fleet.ModeDraining && r.Taken == 0:
		return "drained"
	case r.Mode == fleet.ModeDraining && !r.DrainDeadline.IsZero() && !now.Before(r.DrainDeadline) && r.OnDeadline != fleet.KeepRunning:
		return "deadline"
	}
	return ""
}

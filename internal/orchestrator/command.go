package orchestrator

import (
	"context"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// FeatureCommands is named by a robot that takes commands, FeatureSelfTest by one
// that can test itself.
const (
	FeatureCommands = "commands"
	FeatureSelfTest = "self_test"
)

// Command asks something of a robot's process, which carries it out when it is
// connected. What it holds is left to it, or is taken from it now. A repeated
// command is the one that is open already.
func (r *Robots) Command(ctx context.Context, p auth.Principal, id fleet.RobotID, kind fleet.CommandKind, running fleet.OnDeadline) (c fleet.Command, robot fleet.Robot, err error) {
	if err := p.Require(fleet.RobotsOperate); err != nil {
		return c, robot, err
	}
	if err := (&fleet.ModeChange{Mode: fleet.ModeActive, Running: running}).Validate(); err != nil {
		return c, robot, err
	}
	now := r.Now()
	err = r.act(ctx, p, "robot."+string(kind), fleet.SubjectRobot, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		if robot, err = tx.Robot(id); err != nil {
			return err
		}
		d.Object.Name, d.After = robot.Name, map[string]any{"running": running}
		if c, err = r.request(tx, &robot, kind, p.Name); err != nil {
			return err
		}
		if running != "" && running != fleet.KeepRunning {
			return r.clear(tx, &robot, running, p.Name, now)
		}
		return nil
	})
	robot.Derive(r.Timing(robot.Environment), now)
	return c, robot, err
}

// request stores a command for the robot's process, or finds the open one.
func (r *Robots) request(tx store.Tx, robot *fleet.Robot, kind fleet.CommandKind, by string) (c fleet.Command, err error) {
	open, err := tx.OpenCommands(robot.ID)
	if err != nil {
		return c, err
	}
	for _, c := range open {
		if c.Kind == kind {
			return c, nil
		}
	}
	session, err := tx.OpenSession(robot.ID)
	if err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return c, err
	}
	now := r.Now()
	c = fleet.Command{
		ID: r.IDs.New(), Tenant: robot.Tenant, RobotID: robot.ID, Kind: kind, State: fleet.CommandRequested, By: by,
		InstanceID: session.InstanceID, CreatedAt: now, ExpiresAt: now.Add(fleet.CommandLife),
	}
	if session.Transport == fleet.TransportPoll {
		c.Refuse("The robot polls: nothing carries a command to its program.", now)
	}
	added, err := tx.AddCommand(c)
	if err != nil {
		return c, err
	}
	if !added {
		return c, fleet.Errorf(fleet.CodeConflict, "command_open", "Robot %s was asked for a %s by somebody else just now.", robot.ID, kind)
	}
	return c, tx.Append(robot.Tenant, commandEvent(fleet.EventCommandRequested, &c))
}

// note keeps what a mode was asked for as a command that is done.
func (r *Robots) note(tx store.Tx, robot *fleet.Robot, kind fleet.CommandKind, by string) (c fleet.Command, err error) {
	now := r.Now()
	c = fleet.Command{
		ID: r.IDs.New(), Tenant: robot.Tenant, RobotID: robot.ID, Kind: kind, State: fleet.CommandDone, By: by,
		CreatedAt: now, EndedAt: now, ExpiresAt: now,
	}
	_, err = tx.AddCommand(c)
	return c, err
}

func commandEvent(kind fleet.EventKind, c *fleet.Command) fleet.EventDraft {
	data := map[string]any{"command_id": c.ID, "command": c.Kind}
	if kind == fleet.EventCommandEnded {
		data["status"], data["message"] = c.State, c.Message
	}
	return modeEvent(kind, c.RobotID, c.By, data)
}

// Commands lists what was asked of a robot, the newest first.
func (r *Robots) Commands(ctx context.Context, p auth.Principal, id fleet.RobotID, page fleet.Page) (list []fleet.Command, next string, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return nil, "", err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		if _, err := rd.Robot(id); err != nil {
			return err
		}
		list, next, err = rd.Commands(id, page)
		return err
	})
	return list, next, err
}

// moveCommand moves a command and tells of it. One that somebody else has moved
// since is left as it is.
func moveCommand(tx store.Tx, c *fleet.Command, from fleet.CommandState) (bool, error) {
	moved, err := tx.MoveCommand(*c, from)
	if err != nil || !moved {
		return false, err
	}
	kind := fleet.EventCommandDelivered
	if !c.Open() {
		kind = fleet.EventCommandEnded
	}
	return true, tx.Append(c.Tenant, commandEvent(kind, c))
}

// Deliver returns what a connected robot is to be told: every open command,
// noted as delivered before it is sent. Each further connection of the robot's
// process is told again, until the command ends.
func (r *Robots) Deliver(ctx context.Context, p auth.Principal, s fleet.Session) (tell []fleet.Command, err error) {
	if err := p.Require(fleet.RobotsConnect); err != nil {
		return nil, err
	}
	var open []fleet.Command
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		open, err = rd.OpenCommands(p.RobotID)
		return err
	})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	able := func(c *fleet.Command) bool {
		need := FeatureCommands
		if c.Kind == fleet.CommandSelfTest {
			need = FeatureSelfTest
		}
		return slices.Contains(s.Features, need)
	}
	now := r.Now()
	err = r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		tell = nil
		if open, err = tx.OpenCommands(p.RobotID); err != nil {
			return err
		}
		for _, c := range open {
			var from fleet.CommandState
			var changed bool
			switch {
			case able(&c):
				from, changed = c.Deliver(s.InstanceID, now)
			case c.Kind == fleet.CommandSelfTest:
				from, changed = c.Refuse("The robot's program cannot test itself; it is older than the orchestrator.", now)
			default:
				from, changed = c.Refuse("The robot's program does not take commands.", now)
			}
			moved := true
			if changed {
				if moved, err = moveCommand(tx, &c, from); err != nil {
					return err
				}
			}
			if moved && c.Open() {
				tell = append(tell, c)
			}
		}
		return nil
	})
	return tell, err
}

// Answer takes a robot's refusal of a command, or the result of its self-test. Its
// word that it has begun is not the end of another: that is the next start of its
// process, or its goodbye.
func (r *Robots) Answer(ctx context.Context, p auth.Principal, id fleet.ID, ok bool, message string) error {
	return r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		c, err := tx.Command(id)
		if err != nil || c.RobotID != p.RobotID {
			return err
		}
		end := c.Refuse
		if ok {
			end = c.Passed
		}
		from, changed := end(clipped(message), r.Now())
		if !changed {
			return nil
		}
		if c.Kind == fleet.CommandSelfTest {
			robot, err := tx.Robot(p.RobotID)
			if err != nil {
				return err
			}
			robot.Facts = robot.Facts.WithSelfTest(ok, c.Message, r.Now())
			if err := tx.PutRobot(robot); err != nil {
				return err
			}
		}
		_, err = moveCommand(tx, &c, from)
		return err
	})
}

// clipped keeps the first 500 characters of a robot's words.
func clipped(s string) string {
	if r := []rune(s); len(r) > 500 {
		return string(r[:500])
	}
	return s
}

// settle ends the open commands of a robot that a change decides.
func settle(tx store.Tx, robot fleet.RobotID, decide func(c *fleet.Command) (fleet.CommandState, bool)) error {
	open, err := tx.OpenCommands(robot)
	for _, c := range open {
		if from, changed := decide(&c); changed && err == nil {
			_, err = moveCommand(tx, &c, from)
		}
	}
	return err
}

// Farewell says that a robot's process has said goodbye and ends.
func (r *Robots) Farewell(ctx context.Context, p auth.Principal, s fleet.Session) error {
	return r.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		return settle(tx, p.RobotID, func(c *fleet.Command) (fleet.CommandState, bool) { return c.Left(s.InstanceID, r.Now()) })
	})
}

// ExpireCommands ends the commands whose time is over. It costs by what it
// ends, and is done by whoever does the chores.
func (r *Robots) ExpireCommands(ctx context.Context, s store.Scope) error {
	const page = 100
	now := r.Now()
	var due []fleet.Command
	err := r.Store.View(ctx, s, func(rd store.Reader) (err error) {
		due, err = rd.DueCommands(now, page)
		return err
	})
	if err != nil {
		return err
	}
	var faults []error
	for _, c := range due {
		faults = append(faults, r.Store.Update(ctx, s.In(c.Tenant), func(tx store.Tx) error {
			from, changed := c.Expire(now)
			if !changed {
				return nil
			}
			_, err := moveCommand(tx, &c, from)
			return err
		}))
	}
	return errors.Join(faults...)
}

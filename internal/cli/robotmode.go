package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// robotTarget is a mode or a command for one robot, or for many.
type robotTarget struct {
	config.Client
	Robot string `arg:"" optional:"" help:"id of the robot; or select many with --pool, --tag or --all"`
	manyFlags
}

// surely asks before something hard is done to the robots that are meant.
func (c *robotTarget) surely(ctx context.Context, sh *shell, f sureFlags) error {
	api, err := sh.connect(c.Client)
	switch {
	case err != nil:
		return err
	case c.any():
		return f.sure(ctx, sh, api, c.homes(ctx, api))
	case c.Robot == "": // which is told below
		return nil
	}
	return f.sure(ctx, sh, api, homeOf(ctx, api, fleet.RobotID(c.Robot)))
}

// tell sends a command and says what came of it. A mode of one robot has no end
// to wait for; of many it is a bulk operation, which has one.
func (c *robotTarget) tell(ctx context.Context, sh *shell, kind fleet.CommandKind, params map[string]any, send func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error)) error {
	switch {
	case c.any():
		return c.tellMany(ctx, sh, kind, params)
	case c.Wait || c.Wave != 0 || c.MinAvailable != 0:
		return fleet.Invalid("robot", "--wait, --wave and --min-available are for many robots; select them with --pool, --tag or --all.")
	}
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	answer, err := send(api, id)
	if err != nil {
		return err
	}
	return sh.told(c.Output, answer)
}

// tellMany asks the same of all robots that are selected.
func (c *robotTarget) tellMany(ctx context.Context, sh *shell, kind fleet.CommandKind, params map[string]any) error {
	if c.Robot != "" {
		return fleet.Invalid("robot", "Name one robot, or select many with --pool, --tag or --all, not both.")
	}
	return c.ask(ctx, sh, c.Client, kind, params)
}

// told shows what a robot was asked.
func (s *shell) told(format string, answer client.RobotCommand) error {
	return s.answer(format, answer, func() error {
		_, err := fmt.Fprintf(s.out, "%s: %s\n", answer.RobotID, clean(answer.Message))
		return err
	})
}

type robotPauseCmd struct {
	robotTarget
	For  time.Duration `help:"how long; 0: until it is resumed" default:"1h" placeholder:"DURATION"`
	Note string        `help:"why, for people" placeholder:"TEXT"`
}

// Run pauses a robot.
func (c *robotPauseCmd) Run(ctx context.Context, sh *shell) error {
	return c.tell(ctx, sh, fleet.CommandPause, map[string]any{"for_seconds": seconds(c.For), "note": c.Note}, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.PauseRobot(ctx, id, seconds(c.For), c.Note)
	})
}

type robotDrainCmd struct {
	robotTarget
	Deadline   time.Duration `help:"how long it may take; default: for ever" placeholder:"DURATION"`
	OnDeadline string        `help:"keep, requeue or cancel what still runs then" default:"requeue" enum:"keep,requeue,cancel"`
	Then       string        `help:"maintenance, paused, active or shutdown when it holds nothing any more" default:"maintenance" enum:"maintenance,paused,active,shutdown"`
	Note       string        `help:"why, for people" placeholder:"TEXT"`
	sureFlags
}

// Help is the long form of the help.
func (robotDrainCmd) Help() string {
	return `The robot gets no new work and what runs goes on. When nothing is left it goes into maintenance. What is taken from it at the deadline runs elsewhere and counts as no attempt.

Examples:

    fleet robot drain bot-7 --note "new disk"
    fleet robot drain bot-7 --deadline 30m --on-deadline requeue --then paused
    fleet robot drain --pool web --wave 2 --min-available 3 --wait`
}

// Run drains a robot.
func (c *robotDrainCmd) Run(ctx context.Context, sh *shell) error {
	if c.Deadline > 0 && c.OnDeadline != string(fleet.KeepRunning) {
		if err := c.surely(ctx, sh, c.sureFlags); err != nil {
			return err
		}
	}
	return c.tell(ctx, sh, fleet.CommandDrain, map[string]any{
		"deadline_seconds": seconds(c.Deadline), "on_deadline": c.OnDeadline, "then": c.Then, "note": c.Note,
	}, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.DrainRobot(ctx, id, client.Drain{
			Seconds: seconds(c.Deadline), OnDeadline: fleet.OnDeadline(c.OnDeadline), Then: fleet.AdminMode(c.Then), Note: c.Note,
		})
	})
}

type robotMaintenanceCmd struct {
	robotTarget
	For     time.Duration `help:"how long; default: until it is resumed" placeholder:"DURATION"`
	Running string        `help:"keep, requeue or cancel what runs now" default:"keep" enum:"keep,requeue,cancel"`
	Note    string        `help:"why, for people" placeholder:"TEXT"`
	sureFlags
}

// Run takes a robot out of service.
func (c *robotMaintenanceCmd) Run(ctx context.Context, sh *shell) error {
	if c.Running != string(fleet.KeepRunning) {
		if err := c.surely(ctx, sh, c.sureFlags); err != nil {
			return err
		}
	}
	return c.tell(ctx, sh, fleet.CommandMaintenance, map[string]any{"for_seconds": seconds(c.For), "running": c.Running, "note": c.Note}, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.MaintainRobot(ctx, id, client.Maintenance{Seconds: seconds(c.For), Running: fleet.OnDeadline(c.Running), Note: c.Note})
	})
}

type robotResumeCmd struct{ robotTarget }

// Run puts a robot back into service.
func (c *robotResumeCmd) Run(ctx context.Context, sh *shell) error {
	return c.tell(ctx, sh, fleet.CommandResume, nil, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.ResumeRobot(ctx, id)
	})
}

type robotStopCmd struct {
	robotTarget
	Force bool `help:"cancel what it runs as well"`
	sureFlags
}

// Run pauses a robot without an end.
func (c *robotStopCmd) Run(ctx context.Context, sh *shell) error {
	if err := c.surely(ctx, sh, c.sureFlags); err != nil {
		return err
	}
	return c.tell(ctx, sh, fleet.CommandStop, map[string]any{"force": c.Force}, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.StopRobot(ctx, id, c.Force)
	})
}

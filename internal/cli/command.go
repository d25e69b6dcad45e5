package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// processFlags are what a restart and a shutdown have in common.
type processFlags struct {
	robotTarget
	Running string `help:"keep, requeue or cancel what runs now" default:"keep" enum:"keep,requeue,cancel"`
	sureFlags
}

// process sends a command and waits for its end if asked to.
func (c *processFlags) process(ctx context.Context, sh *shell, kind fleet.CommandKind, send func(*client.Client, fleet.RobotID) (client.RobotCommand, error)) error {
	if err := c.surely(ctx, sh, c.sureFlags); err != nil {
		return err
	}
	if c.any() {
		return c.tellMany(ctx, sh, kind, map[string]any{"running": c.Running})
	}
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	answer, err := send(api, id)
	if err != nil {
		return err
	}
	if !c.Wait {
		return sh.told(c.Output, answer)
	}
	return waitCommand(ctx, sh, c.Client, api, id, answer.ID, c.Within)
}

// waitCommand waits for the end of a command and tells it. One that was not done is
// a failure.
func waitCommand(ctx context.Context, sh *shell, c config.Client, api *client.Client, id fleet.RobotID, command fleet.ID, within time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	end, err := api.WaitCommand(ctx, id, command)
	if err != nil {
		return err
	}
	err = sh.answer(c.Output, end, func() error {
		_, err := fmt.Fprintf(sh.out, "%s: %s %s. %s\n", end.RobotID, end.Command, end.Status, clean(end.Message))
		return err
	})
	if err == nil && end.Status != fleet.CommandDone {
		err = fleet.Errorf(fleet.CodeConflict, "command_"+string(end.Status), "The %s of robot %s has not been done.", end.Command, id)
	}
	return err
}

type robotRestartCmd struct{ processFlags }

// Help is the long form of the help.
func (robotRestartCmd) Help() string {
	return `The robot takes no new work, what runs has its drain timeout to end, and the program starts anew. The restart is done when it has connected again, and fails after 10 minutes.

Examples:

    fleet robot restart bot-7 --wait
    fleet robot restart bot-7 --running requeue
    fleet robot restart --pool web --wave 2 --min-available 3 --wait`
}

// Run restarts a robot.
func (c *robotRestartCmd) Run(ctx context.Context, sh *shell) error {
	return c.process(ctx, sh, fleet.CommandRestart, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.RestartRobot(ctx, id, fleet.OnDeadline(c.Running))
	})
}

type robotSelfTestCmd struct {
	config.Client
	Robot  string        `arg:"" help:"id of the robot"`
	Wait   bool          `help:"wait for what it found; what is wrong is a failure"`
	Within time.Duration `help:"with --wait: how long" default:"1m"`
}

// Help is the long form of the help.
func (robotSelfTestCmd) Help() string {
	return `The robot writes a file where it keeps its journal, reads it back and looks at the room that is left. What it found is the message of the command, and a check of the robot's health.

Examples:

    fleet robot self-test bot-7 --wait`
}

// Run lets a robot test itself.
func (c *robotSelfTestCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	answer, err := api.TestRobot(ctx, id)
	if err != nil {
		return err
	}
	if !c.Wait {
		return sh.told(c.Output, answer)
	}
	return waitCommand(ctx, sh, c.Client, api, id, answer.ID, c.Within)
}

type robotShutdownCmd struct{ processFlags }

// Run ends a robot's process.
func (c *robotShutdownCmd) Run(ctx context.Context, sh *shell) error {
	return c.process(ctx, sh, fleet.CommandShutdown, func(api *client.Client, id fleet.RobotID) (client.RobotCommand, error) {
		return api.ShutdownRobot(ctx, id, fleet.OnDeadline(c.Running))
	})
}

type robotCommandsCmd struct {
	config.Client
	Robot string `arg:"" help:"id of the robot"`
	Limit int    `help:"how many; 0: all" default:"20"`
}

// Run lists what was asked of a robot.
func (c *robotCommandsCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	list, err := pageTo(c.Limit, func(cursor string) ([]client.CommandEntry, string, error) {
		page, err := api.RobotCommands(ctx, id, fleet.Page{Limit: fleet.PageMax, Cursor: cursor})
		return page.Commands, page.Next, err
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"commands": list}, func() error {
		t := table{head: []string{"COMMAND", "STATUS", "ASKED", "BY", "MESSAGE"}, paint: sh.paint, state: -1}
		for _, e := range list {
			t.add(string(e.Command), string(e.Status), ago(e.CreatedAt, time.Now()), dash(clean(e.RequestedBy)), clip(clean(e.Message), 60))
		}
		return t.write(sh.out, "Nothing was asked of this robot yet.")
	})
}

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type robotDeleteCmd struct {
	config.Client
	Robot string `arg:"" optional:"" help:"id of the robot; or select many with --pool, --tag or --all"`
	manyFlags
	sureFlags
}

// Help is the long form of the help.
func (robotDeleteCmd) Help() string {
	return `The robot's keys end with it, and what it holds goes to other robots. Only a new registration, or a new key that connects, makes it again. Of many robots it is a bulk operation, with a result for each.

Examples:

    fleet robot delete bot-7
    fleet robot delete --tag retired --wait`
}

// Run deletes a robot.
func (c *robotDeleteCmd) Run(ctx context.Context, sh *shell) error {
	if c.any() == (c.Robot != "") {
		return fleet.Invalid("robot", "Name one robot, or select many with --pool, --tag or --all.")
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	where := homeOf(ctx, api, fleet.RobotID(c.Robot))
	if c.any() {
		where = c.homes(ctx, api)
	}
	if err := c.sure(ctx, sh, api, where); err != nil {
		return err
	}
	if c.any() {
		return c.ask(ctx, sh, c.Client, fleet.BulkDelete, nil)
	}
	if err := api.DeleteRobot(ctx, fleet.RobotID(c.Robot)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "Robot %s is gone.\n", c.Robot)
	return err
}

type robotLogsCmd struct {
	config.Client
	Robot string        `arg:"" help:"id of the robot"`
	Limit int           `help:"how many lines" default:"100" placeholder:"N"`
	Since time.Duration `help:"only lines of the last while; 0: all that are found" default:"0" placeholder:"DURATION"`
}

// Help is the long form of the help.
func (robotLogsCmd) Help() string {
	return `The lines are those of the newest jobs that the robot ran; fleet job logs has all lines of one job.

Example:

    fleet robot logs bot-7 --since 10m`
}

// Run prints the newest lines of a robot.
func (c *robotLogsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	var since time.Time
	if c.Since > 0 {
		since = time.Now().Add(-c.Since)
	}
	list, err := api.RobotLogs(ctx, fleet.RobotID(c.Robot), since, c.Limit)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"logs": list}, func() error {
		for _, l := range list {
			_, err := fmt.Fprintf(sh.out, "%s %-8s %s: %s\n", l.At.Format(time.RFC3339), l.Level, clean(l.Source), clean(l.Message))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

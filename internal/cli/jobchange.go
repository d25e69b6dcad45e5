package cli

import (
	"context"
	"fmt"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// changeJobs asks the same of jobs one by one, and says of each what it asks for
// then. The first that is refused ends it.
func (s *shell) changeJobs(c config.Client, texts []string, do func(api *client.Client, id fleet.ID) (fleet.Job, error), said func(j *fleet.Job) string) error {
	ids := make([]fleet.ID, len(texts))
	for i, text := range texts {
		var err error
		if ids[i], err = jobID(text); err != nil {
			return err
		}
	}
	api, err := s.connect(c)
	if err != nil {
		return err
	}
	var changed []fleet.Job
	for _, id := range ids {
		job, err := do(api, id)
		if err != nil {
			return err
		}
		changed = append(changed, job)
	}
	var out any = changed
	if len(changed) == 1 {
		out = changed[0]
	}
	return s.answer(c.Output, out, func() error {
		for i := range changed {
			if _, err := fmt.Fprintf(s.out, "Job %s: %s\n", changed[i].ID, said(&changed[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

type jobPriorityCmd struct {
	config.Client
	Jobs []string       `arg:"" name:"job" help:"ids of the jobs"`
	To   fleet.Priority `required:"" help:"0 to 20, 0 goes first; or critical, high, normal, low" placeholder:"N"`
}

// Help is the long form of the help.
func (jobPriorityCmd) Help() string {
	return `A job that no longer waits is refused. A job that runs in parts changes with all parts that still wait. For all that match a filter there is "fleet job bulk priority".

Examples:

    fleet job priority ID --to 0`
}

// Run changes the priority.
func (c *jobPriorityCmd) Run(ctx context.Context, sh *shell) error {
	return sh.changeJobs(c.Client, c.Jobs, func(api *client.Client, id fleet.ID) (fleet.Job, error) {
		return api.PrioritizeJob(ctx, id, c.To)
	}, func(j *fleet.Job) string { return fmt.Sprintf("priority %d", j.Priority) })
}

type jobMoveCmd struct {
	config.Client
	Jobs  []string `arg:"" name:"job" help:"ids of the jobs"`
	Robot string   `xor:"to" required:"" help:"id of the robot that is to run them" placeholder:"ROBOT"`
	Any   bool     `xor:"to" required:"" help:"any robot that fits may run them"`
}

// Help is the long form of the help.
func (jobMoveCmd) Help() string {
	return `A job that no longer waits is refused, and so is a robot that can never run it. A robot that is busy or offline is waited for.

Examples:

    fleet job move ID --robot web-2
    fleet job move ID --any`
}

// Run changes the robot that is asked for.
func (c *jobMoveCmd) Run(ctx context.Context, sh *shell) error {
	to := fleet.RobotID(c.Robot)
	if c.Any {
		to = client.AnyRobot
	}
	return sh.changeJobs(c.Client, c.Jobs, func(api *client.Client, id fleet.ID) (fleet.Job, error) {
		return api.MoveJob(ctx, id, to)
	}, func(j *fleet.Job) string {
		if j.Target == "" {
			return "any robot that fits"
		}
		return "robot " + string(j.Target)
	})
}

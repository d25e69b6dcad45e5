package cli

import (
	"context"
	"fmt"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type robotEditCmd struct {
	config.Client
	Robot  string   `arg:"" help:"id of the robot"`
	Name   *string  `help:"name, for people" placeholder:"TEXT"`
	Slots  *int     `help:"the most it may run at once; 0: what it asks for" placeholder:"N"`
	Pool   *string  `help:"pool it belongs to" placeholder:"NAME"`
	Tag    []string `help:"its tags, instead of those it has (repeatable)" placeholder:"WORD"`
	NoTags bool     `help:"take all tags away"`
	Fact   []string `help:"something to know about it (repeatable)" placeholder:"NAME=VALUE"`
	Forget []string `help:"take a fact back (repeatable)" placeholder:"NAME"`
	Unpin  []string `help:"let the robot say name, pool or tags again (repeatable)" placeholder:"FIELD"`
}

// Help is the long form of the help.
func (robotEditCmd) Help() string {
	return `What is set here is pinned: the robot cannot change its name, pool or tags by connecting until --unpin.

Examples:

    fleet robot edit bot-7 --pool web --tag fast --tag invoices
    fleet robot edit bot-7 --slots 4 --fact office=16.0.3 --fact licences=3
    fleet robot edit bot-7 --unpin pool`
}

// Run changes a robot.
func (c *robotEditCmd) Run(ctx context.Context, sh *shell) error {
	id, err := fleet.ParseRobotID(c.Robot)
	if err != nil {
		return err
	}
	change := client.RobotChange{Name: c.Name, Slots: c.Slots, Pool: c.Pool, Unpin: c.Unpin}
	if c.NoTags {
		change.Tags = &[]string{}
	}
	if len(c.Tag) > 0 {
		change.Tags = &c.Tag
	}
	values, err := fleet.ParseFacts(c.Fact)
	if err != nil {
		return err
	}
	for name, value := range values {
		if change.Facts == nil {
			change.Facts = map[string]*fleet.Fact{}
		}
		change.Facts[name] = &fleet.Fact{Value: value}
	}
	for _, name := range c.Forget {
		if change.Facts == nil {
			change.Facts = map[string]*fleet.Fact{}
		}
		change.Facts[name] = nil
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	robot, err := api.UpdateRobot(ctx, id, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, robot, func() error {
		_, err := fmt.Fprintf(sh.out, "Robot %s changed.\n", robot.ID)
		return err
	})
}

type workflowAssignCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
	Robot    string `arg:"" help:"id of the robot"`
	Default  bool   `help:"try it before all others"`
	Priority int    `help:"0 is tried first, after the default" default:"0" placeholder:"N"`
	Notes    string `help:"for people" placeholder:"TEXT"`
}

// Help is the long form of the help.
func (workflowAssignCmd) Help() string {
	return `Jobs of the workflow go to its usual robots first and to any other that fits when those are busy, unless the workflow's settings say only_assigned.

Example:

    fleet workflow assign 01939c3e-7b1a-7c3d-8e4f-0123456789ab bot-7 --default`
}

// Run makes a robot one of the usual ones.
func (c *workflowAssignCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	u, err := api.AssignRobot(ctx, fleet.UsualRobot{
		WorkflowID: fleet.ID(c.Workflow), RobotID: fleet.RobotID(c.Robot), Default: c.Default, Priority: c.Priority, Notes: c.Notes,
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, u, func() error {
		_, err := fmt.Fprintf(sh.out, "Robot %s is one of the usual robots of workflow %s.\n", u.RobotID, u.WorkflowID)
		return err
	})
}

type workflowUnassignCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
	Robot    string `arg:"" help:"id of the robot"`
}

// Run takes a robot from the usual ones.
func (c *workflowUnassignCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.UnassignRobot(ctx, fleet.ID(c.Workflow), fleet.RobotID(c.Robot)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "Robot %s is no longer one of the usual robots of workflow %s.\n", c.Robot, c.Workflow)
	return err
}

type robotWorkflowsCmd struct {
	config.Client
	Robot string `arg:"" help:"id of the robot"`
}

// Run lists what usually runs on a robot.
func (c *robotWorkflowsCmd) Run(ctx context.Context, sh *shell) error {
	api, id, err := sh.robotCall(c.Client, c.Robot)
	if err != nil {
		return err
	}
	list, err := api.RobotAssignments(ctx, id)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"assignments": list}, func() error {
		t := table{head: []string{"WORKFLOW", "NAME", "DEFAULT", "PRIORITY", "NOTES"}, paint: sh.paint, state: -1}
		for _, u := range list {
			first := ""
			if u.Default {
				first = "yes"
			}
			t.add(string(u.WorkflowID), clean(u.WorkflowName), dash(first), fmt.Sprint(u.Priority), dash(clip(clean(u.Notes), 60)))
		}
		return t.write(sh.out, "No workflow usually runs on this robot.")
	})
}

type workflowAssignmentsCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
}

// Run lists the usual robots of a workflow.
func (c *workflowAssignmentsCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListAssignments(ctx, fleet.ID(c.Workflow))
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"assignments": list}, func() error {
		t := table{head: []string{"ROBOT", "DEFAULT", "PRIORITY", "NOTES"}, paint: sh.paint, state: -1}
		for _, u := range list {
			first := ""
			if u.Default {
				first = "yes"
			}
			t.add(string(u.RobotID), dash(first), fmt.Sprint(u.Priority), dash(clip(clean(u.Notes), 60)))
		}
		return t.write(sh.out, "The workflow has no usual robots: any that fits may run it.")
	})
}

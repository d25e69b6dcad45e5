package cli

import (
	"context"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type placementPreviewCmd struct {
	config.Client
	WorkflowID  string   `help:"with the demands of this stored workflow" placeholder:"ID"`
	Priority    string   `help:"0 (goes first) to 20, or critical, high, normal, low" default:"normal"`
	Robot       string   `help:"only this robot may run it" placeholder:"ID"`
	Environment string   `help:"where it must run" placeholder:"NAME"`
	Capability  []string `help:"capability that the robot must have (repeatable)" placeholder:"WORD"`
	Pool        string   `help:"only robots of this pool" placeholder:"NAME"`
	Tag         []string `help:"only robots with this tag (repeatable)" placeholder:"WORD"`
	Placement   string   `help:"file with a whole placement in JSON; - is standard input" placeholder:"FILE"`
	Label       []string `help:"label of the job (repeatable)" placeholder:"KEY=VALUE"`
	All         bool     `help:"show every check of every robot"`
}

// Help is the long form of the help.
func (placementPreviewCmd) Help() string {
	return `Placement plans the fleet as it is now with the job added, and tells what came out, as fleet job explain does. Nothing is stored.

Examples:

    fleet placement preview --pool web --capability gpu
    fleet placement preview --workflow-id 01939c3e-7b1a-7c3d-8e4f-0123456789ab --priority critical`
}

// Run asks and shows.
func (c *placementPreviewCmd) Run(ctx context.Context, sh *shell) error {
	submit := jobSubmitCmd{Capability: c.Capability, Pool: c.Pool, Tag: c.Tag, Placement: c.Placement, Label: c.Label}
	priority, err := fleet.ParsePriority(c.Priority)
	if err != nil {
		return err
	}
	req := client.SubmitRequest{
		WorkflowID: fleet.ID(c.WorkflowID), Priority: &priority, Target: fleet.RobotID(c.Robot), Environment: c.Environment,
	}
	if err := submit.place(sh, &req); err != nil {
		return err
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	e, err := api.PreviewJob(ctx, req, 1000)
	if err != nil {
		return err
	}
	e.JobID, e.Status = "", "" // there is none
	show := jobExplainCmd{All: c.All}
	return sh.answer(c.Output, e, func() error { return show.show(sh, &e) })
}

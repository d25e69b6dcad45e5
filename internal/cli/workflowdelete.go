package cli

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// workflowDeleteCmd deletes a workflow.
type workflowDeleteCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
}

// Run deletes a workflow.
func (c *workflowDeleteCmd) Run(ctx context.Context, sh *shell) error {
	id := fleet.ID(c.Workflow)
	if !id.Valid() {
		return fleet.Invalid("workflow", "%q is not the id of a workflow.", c.Workflow).WithFix(`"fleet workflow list" shows the ids.`)
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteWorkflow(ctx, id); err != nil {
		return err
	}
	sh.note("Workflow %s is deleted; its jobs stay.", c.Workflow)
	return nil
}

package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Delete takes a workflow out of the lists; its name is free again. What its jobs
// run stays, and so do those that wait.
func (w *Workflows) Delete(ctx context.Context, p auth.Principal, id fleet.ID) error {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return err
	}
	return w.act(ctx, p, "workflow.delete", fleet.SubjectWorkflow, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		wf, err := tx.Workflow(id)
		if err != nil {
			return err
		}
		d.Object.Name = wf.Name
		if err := changed(d, wf, nil); err != nil {
			return err
		}
		wf.DeletedAt = w.Now()
		if err := tx.PutWorkflow(wf); err != nil {
			return err
		}
		return tx.Append(wf.Tenant, fleet.EventDraft{
			Kind: fleet.EventWorkflowDeleted, Subject: fleet.SubjectWorkflow, SubjectID: string(id), Actor: p.Name, Data: map[string]any{"name": wf.Name},
		})
	})
}

package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// PutNodeOverride says where a node of a workflow runs. It is refused if the
// newest version could not be cut by it; jobs that are stored already stay as
// they are.
func (j *Jobs) PutNodeOverride(ctx context.Context, p auth.Principal, o fleet.NodeOverride) (fleet.NodeOverride, error) {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return o, err
	}
	if len([]rune(o.Reason)) > fleet.MaxReason {
		return o, fleet.Invalid("reason", "reason may have at most %d characters.", fleet.MaxReason)
	}
	words, err := fleet.NewCapabilities(o.Requires...)
	if err != nil {
		return o, err
	}
	o.Placement = o.Placement.Asked()
	if o.Placement.Target != "" && o.RobotID != "" && o.Placement.Target != o.RobotID {
		return o, fleet.Errorf(fleet.CodeInvalid, "placement_conflict", "target_robot_id is %q in robot_id and %q in placement.", o.RobotID, o.Placement.Target).WithFix("Leave it out in one of the two places.")
	}
	o.Requires = words
	whole := o.Whole()
	if err := nodeplace.Check("placement", &whole); err != nil {
		return o, err
	}
	if whole.IsZero() && o.SameAs == "" {
		return o, fleet.Invalid("robot_id", "An override says where the node runs: give robot_id, required_capabilities, placement or same_as.")
	}
	o.SetPlacement(whole)
	o.CreatedAt, o.CreatedBy = j.Now(), p.Name
	err = j.act(ctx, p, "node_override.put", fleet.SubjectWorkflow, string(o.WorkflowID), func(tx store.Tx, d *fleet.AuditDraft) error {
		wf, err := tx.Workflow(o.WorkflowID)
		if err != nil {
			return err
		}
		d.Object.Name = wf.Name
		if err := changed(d, nil, o); err != nil {
			return err
		}
		if o.RobotID != "" {
			if _, err := tx.Robot(o.RobotID); errors.Is(err, fleet.ErrNotFound) {
				return targetError("robot_not_found", fmt.Sprintf("There is no robot %s.", o.RobotID))
			} else if err != nil {
				return err
			}
		}
		if err := j.wouldCut(tx, wf, o); err != nil {
			return err
		}
		if err := tx.PutNodeOverride(p.Tenant, o); err != nil {
			return err
		}
		return tx.Append(p.Tenant, overrideEvent(p, o.WorkflowID, map[string]any{"node_id": o.NodeID, "robot_id": o.RobotID, "is_active": o.Active, "reason": o.Reason}))
	})
	j.usual.forget(o.WorkflowID)
	return o, err
}

// wouldCut refuses an override that leaves the newest version unable to run.
func (j *Jobs) wouldCut(tx store.Tx, wf fleet.Workflow, o fleet.NodeOverride) error {
	body, err := tx.Body(wf.Hash)
	if err != nil {
		return err
	}
	d, err := workflow.Parse(body, workflow.Options{Catalog: j.Catalog, Limits: j.Limits.Document})
	if err != nil {
		return unreadable(err)
	}
	if _, ok := d.Node(o.NodeID); !ok {
		return nodeplace.UnknownNode("node_id", o.NodeID)
	}
	list, err := tx.NodeOverrides(wf.ID)
	if err != nil {
		return err
	}
	all := []fleet.NodeOverride{o}
	for _, other := range list {
		if other.NodeID != o.NodeID {
			all = append(all, other)
		}
	}
	if len(all) > len(d.Nodes) {
		return fleet.Invalid("node_id", "A workflow may have as many overrides as nodes (%d). Delete those of nodes that are gone.", len(d.Nodes))
	}
	_, err = j.workflows.cut(d, all)
	return err
}

// DeleteNodeOverride lets a node run where the rest of its workflow runs.
func (j *Jobs) DeleteNodeOverride(ctx context.Context, p auth.Principal, id fleet.ID, node string) error {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return err
	}
	defer j.usual.forget(id)
	return j.act(ctx, p, "node_override.delete", fleet.SubjectWorkflow, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Before = map[string]any{"node_id": node}
		if err := tx.DeleteNodeOverride(id, node); err != nil {
			return err
		}
		return tx.Append(p.Tenant, overrideEvent(p, id, map[string]any{"node_id": node, "removed": true}))
	})
}

// NodeOverrides lists where nodes of a workflow run, by node.
func (j *Jobs) NodeOverrides(ctx context.Context, p auth.Principal, id fleet.ID) (list []fleet.NodeOverride, err error) {
	if err := cmp.Or(p.Require(fleet.WorkflowsRead), p.WholeTenant()); err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if _, err := r.Workflow(id); err != nil {
			return err
		}
		list, err = r.NodeOverrides(id)
		return err
	})
	return list, err
}

func overrideEvent(p auth.Principal, id fleet.ID, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: fleet.EventOverrideChanged, Subject: fleet.SubjectWorkflow, SubjectID: string(id), Actor: p.Name, Data: data}
}

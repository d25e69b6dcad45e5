package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

type workflowPlaceCmd struct {
	config.Client
	Workflow   string   `arg:"" help:"id of the workflow"`
	Node       string   `arg:"" help:"id of the node"`
	Robot      string   `help:"only on this robot" placeholder:"ID"`
	Capability []string `help:"only on robots that have this (repeatable)" placeholder:"WORD"`
	SameAs     string   `help:"where this node runs" placeholder:"NODE"`
	Placement  string   `help:"a file with a whole placement in JSON; - is standard input" placeholder:"FILE"`
	Reason     string   `help:"for people" placeholder:"TEXT"`
	Inactive   bool     `help:"keep it, but let it do nothing"`
}

// Help is the long form of the help.
func (workflowPlaceCmd) Help() string {
	return `Nodes that run in different places cut their workflow into segments. Each is a job of its own that begins when the one before it has completed, with all of its variables; the job that was submitted shows all of them and is cancelled and retried as one.

A cut inside a loop, a try or one of several branches is refused.

Example:

    fleet workflow place 01939c3e-7b1a-7c3d-8e4f-0123456789ab book --robot desk-1 --reason "SAP is there"`
}

// Run says where a node runs.
func (c *workflowPlaceCmd) Run(ctx context.Context, sh *shell) error {
	o := fleet.NodeOverride{
		WorkflowID: fleet.ID(c.Workflow), NodeID: c.Node, RobotID: fleet.RobotID(c.Robot), Requires: c.Capability, SameAs: c.SameAs, Reason: c.Reason, Active: !c.Inactive,
	}
	if c.Placement != "" {
		text, err := sh.read(c.Placement)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &o.Placement); err != nil {
			return fleet.Invalid("placement", "%s is no placement: %s.", c.Placement, err)
		}
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.PlaceNode(ctx, o)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, out, func() error {
		_, err := fmt.Fprintf(sh.out, "Node %s of workflow %s: %s.\n", clean(out.NodeID), out.WorkflowID, whereOf(out))
		return err
	})
}

type workflowUnplaceCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
	Node     string `arg:"" help:"id of the node"`
}

// Run lets a node run where the rest runs.
func (c *workflowUnplaceCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.UnplaceNode(ctx, fleet.ID(c.Workflow), c.Node); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "Node %s of workflow %s runs where the rest runs, unless the document says otherwise.\n", clean(c.Node), c.Workflow)
	return err
}

type workflowPlacesCmd struct {
	config.Client
	Workflow string `arg:"" help:"id of the workflow"`
	Node     string `arg:"" optional:"" help:"only this node"`
}

// Run lists where nodes run.
func (c *workflowPlacesCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	var list []fleet.NodeOverride
	if c.Node == "" {
		list, err = api.ListNodeOverrides(ctx, fleet.ID(c.Workflow))
	} else {
		var one fleet.NodeOverride
		one, err = api.GetNodeOverride(ctx, fleet.ID(c.Workflow), c.Node)
		list = append(list, one)
	}
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"node_overrides": list}, func() error {
		t := table{head: []string{"NODE", "WHERE", "ACTIVE", "BY", "REASON"}, paint: sh.paint, state: -1}
		for _, o := range list {
			t.add(clean(o.NodeID), whereOf(o), activeWord(o), dash(clean(o.CreatedBy)), dash(clip(clean(o.Reason), 60)))
		}
		return t.write(sh.out, "No node of the workflow has a place of its own beside the document.")
	})
}

func activeWord(o fleet.NodeOverride) string {
	if o.Active {
		return "yes"
	}
	return "no"
}

// whereOf says in a few words where a node runs.
func whereOf(o fleet.NodeOverride) string {
	var words []string
	if o.RobotID != "" {
		words = append(words, "robot "+string(o.RobotID))
	}
	if len(o.Requires) > 0 {
		words = append(words, "has "+strings.Join(o.Requires, ", "))
	}
	if !o.Placement.IsZero() {
		words = append(words, "a placement of its own")
	}
	if o.SameAs != "" {
		words = append(words, "same as "+clean(o.SameAs))
	}
	return strings.Join(words, "; ")
}

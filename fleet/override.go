package fleet

import "time"

// NodeOverride says where a node of a workflow runs, beside the document. Nodes
// in different places cut the workflow into segments.
type NodeOverride struct {
	WorkflowID ID           `json:"workflow_id"`
	NodeID     string       `json:"node_id"`
	RobotID    RobotID      `json:"robot_id,omitempty"`
	Requires   Capabilities `json:"required_capabilities"`
	Placement  Placement    `json:"placement,omitzero"` // what else is demanded
	SameAs     string       `json:"same_as,omitempty"`  // where that node runs
	Reason     string       `json:"reason"`
	Active     bool         `json:"is_active"`
	CreatedAt  time.Time    `json:"created_at"`
	CreatedBy  string       `json:"created_by"`
}

// MaxReason bounds the reason of an override, in characters.
const MaxReason = 500

// Whole is all that the override demands as one placement.
func (o NodeOverride) Whole() Placement {
	p := o.Placement
	if o.RobotID != "" {
		p.Target = o.RobotID
	}
	p.Capabilities = p.Capabilities.Union(o.Requires)
	return p
}

// SetPlacement takes apart what Whole joins.
func (o *NodeOverride) SetPlacement(p Placement) {
	o.RobotID, o.Requires = p.Target, p.Capabilities
	if o.Requires == nil {
		o.Requires = Capabilities{}
	}
	p.Target, p.Capabilities = "", nil
	o.Placement = p
}

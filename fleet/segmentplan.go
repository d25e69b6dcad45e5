package fleet

// SegmentPlan is a stretch of a workflow that would run in one place. The next
// one begins where the flow is handed over.
type SegmentPlan struct {
	Entry     string    `json:"entry_node_id" doc:"The first node of the document that runs in it."`
	Nodes     []string  `json:"node_ids" doc:"Its nodes, in the order of the document."`
	Placement Placement `json:"placement" doc:"What its nodes ask for; empty: nothing."`
}

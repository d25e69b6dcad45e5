package client

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
)

// WorkflowPage is a part of a list, by name.
type WorkflowPage struct {
	Workflows []fleet.Workflow `json:"workflows"`
	Next      string           `json:"next_cursor"`
}

// ListWorkflows returns a page of workflows.
func (c *Client) ListWorkflows(ctx context.Context, p fleet.Page) (out WorkflowPage, err error) {
	err = c.get(ctx, at("workflows"), pageQuery(p), &out)
	return out, err
}

// GetWorkflow returns one workflow.
func (c *Client) GetWorkflow(ctx context.Context, id fleet.ID) (out fleet.Workflow, err error) {
	err = c.get(ctx, at("workflows", string(id)), nil, &out)
	return out, err
}

// DeleteWorkflow takes a workflow out of the lists. Its jobs stay.
func (c *Client) DeleteWorkflow(ctx context.Context, id fleet.ID) error {
	return c.send1(ctx, http.MethodDelete, at("workflows", string(id)), nil, nil)
}

// WorkflowVersions returns all versions of a workflow, newest first.
func (c *Client) WorkflowVersions(ctx context.Context, id fleet.ID) ([]fleet.WorkflowVersion, error) {
	var out struct {
		Versions []fleet.WorkflowVersion `json:"versions"`
	}
	err := c.get(ctx, at("workflows", string(id), "versions"), nil, &out)
	return out.Versions, err
}

// WorkflowVersion is a version with its document in canonical form.
type WorkflowVersion struct {
	fleet.WorkflowVersion
	Document json.RawMessage `json:"workflow_json"`
}

// GetWorkflowVersion returns a version with its document; 0 is the newest.
func (c *Client) GetWorkflowVersion(ctx context.Context, id fleet.ID, version int) (out WorkflowVersion, err error) {
	n := "latest"
	if version > 0 {
		n = strconv.Itoa(version)
	}
	err = c.get(ctx, at("workflows", string(id), "versions", n), nil, &out)
	return out, err
}

// StoredWorkflow answers a stored document.
type StoredWorkflow struct {
	fleet.WorkflowVersion
	Name     string   `json:"workflow_name"`
	Warnings []string `json:"warnings"`
}

// PutWorkflow stores a document under a name, or under its own if name is
// empty. The same content gives the version that is there.
func (c *Client) PutWorkflow(ctx context.Context, name string, document []byte) (StoredWorkflow, error) {
	return c.putWorkflow(ctx, name, document, nil)
}

// PublishWorkflow is PutWorkflow for a document that began with a version, 0 for
// none: it is refused if somebody else has stored another since.
func (c *Client) PublishWorkflow(ctx context.Context, name string, document []byte, base int) (StoredWorkflow, error) {
	return c.putWorkflow(ctx, name, document, &base)
}

func (c *Client) putWorkflow(ctx context.Context, name string, document []byte, base *int) (out StoredWorkflow, err error) {
	body, err := encode(struct {
		Name     string          `json:"workflow_name,omitempty"`
		Base     *int            `json:"base_version,omitempty"`
		Workflow json.RawMessage `json:"workflow_json"`
	}{name, base, document})
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPut, path: at("workflows"), body: body, safe: true}, &out)
	return out, err
}

// Validation says what is wrong with a document.
type Validation struct {
	Valid    bool                `json:"valid"`
	Errors   []Finding           `json:"errors"`
	Warnings []Finding           `json:"warnings"`
	Segments []fleet.SegmentPlan `json:"segments"` // into which its places cut a valid one; none: it is not cut
}

// Finding is one thing about a document.
type Finding struct {
	Code       string `json:"code"`
	NodeID     string `json:"node_id,omitempty"`
	Connection string `json:"connection,omitempty"`
	Field      string `json:"field,omitempty"`
	Message    string `json:"message"`
	Hint       string `json:"hint,omitempty"`
}

// ValidateWorkflow checks a document without storing it.
func (c *Client) ValidateWorkflow(ctx context.Context, document []byte) (out Validation, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("workflows", "validate"), body: document, safe: true}, &out)
	return out, err
}

package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
)

// RobotPage is one part of a list of robots.
type RobotPage struct {
	Robots []fleet.Robot `json:"robots"`
	Total  int64         `json:"total"`
	Next   string        `json:"next_cursor"`
}

// ListRobots returns a page of robots by id.
func (c *Client) ListRobots(ctx context.Context, cursor string) (page RobotPage, err error) {
	v := url.Values{}
	set(v, "cursor", cursor)
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/robots", query: v}, nil, &page)
	return page, err
}

// GetRobot returns one robot.
func (c *Client) GetRobot(ctx context.Context, id fleet.RobotID) (r fleet.Robot, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/robots/" + url.PathEscape(string(id))}, nil, &r)
	return r, err
}

// RegisterRequest makes a robot known before it first connects.
type RegisterRequest struct {
	RobotID     fleet.RobotID `json:"robot_id"`
	Name        string        `json:"name,omitempty"`
	Environment string        `json:"environment,omitempty"`
	SlotLimit   int           `json:"slot_limit,omitempty"`
}

// RegisterRobot registers or changes a robot.
func (c *Client) RegisterRobot(ctx context.Context, in RegisterRequest) (r fleet.Robot, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/robots/register", key: newKey()}, in, &r)
	return r, err
}

// WorkflowPage is one part of a list of workflows.
type WorkflowPage struct {
	Workflows []fleet.Workflow `json:"workflows"`
	Next      string           `json:"next_cursor"`
}

// ListWorkflows returns a page of workflows by name.
func (c *Client) ListWorkflows(ctx context.Context, cursor string) (page WorkflowPage, err error) {
	v := url.Values{}
	set(v, "cursor", cursor)
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/workflows", query: v}, nil, &page)
	return page, err
}

// GetWorkflow returns one workflow.
func (c *Client) GetWorkflow(ctx context.Context, id fleet.ID) (w fleet.Workflow, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + string(id)}, nil, &w)
	return w, err
}

// Version is a version of a workflow with its document.
type Version struct {
	fleet.WorkflowVersion
	Document json.RawMessage `json:"workflow_json,omitempty"`
}

// ListVersions returns all versions of a workflow, newest first.
func (c *Client) ListVersions(ctx context.Context, id fleet.ID) ([]fleet.WorkflowVersion, error) {
	var out struct {
		Versions []fleet.WorkflowVersion `json:"versions"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + string(id) + "/versions"}, nil, &out)
	return out.Versions, err
}

// GetVersion returns one version with its document.
func (c *Client) GetVersion(ctx context.Context, id fleet.ID, version int) (v Version, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/workflows/" + string(id) + "/versions/" + strconv.Itoa(version)}, nil, &v)
	return v, err
}

// PutWorkflow stores a document without running it.
func (c *Client) PutWorkflow(ctx context.Context, name string, document json.RawMessage) (v Version, err error) {
	in := map[string]any{"workflow_json": document}
	if name != "" {
		in["workflow_name"] = name
	}
	err = c.call(ctx, request{method: http.MethodPut, path: "/api/v1/workflows", key: newKey()}, in, &v)
	return v, err
}

// Diagnosis is what the orchestrator finds in a document.
type Diagnosis struct {
	Valid    bool               `json:"valid"`
	Errors   []fleet.FieldError `json:"errors"`
	Warnings []fleet.FieldError `json:"warnings"`
}

// ValidateWorkflow checks a document without storing it.
func (c *Client) ValidateWorkflow(ctx context.Context, document json.RawMessage) (d Diagnosis, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/workflows/validate"}, map[string]any{"workflow_json": document}, &d)
	return d, err
}

// NewKey asks for a key of a robot (RobotID) or of a program (Name and Role).
type NewKey struct {
	Kind        fleet.KeyKind `json:"kind"`
	RobotID     fleet.RobotID `json:"robot_id,omitempty"`
	Environment string        `json:"environment,omitempty"`
	Name        string        `json:"name,omitempty"`
	Role        fleet.Role    `json:"role,omitempty"`
	ExpiresIn   int64         `json:"expires_in_seconds,omitempty"`
}

// MadeKey is a key with its secret, which is shown this once.
type MadeKey struct {
	fleet.Key
	Secret string `json:"key"`
}

// CreateKey makes a key.
func (c *Client) CreateKey(ctx context.Context, in NewKey) (k MadeKey, err error) {
	err = c.call(ctx, request{method: http.MethodPost, path: "/api/v1/keys"}, in, &k)
	return k, err
}

// ListKeys returns the keys of the tenant, without secrets.
func (c *Client) ListKeys(ctx context.Context) ([]fleet.Key, error) {
	var out struct {
		Keys []fleet.Key `json:"keys"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/api/v1/keys"}, nil, &out)
	return out.Keys, err
}

// RevokeKey ends a key at once.
func (c *Client) RevokeKey(ctx context.Context, id fleet.ID) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/api/v1/keys/" + string(id)}, nil, nil)
}

// Me is whoever the key belongs to.
type Me struct {
	Name        string             `json:"name"`
	Tenant      fleet.TenantID     `json:"tenant_id"`
	Role        fleet.Role         `json:"role"`
	Permissions []fleet.Permission `json:"permissions"`
}

// GetMe says who is asking.
func (c *Client) GetMe(ctx context.Context) (m Me, err error) {
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/me"}, nil, &m)
	return m, err
}

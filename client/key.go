package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// KeyRequest asks for a key: of a robot (RobotID) or of a program or person
// (Name and Role).
type KeyRequest struct {
	Kind        fleet.KeyKind `json:"kind"`
	Name        string        `json:"name,omitempty"`
	Role        fleet.Role    `json:"role,omitempty"`
	RobotID     fleet.RobotID `json:"robot_id,omitempty"`
	Environment string        `json:"environment,omitempty"`
	LifeSeconds *int64        `json:"expires_in_seconds,omitempty"` // nil: 90 days; 0: never
}

// NewKey is a key with its secret, which is shown this once.
type NewKey struct {
	fleet.Key
	Secret string `json:"secret"`
}

// CreateKey makes a key. It is not repeated when its answer is lost: the
// secret of the first one would be lost with it.
func (c *Client) CreateKey(ctx context.Context, r KeyRequest) (out NewKey, err error) {
	body, err := encode(r)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("keys"), body: body}, &out)
	return out, err
}

// ListKeys returns all keys of the tenant, without secrets.
func (c *Client) ListKeys(ctx context.Context) ([]fleet.Key, error) {
	var out struct {
		Keys []fleet.Key `json:"keys"`
	}
	err := c.get(ctx, at("keys"), nil, &out)
	return out.Keys, err
}

// RevokeKey ends a key at once.
func (c *Client) RevokeKey(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("keys", string(id)), safe: true})
	return err
}

// Me is whoever is asking.
type Me struct {
	Name        string             `json:"name"`
	Tenant      fleet.TenantID     `json:"tenant_id"`
	Role        fleet.Role         `json:"role"`
	Permissions []fleet.Permission `json:"permissions"`
	RobotID     fleet.RobotID      `json:"robot_id,omitempty"`
	Environment string             `json:"environment,omitempty"`
	KeyID       fleet.ID           `json:"key_id,omitempty"`
	UserID      fleet.ID           `json:"user_id,omitempty"`
	SessionID   fleet.ID           `json:"session_id,omitempty"`
	Local       bool               `json:"local"`
}

// Me says who is asking and what they may do.
func (c *Client) Me(ctx context.Context) (out Me, err error) {
	err = c.get(ctx, at("me"), nil, &out)
	return out, err
}

// Health is how the orchestrator is. Details are for those who may see them.
type Health struct {
	Status  string `json:"status"` // ok, degraded
	Details *struct {
		Version string `json:"version"`
		Uptime  int64  `json:"uptime_seconds"`
		Store   string `json:"store"`
	} `json:"details,omitempty"`
}

// Health asks how the orchestrator is.
func (c *Client) Health(ctx context.Context) (out Health, err error) {
	err = c.get(ctx, "/health", nil, &out)
	return out, err
}

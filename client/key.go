package client

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// KeyRequest asks for a key: of a robot (RobotID) or of a program or person
// (Name and Role).
type KeyRequest struct {
	Kind         fleet.KeyKind      `json:"kind"`
	Name         string             `json:"name,omitempty"`
	Description  string             `json:"description,omitempty"`
	Role         fleet.Role         `json:"role,omitempty"`
	Scopes       []fleet.Permission `json:"scopes,omitempty"`       // the only ones of its role; none: all
	Environments []string           `json:"environments,omitempty"` // the only ones that it sees; none: all
	Ranges       []string           `json:"address_ranges,omitempty"`
	RobotID      fleet.RobotID      `json:"robot_id,omitempty"`
	Environment  string             `json:"environment,omitempty"`
	LifeSeconds  *int64             `json:"expires_in_seconds,omitempty"` // nil: 90 days, a robot's never; 0: never
	ExpiresAt    time.Time          `json:"expires_at,omitzero"`
}

// NewKey is a key with its secret, which is shown this once.
type NewKey struct {
	fleet.Key
	Secret string `json:"secret"`
}

// CreateKey makes a key. It is not repeated when its answer is lost: the
// secret of the first one would be lost with it.
func (c *Client) CreateKey(ctx context.Context, r KeyRequest) (out NewKey, err error) {
	err = c.send1(ctx, http.MethodPost, at("keys"), r, &out)
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

// GetKey returns one key, without its secret.
func (c *Client) GetKey(ctx context.Context, id fleet.ID) (out fleet.Key, err error) {
	err = c.get(ctx, at("keys", string(id)), nil, &out)
	return out, err
}

// KeyChange is what may be changed of a key; nil stays as it is.
type KeyChange struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
}

// EditKey changes what people read of a key.
func (c *Client) EditKey(ctx context.Context, id fleet.ID, change KeyChange) (out fleet.Key, err error) {
	err = c.write(ctx, http.MethodPatch, at("keys", string(id)), change, &out)
	return out, err
}

// RotateKey makes a key that takes the place of another, which ends after the
// overlap; nil is a day. It is not repeated when its answer is lost.
func (c *Client) RotateKey(ctx context.Context, id fleet.ID, overlapSeconds *int64) (out NewKey, err error) {
	in := struct {
		Overlap *int64 `json:"overlap_seconds,omitempty"`
	}{overlapSeconds}
	err = c.send1(ctx, http.MethodPost, at("keys", string(id), "rotate"), in, &out)
	return out, err
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

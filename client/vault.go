package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/casarerpa/fleet/fleet"
)

// SecretChange is what is to hold of a secret; nil leaves things as they are.
type SecretChange struct {
	Description  *string           `json:"description,omitempty"`
	Environments *[]string         `json:"environments,omitempty"`
	Workflows    *[]fleet.ID       `json:"workflows,omitempty"`
	Exclusive    *bool             `json:"exclusive,omitempty"` // one job may have it at a time
	Environment  string            `json:"environment,omitempty"`
	RobotID      fleet.RobotID     `json:"robot_id,omitempty"`
	Fields       map[string]string `json:"fields,omitempty"` // never shown again
}

// ListSecrets returns all secrets by name, without values.
func (c *Client) ListSecrets(ctx context.Context) ([]fleet.Secret, error) {
	var out struct {
		Secrets []fleet.Secret `json:"secrets"`
	}
	err := c.get(ctx, at("secrets"), nil, &out)
	return out.Secrets, err
}

// GetSecret returns what is known of a secret, and no value.
func (c *Client) GetSecret(ctx context.Context, name string) (out fleet.Secret, err error) {
	err = c.get(ctx, at("secrets", name), nil, &out)
	return out, err
}

// PutSecret makes a secret or changes it.
func (c *Client) PutSecret(ctx context.Context, name string, s SecretChange) (out fleet.Secret, err error) {
	err = c.write(ctx, http.MethodPut, at("secrets", name), s, &out)
	return out, err
}

// DeleteSecret takes a secret away; with a place, only its value for that.
func (c *Client) DeleteSecret(ctx context.Context, name string, place fleet.Place) error {
	q := url.Values{}
	if place.Environment != "" {
		q.Set("environment", place.Environment)
	}
	if place.RobotID != "" {
		q.Set("robot_id", string(place.RobotID))
	}
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("secrets", name), query: q, safe: true})
	return err
}

// RewrapSecrets wraps all values with the newest master key, and says how many
// were not.
func (c *Client) RewrapSecrets(ctx context.Context) (int, error) {
	var out struct {
		Rewrapped int `json:"rewrapped"`
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: at("secrets", "rewrap"), safe: true}, &out)
	return out.Rewrapped, err
}

// ListAssets returns all assets by name.
func (c *Client) ListAssets(ctx context.Context) ([]fleet.Asset, error) {
	var out struct {
		Assets []fleet.Asset `json:"assets"`
	}
	err := c.get(ctx, at("assets"), nil, &out)
	return out.Assets, err
}

// GetAsset returns an asset.
func (c *Client) GetAsset(ctx context.Context, name string) (out fleet.Asset, err error) {
	err = c.get(ctx, at("assets", name), nil, &out)
	return out, err
}

// PutAsset makes an asset or replaces it.
func (c *Client) PutAsset(ctx context.Context, a fleet.Asset) (out fleet.Asset, err error) {
	body := map[string]any{"description": a.Description, "type": a.Type}
	if len(a.Value) > 0 {
		body["value"] = a.Value
	}
	if len(a.Values) > 0 {
		body["values"] = a.Values
	}
	err = c.write(ctx, http.MethodPut, at("assets", a.Name), body, &out)
	return out, err
}

// DeleteAsset takes an asset away.
func (c *Client) DeleteAsset(ctx context.Context, name string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("assets", name), safe: true})
	return err
}

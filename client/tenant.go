package client

import (
	"context"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
)

// ListTenants returns the tenants that the caller may see, by id.
func (c *Client) ListTenants(ctx context.Context) ([]fleet.Tenant, error) {
	var out struct {
		Tenants []fleet.Tenant `json:"tenants"`
	}
	err := c.get(ctx, at("tenants"), nil, &out)
	return out.Tenants, err
}

// GetTenant returns a tenant.
func (c *Client) GetTenant(ctx context.Context, id fleet.TenantID) (out fleet.Tenant, err error) {
	err = c.get(ctx, at("tenants", string(id)), nil, &out)
	return out, err
}

// CreateTenant makes a tenant. It is not sent again when an answer is lost: the
// second one would be refused for its id.
func (c *Client) CreateTenant(ctx context.Context, t fleet.Tenant) (out fleet.Tenant, err error) {
	settings := tenantBody(t)
	settings["id"] = t.ID
	err = c.send1(ctx, http.MethodPost, at("tenants"), settings, &out)
	return out, err
}

// PutTenant replaces what is set of a tenant.
func (c *Client) PutTenant(ctx context.Context, t fleet.Tenant) (out fleet.Tenant, err error) {
	err = c.write(ctx, http.MethodPut, at("tenants", string(t.ID)), tenantBody(t), &out)
	return out, err
}

func tenantBody(t fleet.Tenant) map[string]any {
	return map[string]any{
		"name": t.Name, "timezone": t.Timezone, "priority": t.Priority, "weight": t.Weight, "quotas": t.Quotas,
		"suspended": t.Suspended, "suspended_note": t.SuspendedNote,
	}
}

package httpapi

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// TenantBody is all that can be set of a tenant.
type TenantBody struct {
	ID            string             `json:"id,omitempty" doc:"1 to 64 letters, digits, - or _; never changes. Needed when the tenant is made."`
	Name          string             `json:"name,omitempty" doc:"For people; the id if left out."`
	Timezone      string             `json:"timezone,omitempty" doc:"IANA name; UTC if left out."`
	Priority      *fleet.Priority    `json:"priority,omitempty" doc:"Of its jobs, if neither the request nor the workflow says; 10 if left out."`
	Weight        int                `json:"weight,omitempty" doc:"Of its share of robots that several tenants use, 1 to 1000; 100 if left out."`
	Quotas        fleet.TenantQuotas `json:"quotas,omitzero" doc:"0 is the server's limit."`
	Suspended     bool               `json:"suspended,omitempty" doc:"Nothing of it starts; what runs goes on, reading works."`
	SuspendedNote string             `json:"suspended_note,omitempty"`
}

// TenantList is the tenants that the caller may see, by id.
type TenantList struct {
	Tenants []fleet.Tenant `json:"tenants"`
}

// tenant fills in what was left out.
func (b *TenantBody) tenant(id string) fleet.Tenant {
	t := fleet.NewTenant(fleet.TenantID(id))
	if b.Name != "" {
		t.Name = b.Name
	}
	if b.Timezone != "" {
		t.Timezone = b.Timezone
	}
	if b.Priority != nil {
		t.Priority = *b.Priority
	}
	if b.Weight != 0 {
		t.Weight = b.Weight
	}
	t.Quotas, t.Suspended, t.SuspendedNote = b.Quotas, b.Suspended, b.SuspendedNote
	return t
}

func (a *API) tenantRoutes() {
	at := Base + "/tenants"
	route(a, operation{
		method: http.MethodGet, path: at, id: "tenants.list", summary: "List tenants: all for who works across them, else one's own",
		may: need(fleet.SystemRead), rate: rateRead,
	}, a.listTenants)
	route(a, operation{
		method: http.MethodGet, path: at + "/{id}", id: "tenants.get", summary: "Get a tenant", may: need(fleet.SystemRead), rate: rateRead,
	}, a.getTenant)
	route(a, operation{
		method: http.MethodPost, path: at, id: "tenants.create", summary: "Make a tenant", may: need(fleet.TenantsManage), rate: rateWrite,
		status: http.StatusCreated, body: jsonBody[TenantBody](plainBody, true),
	}, a.createTenant)
	route(a, operation{
		method: http.MethodPut, path: at + "/{id}", id: "tenants.put", summary: "Replace what is set of a tenant: name, quotas, suspension",
		may: need(fleet.TenantsManage), rate: rateWrite, body: jsonBody[TenantBody](plainBody, true),
	}, a.putTenant)
}

func showTenant(t fleet.Tenant) fleet.Tenant {
	stamp(&t.CreatedAt)
	stamp(&t.UpdatedAt)
	return t
}

type tenantInput struct {
	ID string `path:"id"`
}

type tenantReply struct {
	Location string `header:"Location"`
	Body     fleet.Tenant
}

type tenantsReply struct{ Body TenantList }

func (a *API) listTenants(ctx context.Context, _ *struct{}) (*tenantsReply, error) {
	list, err := a.o.Orchestrator.Tenants.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &tenantsReply{TenantList{showAll(list, showTenant)}}, nil
}

func (a *API) getTenant(ctx context.Context, in *tenantInput) (*tenantReply, error) {
	t, err := a.o.Orchestrator.Tenants.Get(ctx, auth.From(ctx), fleet.TenantID(in.ID))
	if err != nil {
		return nil, err
	}
	return &tenantReply{Body: showTenant(t)}, nil
}

func (a *API) createTenant(ctx context.Context, _ *struct{}) (*tenantReply, error) {
	body, err := decode[TenantBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	t, err := a.o.Orchestrator.Tenants.Create(ctx, auth.From(ctx), body.tenant(body.ID))
	if err != nil {
		return nil, err
	}
	return &tenantReply{Location: Base + "/tenants/" + string(t.ID), Body: showTenant(t)}, nil
}

func (a *API) putTenant(ctx context.Context, in *tenantInput) (*tenantReply, error) {
	body, err := decode[TenantBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.ID != "" && body.ID != in.ID {
		return nil, fleet.Invalid("id", "id must be that of the path, %s, or be left out; got %q.", clip(in.ID, 80), clip(body.ID, 80))
	}
	t, err := a.o.Orchestrator.Tenants.Put(ctx, auth.From(ctx), body.tenant(in.ID))
	if err != nil {
		return nil, err
	}
	return &tenantReply{Body: showTenant(t)}, nil
}

// tenantParam is the query parameter by which somebody who works across tenants
// says for which one a request is.
const tenantParam = "tenant_id"

// acting takes the tenant out of the query, and gives the principal for it. A
// tenant that is named by anybody else is ignored, as old clients name theirs.
// Without one, somebody who works across tenants acts for the tenant whose job
// the path names, else for their own.
func (a *API) acting(o *operation, r *http.Request, p auth.Principal) (auth.Principal, error) {
	if o.may.open || o.may.person {
		return p, nil // no tenant's matter
	}
	named, given, err := takeTenant(r.URL)
	if !p.Everywhere() {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	switch {
	case given:
		id, err := fleet.ParseTenantID(named)
		if err != nil {
			return p, err
		}
		if _, err := a.o.Orchestrator.Tenants.Get(r.Context(), p, id); err != nil {
			return p, err
		}
		return p.In(id), nil
	case strings.HasPrefix(o.path, Base+"/jobs/{id}") && o.may.permission != fleet.RobotsConnect: // those are robots' alone
		id := fleet.ID(r.PathValue("id"))
		if !id.Valid() {
			return p, nil // the handler says so
		}
		tenant, err := a.o.Orchestrator.Jobs.TenantOf(r.Context(), p, id)
		if err != nil {
			return p, err
		}
		return p.In(tenant), nil
	}
	return p, nil
}

// takeTenant takes the tenant out of a query, however its name is written there.
// Whoever may act for any tenant must not act for the wrong one: a query that
// cannot be read, or that names none or several, is an error and not one's own.
func takeTenant(u *url.URL) (named string, given bool, err error) {
	if u.RawQuery == "" {
		return "", false, nil
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		err = fleet.Invalid("query", "The query cannot be read: a %% begins two hexadecimal digits, and & is between parameters.")
	}
	values, given := q[tenantParam]
	if given {
		q.Del(tenantParam)
		u.RawQuery = q.Encode()
	}
	if given && err == nil && (len(values) != 1 || values[0] == "") {
		err = fleet.Invalid(tenantParam, "%s must name one tenant; got %d values.", tenantParam, len(values))
		if len(values) == 1 {
			err = fleet.Invalid(tenantParam, "%s must name one tenant; got an empty text.", tenantParam)
		}
	}
	return strings.Join(values, ","), given, err
}

// documentTenant adds the parameter to every operation that heeds it.
func documentTenant(doc *huma.OpenAPI) {
	for _, path := range doc.Paths {
		for _, op := range operationsOf(path) {
			switch op.Extensions["x-permission"] {
			case permissionNone, permissionPerson, string(fleet.RobotsConnect):
				continue
			}
			op.Parameters = append(op.Parameters, queryParam(tenantParam, huma.TypeString,
				"The tenant to act for, for those who work across tenants; ignored for everybody else."))
		}
	}
}

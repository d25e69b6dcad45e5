package orchestrator

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// Tenants are the use cases of those who keep customers apart.
type Tenants struct{ *core }

// tenantMoment is how long a submit may believe what it knows of its tenant.
// Dispatch looks anew each round.
const tenantMoment = time.Second

// tenantOf reads a tenant. The first one is there before anything is set of it.
func tenantOf(r store.Reader, id fleet.TenantID) (fleet.Tenant, error) {
	t, err := r.Tenant(id)
	if id == fleet.DefaultTenant && errors.Is(err, fleet.ErrNotFound) {
		return fleet.NewTenant(id), nil
	}
	return t, err
}

// tenant is what is set of the tenant that a principal acts for, as of a moment
// ago.
func (c *core) tenant(ctx context.Context, p auth.Principal) (t fleet.Tenant, err error) {
	now := c.Now()
	if t, ok := c.tenants.get(p.Tenant, now); ok {
		return t, nil
	}
	err = c.Store.View(ctx, p.Scope(), func(r store.Reader) error { t, err = tenantOf(r, p.Tenant); return err })
	if errors.Is(err, fleet.ErrNotFound) { // its credentials are older than the list of tenants
		t, err = fleet.NewTenant(p.Tenant), nil
	}
	if err == nil {
		c.tenants.put(p.Tenant, t, now.Add(tenantMoment))
	}
	return t, err
}

// mayStart refuses work for a tenant that is suspended.
func (c *core) mayStart(ctx context.Context, p auth.Principal) (fleet.Tenant, error) {
	t, err := c.tenant(ctx, p)
	if err == nil && t.Suspended {
		err = fleet.Errorf(fleet.CodeConflict, "tenant_suspended", "Tenant %s is suspended: nothing of it starts.", t.ID).
			WithFix("Ask whoever runs this installation to resume it.")
	}
	return t, err
}

// roomForRobot refuses one robot more than the tenant may have.
func roomForRobot(tx store.Tx, tenant fleet.TenantID) error {
	t, err := tenantOf(tx, tenant)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && t.Quotas.Robots == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := tx.Robots(store.RobotFilter{}, fleet.Page{Limit: 1})
	if err == nil && list.Total >= int64(t.Quotas.Robots) {
		err = fleet.Errorf(fleet.CodeExhausted, "too_many_robots", "%d robots are registered; at most %d may be.", list.Total, t.Quotas.Robots).
			WithFix("Delete one that is no longer there, or have the tenant's quota raised.")
	}
	return err
}

// Get returns a tenant: its own to an administrator, any to who keeps them all.
func (o *Tenants) Get(ctx context.Context, p auth.Principal, id fleet.TenantID) (t fleet.Tenant, err error) {
	if err := p.Require(fleet.SystemRead); err != nil {
		return t, err
	}
	if !p.Covers(id) {
		return t, fleet.NotFound("tenant", string(id))
	}
	err = o.Store.View(ctx, p.In(id).Scope(), func(r store.Reader) error { t, err = tenantOf(r, id); return err })
	return t, err
}

// List returns all tenants that the principal may see, by id.
func (o *Tenants) List(ctx context.Context, p auth.Principal) (list []fleet.Tenant, err error) {
	if err := p.Require(fleet.SystemRead); err != nil {
		return nil, err
	}
	err = o.Store.View(ctx, p.Reach(), func(r store.Reader) error { list, err = r.TenantList(); return err })
	if p.Covers(fleet.DefaultTenant) && !slices.ContainsFunc(list, func(t fleet.Tenant) bool { return t.ID == fleet.DefaultTenant }) {
		list = append(list, fleet.NewTenant(fleet.DefaultTenant))
	}
	slices.SortFunc(list, func(a, b fleet.Tenant) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return list, err
}

// Create makes a tenant.
func (o *Tenants) Create(ctx context.Context, p auth.Principal, t fleet.Tenant) (fleet.Tenant, error) {
	if err := o.check(p, &t); err != nil {
		return t, err
	}
	t.CreatedAt, t.UpdatedAt, t.UpdatedBy = o.Now(), o.Now(), p.Name
	err := o.act(ctx, p.In(t.ID), string(fleet.EventTenantCreated), fleet.SubjectTenant, string(t.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		d.Object.Name = t.Name
		if err := changed(d, nil, t); err != nil {
			return err
		}
		if _, err := tenantOf(tx, t.ID); err == nil {
			return fleet.Errorf(fleet.CodeConflict, "tenant_exists", "There is a tenant %s already.", t.ID)
		}
		if err := tx.AddTenant(t); err != nil {
			return err
		}
		return tx.Append(t.ID, o.event(fleet.EventTenantCreated, p, &t))
	})
	return t, err
}

// Put replaces what is set of a tenant. Jobs that wait are looked at anew at once.
func (o *Tenants) Put(ctx context.Context, p auth.Principal, t fleet.Tenant) (fleet.Tenant, error) {
	if err := o.check(p, &t); err != nil {
		return t, err
	}
	t.UpdatedAt, t.UpdatedBy = o.Now(), p.Name
	err := o.act(ctx, p.In(t.ID), string(fleet.EventTenantUpdated), fleet.SubjectTenant, string(t.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tenantOf(tx, t.ID)
		if err != nil {
			return err
		}
		if t.CreatedAt = before.CreatedAt; t.CreatedAt.IsZero() { // the first one, of which nothing was set
			t.CreatedAt = t.UpdatedAt
			err = tx.AddTenant(t)
		}
		if err = errors.Join(err, tx.PutTenant(t)); err != nil {
			return err
		}
		kind := fleet.EventTenantUpdated
		switch {
		case t.Suspended && !before.Suspended:
			kind = fleet.EventTenantSuspended
		case !t.Suspended && before.Suspended:
			kind = fleet.EventTenantResumed
		}
		d.Action, d.Object.Name = string(kind), t.Name
		if err := changed(d, before, t); err != nil {
			return err
		}
		return tx.Append(t.ID, o.event(kind, p, &t))
	})
	o.tenants.forget(func(x fleet.Tenant) bool { return x.ID == t.ID })
	return t, err
}

func (o *Tenants) check(p auth.Principal, t *fleet.Tenant) error {
	if err := p.Require(fleet.TenantsManage); err != nil {
		return err
	}
	if err := t.Validate(); err != nil {
		return err
	}
	_, err := calendar.Zone(t.Timezone)
	return err
}

func (o *Tenants) event(kind fleet.EventKind, p auth.Principal, t *fleet.Tenant) fleet.EventDraft {
	return fleet.EventDraft{
		Kind: kind, Subject: fleet.SubjectTenant, SubjectID: string(t.ID), Actor: p.Name,
		Data: map[string]any{"name": t.Name, "suspended": t.Suspended, "weight": t.Weight},
	}
}

// SubmitRate is how many jobs a tenant may submit a minute; 0 is the server's limit.
func (o *Tenants) SubmitRate(ctx context.Context, p auth.Principal) (int, error) {
	t, err := o.tenant(ctx, p)
	return t.Quotas.SubmitRate, err
}

// TenantOf tells whose job it is to somebody who works across tenants.
func (j *Jobs) TenantOf(ctx context.Context, p auth.Principal, id fleet.ID) (t fleet.TenantID, err error) {
	err = j.Store.View(ctx, p.Reach(), func(r store.Reader) error {
		job, err := r.Job(id)
		t = job.Tenant
		return err
	})
	return t, err
}

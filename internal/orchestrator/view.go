package orchestrator

import (
	"cmp"
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Views are the use cases of those who keep ways of looking at lists.
type Views struct{ *core }

// ViewChange is what is to hold of a view; nil leaves things as they are.
type ViewChange struct {
	Page   *string
	Name   *string
	Query  *map[string]string
	Shared *bool
}

func (c *ViewChange) apply(p auth.Principal, v *fleet.View) {
	give(c.Page, &v.Page)
	give(c.Name, &v.Name)
	give(c.Query, &v.Query)
	give(c.Shared, &v.Shared)
	if v.Query == nil {
		v.Query = map[string]string{}
	}
	if v.Shared {
		v.Owner = ""
	} else {
		v.Owner = p.Self()
	}
}

// mayChange lets everybody change their own views, and those who may run jobs the
// shared ones. A view of somebody else does not exist.
func mayChange(p auth.Principal, v *fleet.View) error {
	switch v.Owner {
	case "":
		return p.Require(fleet.JobsRun)
	case p.Self():
		return nil
	}
	return fleet.NotFound("view", string(v.ID))
}

// List returns somebody's own views and the shared ones; of one page, or of all.
func (v *Views) List(ctx context.Context, p auth.Principal, page string) (out []fleet.View, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	err = v.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = r.KeptViews(p.Self(), page); return err })
	return out, err
}

// Create keeps a view.
func (v *Views) Create(ctx context.Context, p auth.Principal, c ViewChange) (out fleet.View, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	c.apply(p, &out)
	now := v.Now()
	out.ID, out.Tenant, out.Revision, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = v.IDs.New(), p.Tenant, 1, now, p.Name, now, p.Name
	if err := errors.Join(mayChange(p, &out), out.Validate()); err != nil {
		return out, err
	}
	err = v.act(ctx, p, "view.create", fleet.SubjectView, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		list, err := tx.KeptViews(p.Self(), "")
		if err != nil {
			return err
		}
		same := 0
		for i := range list {
			if list[i].Shared == out.Shared {
				same++
			}
		}
		if same >= fleet.MaxViews {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_views", "There may be at most %d views.", fleet.MaxViews).WithFix("Delete one that is no longer used.")
		}
		d.Object.Name = out.Name
		return cmp.Or(changed(d, nil, out), tx.AddView(out), tellView(tx, p, fleet.EventViewCreated, &out))
	})
	return out, err
}

// Update changes a view.
func (v *Views) Update(ctx context.Context, p auth.Principal, id fleet.ID, c ViewChange) (out fleet.View, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	err = v.act(ctx, p, "view.update", fleet.SubjectView, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := tx.KeptView(id)
		if err != nil {
			return err
		}
		out = was
		c.apply(p, &out)
		out.UpdatedAt, out.UpdatedBy = v.Now(), p.Name
		if err := cmp.Or(mayChange(p, &was), mayChange(p, &out), out.Validate()); err != nil {
			return err
		}
		d.Object.Name = was.Name
		if err := cmp.Or(changed(d, was, out), tx.PutView(out)); err != nil {
			return err
		}
		out.Revision++
		if was.Shared && !out.Shared { // it is gone for all the others
			return cmp.Or(tellView(tx, p, fleet.EventViewDeleted, &was), tellView(tx, p, fleet.EventViewCreated, &out))
		}
		return tellView(tx, p, fleet.EventViewUpdated, &out)
	})
	return out, err
}

// Delete takes a view away.
func (v *Views) Delete(ctx context.Context, p auth.Principal, id fleet.ID) error {
	if err := p.Require(fleet.JobsRead); err != nil {
		return err
	}
	return v.act(ctx, p, "view.delete", fleet.SubjectView, string(id), func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := tx.KeptView(id)
		if err != nil {
			return err
		}
		if err := mayChange(p, &was); err != nil {
			return err
		}
		d.Object.Name = was.Name
		return cmp.Or(changed(d, was, nil), tx.DeleteView(id), tellView(tx, p, fleet.EventViewDeleted, &was))
	})
}

// tellView writes what became of a view into the log, for those who see it.
func tellView(tx store.Tx, p auth.Principal, kind fleet.EventKind, v *fleet.View) error {
	data := map[string]any{"page": v.Page, "name": v.Name, "shared": v.Shared}
	if v.Owner != "" {
		data["owner"] = v.Owner
	}
	return tx.Append(p.Tenant, fleet.EventDraft{Kind: kind, Subject: fleet.SubjectView, SubjectID: string(v.ID), Actor: p.Name, Data: data})
}

package orchestrator

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Assets are the use cases of those who keep settings out of workflows.
type Assets struct{ *core }

// List returns all assets by name.
func (a *Assets) List(ctx context.Context, p auth.Principal) (out []fleet.Asset, err error) {
	if err := p.Require(fleet.AssetsRead); err != nil {
		return nil, err
	}
	err = a.Store.View(ctx, p.Reach(), func(r store.Reader) error { out, err = r.Assets(); return err })
	return out, err
}

// Get returns an asset with all its values.
func (a *Assets) Get(ctx context.Context, p auth.Principal, name string) (out fleet.Asset, err error) {
	if err := p.Require(fleet.AssetsRead); err != nil {
		return out, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error { out, err = r.Asset(name); return err })
	return out, err
}

// Put makes an asset or replaces it.
func (a *Assets) Put(ctx context.Context, p auth.Principal, in fleet.Asset) (fleet.Asset, error) {
	if err := p.Require(fleet.AssetsManage); err != nil {
		return in, err
	}
	if err := in.Validate(); err != nil {
		return in, err
	}
	in.Tenant, in.UpdatedAt, in.UpdatedBy = p.Tenant, a.Now(), p.Name
	if in.Values == nil {
		in.Values = []fleet.AssetValue{}
	}
	err := a.act(ctx, p, string(fleet.EventAssetChanged), fleet.SubjectAsset, in.Name, func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tx.Asset(in.Name)
		kind, was := fleet.EventAssetChanged, any(before)
		if errors.Is(err, fleet.ErrNotFound) {
			kind, was, before.CreatedAt = fleet.EventAssetCreated, nil, in.UpdatedAt
		} else if err != nil {
			return err
		}
		in.CreatedAt = before.CreatedAt
		d.Action, d.Object.Name = string(kind), in.Name
		if err := errors.Join(changed(d, was, in), tx.PutAsset(in)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, assetEvent(kind, p, in.Name))
	})
	return in, err
}

// Delete takes an asset away.
func (a *Assets) Delete(ctx context.Context, p auth.Principal, name string) error {
	if err := p.Require(fleet.AssetsManage); err != nil {
		return err
	}
	return a.act(ctx, p, string(fleet.EventAssetDeleted), fleet.SubjectAsset, name, func(tx store.Tx, d *fleet.AuditDraft) error {
		before, err := tx.Asset(name)
		if err != nil {
			return err
		}
		d.Object.Name = name
		if err := errors.Join(changed(d, before, nil), tx.DeleteAsset(name)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, assetEvent(fleet.EventAssetDeleted, p, name))
	})
}

func assetEvent(kind fleet.EventKind, p auth.Principal, name string) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectAsset, SubjectID: name, Actor: p.Name}
}

// text is a value as it stands in a text.
func assetText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

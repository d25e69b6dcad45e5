package sqlstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// filing is where a document goes: what PutDocument decides before anything is
// written.
type filing struct {
	doc      *store.Document
	workflow fleet.Workflow // as it will be
	created  bool
	changed  bool // the document is not the newest version yet
}

// PutDocument stores a document under its name; see store.WorkflowWriter.
func (t *Tx) PutDocument(tenant fleet.TenantID, d *store.Document, actor string, now time.Time) (fleet.Workflow, error) {
	f, err := t.file(tenant, d, now)
	if err != nil {
		return fleet.Workflow{}, err
	}
	if err := t.announce(&f, actor); err != nil {
		return fleet.Workflow{}, err
	}
	return f.workflow, t.writeDocument(&f, actor)
}

// file decides which version of which workflow a document is.
func (t *Tx) file(tenant fleet.TenantID, d *store.Document, now time.Time) (filing, error) {
	if err := t.covers(tenant); err != nil {
		return filing{}, err
	}
	now = Stored(now)
	f := filing{doc: d}
	w, found, err := t.named(tenant, d.Name)
	switch {
	case err != nil:
		return f, err
	case !found:
		w, f.created = fleet.Workflow{ID: t.batch.env.IDs.New(), Tenant: tenant, Name: d.Name, CreatedAt: now}, true
	}
	if f.changed = f.created || w.Hash != d.Hash; f.changed {
		w.Newest, w.Hash, w.UpdatedAt = w.Newest+1, d.Hash, now
	}
	f.workflow = w
	return f, nil
}

// named is the living workflow of a name, as this transaction sees it.
func (t *Tx) named(tenant fleet.TenantID, name string) (w fleet.Workflow, found bool, err error) {
	if w, known := t.batch.env.Known.workflow(tenant, name); known {
		return w, w.ID != "", nil
	}
	found, err = one(t.conn, workflowNamed, func(r *Row) { w = scanWorkflow(r) }, name, false, tenant)
	if err == nil {
		t.batch.env.Known.learnWorkflow(tenant, name, w)
	}
	return w, found, err
}

// announce tells of a new version.
func (t *Tx) announce(f *filing, actor string) error {
	if !f.changed {
		return nil
	}
	kind, w := fleet.EventWorkflowVersion, &f.workflow
	if f.created {
		kind = fleet.EventWorkflowCreated
	}
	return t.Append(w.Tenant, fleet.EventDraft{
		Kind: kind, Subject: fleet.SubjectWorkflow, SubjectID: string(w.ID), Actor: actor,
		Data: map[string]any{"name": w.Name, "version": w.Newest, "hash": w.Hash},
	})
}

// writeDocument writes body, workflow and version.
func (t *Tx) writeDocument(f *filing, actor string) error {
	if !f.changed {
		return nil
	}
	w, d := &f.workflow, f.doc
	if err := t.PutBody(d.Hash, d.Body); err != nil {
		return err
	}
	if err := t.writeWorkflow(*w); err != nil {
		if f.created && errors.Is(err, fleet.ErrConflict) { // somebody made one of that name meanwhile
			err = fmt.Errorf("make workflow %s: %w: %s", w.ID, ErrOvertaken, err.Error())
		}
		return err
	}
	return t.AddWorkflowVersion(fleet.WorkflowVersion{
		WorkflowID: w.ID, Version: w.Newest, Hash: d.Hash, Requires: d.Requires, Placement: d.Placement, Retry: d.Retry, Safety: d.Safety, NodeCount: d.NodeCount,
		CreatedAt: w.UpdatedAt, CreatedBy: actor,
	})
}

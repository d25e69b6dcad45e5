package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// Workflows stores and checks documents.
type Workflows struct {
	*core
	seen *seen
}

// Checked is a document that was read and may be run.
type Checked struct {
	Name      string
	Hash      string
	Canonical []byte
	Requires  fleet.Capabilities
	Placement fleet.Placement // of its settings, without capabilities
	NodeCount int
	Warnings  []workflow.Diagnostic
}

// Validate reads a document without storing it. The diagnostics hold errors
// and warnings; err is for texts that are not a document at all.
func (w *Workflows) Validate(ctx context.Context, p auth.Principal, doc []byte) (workflow.Diagnostics, error) {
	if err := p.Require(fleet.WorkflowsRead); err != nil {
		return nil, err
	}
	d, err := workflow.Parse(doc, workflow.Options{Catalog: w.Catalog, Limits: w.Limits.Document})
	if err != nil {
		return nil, unreadable(err)
	}
	return workflow.Validate(d, w.Catalog, w.Policy), nil
}

// Check reads a document and refuses it unless it may be run.
func (w *Workflows) Check(doc []byte) (*Checked, error) {
	d, err := workflow.Parse(doc, workflow.Options{Catalog: w.Catalog, Limits: w.Limits.Document})
	if err != nil {
		return nil, unreadable(err)
	}
	found := workflow.Validate(d, w.Catalog, w.Policy)
	if !found.OK() {
		return nil, invalidDocument(found.Errors())
	}
	canonical, err := workflow.Canonical(d)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	requires, err := fleet.NewCapabilities(workflow.Require(d).Capabilities...)
	if err != nil {
		return nil, err
	}
	placed, err := placementOf(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	return &Checked{
		Name: d.Name(), Hash: hex.EncodeToString(sum[:]), Canonical: canonical, Requires: requires, Placement: placed,
		NodeCount: len(d.Nodes), Warnings: found.Warnings(),
	}, nil
}

// unreadable tells a text that is no document from one that breaks a rule.
func unreadable(err error) error {
	if syntax, ok := errors.AsType[*workflow.SyntaxError](err); ok {
		e := fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The workflow cannot be read: %s.", syntax.Error())
		e.Status = 400
		if syntax.TooLarge {
			e.Reason, e.Status = "too_large", 413
		}
		return e
	}
	return fleet.Errorf(fleet.CodeInvalid, "workflow_invalid", "The workflow cannot be read: %s.", err)
}

// invalidDocument names every fault, the first ones in the sentence.
func invalidDocument(faults workflow.Diagnostics) error {
	e := fleet.Errorf(fleet.CodeInvalid, "workflow_invalid", "The workflow cannot run: %s", faults[0].String())
	if len(faults) > 1 {
		e.Message = fmt.Sprintf("%s (and %d more faults)", e.Message, len(faults)-1)
	}
	for i, f := range faults {
		if i == 100 {
			break
		}
		field := f.Field
		if f.NodeID != "" && field == "" {
			field = "/nodes/" + f.NodeID
		}
		e.Fields = append(e.Fields, fleet.FieldError{Field: field, Code: string(f.Code), Message: f.Sentence()})
	}
	return e
}

// Put stores a document under its name: the same content gives the version
// that is there, other content the next one.
func (w *Workflows) Put(ctx context.Context, p auth.Principal, name string, doc []byte) (fleet.WorkflowVersion, *Checked, error) {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	return w.put(ctx, p, name, doc)
}

// put stores a document. One that was stored a moment ago is known by its bytes.
func (w *Workflows) put(ctx context.Context, p auth.Principal, name string, doc []byte) (fleet.WorkflowVersion, *Checked, error) {
	raw := seenKey{p.Tenant, name, sha256.Sum256(doc)}
	if hit, ok := w.seen.get(raw); ok {
		return hit.version, hit.checked, nil
	}
	checked, err := w.checked(p, name, doc)
	if err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	version, err := w.store(ctx, p, checked)
	if err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	w.seen.put(raw, seenDocument{version, checked.withoutBody()})
	return version, checked, nil
}

// checked reads a document that is to have a name, unless that was done for
// the same bytes a moment ago.
func (w *Workflows) checked(p auth.Principal, name string, doc []byte) (*Checked, error) {
	raw := seenKey{p.Tenant, name, sha256.Sum256(doc)}
	if hit, ok := w.seen.get(raw); ok {
		return hit.checked, nil
	}
	checked, err := w.Check(doc)
	if err != nil {
		return nil, err
	}
	if name != "" {
		checked.Name = name
	}
	if err := fleet.ValidateName("workflow_name", checked.Name, 255); err != nil {
		return nil, err
	}
	return checked, nil
}

func (c *Checked) withoutBody() *Checked {
	short := *c
	short.Canonical = nil
	return &short
}

// store writes body, workflow and version in one transaction.
func (w *Workflows) store(ctx context.Context, p auth.Principal, c *Checked) (version fleet.WorkflowVersion, err error) {
	now := w.Now()
	err = w.Store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		wf, err := tx.WorkflowByName(c.Name)
		created := errors.Is(err, fleet.ErrNotFound)
		switch {
		case created:
			wf = fleet.Workflow{ID: w.IDs.New(), Tenant: p.Tenant, Name: c.Name, CreatedAt: now}
		case err != nil:
			return err
		case wf.Hash == c.Hash:
			version, err = tx.WorkflowVersion(wf.ID, wf.Newest)
			return err
		}
		if err := tx.PutBody(c.Hash, c.Canonical); err != nil {
			return err
		}
		wf.Newest, wf.Hash, wf.UpdatedAt = wf.Newest+1, c.Hash, now
		if err := tx.PutWorkflow(wf); err != nil {
			return err
		}
		version = fleet.WorkflowVersion{
			WorkflowID: wf.ID, Version: wf.Newest, Hash: c.Hash, Requires: c.Requires, Placement: c.Placement, NodeCount: c.NodeCount,
			CreatedAt: now, CreatedBy: p.Name,
		}
		if err := tx.AddWorkflowVersion(version); err != nil {
			return err
		}
		kind := fleet.EventWorkflowVersion
		if created {
			kind = fleet.EventWorkflowCreated
		}
		err = tx.Append(p.Tenant, fleet.EventDraft{
			Kind: kind, Subject: fleet.SubjectWorkflow, SubjectID: string(wf.ID), Actor: p.Name,
			Data: map[string]any{"name": wf.Name, "version": wf.Newest, "hash": wf.Hash},
		})
		if err != nil {
			return err
		}
		return fail.At(fail.WorkflowBeforeCommit)
	})
	if err == nil {
		err = fail.At(fail.WorkflowAfterCommit)
	}
	return version, err
}

// Get returns a workflow.
func (w *Workflows) Get(ctx context.Context, p auth.Principal, id fleet.ID) (wf fleet.Workflow, err error) {
	err = w.read(ctx, p, func(r store.Reader) error { wf, err = r.Workflow(id); return err })
	return wf, err
}

// List returns a page of workflows by name.
func (w *Workflows) List(ctx context.Context, p auth.Principal, page fleet.Page) (list []fleet.Workflow, next string, err error) {
	if page, err = page.Normalize(); err != nil {
		return nil, "", err
	}
	err = w.read(ctx, p, func(r store.Reader) error { list, next, err = r.Workflows(page); return err })
	return list, next, err
}

// Versions returns all versions of a workflow, newest first.
func (w *Workflows) Versions(ctx context.Context, p auth.Principal, id fleet.ID) (list []fleet.WorkflowVersion, err error) {
	err = w.read(ctx, p, func(r store.Reader) error {
		if _, err := r.Workflow(id); err != nil {
			return err
		}
		list, err = r.WorkflowVersions(id)
		return err
	})
	return list, err
}

// Document returns the canonical document of a version; 0 is the newest.
func (w *Workflows) Document(ctx context.Context, p auth.Principal, id fleet.ID, version int) (doc []byte, v fleet.WorkflowVersion, err error) {
	err = w.read(ctx, p, func(r store.Reader) error {
		wf, err := r.Workflow(id)
		if err != nil {
			return err
		}
		if version == 0 {
			version = wf.Newest
		}
		if v, err = r.WorkflowVersion(id, version); err != nil {
			return err
		}
		doc, err = r.Body(v.Hash)
		return err
	})
	return doc, v, err
}

func (w *Workflows) read(ctx context.Context, p auth.Principal, fn func(r store.Reader) error) error {
	if err := p.Require(fleet.WorkflowsRead); err != nil {
		return err
	}
	return w.Store.View(ctx, p.Scope(), fn)
}

// seen remembers documents that were stored a moment ago, so that a client
// that submits the same text again and again costs neither a parse nor a
// transaction. Of each workflow only the newest version is remembered.
type seen struct {
	mu   sync.Mutex
	docs map[seenKey]seenDocument
}

type seenKey struct {
	tenant fleet.TenantID
	name   string
	sum    [sha256.Size]byte
}

type seenDocument struct {
	version fleet.WorkflowVersion
	checked *Checked
}

const seenLimit = 1024

func newSeen() *seen { return &seen{docs: map[seenKey]seenDocument{}} }

func (s *seen) get(k seenKey) (seenDocument, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.docs[k]
	return d, ok
}

func (s *seen) put(k seenKey, d seenDocument) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.docs) >= seenLimit {
		clear(s.docs)
	}
	// Other content of the same workflow is no longer the newest: whoever sends
	// it again goes back to it, which is a change.
	for other, have := range s.docs {
		if have.version.WorkflowID == d.version.WorkflowID && have.version.Version != d.version.Version {
			delete(s.docs, other)
		}
	}
	s.docs[k] = d
}

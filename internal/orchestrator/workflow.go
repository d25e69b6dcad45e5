package orchestrator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/nodeplace"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow"
)

// Workflows stores and checks documents.
type Workflows struct {
	*core
	seen *seen
	cuts cuts
}

// Checked is a document that was read and may be run.
type Checked struct {
	Name      string
	Hash      string
	Canonical []byte
	Requires  fleet.Capabilities
	Placement fleet.Placement // of its settings, without capabilities
	Retry     *fleet.RetryChange
	Safety    fleet.RetrySafety
	NodeCount int
	Warnings  []workflow.Diagnostic
	Secrets   []string // that it names
}

// Validate reads a document without storing it. The diagnostics hold errors
// and warnings, the segments how its places cut it, where nothing is wrong with
// it; err is for texts that are not a document at all.
func (w *Workflows) Validate(ctx context.Context, p auth.Principal, doc []byte) (workflow.Diagnostics, []fleet.SegmentPlan, error) {
	if err := p.Require(fleet.WorkflowsRead); err != nil {
		return nil, nil, err
	}
	d, err := workflow.Parse(doc, workflow.Options{Catalog: w.Catalog, Limits: w.Limits.Document})
	if err != nil {
		return nil, nil, unreadable(err)
	}
	found, segments := nodeplace.Validate(d, w.Catalog, w.Policy, w.Limits.Segments)
	return found, segments, nil
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
	placed, err := nodeplace.Workflow(d)
	if err != nil {
		return nil, err
	}
	retry, err := retryOf(d)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	parts, err := w.cut(d, nil)
	if err != nil {
		return nil, err
	}
	w.cuts.put(cutKey{hash: hex.EncodeToString(sum[:])}, parts)
	return &Checked{
		Name: d.Name(), Hash: hex.EncodeToString(sum[:]), Canonical: canonical, Requires: requires, Placement: placed,
		Retry: retry, Safety: fleet.RetrySafety(d.Fleet.RetrySafety),
		NodeCount: len(d.Nodes), Warnings: found.Warnings(), Secrets: d.Fleet.Secrets,
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
	if !slices.ContainsFunc(faults, func(d workflow.Diagnostic) bool { return d.Code != workflow.CodeUnknownNode }) {
		e.Reason = "unknown_node" // settings name what is not there, and nothing else is wrong
	}
	return e
}

// Put stores a document under its name: the same content gives the version
// that is there, other content the next one.
func (w *Workflows) Put(ctx context.Context, p auth.Principal, name string, doc []byte) (fleet.WorkflowVersion, *Checked, error) {
	return w.Publish(ctx, p, name, doc, nil)
}

// Publish is Put for an author who began with a version, 0 for a workflow that
// is not there yet: what somebody else has stored since is not covered up. Nil:
// whatever is there.
func (w *Workflows) Publish(ctx context.Context, p auth.Principal, name string, doc []byte, base *int) (fleet.WorkflowVersion, *Checked, error) {
	if base != nil && *base < 0 {
		return fleet.WorkflowVersion{}, nil, fleet.Invalid("base_version", "base_version must be 0 or more; got %d.", *base)
	}
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	checked, err := w.check(name, doc)
	if err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	version, err := w.store(ctx, p, checked, base)
	if err != nil {
		return fleet.WorkflowVersion{}, nil, err
	}
	w.know(p, name, doc).stored(checked, fleet.JobWorkflow{
		ID: version.WorkflowID, Name: checked.Name, Version: version.Version, Hash: version.Hash,
	})
	return version, checked, nil
}

// check is Check for a document that is to have a name; empty: its own.
func (w *Workflows) check(name string, doc []byte) (*Checked, error) {
	checked, err := w.Check(doc)
	if err != nil {
		return nil, err
	}
	if name != "" {
		checked.Name = name
	}
	return checked, fleet.ValidateName("workflow_name", checked.Name, 255)
}

// checked is check, except for a document that was stored a moment ago: that is
// known by its bytes, and need neither be read nor stored.
func (w *Workflows) checked(p auth.Principal, name string, doc []byte) (*Checked, *known, error) {
	k := w.know(p, name, doc)
	if hit, ok := w.seen.get(k.key); ok {
		k.workflow = hit.workflow
		return hit.checked, k, nil
	}
	checked, err := w.check(name, doc)
	return checked, k, err
}

func (w *Workflows) know(p auth.Principal, name string, doc []byte) *known {
	return &known{seen: w.seen, key: seenKey{p.Tenant, name, sha256.Sum256(doc)}}
}

// document is what the store is to keep.
func (c *Checked) document() *store.Document {
	return &store.Document{
		Name: c.Name, Hash: c.Hash, Body: c.Canonical, Requires: c.Requires, Placement: c.Placement, Retry: c.Retry, Safety: c.Safety, NodeCount: c.NodeCount,
	}
}

// store writes body, workflow and version in one transaction.
func (w *Workflows) store(ctx context.Context, p auth.Principal, c *Checked, base *int) (version fleet.WorkflowVersion, err error) {
	now := w.Now()
	err = w.act(ctx, p, "workflow.put", fleet.SubjectWorkflow, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		if err := w.checkSecrets(tx, c.Secrets, "", ""); err != nil {
			return err
		}
		wf, err := tx.PutDocument(p.Tenant, c.document(), p.Name, now)
		if err != nil {
			return err
		}
		// The one that was just made follows the newest that was there, unless
		// that has the same content.
		if base != nil && wf.Newest > *base+1 {
			return fleet.Errorf(fleet.CodeConflict, "workflow_changed", "The workflow %s was changed by somebody else since version %d.", wf.Name, *base).
				WithFix("Look at the difference, then publish on top of the newest version.")
		}
		d.Object.ID, d.Object.Name, d.After = string(wf.ID), wf.Name, map[string]any{"version": wf.Newest, "hash": wf.Hash}
		if version, err = tx.WorkflowVersion(wf.ID, wf.Newest); err != nil {
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
	workflow fleet.JobWorkflow
	checked  *Checked
}

// known is what is remembered of one text.
type known struct {
	seen     *seen
	key      seenKey
	workflow fleet.JobWorkflow // its version; empty: it must be stored
}

// stored remembers the text once its version is on disk.
func (k *known) stored(c *Checked, w fleet.JobWorkflow) {
	short := *c
	short.Canonical = nil
	k.seen.put(k.key, seenDocument{w, &short})
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
		switch {
		case have.workflow.ID != d.workflow.ID:
		case have.workflow.Version > d.workflow.Version: // it was stored later, and told of earlier
			return
		case have.workflow.Version < d.workflow.Version:
			delete(s.docs, other)
		}
	}
	s.docs[k] = d
}

package orchestrator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// AuditFilter selects rows of the audit; it is the store's.
type AuditFilter = store.AuditFilter

// Audits are the use cases of those who look into who did what.
type Audits struct {
	*core
	denials denials
}

// maxAuditPage bounds one page.
const maxAuditPage = 1000

// List returns rows, oldest first.
func (a *Audits) List(ctx context.Context, p auth.Principal, f AuditFilter) (rows []fleet.AuditEntry, err error) {
	if err := p.Require(fleet.AuditRead); err != nil {
		return nil, err
	}
	if f.Limit < 1 || f.Limit > maxAuditPage {
		return nil, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", maxAuditPage, f.Limit)
	}
	if f.After < 0 {
		return nil, fleet.Invalid("after", "after must not be negative; got %d.", f.After)
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error { rows, err = r.AuditRows(f); return err })
	return rows, err
}

// Head is where the audit of the principal's tenant ends.
func (a *Audits) Head(ctx context.Context, p auth.Principal) (h auditchain.Anchor, err error) {
	if err := p.Require(fleet.AuditRead); err != nil {
		return h, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		head, err := r.AuditHead()
		h = auditchain.Anchor{Seq: head.Seq, Hash: head.Hash}
		return err
	})
	return h, err
}

// Verify walks the chain from the oldest row that is kept to its head, page by page: it holds
// no more than one in memory.
func (a *Audits) Verify(ctx context.Context, p auth.Principal) (report auditchain.Report, err error) {
	if err := p.Require(fleet.AuditRead); err != nil {
		return report, err
	}
	err = a.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		head, err := r.AuditHead()
		if err != nil || head.Seq == 0 {
			report.Last = auditchain.Start()
			return err
		}
		points, err := r.Checkpoints(false)
		if err != nil {
			return err
		}
		c := auditchain.From(auditchain.Anchor{Seq: head.CutSeq, Hash: head.CutHash}).Hold(points, a.publicKey())
		for after := head.CutSeq; ; {
			rows, err := r.AuditRows(AuditFilter{After: after, Limit: maxAuditPage})
			if err != nil {
				return err
			}
			for i := range rows {
				c.Take(rows[i])
				after = rows[i].Seq
			}
			if len(rows) < maxAuditPage {
				break
			}
		}
		report = c.End(&auditchain.Anchor{Seq: head.Seq, Hash: head.Hash})
		return nil
	})
	return report, err
}

// denials counts what was refused for want of a permission: the first of a
// minute is written at once, the others as one row when the minute is over.
type denials struct {
	mu   sync.Mutex
	list map[denialKey]*denial
}

type denialKey struct {
	tenant fleet.TenantID
	actor  string
	action string
}

type denial struct {
	draft fleet.AuditDraft
	scope store.Scope
	until time.Time
	more  int
}

// Bounds of what is remembered of denials. Beyond it each one is written.
const (
	denialWindow = time.Minute
	denialsMost  = 10_000
)

// Deny notes that a principal was refused an action for want of a permission.
func (a *Audits) Deny(ctx context.Context, p auth.Principal, action string, lacks fleet.Permission) error {
	now := a.Now()
	d := p.Audit(action, "", "")
	d.Outcome, d.After = fleet.AuditDenied, map[string]any{"lacks": lacks}
	key := denialKey{p.Tenant, d.Actor.ID + d.Actor.Name, action}
	a.denials.mu.Lock()
	if have := a.denials.list[key]; have != nil && now.Before(have.until) {
		have.more++
		a.denials.mu.Unlock()
		return nil
	}
	old := a.denials.list[key]
	if a.denials.list == nil {
		a.denials.list = map[denialKey]*denial{}
	}
	if len(a.denials.list) < denialsMost || old != nil {
		a.denials.list[key] = &denial{draft: d, scope: p.Scope(), until: now.Add(denialWindow)}
	}
	a.denials.mu.Unlock()
	return errors.Join(a.tellMore(ctx, key.tenant, old), a.Store.Update(ctx, p.Scope(), func(tx store.Tx) error { return tx.Audit(p.Tenant, d) }))
}

// KeepDenials writes what was counted in minutes that are over.
func (a *Audits) KeepDenials(ctx context.Context) error {
	now := a.Now()
	over := map[denialKey]*denial{}
	a.denials.mu.Lock()
	for key, d := range a.denials.list {
		if !now.Before(d.until) {
			over[key] = d
			delete(a.denials.list, key)
		}
	}
	a.denials.mu.Unlock()
	var faults []error
	for key, d := range over {
		faults = append(faults, a.tellMore(ctx, key.tenant, d))
	}
	return errors.Join(faults...)
}

func (a *Audits) tellMore(ctx context.Context, tenant fleet.TenantID, d *denial) error {
	if d == nil || d.more == 0 {
		return nil
	}
	d.draft.RequestID = ""
	d.draft.After["times"] = d.more
	return a.Store.Update(ctx, d.scope, func(tx store.Tx) error { return tx.Audit(tenant, d.draft) })
}

// When a checkpoint is due: after so many rows, or so long after the last one.
const (
	checkpointRows  = 1000
	checkpointEvery = 24 * time.Hour
)

// Checkpoints signs where the chains stand that have grown enough since they
// were last signed, and hands each to offer, which keeps it elsewhere.
func (a *Audits) Checkpoints(ctx context.Context, s store.Scope, offer func(auditchain.Checkpoint) error) error {
	if a.Signer == nil {
		return nil
	}
	var tenants []fleet.TenantID
	if err := a.Store.View(ctx, s, func(r store.Reader) (err error) { tenants, err = r.Tenants(); return err }); err != nil {
		return err
	}
	var faults []error
	for _, tenant := range tenants {
		faults = append(faults, a.checkpoint(ctx, s.In(tenant), tenant, offer))
	}
	return errors.Join(faults...)
}

func (a *Audits) checkpoint(ctx context.Context, s store.Scope, tenant fleet.TenantID, offer func(auditchain.Checkpoint) error) error {
	var head store.AuditHead
	var last []auditchain.Checkpoint
	err := a.Store.View(ctx, s, func(r store.Reader) (err error) {
		if head, err = r.AuditHead(); err == nil {
			last, err = r.Checkpoints(true)
		}
		return err
	})
	if err != nil || head.Seq == 0 {
		return err
	}
	now := a.Now()
	if len(last) > 0 && (head.Seq == last[0].Seq || head.Seq-last[0].Seq < checkpointRows && now.Sub(last[0].At) < checkpointEvery) {
		return nil
	}
	c := a.Signer.Sign(tenant, auditchain.Anchor{Seq: head.Seq, Hash: head.Hash}, now)
	if err := a.Store.Update(ctx, s, func(tx store.Tx) error { return tx.PutCheckpoint(c) }); err != nil {
		return err
	}
	return offer(c)
}

func (a *Audits) publicKey() string {
	if a.Signer == nil {
		return ""
	}
	return a.Signer.PublicKey()
}

package orchestrator

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// Webhooks are the use cases of those who have events sent elsewhere.
type Webhooks struct{ *core }

// WebhookChange is what is to hold of a webhook; nil leaves things as they are.
type WebhookChange struct {
	Name          *string
	Description   *string
	URL           *string
	Types         *[]fleet.EventKind
	Filter        *[]fleet.Comparison
	Enabled       *bool
	Ordered       *bool
	RatePerSecond *int
	// Secret is one that somebody else has made; for a new webhook alone.
	Secret *string
}

func (c *WebhookChange) apply(w *fleet.Webhook) {
	give(c.Name, &w.Name)
	give(c.Description, &w.Description)
	give(c.URL, &w.URL)
	give(c.Types, &w.Types)
	give(c.Filter, &w.Filter)
	give(c.Enabled, &w.Enabled)
	give(c.Ordered, &w.Ordered)
	give(c.RatePerSecond, &w.RatePerSecond)
	w.Normal()
}

// check is what the webhook itself cannot know.
func (w *Webhooks) check(ctx context.Context, is *fleet.Webhook, moved bool) error {
	if err := is.Validate(); err != nil {
		return err
	}
	if err := placement.CheckConditions("filter", is.Filter); err != nil {
		return err
	}
	if w.Courier == nil || !moved {
		return nil
	}
	return w.Courier.Check(ctx, is.URL)
}

func webhookEvent(kind fleet.EventKind, p auth.Principal, w *fleet.Webhook, more map[string]any) fleet.EventDraft {
	data := map[string]any{"name": w.Name}
	maps.Copy(data, more)
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectWebhook, SubjectID: string(w.ID), Actor: p.Name, Data: data}
}

// Create makes a webhook and returns its secret, which nobody is shown again. It
// is sent what happens from now on.
func (w *Webhooks) Create(ctx context.Context, p auth.Principal, c WebhookChange) (out fleet.Webhook, secret string, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return out, "", err
	}
	out = fleet.Webhook{Enabled: true}
	c.apply(&out)
	now := w.Now()
	out.ID, out.Tenant, out.Revision, out.CreatedAt, out.CreatedBy, out.UpdatedAt, out.UpdatedBy = w.IDs.New(), p.Tenant, 1, now, p.Name, now, p.Name
	if err := w.check(ctx, &out, true); err != nil {
		return out, "", err
	}
	secret, sealed, err := w.newSecret(&out, 1, c.Secret)
	if err != nil {
		return out, "", err
	}
	err = w.act(ctx, p, string(fleet.EventWebhookCreated), fleet.SubjectWebhook, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		list, err := tx.Webhooks()
		if err != nil {
			return err
		}
		if len(list) >= w.Limits.Webhooks {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_webhooks", "A tenant may have at most %d webhooks.", w.Limits.Webhooks).WithFix("Delete one that is no longer used.")
		}
		if out.Seq, err = tx.Head(); err != nil {
			return err
		}
		d.Object.Name = out.Name
		if err := errors.Join(changed(d, nil, out), tx.AddWebhook(out), tx.PutWebhookSecret(sealed)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, webhookEvent(fleet.EventWebhookCreated, p, &out, nil))
	})
	return out, secret, err
}

// findWebhook reads a webhook by its id or its name.
func findWebhook(r store.Reader, ref string) (fleet.Webhook, error) {
	if id := fleet.ID(ref); id.Valid() {
		return r.Webhook(id)
	}
	return r.WebhookNamed(ref)
}

// webhookAct is a change of a webhook: what it is to be, which event tells of it,
// and what else is written with it. Without a kind nothing changed.
type webhookAct struct {
	kind fleet.EventKind
	more map[string]any
	also func(tx store.Tx, is *fleet.Webhook) error
}

// change changes a webhook; revision 0 is any. do is given it as it was read; its
// place in the log and how it fares are taken over under the lock.
func (w *Webhooks) change(ctx context.Context, p auth.Principal, ref string, revision int64, do func(was fleet.Webhook, is *fleet.Webhook) (webhookAct, error)) (out fleet.Webhook, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return out, err
	}
	var was fleet.Webhook
	if err := w.Store.View(ctx, p.Scope(), func(r store.Reader) error { was, err = findWebhook(r, ref); return err }); err != nil {
		return out, err
	}
	if revision != 0 && revision != was.Revision {
		return out, versionChanged("webhook", was.Name)
	}
	is := was
	is.UpdatedAt, is.UpdatedBy = w.Now(), p.Name
	a, err := do(was, &is)
	if err != nil || a.kind == "" {
		return was, err
	}
	err = w.act(ctx, p, string(a.kind), fleet.SubjectWebhook, string(was.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		now, err := tx.WebhookToChange(was.ID)
		if err != nil {
			return err
		}
		if now.Revision != was.Revision {
			return versionChanged("webhook", was.Name)
		}
		out = is
		out.WebhookState = now.WebhookState
		if a.also != nil {
			if err := a.also(tx, &out); err != nil {
				return err
			}
		}
		d.Object.Name = was.Name
		var after any = out
		if !out.DeletedAt.IsZero() {
			after = nil
		}
		if err := errors.Join(changed(d, was, after), tx.PutWebhook(out)); err != nil {
			return err
		}
		out.Revision++
		return tx.Append(p.Tenant, webhookEvent(a.kind, p, &out, a.more))
	})
	return out, err
}

// Update changes a webhook. What is under way goes to the new address.
func (w *Webhooks) Update(ctx context.Context, p auth.Principal, ref string, revision int64, c WebhookChange) (fleet.Webhook, error) {
	return w.change(ctx, p, ref, revision, func(was fleet.Webhook, is *fleet.Webhook) (a webhookAct, err error) {
		if c.Secret != nil {
			return a, fleet.Invalid("secret", "The secret of a webhook is replaced by rotating it.").WithFix("POST …/rotate-secret, or 'fleet webhook rotate'.")
		}
		c.apply(is)
		a.kind = fleet.EventWebhookUpdated
		switch {
		case is.Enabled && !was.Enabled:
			a = w.enabling(false)
			is.Note = ""
		case was.Enabled && !is.Enabled:
			a.kind = fleet.EventWebhookDisabled
		}
		return a, w.check(ctx, is, is.URL != was.URL)
	})
}

// enabling lets everything go on that is under way, or gives it up.
func (w *Webhooks) enabling(skip bool) webhookAct {
	return webhookAct{kind: fleet.EventWebhookEnabled, also: func(tx store.Tx, is *fleet.Webhook) error {
		now := w.Now()
		is.FailingSince, is.HoldUntil = time.Time{}, time.Time{}
		if !skip {
			return tx.HurryDeliveries(is.ID, now)
		}
		head, err := tx.Head()
		if err != nil {
			return err
		}
		n, err := tx.DropDeliveries(is.ID, "It was left out when the webhook was enabled.", now)
		is.GivenUp += int64(n)
		is.Seq, is.ReplayFrom, is.ReplayTo = head, 0, 0
		return err
	}}
}

// Enable lets a webhook be sent events again, from where it stopped, or, with
// skip, from now on. What is older than may be sent again is counted as missed.
func (w *Webhooks) Enable(ctx context.Context, p auth.Principal, ref string, skip bool) (fleet.Webhook, error) {
	var start int64
	return w.change(ctx, p, ref, 0, func(was fleet.Webhook, is *fleet.Webhook) (a webhookAct, err error) {
		if was.Enabled {
			return a, nil
		}
		is.Enabled, is.Note = true, ""
		err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
			start, err = firstSince(r, w.Now().Add(-fleet.WebhookReplayBack))
			return err
		})
		if err != nil {
			return a, err
		}
		a = w.enabling(skip)
		also := a.also
		a.also = func(tx store.Tx, is *fleet.Webhook) error {
			if gone := start - 1 - is.Seq; gone > 0 {
				is.Seq, is.Missed = start-1, is.Missed+gone
			}
			return also(tx, is)
		}
		return a, w.check(ctx, is, true)
	})
}

// Disable sends nothing more to a webhook. What happens meanwhile waits.
func (w *Webhooks) Disable(ctx context.Context, p auth.Principal, ref, note string) (fleet.Webhook, error) {
	return w.change(ctx, p, ref, 0, func(was fleet.Webhook, is *fleet.Webhook) (a webhookAct, err error) {
		if !was.Enabled && was.Note == note {
			return a, nil
		}
		is.Enabled, is.Note = false, note
		return webhookAct{kind: fleet.EventWebhookDisabled, more: map[string]any{"reason": note}}, is.Validate()
	})
}

// Delete takes a webhook away, with its secrets. Its deliveries go after it.
func (w *Webhooks) Delete(ctx context.Context, p auth.Principal, ref string) error {
	_, err := w.change(ctx, p, ref, 0, func(_ fleet.Webhook, is *fleet.Webhook) (webhookAct, error) {
		is.DeletedAt, is.Enabled = w.Now(), false
		return webhookAct{kind: fleet.EventWebhookDeleted, also: func(tx store.Tx, is *fleet.Webhook) error {
			return tx.DropWebhookSecrets(is.ID, 1<<62)
		}}, nil
	})
	return err
}

// WebhookView is a webhook with what is on its way to it.
type WebhookView struct {
	fleet.Webhook
	Open     int64     // deliveries that wait
	Behind   int64     // events that were not looked at yet
	OldUntil time.Time // an older secret signs too; zero: none does
}

func (w *Webhooks) look(r store.Reader, out *WebhookView) error {
	open, err := r.DeliveriesOpen(out.ID)
	if err != nil {
		return err
	}
	head, err := r.Head()
	if err != nil {
		return err
	}
	out.Open, out.Behind = open, max(head-out.Seq, 0)
	secrets, err := r.WebhookSecrets(out.ID)
	for _, s := range secrets {
		if s.Until.After(w.Now()) {
			out.OldUntil = s.Until
		}
	}
	return err
}

// Get returns a webhook.
func (w *Webhooks) Get(ctx context.Context, p auth.Principal, ref string) (out WebhookView, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return out, err
	}
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		out = WebhookView{}
		if out.Webhook, err = findWebhook(r, ref); err != nil {
			return err
		}
		return w.look(r, &out)
	})
	return out, err
}

// List returns all webhooks by name.
func (w *Webhooks) List(ctx context.Context, p auth.Principal) (out []WebhookView, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return nil, err
	}
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Webhooks()
		if err != nil {
			return err
		}
		out = make([]WebhookView, len(list))
		for i := range list {
			out[i].Webhook = list[i]
			if err := w.look(r, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Deliveries lists what was and is to be sent, by events, the newest first.
func (w *Webhooks) Deliveries(ctx context.Context, p auth.Principal, ref string, state fleet.DeliveryState, page fleet.Page) (list []fleet.Delivery, next string, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return nil, "", err
	}
	if page, err = page.Normalize(); err != nil {
		return nil, "", err
	}
	if state != "" && !slices.Contains(fleet.DeliveryStates(), state) {
		return nil, "", fleet.Invalid("state", "state must be one of %s; got %q.", fleet.Listed(fleet.DeliveryStates()), string(state))
	}
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := findWebhook(r, ref)
		if err != nil {
			return err
		}
		list, next, err = r.Deliveries(store.DeliveryFilter{Webhook: of.ID, State: state}, page)
		return err
	})
	return list, next, err
}

// Delivery returns one with what was sent and what was answered.
func (w *Webhooks) Delivery(ctx context.Context, p auth.Principal, ref string, event fleet.ID) (d fleet.Delivery, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return d, err
	}
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := findWebhook(r, ref)
		if err != nil {
			return err
		}
		d, err = r.Delivery(of.ID, event)
		return err
	})
	return d, err
}

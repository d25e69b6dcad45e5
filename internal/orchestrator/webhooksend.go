package orchestrator

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/store"
)

// Courier brings what is sent to where it is sent; it knows HTTP and nothing of
// webhooks.
type Courier interface {
	// Bring makes one call, within [fleet.WebhookLimit], and says what was answered
	// or why nothing was. It follows no redirect, and calls no address that the
	// owner of this program does not allow.
	Bring(ctx context.Context, url string, headers map[string]string, body []byte) fleet.DeliveryTry
	// Check refuses an address that Bring would not call, as far as that can be
	// told now.
	Check(ctx context.Context, url string) error
}

// sendersOfOne is how many calls of one webhook are under way at once.
const sendersOfOne = 8

// How many webhooks one look is about. That is more than a tenant may have unless
// its limit was raised, so that one whose receiver is slow keeps back no other.
const (
	webhooksOfEach = 128 // tenants have their turns
	webhooksPage   = 2048
)

// Due lists the webhooks that something is to be sent to now, the tenants by turns.
func (w *Webhooks) Due(ctx context.Context, s store.Scope) (list []fleet.Webhook, err error) {
	err = w.Store.View(ctx, s, func(r store.Reader) error {
		list, err = r.WebhooksDue(w.Now(), webhooksOfEach, webhooksPage)
		return err
	})
	return list, err
}

// Send sends what is due to a webhook, at most so many, and notes what became of
// each. Where this stops between a call and the note, the same is sent again
// under the same id. It returns how many calls there were.
func (w *Webhooks) Send(ctx context.Context, s store.Scope, id fleet.ID, limit int) (sent int, err error) {
	if w.Courier == nil {
		return 0, nil
	}
	var of fleet.Webhook
	var secrets []store.WebhookSecret
	var due []fleet.Delivery
	now := w.Now()
	err = w.Store.View(ctx, s, func(r store.Reader) (err error) {
		due = nil
		if of, err = r.Webhook(id); err != nil || !of.Enabled || of.HoldUntil.After(now) {
			return err
		}
		if secrets, err = r.WebhookSecrets(id); err != nil {
			return err
		}
		due, err = r.DeliveriesDue(id, of.Ordered, now, limit)
		return err
	})
	if errors.Is(err, fleet.ErrNotFound) || err == nil && len(due) == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	keys, err := w.opened(secrets, now)
	if err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	var stop atomic.Bool
	var mu sync.Mutex // guards sent and faults
	var faults []error
	places := make(chan struct{}, sendersOfOne)
	for i := range due {
		places <- struct{}{}
		if stop.Load() || ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-places }()
			enough, err := w.sendOne(ctx, s, &of, keys, &due[i])
			if enough {
				stop.Store(true)
			}
			mu.Lock()
			defer mu.Unlock()
			sent++
			faults = append(faults, err)
		})
	}
	all.Wait()
	return sent, errors.Join(faults...)
}

// sendOne makes one call and notes it; enough says that no more are wanted now.
func (w *Webhooks) sendOne(ctx context.Context, s store.Scope, of *fleet.Webhook, keys []string, d *fleet.Delivery) (enough bool, err error) {
	try, err := w.bring(ctx, of, keys, d)
	if err != nil || ctx.Err() != nil { // a call that this stop has cut short says nothing about the receiver
		return true, err
	}
	if try.Rests { // it stays due, and the others of this webhook wait with it
		return true, nil
	}
	return w.note(ctx, s, of.ID, d, try)
}

// bring signs a delivery and makes the call.
func (w *Webhooks) bring(ctx context.Context, of *fleet.Webhook, keys []string, d *fleet.Delivery) (try fleet.DeliveryTry, err error) {
	if w.Courier == nil {
		return try, fleet.Errorf(fleet.CodeUnavailable, "no_courier", "This orchestrator sends nothing to other systems.")
	}
	at := w.Now()
	headers, err := hook.Sign(keys, string(d.ID), at, d.Body)
	if err != nil {
		return try, err
	}
	headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
	try = w.Courier.Bring(ctx, of.URL, headers, d.Body)
	delete(headers, hook.HeaderSignature)
	try.At, try.TookMS, try.URL, try.Headers = at, w.Now().Sub(at).Milliseconds(), of.URL, headers
	try.Answer, try.Fault = clipRunes(try.Answer, fleet.MaxDeliveryAnswer), clipRunes(try.Fault, fleet.MaxScheduleNote/2)
	return try, nil
}

// note writes what became of a call: of the delivery, and of the webhook.
func (w *Webhooks) note(ctx context.Context, s store.Scope, id fleet.ID, was *fleet.Delivery, try fleet.DeliveryTry) (enough bool, err error) {
	now, chance := w.Now(), w.Chance()
	err = w.Store.Update(ctx, s, func(tx store.Tx) error {
		enough = false
		of, err := tx.WebhookToChange(id)
		if errors.Is(err, fleet.ErrNotFound) { // it was deleted meanwhile
			enough = true
			return nil
		}
		if err != nil {
			return err
		}
		d := *was
		d.Log = append([]fleet.DeliveryTry(nil), was.Log...)
		d.Tried(try, now, chance)
		ok, err := tx.PutDelivery(d)
		if err != nil || !ok { // somebody else has noted a call of their own, or it is sent again
			return err
		}
		disabled, recovered := of.Heard(&d, &try, now)
		if recovered {
			if err := tx.Append(of.Tenant, webhookEvent(fleet.EventWebhookRecovered, auth.Webhook(of.Tenant, of.Name), &of, nil)); err != nil {
				return err
			}
		}
		enough = !of.Enabled || disabled != "" || of.HoldUntil.After(now)
		if disabled != "" && of.Enabled {
			return w.disable(tx, &of, disabled, now)
		}
		return tx.PutWebhookState(of)
	})
	return enough, err
}

// disable ends the sending to a webhook, in nobody's name.
func (w *Webhooks) disable(tx store.Tx, of *fleet.Webhook, reason string, now time.Time) error {
	p := auth.Webhook(of.Tenant, of.Name)
	was := *of
	of.Enabled, of.Note, of.UpdatedAt, of.UpdatedBy, of.Down = false, clipRunes(reason, fleet.MaxScheduleNote), now, p.Name, true
	d := p.Audit(string(fleet.EventWebhookDisabled), fleet.SubjectWebhook, string(of.ID))
	d.Object.Name = of.Name
	return errors.Join(changed(&d, was, *of), tx.PutWebhook(*of), tx.Audit(of.Tenant, d),
		tx.Append(of.Tenant, webhookEvent(fleet.EventWebhookDisabled, p, of, map[string]any{"reason": of.Note})))
}

// DisableOverdue disables the webhooks that nothing has reached for too long,
// also those that nothing is sent to any more because all was given up.
func (w *Webhooks) DisableOverdue(ctx context.Context, s store.Scope) error {
	var list []fleet.Webhook
	now := w.Now()
	err := w.Store.View(ctx, s, func(r store.Reader) (err error) {
		list, err = r.WebhooksFailing(now.Add(-fleet.WebhookDisabledAfter))
		return err
	})
	for i := range list {
		err = errors.Join(err, w.Store.Update(ctx, s.In(list[i].Tenant), func(tx store.Tx) error {
			of, err := tx.WebhookToChange(list[i].ID)
			if errors.Is(err, fleet.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			reason := of.Overdue(now)
			if reason == "" || !of.Enabled {
				return nil
			}
			return w.disable(tx, &of, reason, now)
		}))
	}
	return err
}

package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/store"
)

// Follow reads what was added to the log for each webhook, and makes deliveries
// of it. What it makes and how far it came are one commit, so nothing is left
// out, wherever this stops and however many do it at once. A webhook that has
// much under way waits: the rest is in the log.
func (w *Webhooks) Follow(ctx context.Context, s store.Scope) error {
	var list []store.WebhookBehind
	if err := w.Store.View(ctx, s, func(r store.Reader) (err error) { list, err = r.WebhooksBehind(); return err }); err != nil {
		return err
	}
	var faults []error // of single ones, which stop none of the others
	for i := range list {
		b := &list[i]
		more := true
		for n := 0; more && n < followPages; n++ { // the rest waits for the others
			var err error
			if more, err = w.followOne(ctx, s.In(b.Tenant), b); err != nil {
				faults = append(faults, fmt.Errorf("follow the log for webhook %s: %w", b.ID, err))
			}
		}
	}
	return errors.Join(faults...)
}

// followPages is how many parts of the log are read for one webhook in a pass.
const followPages = 10

// followOne reads a part of the log for a webhook. What is new goes before what
// is sent again.
func (w *Webhooks) followOne(ctx context.Context, s store.Scope, b *store.WebhookBehind) (more bool, err error) {
	fresh := b.Seq < b.Head
	from, until, window := b.Seq, b.Head, int64(fleet.WebhookWindowSize)
	if !fresh {
		from, until, window = b.ReplayFrom, b.ReplayTo, window/2
	}
	room := min(window-b.Open, followPage)
	if room <= 0 || from >= until {
		return false, nil
	}
	var list []fleet.Delivery
	var to, missed int64
	err = w.Store.View(ctx, s, func(r store.Reader) (err error) {
		list, to, missed, err = w.readFor(r, &b.Webhook, from, until, int(room))
		return err
	})
	if err != nil {
		return false, err
	}
	moved := false
	err = w.Store.Update(ctx, s, func(tx store.Tx) (err error) {
		if fresh {
			moved, err = tx.MoveWebhook(b.Webhook, to, missed)
		} else {
			moved, err = tx.MoveWebhookReplay(b.Webhook, to)
		}
		if err != nil || !moved {
			return err
		}
		return tx.AddDeliveries(list)
	})
	if err != nil || !moved { // it has changed, or somebody else was faster
		return false, err
	}
	if missed > 0 && fresh {
		w.Logger.Warn("events were taken out of the log before a webhook was sent them", "webhook", b.ID, "tenant", b.Tenant, "events", missed)
	}
	if b.Open += int64(len(list)); fresh {
		b.Seq = to
	} else {
		b.ReplayFrom = to
	}
	return true, nil
}

// readFor reads events for a webhook: what is to be sent, up to where it was
// read, and how many events were not there any more.
func (w *Webhooks) readFor(r store.Reader, of *fleet.Webhook, from, until int64, limit int) (out []fleet.Delivery, to, missed int64, err error) {
	events, err := r.Events(store.EventFilter{After: from, Limit: limit})
	if err != nil {
		return nil, 0, 0, err
	}
	if len(events) == 0 { // a log with a hole at its end
		return nil, until, until - from, nil
	}
	missed = min(events[0].Seq-1, until) - from
	now := w.Now()
	for i := range events {
		e := &events[i]
		if e.Seq > until {
			return out, until, missed, nil
		}
		to = e.Seq
		if !of.Sends(e.Kind) || e.Only() != "" {
			continue
		}
		body, ok, err := w.cloudEvent(r, of, e)
		if err != nil {
			return nil, 0, 0, err
		}
		if ok {
			out = append(out, fleet.Delivery{
				ID: e.ID, Tenant: of.Tenant, WebhookID: of.ID, Seq: e.Seq, Kind: e.Kind, Subject: subjectOf(e), EventAt: e.At, NextAt: now, Body: body,
			})
		}
	}
	return out, to, missed, nil
}

func subjectOf(e *fleet.Event) string { return string(e.Subject.Kind) + "/" + e.Subject.ID }

// cloudEvent is an event in the form in which it is sent; ok is false where the
// filter does not hold.
func (w *Webhooks) cloudEvent(r store.Reader, of *fleet.Webhook, e *fleet.Event) (body json.RawMessage, ok bool, err error) {
	told := tell(e)
	if e.Subject.Kind == fleet.SubjectJob || e.Subject.Kind == fleet.SubjectAttempt {
		j, err := r.Job(fleet.ID(e.Subject.ID))
		switch {
		case err == nil:
			told["job"] = tellJob(&j)
		case !errors.Is(err, fleet.ErrNotFound): // else it is not kept any more
			return nil, false, err
		}
	}
	data, err := json.Marshal(told)
	if err != nil {
		return nil, false, fleet.Internal(err)
	}
	if !placement.Holds(of.Filter, data) {
		return nil, false, nil
	}
	if body, err = w.envelope(of.Tenant, e, data); err != nil || len(body) <= fleet.MaxDeliveryBody {
		return body, true, err
	}
	short := map[string]any{
		"type": e.Kind, "seq": e.Seq, "at": e.At.UTC(), "subject": e.Subject, "cut": true,
		"link": w.Address + "/api/v1/events?after=" + strconv.FormatInt(e.Seq-1, 10) + "&limit=1",
	}
	if job, ok := told["job"].(map[string]any); ok {
		short["job"] = map[string]any{"job_id": job["job_id"], "workflow_id": job["workflow_id"], "robot_id": job["robot_id"], "status": job["status"]}
	}
	if data, err = json.Marshal(short); err != nil {
		return nil, false, fleet.Internal(err)
	}
	body, err = w.envelope(of.Tenant, e, data)
	return body, true, err
}

// envelope puts data into a CloudEvent of version 1.0.
func (w *Webhooks) envelope(tenant fleet.TenantID, e *fleet.Event, data json.RawMessage) (json.RawMessage, error) {
	text, err := json.Marshal(struct {
		Version     string          `json:"specversion"`
		ID          fleet.ID        `json:"id"`
		Source      string          `json:"source"`
		Type        string          `json:"type"`
		Subject     string          `json:"subject"`
		Time        time.Time       `json:"time"`
		ContentType string          `json:"datacontenttype"`
		Data        json.RawMessage `json:"data"`
	}{
		"1.0", e.ID, w.Address + "/tenants/" + url.PathEscape(string(tenant)), "casare.fleet." + string(e.Kind), subjectOf(e), e.At.UTC(), "application/json", data,
	})
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return text, nil
}

// firstSince is the number of the first event that is kept and not older than a
// time; one more than the end if there is none. Numbers and times rise together,
// so a few looks find it in a log of any length.
func firstSince(r store.Reader, at time.Time) (int64, error) {
	low, err := r.Oldest()
	if err != nil {
		return 0, err
	}
	head, err := r.Head()
	if err != nil {
		return 0, err
	}
	if low == 0 {
		return head + 1, nil
	}
	for high := head + 1; low < high; {
		middle := low + (high-low)/2
		list, err := r.Events(store.EventFilter{After: middle - 1, Limit: 1})
		if err != nil {
			return 0, err
		}
		if len(list) == 0 || !list[0].At.Before(at) {
			high = middle
		} else {
			low = list[0].Seq + 1
		}
	}
	return low, nil
}

// Replayed says what is sent again.
type Replayed struct {
	Webhook fleet.Webhook
	Events  int64 // that are looked at; those that it is not sent are among them
}

// ReplayFrom sends again what happened from a time on.
func (w *Webhooks) ReplayFrom(ctx context.Context, p auth.Principal, ref string, from time.Time) (out Replayed, err error) {
	if back := w.Now().Sub(from); back > fleet.WebhookReplayBack || back < 0 {
		return out, tooOld("from")
	}
	out.Webhook, err = w.change(ctx, p, ref, 0, func(was fleet.Webhook, is *fleet.Webhook) (a webhookAct, err error) {
		if !was.Enabled {
			return a, errWebhookDisabled(&was)
		}
		var first int64
		if err := w.Store.View(ctx, p.Scope(), func(r store.Reader) error { first, err = firstSince(r, from); return err }); err != nil {
			return a, err
		}
		return webhookAct{kind: fleet.EventWebhookReplayed, more: map[string]any{"from": from.UTC()}, also: func(_ store.Tx, is *fleet.Webhook) error {
			if is.ReplayFrom < is.ReplayTo { // one is under way: both are sent
				first = min(first, is.ReplayFrom+1)
			}
			if first > is.Seq {
				is.ReplayFrom, is.ReplayTo = 0, 0
				return nil
			}
			is.ReplayFrom, is.ReplayTo = first-1, is.Seq
			out.Events = is.ReplayTo - is.ReplayFrom
			return nil
		}}, nil
	})
	return out, err
}

func tooOld(field string) error {
	e := fleet.Invalid(field, "Events can be sent again up to %d days back, and not before they happen.", int(fleet.WebhookReplayBack/(24*time.Hour)))
	e.Reason = "replay_too_old"
	return e
}

func errWebhookDisabled(w *fleet.Webhook) error {
	return fleet.Errorf(fleet.CodeConflict, "webhook_disabled", "The webhook %s is disabled.", w.Name).WithFix("Enable it first: it goes on where it stopped.")
}

// ReplayOne sends the delivery of one event again.
func (w *Webhooks) ReplayOne(ctx context.Context, p auth.Principal, ref string, event fleet.ID) (d fleet.Delivery, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return d, err
	}
	var of fleet.Webhook
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if of, err = findWebhook(r, ref); err != nil {
			return err
		}
		d, err = r.Delivery(of.ID, event)
		return err
	})
	switch {
	case err != nil:
		return d, err
	case !of.Enabled:
		return d, errWebhookDisabled(&of)
	case w.Now().Sub(d.EventAt) > fleet.WebhookReplayBack:
		return d, tooOld("delivery_id")
	}
	d.Again(w.Now())
	err = w.act(ctx, p, string(fleet.EventWebhookReplayed), fleet.SubjectWebhook, string(of.ID), func(tx store.Tx, a *fleet.AuditDraft) error {
		a.Object.Name, a.After = of.Name, map[string]any{"delivery_id": event}
		ok, err := tx.PutDelivery(d)
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeConflict, "delivery_busy", "The delivery is being sent at this very moment.").WithFix("Look at what became of it, and try again.")
		}
		if err != nil {
			return err
		}
		return tx.Append(p.Tenant, webhookEvent(fleet.EventWebhookReplayed, p, &of, map[string]any{"delivery_id": event}))
	})
	return d, err
}

// testKind is the type of an event that is sent to try a webhook out. It is in
// no log.
const testKind = "webhook.test"

// Test sends an event that is none to a webhook, at once, and says what became
// of it.
func (w *Webhooks) Test(ctx context.Context, p auth.Principal, ref string) (try fleet.DeliveryTry, err error) {
	if err := p.Require(fleet.WebhooksManage); err != nil {
		return try, err
	}
	var of fleet.Webhook
	var secrets []store.WebhookSecret
	err = w.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if of, err = findWebhook(r, ref); err != nil {
			return err
		}
		secrets, err = r.WebhookSecrets(of.ID)
		return err
	})
	if err != nil {
		return try, err
	}
	keys, err := w.opened(secrets, w.Now())
	if err != nil {
		return try, err
	}
	e := fleet.Event{ID: w.IDs.New(), At: w.Now(), Kind: testKind, Subject: fleet.EventSubject{Kind: fleet.SubjectWebhook, ID: string(of.ID)}}
	data, err := json.Marshal(map[string]any{"type": e.Kind, "at": e.At.UTC(), "subject": e.Subject, "data": map[string]any{"sent_by": p.Name}})
	if err != nil {
		return try, fleet.Internal(err)
	}
	d := fleet.Delivery{ID: e.ID}
	if d.Body, err = w.envelope(of.Tenant, &e, data); err != nil {
		return try, err
	}
	return w.bring(ctx, &of, keys, &d)
}

// Prune takes deliveries of events that are older than a time, those of deleted
// webhooks, and such webhooks themselves. It returns how many deliveries went.
func (w *Webhooks) Prune(ctx context.Context, s store.Scope, before time.Time, step int) (n int, err error) {
	for took := step; err == nil && took >= step; n += took {
		err = w.Store.Update(ctx, s, func(tx store.Tx) (err error) { took, err = tx.PruneDeliveries(before, step); return err })
	}
	if err == nil {
		err = w.Store.Update(ctx, s, func(tx store.Tx) error { _, err := tx.PruneWebhooks(step); return err })
	}
	return n, err
}

// clipRunes is the beginning of a text, without what cannot be shown.
func clipRunes(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == '\ufffd' {
			return ' '
		}
		return r
	}, text)
	if r := []rune(text); len(r) > limit {
		return string(r[:limit])
	}
	return text
}

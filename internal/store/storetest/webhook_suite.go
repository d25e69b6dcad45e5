package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Webhook stores a webhook that sends.
func (f *Fixture) Webhook(change func(w *fleet.Webhook)) fleet.Webhook {
	f.Helper()
	w := fleet.Webhook{
		ID: f.IDs.New(), Tenant: f.Tenant, Name: "Überwachung", URL: "https://example.org/ü", Enabled: true, Revision: 1, CreatedAt: f.Now, UpdatedAt: f.Now,
		Types: []fleet.EventKind{fleet.EventJobCompleted},
	}
	if change != nil {
		change(&w)
	}
	w.Normal()
	f.must(w.Validate())
	f.Update(func(tx store.Tx) error { return tx.AddWebhook(w) })
	return f.webhook(w.ID)
}

func (f *Fixture) webhook(id fleet.ID) (w fleet.Webhook) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { w, err = r.Webhook(id); return err })
	return w
}

// deliver stores deliveries of events with these numbers, due now, all of one
// subject.
func (f *Fixture) deliver(w fleet.Webhook, seqs ...int64) (out []fleet.Delivery) {
	f.Helper()
	for _, seq := range seqs {
		out = append(out, fleet.Delivery{
			ID: f.IDs.New(), Tenant: f.Tenant, WebhookID: w.ID, Seq: seq, Kind: fleet.EventJobCompleted, Subject: "job/1", EventAt: f.Now, NextAt: f.Now,
			Body: []byte(`{"ü":1}`),
		})
	}
	f.Update(func(tx store.Tx) error { return tx.AddDeliveries(out) })
	return out
}

// toSend is what may be sent now, as numbers of events.
func (f *Fixture) toSend(w fleet.Webhook, ordered bool) string {
	f.Helper()
	var out []string
	f.View(func(r store.Reader) error {
		list, err := r.DeliveriesDue(w.ID, ordered, f.Now, 100)
		for _, d := range list {
			out = append(out, fmt.Sprint(d.Seq))
		}
		return err
	})
	return strings.Join(out, " ")
}

// tries notes what became of the delivery of an event.
func (f *Fixture) tries(w fleet.Webhook, event fleet.ID, status int) (d fleet.Delivery) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { d, err = r.Delivery(w.ID, event); return err })
	was := d.Version
	d.Tried(fleet.DeliveryTry{At: f.Now, Status: status, Answer: "grüß Gott"}, f.Now, 0.5)
	f.Update(func(tx store.Tx) error {
		ok, err := tx.PutDelivery(d)
		is(f, "written", ok, true)
		if err == nil {
			d.Version = was
			ok, err = tx.PutDelivery(d)
			is(f, "written twice", ok, false)
		}
		return err
	})
	return d
}

// line is things with a space between them.
func line(things ...any) string { return strings.TrimSuffix(fmt.Sprintln(things...), "\n") }

func webhookTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"by name": func(f *Fixture) {
			for _, name := range []string{"b", "C", "a"} {
				f.Webhook(func(w *fleet.Webhook) { w.Name = name })
			}
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				return tx.AddWebhook(fleet.Webhook{ID: f.IDs.New(), Tenant: f.Tenant, Name: "A", Revision: 1})
			})
			if !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("a second one of a name: %v", err)
			}
			f.View(func(r store.Reader) error {
				list, err := r.Webhooks()
				var names []string
				for i := range list {
					names = append(names, list[i].Name)
				}
				is(f, "names", strings.Join(names, " "), "a b C")
				c, err2 := r.WebhookNamed("c")
				is(f, "by name", c.Name, "C")
				return errors.Join(err, err2)
			})
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				w, err := tx.WebhookNamed("b")
				f.must(err)
				w.Name = "a"
				return tx.PutWebhook(w)
			})
			if !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("renamed to a name that is taken: %v", err)
			}
		},
		"what changes it": func(f *Fixture) {
			w := f.Webhook(nil)
			other := w
			other.URL, other.Seq, other.ReplayFrom, other.ReplayTo, other.FailingSince = "https://example.org/2", 7, 3, 5, f.Now
			f.Update(func(tx store.Tx) error {
				_, err := tx.WebhookToChange(w.ID)
				return errors.Join(err, tx.PutWebhook(other))
			})
			got := f.webhook(w.ID)
			is(f, "url", got.URL, other.URL)
			is(f, "revision", got.Revision, int64(2))
			is(f, "place", [3]int64{got.Seq, got.ReplayFrom, got.ReplayTo}, [3]int64{7, 3, 5})
			is(f, "failing since", got.FailingSince.Equal(f.Now), true)
			if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutWebhook(other) }); !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("changed twice from one reading: %v", err)
			}
			got.Delivered, got.Down, got.Fault, got.FailingSince, got.HoldUntil, got.Seq = 4, true, "nö", time.Time{}, f.Now, 1
			f.Update(func(tx store.Tx) error { return tx.PutWebhookState(got) })
			got = f.webhook(w.ID)
			is(f, "state", line(got.Delivered, got.Down, got.Fault, got.FailingSince.IsZero(), got.HoldUntil.Equal(f.Now)), "4 true nö true true")
			is(f, "a state moves nothing", got.Seq, int64(7))
			is(f, "a state is no change", got.Revision, int64(2))
		},
		"place in the log": func(f *Fixture) {
			w := f.Webhook(func(w *fleet.Webhook) { w.Seq = 3 })
			f.Submit(f.Spec()) // events
			f.Submit(f.Spec())
			behind := func() (n int) {
				f.View(func(r store.Reader) error {
					list, err := r.WebhooksBehind()
					for i := range list {
						if list[i].ID == w.ID {
							n++
						}
					}
					return err
				})
				return n
			}
			move := func(from fleet.Webhook, to int64) (ok bool) {
				f.Update(func(tx store.Tx) (err error) { ok, err = tx.MoveWebhook(from, to, 2); return err })
				return ok
			}
			w.Seq = 0
			is(f, "from where it is not", move(w, 9), false)
			w = f.webhook(w.ID)
			is(f, "from where it is", move(w, 1), true)
			is(f, "once", move(w, 1), false)
			w = f.webhook(w.ID)
			is(f, "missed", w.Missed, int64(2))
			is(f, "behind", behind(), 1)
			var head int64
			f.View(func(r store.Reader) (err error) { head, err = r.Head(); return err })
			is(f, "to the end", move(w, head), true)
			is(f, "at the end", behind(), 0)
			w = f.webhook(w.ID)
			w.ReplayFrom, w.ReplayTo = 0, 2
			f.Update(func(tx store.Tx) error { return tx.PutWebhook(w) })
			is(f, "sends again", behind(), 1)
			w = f.webhook(w.ID)
			f.Update(func(tx store.Tx) error {
				ok, err := tx.MoveWebhookReplay(w, 2)
				is(f, "replay moves", ok, true)
				again, err2 := tx.MoveWebhookReplay(w, 2)
				is(f, "replay moves once", again, false)
				return errors.Join(err, err2)
			})
			is(f, "has sent again", behind(), 0)
			w = f.webhook(w.ID)
			w.Seq, w.Enabled = 0, false
			f.Update(func(tx store.Tx) error { return tx.PutWebhook(w) })
			is(f, "disabled", behind(), 0)
			is(f, "a disabled one does not move", move(f.webhook(w.ID), 1), false)
		},
		"deliveries": func(f *Fixture) {
			w := f.Webhook(nil)
			list := f.deliver(w, 1, 2, 3)
			is(f, "due", f.toSend(w, false), "1 2 3")
			is(f, "due in order", f.toSend(w, true), "1")
			d := f.tries(w, list[0].ID, 500)
			is(f, "one waits", f.toSend(w, false), "2 3")
			is(f, "the others of its subject too", f.toSend(w, true), "")
			f.Later(d.NextAt.Sub(f.Now))
			is(f, "it is due", f.toSend(w, true), "1")
			f.tries(w, list[0].ID, 200)
			is(f, "the next one", f.toSend(w, true), "2")
			f.View(func(r store.Reader) error {
				d, err := r.Delivery(w.ID, list[0].ID)
				is(f, "state", d.State, fleet.DeliveryDelivered)
				is(f, "tries", len(d.Log), 2)
				is(f, "answer", d.Log[1].Answer, "grüß Gott")
				is(f, "body", string(d.Body), `{"ü":1}`)
				is(f, "subject", d.Subject, "job/1")
				_, none := r.Delivery(w.ID, w.ID)
				is(f, "of no event", errors.Is(none, fleet.ErrNotFound), true)
				n, err2 := r.DeliveriesOpen(w.ID)
				is(f, "under way", n, int64(2))
				page, next, err3 := r.Deliveries(store.DeliveryFilter{Webhook: w.ID}, fleet.Page{Limit: 2})
				is(f, "newest first", line(page[0].Seq, page[1].Seq, next), "3 2 2")
				page, next, err4 := r.Deliveries(store.DeliveryFilter{Webhook: w.ID, State: fleet.DeliveryWaiting}, fleet.Page{Limit: 2, Cursor: "3"})
				is(f, "in a state", line(len(page), page[0].Seq, next), "1 2 ")
				_, _, bad := r.Deliveries(store.DeliveryFilter{Webhook: w.ID}, fleet.Page{Limit: 2, Cursor: "x"})
				is(f, "no cursor", errors.Is(bad, fleet.ErrInvalid), true)
				return errors.Join(err, err2, err3, err4)
			})
			f.Update(func(tx store.Tx) error { return tx.AddDeliveries(list[:1]) }) // sent again
			is(f, "again", f.toSend(w, true), "1")
			f.Update(func(tx store.Tx) error {
				n, err := tx.DropDeliveries(w.ID, "nö", f.Now)
				is(f, "dropped", n, 3)
				return err
			})
			is(f, "nothing is under way", f.toSend(w, false), "")
		},
		"who is due first": func(f *Fixture) {
			// Two of one tenant, the younger with what waits longer, and one of another.
			var own [3]fleet.Webhook
			for i, in := range []*Fixture{f, f, f.Other("globex")} {
				own[i] = in.Webhook(func(w *fleet.Webhook) { w.Name = fmt.Sprint("to ", i) })
			}
			f.deliver(own[1], 1)
			f.Later(time.Second)
			f.deliver(own[0], 1)
			f.Other("globex").deliver(own[2], 1)
			due := func(each, limit int) (text string) {
				f.System(func(r store.Reader) error {
					list, err := r.WebhooksDue(f.Now, each, limit)
					for i := range list {
						text += list[i].Name + ", "
					}
					return err
				})
				return text
			}
			is(f, "by turns", due(10, 10), "to 1, to 2, to 0, ")
			is(f, "one of each", due(1, 10), "to 1, to 2, ")
			is(f, "one", due(10, 1), "to 1, ")
		},
		"who is due": func(f *Fixture) {
			w := f.Webhook(nil)
			due := func() (n int) {
				f.View(func(r store.Reader) error { list, err := r.WebhooksDue(f.Now, 10, 10); n = len(list); return err })
				return n
			}
			is(f, "without a delivery", due(), 0)
			list := f.deliver(w, 1)
			is(f, "with one", due(), 1)
			w.HoldUntil = f.Now.Add(time.Minute)
			f.Update(func(tx store.Tx) error { return tx.PutWebhookState(w) })
			is(f, "to be left alone", due(), 0)
			f.Later(time.Minute)
			is(f, "left alone", due(), 1)
			d := f.tries(w, list[0].ID, 500)
			is(f, "waits", due(), 0)
			f.Update(func(tx store.Tx) error { return tx.HurryDeliveries(w.ID, f.Now) })
			is(f, "hurried", due(), 1)
			f.View(func(r store.Reader) (err error) { d, err = r.Delivery(w.ID, d.ID); return err })
			is(f, "from the beginning", d.Tries, 0)
			w = f.webhook(w.ID)
			w.FailingSince = f.Now
			f.Update(func(tx store.Tx) error { return tx.PutWebhookState(w) })
			for offset, want := range map[time.Duration]int{0: 0, time.Second: 1} {
				f.View(func(r store.Reader) error {
					list, err := r.WebhooksFailing(f.Now.Add(offset))
					is(f, "failing", len(list), want)
					return err
				})
			}
		},
		"secrets": func(f *Fixture) {
			w := f.Webhook(nil)
			put := func(n int64, text string, until time.Time) {
				f.Update(func(tx store.Tx) error {
					return tx.PutWebhookSecret(store.WebhookSecret{Tenant: f.Tenant, Webhook: w.ID, Number: n, KeyVersion: 1, Text: text, Until: until})
				})
			}
			put(1, "one", time.Time{})
			put(2, "two", time.Time{})
			put(1, "another", f.Now)
			f.View(func(r store.Reader) error {
				list, err := r.WebhookSecrets(w.ID)
				is(f, "newest first", line(len(list), list[0].Text, list[1].Text, list[1].Until.Equal(f.Now)), "2 two one true")
				return err
			})
			f.Update(func(tx store.Tx) error {
				old, err := tx.WebhookSecretsBefore(2, 10)
				is(f, "of an older key", len(old), 2)
				was := old[0].Text
				old[0].Text, old[0].KeyVersion = "anew", 2
				ok, err2 := tx.ReplaceWebhookSecret(old[0], was)
				is(f, "replaced", ok, true)
				again, err3 := tx.ReplaceWebhookSecret(old[0], was)
				is(f, "replaced twice", again, false)
				return errors.Join(err, err2, err3, tx.DropWebhookSecrets(w.ID, 2))
			})
			f.View(func(r store.Reader) error {
				list, err := r.WebhookSecrets(w.ID)
				is(f, "left", line(len(list), list[0].Number), "1 2")
				return err
			})
		},
		"what is old": func(f *Fixture) {
			w := f.Webhook(nil)
			f.deliver(w, 1)
			f.Update(func(tx store.Tx) error { _, err := tx.DropDeliveries(w.ID, "no", f.Now); return err })
			f.deliver(w, 2)
			f.Later(time.Hour)
			prune := func(before time.Time) (n int) {
				f.Update(func(tx store.Tx) (err error) { n, err = tx.PruneDeliveries(before, 10); return err })
				return n
			}
			is(f, "old, and not under way any more", prune(f.Now), 1)
			w.DeletedAt, w.Enabled = f.Now, false
			f.Update(func(tx store.Tx) error { return tx.PutWebhook(w) })
			gone := func() (n int) {
				f.Update(func(tx store.Tx) (err error) { n, err = tx.PruneWebhooks(10); return err })
				return n
			}
			is(f, "it has one still", gone(), 0)
			is(f, "of a deleted one", prune(time.Time{}), 1)
			is(f, "the deleted one", gone(), 1)
		},
		"of somebody else": func(f *Fixture) {
			w := f.Webhook(nil)
			list := f.deliver(w, 1)
			o := f.Other("zeta")
			o.View(func(r store.Reader) error {
				_, err := r.Webhook(w.ID)
				is(f, "webhook", errors.Is(err, fleet.ErrNotFound), true)
				_, err = r.Delivery(w.ID, list[0].ID)
				is(f, "delivery", errors.Is(err, fleet.ErrNotFound), true)
				due, err := r.DeliveriesDue(w.ID, false, f.Now, 10)
				is(f, "due", len(due), 0)
				page, _, err2 := r.Deliveries(store.DeliveryFilter{Webhook: w.ID}, fleet.Page{Limit: 10})
				is(f, "list", len(page), 0)
				n, err3 := r.DeliveriesOpen(w.ID)
				is(f, "open", n, int64(0))
				return errors.Join(err, err2, err3)
			})
			err := o.Store.Update(o.Context(), o.Scope, func(tx store.Tx) error { return tx.AddDeliveries(list) })
			if err == nil {
				f.Error("another tenant has added a delivery")
			}
			o.Update(func(tx store.Tx) error {
				n, err := tx.DropDeliveries(w.ID, "x", f.Now)
				is(f, "dropped", n, 0)
				return err
			})
			is(f, "untouched", f.toSend(w, false), "1")
		},
	}
}

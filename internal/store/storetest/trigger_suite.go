package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Trigger stores a trigger.
func (f *Fixture) Trigger(change func(t *fleet.Trigger)) fleet.Trigger {
	f.Helper()
	t := fleet.Trigger{
		ID: f.IDs.New(), Tenant: f.Tenant, Name: "Bestellung", WorkflowID: f.IDs.New(), Kind: fleet.TriggerWebhook, Enabled: true, Revision: 1,
		CreatedAt: f.Now, UpdatedAt: f.Now, Webhook: &fleet.WebhookRule{Path: "orders", Secret: "shop"},
	}
	t.Inputs = []byte(`{"ü":{"pointer":"/a"}}`)
	if change != nil {
		change(&t)
	}
	t.Normal()
	f.must(t.Validate())
	f.Update(func(tx store.Tx) error { return tx.AddTrigger(t) })
	return f.trigger(t.ID)
}

func (f *Fixture) trigger(id fleet.ID) (t fleet.Trigger) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { t, err = r.Trigger(id); return err })
	return t
}

// accept makes a job of a trigger for a key.
func (f *Fixture) accept(t fleet.Trigger, key string) (fleet.Job, error) {
	f.Helper()
	job := f.Submit(f.Spec())
	return job, f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
		if _, err := tx.TriggerToChange(t.ID); err != nil {
			return err
		}
		return tx.AddFirings([]store.NewFiring{{Depth: 2, Firing: fleet.Firing{
			ID: f.IDs.New(), Tenant: f.Tenant, Trigger: t.ID, At: f.Now, Outcome: fleet.FiringAccepted, JobID: job.ID, Key: key, About: []byte(`{"ü":1}`),
		}}})
	})
}

func (f *Fixture) active(t fleet.Trigger) (n int64) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { n, err = r.TriggerActive(t.ID); return err })
	return n
}

func (f *Fixture) firings(t fleet.Trigger) (list []fleet.Firing) {
	f.Helper()
	f.View(func(r store.Reader) (err error) {
		list, _, err = r.Firings(store.FiringFilter{Trigger: t.ID}, fleet.Page{Limit: 100})
		return err
	})
	return list
}

func triggerTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"one key, one job": func(f *Fixture) {
			t := f.Trigger(nil)
			job, err := f.accept(t, "d1")
			f.must(err)
			if _, err := f.accept(t, "d1"); !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("a second one: %v", err)
			}
			_, err = f.accept(t, "")
			f.must(err)
			_, err = f.accept(t, "")
			f.must(err)
			f.Update(func(tx store.Tx) error {
				return tx.AddFirings([]store.NewFiring{{Firing: fleet.Firing{
					ID: f.IDs.New(), Tenant: f.Tenant, Trigger: t.ID, At: f.Now, Outcome: fleet.FiringDuplicate, JobID: job.ID, Key: "d1",
				}}})
			})
			f.View(func(r store.Reader) error {
				first, err := r.FiringOf(t.ID, "d1")
				is(f, "the first", first.JobID, job.ID)
				is(f, "what it was made from", string(first.About), `{"ü":1}`)
				depth, _ := r.TriggerDepth(job.ID)
				is(f, "depth", depth, 2)
				return err
			})
			now := f.trigger(t.ID)
			is(f, "fired", now.Fired, int64(3))
			is(f, "rows", len(f.firings(t)), 4)
			is(f, "active", f.active(t), int64(3))
		},
		"ends": func(f *Fixture) {
			t := f.Trigger(nil)
			var ends []store.FiringEnd
			for i, state := range []fleet.State{fleet.Completed, fleet.Failed, fleet.TimedOut, fleet.Cancelled} {
				job, err := f.accept(t, "")
				f.must(err)
				f.Cancel(job.ID)
				ends = append(ends, store.FiringEnd{Job: job.ID, State: state, At: f.Now.Add(time.Duration(i) * time.Second)})
			}
			is(f, "jobs that have ended are not active before their ends are noted", f.active(t), int64(0))
			stranger := f.Submit(f.Spec())
			ends = append(ends, store.FiringEnd{Job: stranger.ID, State: fleet.Failed, At: f.Now})
			for _, want := range []int{1, 0} { // noted twice, counted once
				var ended []store.TriggerEnded
				f.Update(func(tx store.Tx) (err error) { ended, err = tx.EndFirings(ends); return err })
				is(f, "triggers", len(ended), want)
				if want == 1 {
					is(f, "in a row", ended[0], store.TriggerEnded{Trigger: t.ID, Streak: 2})
				}
			}
			now := f.trigger(t.ID)
			is(f, "successes", now.Successes, int64(1))
			is(f, "failures", now.Failures, int64(2))
			is(f, "streak", now.Streak, int64(2))
			is(f, "the end", f.firings(t)[3].End, fleet.Completed)
			f.Update(func(tx store.Tx) (err error) {
				n, err := tx.PruneFirings(f.Now.Add(time.Hour), 10)
				is(f, "gone", n, 4)
				return err
			})
		},
		"by name": func(f *Fixture) {
			for _, name := range []string{"b", "C", "a"} {
				f.Trigger(func(t *fleet.Trigger) { t.Name, t.Webhook.Path = name, "at-"+strings.ToLower(name) })
			}
			f.View(func(r store.Reader) error {
				list, err := r.Triggers()
				var names []string
				for i := range list {
					names = append(names, list[i].Name)
				}
				is(f, "names", strings.Join(names, " "), "a b C")
				return err
			})
		},
		"names and paths": func(f *Fixture) {
			t := f.Trigger(nil)
			for what, change := range map[string]func(o *fleet.Trigger){
				"the name": func(o *fleet.Trigger) { o.Name, o.Webhook.Path = "BESTELLUNG", "others" },
				"the path": func(o *fleet.Trigger) { o.Name = "Andere" },
			} {
				other := t
				hook := *t.Webhook
				other.ID, other.Webhook = f.IDs.New(), &hook
				change(&other)
				if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.AddTrigger(other) }); err == nil {
					f.Errorf("%s is taken twice", what)
				}
			}
			f.View(func(r store.Reader) error {
				for _, ref := range []string{t.Webhook.Address(t.Tenant), string(t.ID)} {
					tenant, id, err := r.HookAt(ref)
					f.must(err)
					is(f, ref, id, t.ID)
					is(f, "tenant", tenant, f.Tenant)
				}
				_, _, err := r.HookAt("nothing")
				is(f, "a path that is nobody's", errors.Is(err, fleet.ErrNotFound), true)
				named, err := r.TriggerNamed("bestellung")
				is(f, "by name", named.ID, t.ID)
				if err != nil {
					return err
				}
				all, err := r.Triggers()
				is(f, "all", len(all), 1)
				return err
			})
			t.DeletedAt, t.Enabled = f.Now, false
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(t) })
			again := f.Trigger(nil)
			is(f, "the name is free", again.Name, t.Name)
			f.Update(func(tx store.Tx) error {
				n, err := tx.PruneTriggers(10)
				is(f, "gone", n, 1)
				return err
			})
		},
		"change": func(f *Fixture) {
			t := f.Trigger(nil)
			old := t
			q := f.Queue(nil)
			t.Note, t.Since, t.Kind, t.Webhook, t.Queue = "Inventur", 7, fleet.TriggerQueue, nil, &fleet.QueueRule{QueueID: q.ID}
			t.Normal()
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(t) })
			got := f.trigger(t.ID)
			is(f, "revision", got.Revision, t.Revision+1)
			is(f, "note", got.Note, "Inventur")
			is(f, "since", got.Since, int64(7))
			f.View(func(r store.Reader) error {
				list, err := r.TriggersOf(fleet.TriggerQueue)
				is(f, "is one of a queue now", len(list) > 0 && list[len(list)-1].ID == t.ID, true)
				other, _ := r.TriggersOf(fleet.TriggerEvent)
				is(f, "and of no other kind", len(other), 0)
				f.System(func(r store.Reader) error {
					all, err := r.TriggersOf(fleet.TriggerQueue)
					is(f, "in the list of everybody's", slices.ContainsFunc(all, func(x fleet.Trigger) bool { return x.ID == t.ID && x.Tenant == f.Tenant }), true)
					return err
				})
				all, err2 := r.Triggers()
				is(f, "is listed", slices.ContainsFunc(all, func(x fleet.Trigger) bool { return x.ID == t.ID && x.Note == "Inventur" }), true)
				return errors.Join(err, err2)
			})
			if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutTrigger(old) }); !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("an old one is written: %v", err)
			}
		},
		"a robot finds what it watches": func(f *Fixture) {
			robot := fleet.RobotID("watcher")
			t := f.Trigger(func(t *fleet.Trigger) {
				t.Kind, t.Webhook, t.Name = fleet.TriggerFile, nil, "files"
				t.File = &fleet.FileRule{RobotID: robot, Path: "/in/*.pdf"}
			})
			f.Trigger(func(t *fleet.Trigger) {
				t.Kind, t.Webhook, t.Name = fleet.TriggerFile, nil, "of another"
				t.File = &fleet.FileRule{RobotID: "other", Path: "/in/*.pdf"}
			})
			watched := func() (out []string) {
				f.View(func(r store.Reader) error {
					list, err := r.TriggersWatchedBy(robot)
					for _, x := range list {
						out = append(out, x.Name)
					}
					return err
				})
				return out
			}
			is(f, "watched", fmt.Sprint(watched()), "[files]")
			t.Enabled = false
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(t) })
			is(f, "watched while it is disabled", len(watched()), 0)
		},
		"a place moves from where it is": func(f *Fixture) {
			t := f.Trigger(func(t *fleet.Trigger) {
				t.Kind, t.Webhook = fleet.TriggerEmail, nil
				t.Email = &fleet.EmailRule{Host: "imap.example.org", Username: "ada", Secret: "mail"}
			})
			move := func(from, to string) (moved bool) {
				f.Update(func(tx store.Tx) (err error) {
					moved, err = tx.MoveTriggerPlace(t.ID, t.Revision, from, to)
					return err
				})
				return moved
			}
			fault := func(text string) (changed bool) {
				f.Update(func(tx store.Tx) (err error) { changed, err = tx.SetTriggerFault(t.ID, text); return err })
				return changed
			}
			is(f, "moved", move("", "1"), true)
			is(f, "moved by another", move("", "2"), false)
			is(f, "a fault", fault("Anmeldung verweigert"), true)
			is(f, "the same again", fault("Anmeldung verweigert"), false)
			got := f.trigger(t.ID)
			is(f, "place and fault", got.Place+" "+got.Fault, "1 Anmeldung verweigert")
			is(f, "revision", got.Revision, t.Revision)
			is(f, "moved on", move("1", "2"), true)
			got = f.trigger(t.ID)
			is(f, "place and fault", got.Place+got.Fault, "2")
			got.Place = ""
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(got) })
			is(f, "moved by whoever knows an old one", move("", "3"), false)
			t = f.trigger(t.ID)
			t.Enabled = false
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(t) })
			t = f.trigger(t.ID)
			is(f, "moved while it is disabled", move("", "3"), false)
		},
		"the log is followed by one": func(f *Fixture) {
			f.Trigger(nil)
			f.Submit(f.Spec())
			var h store.TriggerHead
			f.View(func(r store.Reader) error {
				heads, err := r.TriggerHeads()
				for _, one := range heads {
					if one.Tenant == f.Tenant {
						h = one
					}
				}
				return err
			})
			if h.Head <= h.Seq {
				f.Fatalf("nothing to follow: %+v", h)
			}
			for _, want := range []bool{true, false} {
				f.Update(func(tx store.Tx) error {
					moved, err := tx.MoveTriggerHead(f.Tenant, h.Seq, h.Head)
					is(f, "moved", moved, want)
					return err
				})
			}
		},
		"the ends of the jobs of a deleted one are still noted": func(f *Fixture) {
			t := f.Trigger(nil)
			job, err := f.accept(t, "")
			f.must(err)
			t = f.trigger(t.ID)
			t.DeletedAt, t.Enabled = f.Now, false
			f.Update(func(tx store.Tx) error { return tx.PutTrigger(t) })
			f.Cancel(job.ID)
			f.View(func(r store.Reader) error {
				heads, err := r.TriggerHeads()
				is(f, "followed still", slices.ContainsFunc(heads, func(h store.TriggerHead) bool { return h.Tenant == f.Tenant }), true)
				return err
			})
			f.Update(func(tx store.Tx) error {
				_, err := tx.EndFirings([]store.FiringEnd{{Job: job.ID, State: fleet.Cancelled, At: f.Now}})
				f.must(err)
				n, err := tx.PruneFirings(f.Now.Add(time.Hour), 10)
				is(f, "firings gone", n, 1)
				f.must(err)
				n, err = tx.PruneTriggers(10)
				is(f, "triggers gone", n, 1)
				return err
			})
			f.View(func(r store.Reader) error {
				heads, err := r.TriggerHeads()
				is(f, "followed no more", slices.ContainsFunc(heads, func(h store.TriggerHead) bool { return h.Tenant == f.Tenant }), false)
				return err
			})
		},
		"backlog": func(f *Fixture) {
			q := f.Queue(nil)
			t := f.Trigger(func(t *fleet.Trigger) { t.Kind, t.Queue = fleet.TriggerQueue, &fleet.QueueRule{QueueID: q.ID} })
			later := f.Now.Add(time.Hour)
			f.Add(&q, fleet.ItemSpec{})
			f.Add(&q, fleet.ItemSpec{})
			f.Add(&q, fleet.ItemSpec{NotBefore: &later})
			job, err := f.accept(t, "")
			f.must(err)
			f.Claim(&q, fleet.ItemHolder{Name: "r1", RobotID: "r1", JobID: job.ID, Epoch: 1}, 1)
			f.View(func(r store.Reader) error {
				b, err := r.Backlog(t.ID, q.ID)
				is(f, "backlog", b, fleet.Backlog{Ready: 1, Taken: 1, Active: 1})
				list, _ := r.TriggersOf(fleet.TriggerQueue)
				is(f, "of queues", len(list) > 0 && list[len(list)-1].ID == t.ID, true)
				return err
			})
		},
	}
}

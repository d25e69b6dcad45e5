package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Incident stores an incident of the rule of dead letters.
func (f *Fixture) Incident(cause string, change func(i *fleet.Incident)) fleet.Incident {
	f.Helper()
	r := fleet.BuiltinAlertRules(f.Tenant)[0]
	i := r.Begin(f.IDs.New(), &fleet.Sighting{
		Cause: cause, Title: "Rückstand", Subject: fleet.EventSubject{Kind: fleet.SubjectWorkflow, ID: "w"}, At: f.Now, Count: 2,
		Data: map[string]any{"ü": 1},
	})
	i.Open(&r, f.Now)
	if change != nil {
		change(&i)
	}
	f.Update(func(tx store.Tx) error { return tx.AddIncident(i) })
	return f.incident(i.ID)
}

func (f *Fixture) incident(id fleet.ID) (i fleet.Incident) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { i, err = r.Incident(id); return err })
	return i
}

// Notice stores a notice of an incident.
func (f *Fixture) Notice(i fleet.Incident, channel fleet.ID, kind fleet.NoticeKind) fleet.Notice {
	f.Helper()
	n := fleet.Notice{
		ID: f.IDs.New(), Tenant: f.Tenant, Incident: i.ID, Channel: channel, Kind: kind, State: fleet.NoticeWaiting, DueAt: f.Now, CreatedAt: f.Now,
	}
	f.Update(func(tx store.Tx) error { return tx.AddNotices([]fleet.Notice{n}) })
	return n
}

func (f *Fixture) notice(id fleet.ID) (n fleet.Notice) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { n, err = r.Notice(id); return err })
	return n
}

// alerts leaves a row in each table of alerts.
func (f *Fixture) alerts() {
	f.Helper()
	rule := fleet.AlertRule{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Überfällig", Kind: fleet.AlertQueueSLA, Enabled: true}
	rule.Normal()
	f.Update(func(tx store.Tx) error {
		return errors.Join(
			tx.LockAlerts(f.Tenant), tx.PutAlertRule(rule),
			tx.PutAlertChannel(fleet.AlertChannel{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Büro", Kind: fleet.ChannelWebhook, Webhook: &fleet.WebhookWay{URL: "https://example.org/ü"}}),
			tx.PutSilence(fleet.Silence{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Umzug", From: f.Now, Until: f.Now.Add(time.Hour)}),
		)
	})
	f.Notice(f.Incident("ü", func(i *fleet.Incident) { i.Acknowledge("ada", "schaue", f.Now) }), "c", fleet.NoticeOpened)
}

func (f *Fixture) incidents(q store.IncidentFilter) (ids []fleet.ID) {
	f.Helper()
	f.View(func(r store.Reader) error {
		list, _, err := r.Incidents(q, fleet.Page{Limit: 100})
		for i := range list {
			ids = append(ids, list[i].ID)
		}
		return err
	})
	return ids
}

func alertTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"rules, channels and silences": func(f *Fixture) {
			f.alerts()
			var rule fleet.AlertRule
			var channel fleet.AlertChannel
			f.View(func(r store.Reader) error {
				rules, err := r.AlertRules()
				f.must(err)
				is(f, "rules", len(rules), 1)
				rule = rules[0]
				is(f, "revision", rule.Revision, int64(1))
				channels, err := r.AlertChannels()
				f.must(err)
				is(f, "channels", len(channels), 1)
				channel = channels[0]
				silences, err := r.Silences()
				is(f, "silence", silences[0].Until.UTC(), f.Now.Add(time.Hour).UTC())
				return err
			})
			twin := rule
			twin.ID, twin.Revision, twin.Name = f.IDs.New(), 0, "ÜBERFÄLLIG"
			for what, do := range map[string]func(tx store.Tx) error{
				"a second rule of the name": func(tx store.Tx) error { return tx.PutAlertRule(twin) },
				"a change of what it was":   func(tx store.Tx) error { r := rule; r.Revision = 7; return tx.PutAlertRule(r) },
			} {
				if err := f.Store.Update(f.Context(), f.Scope, do); !errors.Is(err, fleet.ErrConflict) {
					f.Errorf("%s: %v", what, err)
				}
			}
			f.Update(func(tx store.Tx) error {
				for want := range int64(3) {
					streak, err := tx.ChannelSent(channel.ID, "nö", f.Now)
					f.must(err)
					is(f, "streak", streak, want+1)
				}
				return nil
			})
			f.Update(func(tx store.Tx) error {
				_, err := tx.ChannelSent(channel.ID, "", f.Now)
				f.must(err)
				there, err := tx.DeleteAlertRule(rule.ID)
				f.must(err)
				is(f, "there", there, true)
				there, err = tx.DeleteAlertRule(rule.ID)
				is(f, "there still", there, false)
				return err
			})
			f.Update(func(tx store.Tx) error {
				channel.Default = true
				f.must(tx.PutAlertChannel(channel))
				silences, err := tx.Silences()
				f.must(err)
				silences[0].Note = "noch länger"
				f.must(tx.PutSilence(silences[0]))
				silences, err = tx.Silences()
				is(f, "note", silences[0].Note, "noch länger")
				is(f, "revision", silences[0].Revision, int64(2))
				f.must(err)
				there, err := tx.DeleteSilence(silences[0].ID)
				is(f, "silence there", there, true)
				return err
			})
			f.View(func(r store.Reader) error {
				channels, err := r.AlertChannels()
				is(f, "default", channels[0].Default, true)
				is(f, "well again", channels[0].State.Streak, int64(0))
				is(f, "no fault", channels[0].State.Fault, "")
				is(f, "sent", channels[0].State.LastOK.IsZero(), false)
				return err
			})
			f.Update(func(tx store.Tx) error {
				there, err := tx.DeleteAlertChannel(channel.ID)
				is(f, "channel there", there, true)
				return err
			})
		},
		"channels and silences change and go": func(f *Fixture) {
			f.alerts()
			var channel fleet.AlertChannel
			var silence fleet.Silence
			read := func() (channels []fleet.AlertChannel, silences []fleet.Silence) {
				f.View(func(r store.Reader) (err error) {
					channels, err = r.AlertChannels()
					f.must(err)
					silences, err = r.Silences()
					return err
				})
				return channels, silences
			}
			channels, silences := read()
			channel, silence = channels[0], silences[0]
			channel.Name, silence.Note = "Nachtdienst", "später"
			f.Update(func(tx store.Tx) error { return errors.Join(tx.PutAlertChannel(channel), tx.PutSilence(silence)) })
			channels, silences = read()
			is(f, "name", channels[0].Name, "Nachtdienst")
			is(f, "note", silences[0].Note, "später")
			is(f, "revisions", channels[0].Revision+silences[0].Revision, int64(4))
			if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutSilence(silence) }); !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("a change of what the silence was: %v", err)
			}
			f.Update(func(tx store.Tx) error {
				first, err := tx.DeleteAlertChannel(channel.ID)
				f.must(err)
				second, err := tx.DeleteSilence(silence.ID)
				is(f, "both were there", first && second, true)
				return err
			})
			channels, silences = read()
			is(f, "left", len(channels)+len(silences), 0)
		},
		"one cause, one incident": func(f *Fixture) {
			first := f.Incident("x", nil)
			is(f, "data", string(first.Data), `{"ü":1}`)
			is(f, "subject", first.Subject.ID, "w")
			twin := first
			twin.ID = f.IDs.New()
			if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.AddIncident(twin) }); !errors.Is(err, fleet.ErrConflict) {
				f.Errorf("a second one: %v", err)
			}
			f.Update(func(tx store.Tx) error {
				i, err := tx.IncidentToChange(first.ID)
				f.must(err)
				i.Resolve("ada", f.Now)
				f.must(tx.PutIncident(i))
				if _, err := tx.IncidentOf(first.RuleID, "x"); !errors.Is(err, fleet.ErrNotFound) {
					f.Errorf("after the end: %v", err)
				}
				return tx.AddIncident(twin)
			})
			is(f, "who", f.incident(first.ID).ResolvedBy, "ada")
		},
		"lists": func(f *Fixture) {
			open := f.Incident("a", nil)
			seen := f.Incident("b", func(i *fleet.Incident) { i.Acknowledge("ada", "", f.Now) })
			over := f.Incident("c", func(i *fleet.Incident) { i.Resolve("", f.Now) })
			watched := f.Incident("d", func(i *fleet.Incident) { i.State = fleet.IncidentWatched })
			is(f, "all", fmt.Sprint(f.incidents(store.IncidentFilter{})), fmt.Sprint([]fleet.ID{over.ID, seen.ID, open.ID}))
			is(f, "live", fmt.Sprint(f.incidents(store.IncidentFilter{Live: true, Rule: open.RuleID})), fmt.Sprint([]fleet.ID{seen.ID, open.ID}))
			is(f, "open", fmt.Sprint(f.incidents(store.IncidentFilter{State: fleet.IncidentOpen, Kind: open.Kind})), fmt.Sprint([]fleet.ID{open.ID}))
			is(f, "of another kind", len(f.incidents(store.IncidentFilter{Kind: fleet.AlertBrake})), 0)
			f.View(func(r store.Reader) error {
				n, err := r.IncidentCounts()
				is(f, "counts", n, store.IncidentCounts{Open: 1, Acknowledged: 1})
				page, next, _ := r.Incidents(store.IncidentFilter{}, fleet.Page{Limit: 2})
				is(f, "first page", page[1].ID, seen.ID)
				page, _, _ = r.Incidents(store.IncidentFilter{}, fleet.Page{Limit: 2, Cursor: next})
				is(f, "second page", page[0].ID, open.ID)
				return err
			})
			f.Update(func(tx store.Tx) error { return errors.Join(tx.ForgetIncident(watched.ID), tx.ForgetIncident(open.ID)) })
			f.incident(open.ID) // it was not only watched
		},
		"due": func(f *Fixture) {
			soon := f.Incident("a", func(i *fleet.Incident) { i.DueAt = f.Now.Add(time.Minute) })
			told := f.Incident("b", func(i *fleet.Incident) { i.EscalateAt = f.Now.Add(time.Minute) })
			f.Incident("c", func(i *fleet.Incident) { i.DueAt = f.Now.Add(time.Minute); i.Resolve("", f.Now) })
			for _, c := range []struct {
				after time.Duration
				want  int
			}{{0, 0}, {time.Minute, 2}} {
				f.View(func(r store.Reader) error {
					list, err := r.DueIncidents(f.Now.Add(c.after), 10, 10)
					is(f, "due", len(list), c.want)
					if c.want == 2 {
						is(f, "which", fmt.Sprint(list[0].ID, list[1].ID), fmt.Sprint(soon.ID, told.ID))
					}
					return err
				})
			}
		},
		"the one before": func(f *Fixture) {
			old := f.Incident("x", func(i *fleet.Incident) { i.Resolve("", f.Now.Add(-time.Hour)) })
			newer := f.Incident("x", func(i *fleet.Incident) { i.Resolve("", f.Now.Add(-time.Minute)) })
			f.Incident("y", func(i *fleet.Incident) { i.Resolve("", f.Now) })
			f.Incident("x", nil) // which is not over
			f.Other("globex").Incident("x", func(i *fleet.Incident) { i.Resolve("", f.Now) })
			f.View(func(r store.Reader) error {
				got, err := r.IncidentBefore(old.RuleID, "x", f.Now.Add(-2*time.Hour))
				is(f, "the newest", got.ID, newer.ID)
				f.must(err)
				_, err = r.IncidentBefore(old.RuleID, "x", f.Now.Add(-time.Minute))
				is(f, "none since", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
		},
		"each tenant has its turn": func(f *Fixture) {
			o := f.Other("globex")
			var mine []fleet.Notice
			for k := range 5 {
				i := f.Incident(fmt.Sprint("x", k), func(i *fleet.Incident) { i.DueAt = f.Now.Add(-time.Hour) })
				mine = append(mine, f.Notice(i, "c", fleet.NoticeOpened))
			}
			i := o.Incident("x", func(i *fleet.Incident) { i.DueAt = o.Now.Add(-time.Minute) })
			theirs := o.Notice(i, "c", fleet.NoticeOpened)
			f.System(func(r store.Reader) error {
				due, err := r.DueNotices(f.Now, 3, 3)
				f.must(err)
				is(f, "notices", len(due), 3)
				is(f, "the first of each", slices.ContainsFunc(due[:2], func(n fleet.Notice) bool { return n.ID == theirs.ID }), true)
				due, err = r.DueNotices(f.Now, 2, 10)
				f.must(err)
				is(f, "at most two of each", len(due), 3)
				list, err := r.DueIncidents(f.Now, 2, 10)
				f.must(err)
				is(f, "incidents", len(list), 3)
				is(f, "theirs among the first", list[0].ID == i.ID || list[1].ID == i.ID, true)
				return nil
			})
			f.View(func(r store.Reader) error {
				due, err := r.DueNotices(f.Now, 10, 10)
				is(f, "of one tenant", len(due) == 5 && due[0].ID == mine[0].ID, true)
				return err
			})
		},
		"a notice is claimed once": func(f *Fixture) {
			i := f.Incident("x", nil)
			n := f.Notice(i, "c", fleet.NoticeOpened)
			f.Notice(i, "c", fleet.NoticeOpened) // is there already
			f.View(func(r store.Reader) error {
				list, err := r.NoticesOf(i.ID)
				is(f, "notices", len(list), 1)
				is(f, "the first", list[0].ID, n.ID)
				return err
			})
			for _, want := range []bool{true, false} {
				f.Update(func(tx store.Tx) error {
					won, err := tx.ClaimNotice(n.ID, 0, f.Now.Add(time.Minute))
					is(f, "claimed", won, want)
					return err
				})
			}
			f.View(func(r store.Reader) error {
				due, err := r.DueNotices(f.Now, 10, 10)
				is(f, "due", len(due), 0)
				f.must(err)
				due, err = r.DueNotices(f.Now.Add(time.Minute), 10, 10)
				is(f, "due later", len(due), 1)
				return err
			})
			// Who claimed it gives the attempt back, once; one that nobody claimed has none to give.
			for _, c := range []struct {
				attempts int
				rests    bool
			}{{0, false}, {1, true}, {1, false}, {0, false}} {
				f.Update(func(tx store.Tx) error {
					rests, err := tx.RestNotice(n.ID, c.attempts, f.Now.Add(time.Hour))
					is(f, fmt.Sprint("rests at ", c.attempts), rests, c.rests)
					return err
				})
			}
			n = f.notice(n.ID)
			is(f, "attempts left", n.Attempts, 0)
			is(f, "due after its rest", n.DueAt.Equal(f.Now.Add(time.Hour)), true)
			f.Update(func(tx store.Tx) error {
				won, err := tx.ClaimNotice(n.ID, 0, f.Now.Add(time.Minute))
				is(f, "claimed again", won, true)
				return err
			})
			n = f.notice(n.ID)
			n.State, n.SentAt = fleet.NoticeSent, f.Now
			old := n
			old.Attempts = 0
			f.Update(func(tx store.Tx) error {
				ok, err := tx.SettleNotice(old)
				f.must(err)
				is(f, "of an older attempt", ok, false)
				ok, err = tx.SettleNotice(n)
				is(f, "settled", ok, true)
				return err
			})
			is(f, "state", f.notice(n.ID).State, fleet.NoticeSent)
		},
		"held notices": func(f *Fixture) {
			n := f.Notice(f.Incident("x", nil), "c", fleet.NoticeOpened)
			n.Held, n.DueAt = true, f.Now.Add(time.Hour)
			f.Update(func(tx store.Tx) error { _, err := tx.SettleNotice(n); return err })
			f.View(func(r store.Reader) error {
				due, err := r.DueNotices(f.Now, 10, 10)
				is(f, "held", len(due), 0)
				return err
			})
			f.Update(func(tx store.Tx) error { return tx.FreeNotices(f.Now) })
			f.View(func(r store.Reader) error {
				due, err := r.DueNotices(f.Now, 10, 10)
				is(f, "free", len(due), 1)
				is(f, "was held", due[0].Held, true)
				return err
			})
		},
		"pruning": func(f *Fixture) {
			live := f.Incident("a", nil)
			over := f.Incident("b", func(i *fleet.Incident) { i.Resolve("", f.Now) })
			f.Notice(live, "c", fleet.NoticeOpened)
			n := f.Notice(over, "c", fleet.NoticeOpened)
			f.Update(func(tx store.Tx) error {
				gone, err := tx.PruneIncidents(f.Now, 10)
				f.must(err)
				is(f, "too young", gone, 0)
				gone, err = tx.PruneIncidents(f.Now.Add(time.Hour), 10)
				is(f, "gone", gone, 1)
				return err
			})
			f.View(func(r store.Reader) error {
				if _, err := r.Notice(n.ID); !errors.Is(err, fleet.ErrNotFound) {
					f.Errorf("the notice of what is gone: %v", err)
				}
				_, err := r.Incident(live.ID)
				return err
			})
		},
		"heads": func(f *Fixture) {
			f.Submit(f.Spec())
			head := func() (h store.AlertHead) {
				f.View(func(r store.Reader) error {
					list, err := r.AlertHeads()
					for _, one := range list {
						if one.Tenant == f.Tenant {
							h = one
						}
					}
					return err
				})
				return h
			}
			h := head()
			is(f, "followed", h.Seq, int64(0))
			for _, want := range []bool{true, false} {
				f.Update(func(tx store.Tx) error {
					f.must(tx.LockAlerts(f.Tenant))
					moved, err := tx.MoveAlertHead(f.Tenant, 0, h.Head)
					is(f, "moved", moved, want)
					return err
				})
			}
			is(f, "nothing left", head(), store.AlertHead{})
		},
		"who waits for the longest": func(f *Fixture) {
			f.View(func(r store.Reader) error {
				list, err := r.LongestWaiting(f.Now.Add(time.Hour))
				is(f, "none", len(list), 0)
				return err
			})
			o := f.Other("globex")
			theirs := o.Submit(o.Spec())
			low := f.Spec()
			low.Priority = 20
			oldest := f.Submit(low)
			f.Later(time.Minute)
			f.Submit(f.Spec())
			first := f.Spec()
			first.Deadline = f.Now.Add(time.Hour)
			f.Submit(first)
			f.View(func(r store.Reader) error {
				list, err := r.LongestWaiting(f.Now.Add(-time.Second))
				f.must(err)
				is(f, "classes", len(list), 1)
				is(f, "the oldest", list[0].JobID, oldest.ID)
				is(f, "of how many", list[0].Waiting, int64(3))
				list, err = r.LongestWaiting(f.Now.Add(-time.Hour))
				is(f, "none for so long", len(list), 0)
				return err
			})
			f.System(func(r store.Reader) error {
				list, err := r.LongestWaiting(f.Now.Add(-time.Second))
				f.must(err)
				of := map[fleet.TenantID]fleet.ID{}
				for _, w := range list {
					of[w.Tenant] = w.JobID
				}
				is(f, "of all tenants", len(list) == 2 && of[f.Tenant] == oldest.ID && of[o.Tenant] == theirs.ID, true)
				return nil
			})
		},
		"who works": func(f *Fixture) {
			session := f.Robot("r1", 5)
			job := f.Running(f.Spec(), "r1", session)
			f.Assign(f.Submit(f.Spec()), "r1", session)
			f.View(func(r store.Reader) error {
				list, err := r.Working()
				f.must(err)
				is(f, "attempts", len(list), 1)
				is(f, "job", list[0].JobID, job.ID)
				is(f, "robot", list[0].RobotID, fleet.RobotID("r1"))
				return err
			})
			o := f.Other("globex")
			theirs := o.Running(o.Spec(), "r1", o.Robot("r1", 1))
			f.System(func(r store.Reader) error {
				list, err := r.Working()
				f.must(err)
				of := map[fleet.TenantID]fleet.ID{}
				for _, w := range list {
					of[w.Tenant] = w.JobID
				}
				is(f, "of all tenants", len(list) == 2 && of[f.Tenant] == job.ID && of[o.Tenant] == theirs.ID, true)
				return nil
			})
		},
	}
}

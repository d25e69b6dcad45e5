package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// putKey stores a key of the fixture's tenant.
func (f *Fixture) putKey(hash string, change func(*fleet.Key)) fleet.Key {
	f.Helper()
	k := fleet.Key{
		ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.KeyService, Name: "n", Role: "viewer", Hash: hash, Hint: "abcd", CreatedAt: f.Now,
		ExpiresAt: f.Now.Add(time.Hour),
	}
	if change != nil {
		change(&k)
	}
	f.Update(func(tx store.Tx) error { return tx.PutKey(k) })
	return k
}

// revocations is the tenant's number.
func (f *Fixture) revocations() (n int64) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { n, err = r.Revocations(); return err })
	return n
}

func (f *Fixture) key(id fleet.ID) (k fleet.Key) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { k, err = r.Key(id); return err })
	return k
}

func keyTests() map[string]func(f *Fixture) {
	same := cmpopts.EquateComparable(netip.Prefix{})
	return map[string]func(f *Fixture){
		"round trip": func(f *Fixture) {
			k := f.putKey("hh", func(k *fleet.Key) {
				k.Description, k.OwnerID, k.ReplacedBy, k.LastUsedIP = "two\nlines", "u", "k2", "::1"
				k.CreatedBy = "ada"
				k.Scopes, k.Environments = []fleet.Permission{fleet.JobsRead, fleet.JobsRun}, []string{"prod", "test lab"}
				k.Ranges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
				k.FirstUsedAt, k.LastUsedAt, k.LateUsedAt = f.Now.Add(1*time.Second), f.Now.Add(2*time.Second), f.Now.Add(3*time.Second)
				k.WarnedAt, k.EndedAt = f.Now.Add(4*time.Second), f.Now.Add(5*time.Second)
			})
			read := func() (got fleet.Key) {
				f.System(func(r store.Reader) (err error) {
					got, err = r.KeyByHash("hh")
					return err
				})
				return got
			}
			if d := cmp.Diff(k, read(), same) + cmp.Diff(k, f.key(k.ID), same); d != "" {
				f.Errorf("(-want +got):\n%s", d)
			}
			f.Update(func(tx store.Tx) error { return tx.RevokeKey(k.ID, f.Now) })
			f.Update(func(tx store.Tx) error { return tx.RevokeKey(k.ID, f.Now.Add(time.Hour)) })
			is(f, "first revocation stays", read().RevokedAt, f.Now)
			f.Update(func(tx store.Tx) error { return tx.EditKey(k.ID, "new", "text") })
			is(f, "edited", read().Name+read().Description, "newtext")
			o := f.Other("globex")
			for what, do := range map[string]func(tx store.Tx) error{
				"revoke": func(tx store.Tx) error { return tx.RevokeKey(k.ID, f.Now) },
				"edit":   func(tx store.Tx) error { return tx.EditKey(k.ID, "stolen", "") },
			} {
				is(f, "another tenant's "+what, errors.Is(o.Store.Update(f.Context(), o.Scope, do), fleet.ErrNotFound), true)
			}
			is(f, "their name of it", read().Name, "new")
			twin := k
			twin.ID = f.IDs.New()
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutKey(twin) })
			is(f, "hash taken", errors.Is(err, fleet.ErrConflict), true)
			o.View(func(r store.Reader) error {
				list, err := r.Keys()
				is(f, "their keys", len(list), 0)
				_, none := r.KeyByHash("hh")
				is(f, "our hash", errors.Is(none, fleet.ErrNotFound), true)
				_, none = r.Key(k.ID)
				is(f, "our id", errors.Is(none, fleet.ErrNotFound), true)
				return err
			})
		},
		"one key takes the place of another once": func(f *Fixture) {
			k := f.putKey("old", nil)
			end := f.Now.Add(time.Minute)
			replace := func(by fleet.ID, now time.Time) (ok bool) {
				f.Update(func(tx store.Tx) (err error) { ok, err = tx.ReplaceKey(k.ID, by, end, now); return err })
				return ok
			}
			is(f, "after its end", replace("x", f.Now.Add(2*time.Hour)), false)
			is(f, "first", replace("k2", f.Now), true)
			is(f, "second", replace("k3", f.Now), false)
			got := f.key(k.ID)
			is(f, "by", got.ReplacedBy, "k2")
			is(f, "end", got.ExpiresAt, end)
		},
		"what is new about a use": func(f *Fixture) {
			k := f.putKey("used", nil)
			use := func(at time.Time, from string) (n store.KeyNews) {
				f.systemUpdate(func(tx store.Tx) (err error) {
					n, err = tx.UseKey(k.ID, store.KeyUse{At: at, Address: from})
					return err
				})
				return n
			}
			is(f, "first", use(f.Now.Add(time.Second), "10.0.0.1"), store.KeyNews{First: true})
			is(f, "again", use(f.Now.Add(2*time.Second), "10.0.0.2"), store.KeyNews{})
			is(f, "an older one, from another orchestrator", use(f.Now, "10.0.0.3"), store.KeyNews{})
			is(f, "address of the newest", f.key(k.ID).LastUsedIP, "10.0.0.2")
			f.Update(func(tx store.Tx) error {
				_, err := tx.ReplaceKey(k.ID, "k2", f.Now.Add(time.Minute), f.Now)
				return err
			})
			is(f, "late", use(f.Now.Add(3*time.Second), "10.0.0.4"), store.KeyNews{Late: true})
			is(f, "late again", use(f.Now.Add(4*time.Second), "10.0.0.4"), store.KeyNews{})
			got := f.key(k.ID)
			is(f, "times", fmt.Sprint(got.FirstUsedAt.Sub(f.Now), got.LateUsedAt.Sub(f.Now), got.LastUsedAt.Sub(f.Now)), "1s 3s 4s")
		},
		"uses are counted by day": func(f *Fixture) {
			k, quiet := f.putKey("often", nil), f.putKey("never", nil)
			day := func(n int) time.Time { return f.Now.Add(time.Duration(n) * 24 * time.Hour) }
			use := func(n int, times int64) {
				f.systemUpdate(func(tx store.Tx) error {
					_, err := tx.UseKey(k.ID, store.KeyUse{At: day(n), Address: "10.0.0.1", Times: times})
					return err
				})
			}
			uses := func(r store.Reader, since int) map[fleet.ID]int64 {
				got, err := r.KeyUses(fleet.KeyUseDay(day(since)))
				f.must(err)
				return got
			}
			use(0, 5)
			use(0, 7) // from another orchestrator
			use(1, 1)
			use(7, 100)
			use(7, 0)
			f.View(func(r store.Reader) error {
				is(f, "all", fmt.Sprint(uses(r, 0)), fmt.Sprint(map[fleet.ID]int64{k.ID: 113}))
				is(f, "the last seven", uses(r, 1)[k.ID], 101)
				is(f, "the last one", uses(r, 7)[k.ID], 100)
				is(f, "one that nobody uses", uses(r, 0)[quiet.ID], 0)
				return nil
			})
			f.System(func(r store.Reader) error { is(f, "across tenants", uses(r, 0)[k.ID], 113); return nil })
			o := f.Other("globex")
			o.View(func(r store.Reader) error { is(f, "for another tenant", len(uses(r, 0)), 0); return nil })
			o.Update(func(tx store.Tx) error {
				_, err := tx.UseKey(k.ID, store.KeyUse{At: day(0), Times: 1000})
				return err
			})
			sweep := func(before, limit int) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) {
					n, err = tx.SweepKeyUses(fleet.KeyUseDay(day(before)), limit)
					return err
				})
				return n
			}
			is(f, "forgotten", sweep(7, 1), 1)
			is(f, "the others", sweep(7, 1000) >= 1, true)
			is(f, "no more", sweep(7, 1000), 0)
			f.View(func(r store.Reader) error { is(f, "kept", uses(r, 0)[k.ID], 100); return nil })
			is(f, "for a tenant", f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { _, err := tx.SweepKeyUses(0, 1); return err }) != nil, true)
		},
		"each end is told of once": func(f *Fixture) {
			soon := f.putKey("soon", func(k *fleet.Key) { k.ExpiresAt = f.Now.Add(24 * time.Hour) })
			f.putKey("far", func(k *fleet.Key) { k.ExpiresAt = f.Now.Add(999 * time.Hour) })
			f.putKey("never", func(k *fleet.Key) { k.ExpiresAt = time.Time{} })
			f.putKey("gone", func(k *fleet.Key) { k.RevokedAt = f.Now })
			ending := func(now time.Time) (out []fleet.Key) {
				f.System(func(r store.Reader) (err error) {
					out, err = r.EndingKeys(now, now.Add(7*24*time.Hour), 10)
					return err
				})
				return out
			}
			note := func(ended bool, now time.Time) (fresh bool) {
				f.systemUpdate(func(tx store.Tx) (err error) { fresh, err = tx.NoteKeyEnd(soon.ID, ended, now); return err })
				return fresh
			}
			if list := ending(f.Now); len(list) != 1 || list[0].ID != soon.ID {
				f.Fatalf("ending: %v", list)
			}
			is(f, "not over yet", note(true, f.Now), false)
			is(f, "warned", note(false, f.Now), true)
			is(f, "warned again", note(false, f.Now), false)
			is(f, "nothing to tell", len(ending(f.Now)), 0)
			after := f.Now.Add(25 * time.Hour)
			is(f, "its end", len(ending(after)), 1)
			is(f, "ended", note(true, after), true)
			is(f, "nothing more to tell", len(ending(after)), 0)
		},
		"what takes something away raises the number": func(f *Fixture) {
			wake, stop := f.Store.Signals().Listen(store.TopicKeys)
			defer stop()
			k, at := f.putKey("a", nil), f.revocations()
			f.Update(func(tx store.Tx) error { return tx.EditKey(k.ID, "b", "") })
			is(f, "an edit takes nothing", f.revocations(), at)
			robot := f.putKey("r", func(k *fleet.Key) { k.Kind, k.RobotID = fleet.KeyRobot, "r7" })
			for _, c := range []struct {
				what string
				do   func(tx store.Tx) error
			}{
				{"replaced", func(tx store.Tx) error {
					_, err := tx.ReplaceKey(k.ID, "k2", f.Now.Add(time.Minute), f.Now)
					return err
				}},
				{"revoked", func(tx store.Tx) error { return tx.RevokeKey(k.ID, f.Now) }},
				{"robot", func(tx store.Tx) error { _, err := tx.RevokeRobotKeys("r7", f.Now); return err }},
				{"other", func(tx store.Tx) error { return tx.Revoked(f.Tenant) }},
			} {
				before := f.revocations()
				for len(wake) > 0 {
					<-wake
				}
				f.Update(c.do)
				is(f, c.what, f.revocations(), before+1)
				is(f, c.what+" wakes", len(wake), 1)
			}
			is(f, "the robot's key", f.key(robot.ID).RevokedAt, f.Now)
			o := f.Other("globex")
			is(f, "another tenant's number", o.revocations(), 0)
			is(f, "for another tenant", o.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error { return tx.Revoked(f.Tenant) }) != nil, true)
			f.System(func(r store.Reader) error {
				n, err := r.Revocations()
				is(f, "of all", n >= f.revocations(), true)
				return err
			})
		},
		"live keys": func(f *Fixture) {
			k := f.putKey("a", nil)
			f.putKey("b", func(k *fleet.Key) { k.RevokedAt = f.Now })
			f.putKey("c", func(k *fleet.Key) { k.ExpiresAt = f.Now })
			forever := f.putKey("d", func(k *fleet.Key) { k.ExpiresAt = time.Time{} })
			f.View(func(r store.Reader) error {
				live, err := r.LiveKeys(f.Now)
				if d := cmp.Diff(map[fleet.ID]time.Time{k.ID: k.ExpiresAt, forever.ID: {}}, live); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				return err
			})
		},
		"who is bound to environments sees what lives in them": func(f *Fixture) {
			place := func(env string) fleet.Job {
				spec := f.Spec()
				spec.Environment = env
				return f.Submit(spec)
			}
			// One name is a pattern of another to those who know patterns.
			ours, theirs := place("pr_d"), place("prXd")
			f.Update(func(tx store.Tx) error {
				return errors.Join(tx.PutRobot(fleet.Robot{ID: "in", Tenant: f.Tenant, Environment: "pr_d", Name: "in", CreatedAt: f.Now}),
					tx.PutRobot(fleet.Robot{ID: "out", Tenant: f.Tenant, Environment: "prXd", Name: "out", CreatedAt: f.Now}),
					tx.PutEnvironment(fleet.Environment{Tenant: f.Tenant, Name: "pr_d"}), tx.PutEnvironment(fleet.Environment{Tenant: f.Tenant, Name: "prXd"}))
			})
			for _, bound := range [][]string{{"pr_d"}, {"lab", "pr_d"}} {
				scope := f.Scope.Within(bound)
				f.must(f.Store.View(f.Context(), scope, func(r store.Reader) error {
					_, err := r.Job(ours.ID)
					f.must(err)
					_, err = r.Subject(ours.ID)
					f.must(err)
					_, err = r.Robot("in")
					f.must(err)
					j, none := r.Job(theirs.ID)
					is(f, "job", errors.Is(none, fleet.ErrNotFound) && j.ID == "", true)
					s, none := r.Subject(theirs.ID)
					is(f, "subject", errors.Is(none, fleet.ErrNotFound) && s.Job.ID == "", true)
					b, none := r.Robot("out")
					is(f, "robot", errors.Is(none, fleet.ErrNotFound) && b.ID == "", true)
					for _, filter := range []store.JobFilter{{}, {States: []fleet.State{fleet.Pending}}, {Workflow: ours.Workflow.ID}} {
						page, err := r.Jobs(filter, fleet.Page{})
						f.must(err)
						is(f, "jobs", len(page.Jobs), 1)
						is(f, "their number is not told", page.Total, -1)
					}
					robots, err := r.Robots(store.RobotFilter{}, fleet.Page{})
					f.must(err)
					is(f, "robots", fmt.Sprint(len(robots.Robots), robots.Total), "1 1")
					envs, err := r.Environments()
					is(f, "environments", len(envs), 1)
					dead, derr := r.DeadLetters(true, fleet.Page{})
					is(f, "dead letters", dead.Total, 0)
					return errors.Join(err, derr)
				}))
				err := f.Store.Update(f.Context(), scope, func(tx store.Tx) error { _, err := tx.Subject(theirs.ID); return err })
				is(f, "to change it", errors.Is(err, fleet.ErrNotFound), true)
				// Nor can a job be tied to one that is not seen.
				child := f.Spec()
				child.Environment = "pr_d"
				var got []store.Submitted
				got, err = f.Store.Enqueue(f.Context(), scope, []store.Submission{{Job: fleet.NewJob(child, f.Now), Parents: []fleet.ID{theirs.ID}}})
				f.must(err)
				is(f, "to wait for it", got[0].Err != nil && strings.Contains(got[0].Err.Error(), "There is no job"), true)
			}
			f.View(func(r store.Reader) error {
				page, err := r.Jobs(store.JobFilter{}, fleet.Page{})
				is(f, "who is not bound", len(page.Jobs), 2)
				return err
			})
		},
		"the pepper": func(f *Fixture) {
			check := func() (text string) {
				f.System(func(r store.Reader) (err error) { text, err = r.PepperCheck(); return err })
				return text
			}
			set := func(was, is string) (ok bool) {
				f.systemUpdate(func(tx store.Tx) (err error) { ok, err = tx.SetPepperCheck(was, is, f.Now); return err })
				return ok
			}
			before := check()
			plain, mixed := f.putKey("ab", nil), f.putKey("hmac:ab", nil)
			is(f, "another than it was", set(before+"x", "y"), false)
			is(f, "the first", set(before, "one"), true)
			is(f, "check", check(), "one")
			is(f, "a new one", set("one", "two"), true)
			is(f, "plain goes on", f.key(plain.ID).RevokedAt.IsZero(), true)
			is(f, "mixed ends", f.key(mixed.ID).RevokedAt.IsZero(), false)
			is(f, "for a tenant", f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { _, err := tx.SetPepperCheck("two", "x", f.Now); return err }) != nil, true)
			is(f, "back", set("two", before), true)
		},
		"enrolment tokens": func(f *Fixture) {
			e := fleet.Enrolment{
				ID: f.IDs.New(), Tenant: f.Tenant, NamePattern: "lager-*", Environment: "prod", Pool: "night", Tags: fleet.Capabilities{"a", "b"},
				Hash: "eh", Hint: "wxyz", UsesMax: 3, CreatedAt: f.Now, CreatedBy: "ada", ExpiresAt: f.Now.Add(time.Hour),
			}
			f.Update(func(tx store.Tx) error { return tx.PutEnrolment(e) })
			f.System(func(r store.Reader) error {
				got, err := r.EnrolmentByHash("eh")
				if d := cmp.Diff(e, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				return err
			})
			o := f.Other("globex")
			o.View(func(r store.Reader) error {
				list, err := r.Enrolments()
				is(f, "theirs", len(list), 0)
				_, none := r.EnrolmentByHash("eh")
				is(f, "our hash", errors.Is(none, fleet.ErrNotFound), true)
				return err
			})
			var theirs bool
			o.Update(func(tx store.Tx) (err error) { theirs, err = tx.SpendEnrolment(e.ID, f.Now); return err })
			is(f, "spent by another tenant", theirs, false)
			// Ten machines at once, three of which may.
			var spent atomic.Int64
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					var ok bool
					err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) (err error) { ok, err = tx.SpendEnrolment(e.ID, f.Now); return err })
					if err == nil && ok {
						spent.Add(1)
					}
				})
			}
			all.Wait()
			is(f, "spent", spent.Load(), 3)
			late := e
			late.ID, late.Hash, late.ExpiresAt = f.IDs.New(), "late", f.Now
			gone := e
			gone.ID, gone.Hash = f.IDs.New(), "gone"
			f.Update(func(tx store.Tx) error {
				return errors.Join(tx.PutEnrolment(late), tx.PutEnrolment(gone), tx.RevokeEnrolment(gone.ID, f.Now))
			})
			for what, id := range map[string]fleet.ID{"expired": late.ID, "revoked": gone.ID} {
				var ok bool
				f.Update(func(tx store.Tx) (err error) { ok, err = tx.SpendEnrolment(id, f.Now); return err })
				is(f, what, ok, false)
			}
			err := o.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error { return tx.RevokeEnrolment(e.ID, f.Now) })
			is(f, "revoked by another tenant", errors.Is(err, fleet.ErrNotFound), true)
		},
	}
}

package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func placementTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"what is known of a robot": func(f *Fixture) {
			want := f.NewRobot("r1", 2)
			want.Pool, want.SharedWith = "web", []fleet.TenantID{"a", "b"}
			want.Facts = fleet.Facts{"mem": {Value: 16.5, Source: fleet.FactFromAdmin, At: f.Now.UTC(), MaxAgeSeconds: 60}, "os": {Value: "linux"}}
			f.Update(func(tx store.Tx) error { return tx.PutRobot(want) })
			f.View(func(r store.Reader) error {
				got, err := r.Robot("r1")
				if d := cmp.Diff(want.Facts, got.Facts); d != "" || got.Pool != "web" || len(got.SharedWith) != 2 {
					f.Errorf("pool %s, shared with %v, facts %s", got.Pool, got.SharedWith, d)
				}
				return err
			})
			f.Update(func(tx store.Tx) error { return tx.PutRobot(f.NewRobot("r2", 2)) })
			f.View(func(r store.Reader) error {
				got, err := r.Robot("r2")
				is(f, "pool of a robot that was put into none", got.Pool, fleet.DefaultPool)
				return err
			})
		},
		"robots in a mode": func(f *Fixture) {
			session := f.Robot("r1", 2)
			f.Robot("r2", 2)
			f.Running(f.Spec(), "r1", session)
			f.Update(func(tx store.Tx) error {
				r, err := tx.Robot("r1")
				f.must(err)
				r.SetMode(fleet.ModeChange{Mode: fleet.ModeDraining, Deadline: time.Minute, Note: "new disk"}, f.Now)
				return tx.PutRobot(r)
			})
			f.System(func(r store.Reader) error {
				got, err := r.InMode()
				f.must(err)
				is(f, "robots", len(got), 1)
				x := got[0]
				is(f, "mode", x.Mode, fleet.ModeDraining)
				is(f, "holds", x.Taken, 1)
				is(f, "then", x.DrainThen, fleet.ModeMaintenance)
				is(f, "what runs", x.OnDeadline, fleet.RequeueRunning)
				is(f, "note", x.ModeNote, "new disk")
				is(f, "deadline", x.DrainDeadline.Equal(f.Now.Add(time.Minute)), true)
				return nil
			})
		},
		"environments": func(f *Fixture) {
			put := func(f *Fixture, name string, strict bool) {
				f.Update(func(tx store.Tx) error {
					return tx.PutEnvironment(fleet.Environment{Tenant: f.Tenant, Name: name, Strict: strict, AgeStepSeconds: 60})
				})
			}
			put(f, "lab", false)
			put(f, "b", true)
			put(f, "lab", true)
			put(f.Other("other"), "lab", false)
			f.View(func(r store.Reader) error {
				list, err := r.Environments()
				is(f, "environments", fmt.Sprintf("%v", list), fmt.Sprintf("%v", []fleet.Environment{
					{Tenant: f.Tenant, Name: "b", Strict: true, AgeStepSeconds: 60}, {Tenant: f.Tenant, Name: "lab", Strict: true, AgeStepSeconds: 60},
				}))
				return err
			})
			f.View(func(r store.Reader) error {
				one, err := r.Environment(f.Tenant, "b")
				f.must(err)
				is(f, "one that is set", one.Strict, true)
				none, err := r.Environment(f.Tenant, "c")
				f.must(err)
				is(f, "one that is not", fmt.Sprint(none), fmt.Sprint(fleet.Environment{Tenant: f.Tenant, Name: "c"}))
				theirs, err := r.Environment("other", "lab")
				is(f, "one of another tenant", theirs.AgeStepSeconds, 0)
				return err
			})
			f.System(func(r store.Reader) error {
				list, err := r.Environments()
				is(f, "those of all tenants", len(list), 3)
				f.must(err)
				all, err := r.Standing()
				is(f, "at one look", fmt.Sprint(all.Environments), fmt.Sprint(list))
				lanes, lerr := r.Lanes()
				f.must(lerr)
				is(f, "lanes", fmt.Sprint(all.Lanes), fmt.Sprint(lanes))
				return err
			})
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				return tx.PutEnvironment(fleet.Environment{Tenant: "other", Name: "x"})
			})
			is(f, "of another tenant it is refused", err != nil, true)
		},
		"usual robots": func(f *Fixture) {
			put := func(robot fleet.RobotID, first bool, priority int) {
				f.Update(func(tx store.Tx) error {
					return tx.PutUsualRobot(f.Tenant, fleet.UsualRobot{WorkflowID: "w", RobotID: robot, Default: first, Priority: priority, CreatedAt: f.Now})
				})
			}
			order := func(want ...fleet.RobotID) {
				f.Helper()
				f.View(func(r store.Reader) error {
					list, err := r.UsualRobots("w")
					var got []fleet.RobotID
					for _, u := range list {
						got = append(got, u.RobotID)
					}
					if d := cmp.Diff(want, got); d != "" {
						f.Errorf("order (-want +got):\n%s", d)
					}
					return err
				})
			}
			order()
			put("b", false, 1)
			put("a", false, 1)
			put("c", false, 0)
			put("d", true, 9)
			order("d", "c", "a", "b")
			put("d", false, 9)
			order("c", "a", "b", "d")
			f.Update(func(tx store.Tx) error { return tx.DeleteUsualRobot("w", "a") })
			order("c", "b", "d")
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteUsualRobot("w", "a") })
			is(f, "gone", errors.Is(err, fleet.ErrNotFound), true)
			f.Update(func(tx store.Tx) error {
				return tx.PutUsualRobot(f.Tenant, fleet.UsualRobot{WorkflowID: "v", RobotID: "d", Default: true, CreatedAt: f.Now})
			})
			o := f.Other("globex")
			o.Update(func(tx store.Tx) error {
				return tx.PutUsualRobot(o.Tenant, fleet.UsualRobot{WorkflowID: "theirs", RobotID: "d", CreatedAt: f.Now})
			})
			f.View(func(r store.Reader) error {
				list, err := r.UsualWorkflows("d")
				is(f, "workflows of a robot", len(list) == 2 && list[0].WorkflowID == "v" && list[1].WorkflowID == "w", true)
				return err
			})
		},
		"a sticky key is tied to the robot that ended its job": func(f *Fixture) {
			session := f.Robot("r1", 9)
			spec := f.Spec()
			spec.Placement.Sticky = &fleet.Sticky{Mode: fleet.StickyHard, Key: "order-7", TTLSeconds: 60}
			key := store.TieKey{Tenant: f.Tenant, Key: "order-7"}
			tied := func(at time.Time) (robot fleet.RobotID) {
				f.System(func(r store.Reader) error {
					ties, err := r.Ties([]store.TieKey{key, {Tenant: f.Tenant, Key: "other"}}, at)
					robot = ties[key]
					return err
				})
				return robot
			}
			j := f.Running(spec, "r1", session)
			is(f, "while it runs", tied(f.Now), "")
			f.Report(f.NewReport(j, fleet.ReportComplete, 1))
			is(f, "afterwards", tied(f.Now), "r1")
			is(f, "when the time is over", tied(f.Now.Add(2*time.Minute)), "")
			spec.ID = f.IDs.New()
			f.Cancel(f.Submit(spec).ID) // has never run: says nothing
			is(f, "still", tied(f.Now), "r1")
		},
		"jobs of other keys wait in one lane": func(f *Fixture) {
			for _, key := range []string{"a", "b"} {
				spec := f.Spec()
				spec.Placement.Sticky = &fleet.Sticky{Mode: fleet.StickySoft, Key: key}
				f.Submit(spec)
			}
			f.System(func(r store.Reader) error {
				lanes, err := r.Lanes()
				f.must(err)
				is(f, "lanes", len(lanes), 1)
				ready, err := r.Ready(lanes[0], 10)
				is(f, "keys", ready[0].StickyKey+ready[1].StickyKey, "ab")
				return err
			})
		},
		"reservations": func(f *Fixture) {
			one := fleet.Reservation{
				ID: f.IDs.New(), Tenant: f.Tenant, Name: "month end", Slots: 3, Enabled: true, Selector: fleet.Selector{Pools: []string{"web"}},
				For:     fleet.ReservationFor{Labels: map[string]string{"team": "pay"}},
				Windows: []fleet.Window{{From: f.Now.UTC(), Until: f.Now.UTC().Add(time.Hour)}}, CreatedAt: f.Now.UTC(), UpdatedAt: f.Now.UTC(),
			}
			two := fleet.Reservation{ID: f.IDs.New(), Tenant: f.Tenant, Name: "urgent"}
			f.Update(func(tx store.Tx) error { f.must(tx.PutReservation(two)); return tx.PutReservation(one) })
			f.View(func(r store.Reader) error {
				got, err := r.Reservation(one.ID)
				f.must(err)
				if d := cmp.Diff(one, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				list, err := r.Reservations()
				is(f, "oldest first", len(list) == 2 && list[0].ID == one.ID, true)
				return err
			})
			two.Name = "month end"
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutReservation(two) })
			is(f, "a name that is taken", errors.Is(err, fleet.ErrConflict), true)
			o := f.Other("globex")
			o.Update(func(tx store.Tx) error {
				twin := two
				twin.ID, twin.Tenant = f.IDs.New(), "globex"
				return tx.PutReservation(twin)
			})
			err = o.Store.Update(o.Context(), o.Scope, func(tx store.Tx) error { return tx.DeleteReservation(one.ID) })
			is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
			f.Update(func(tx store.Tx) error { return tx.DeleteReservation(one.ID) })
			f.View(func(r store.Reader) error {
				_, err := r.Reservation(one.ID)
				is(f, "deleted", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
		},
		"how long runs took": func(f *Fixture) {
			session := f.Robot("r1", 9)
			var of fleet.ID
			for i := range 3 {
				j := f.Running(f.Spec(), "r1", session)
				of = j.Workflow.ID
				f.Later(time.Duration(i+1) * time.Second)
				f.Report(f.NewReport(j, fleet.ReportComplete, int64(i+1)))
			}
			bad := f.Running(f.Spec(), "r1", session)
			f.Report(f.NewReport(bad, fleet.ReportFailed, 4))
			f.Running(f.Spec(), "r1", session)
			f.View(func(r store.Reader) error {
				got, err := r.RunTimes(f.Tenant, of, 2)
				is(f, "the newest two", fmt.Sprint(got), "[3s 2s]")
				f.must(err)
				got, err = r.RunTimes("other", of, 2)
				is(f, "of another tenant", len(got), 0)
				return err
			})
		},
		"who holds slots": func(f *Fixture) {
			session := f.Robot("r1", 9)
			spec := f.Spec()
			spec.Labels, spec.Priority = map[string]string{"team": "pay"}, 3
			j := f.Running(spec, "r1", session)
			f.Submit(f.Spec())
			f.System(func(r store.Reader) error {
				got, err := r.Holders()
				want := []store.Holder{{
					JobID: j.ID, Epoch: 1, State: fleet.Running, Started: f.Now, Tenant: f.Tenant, RobotID: "r1", Workflow: j.Workflow.ID, Priority: 3, Labels: spec.Labels,
				}}
				if d := cmp.Diff(want, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				return err
			})
			f.Report(f.NewReport(j, fleet.ReportComplete, 1))
			f.System(func(r store.Reader) error {
				got, err := r.Holders()
				is(f, "afterwards", len(got), 0)
				return err
			})
		},
		"what a tenant was served": func(f *Fixture) {
			session := f.Robot("r1", 9)
			f.Submit(f.Spec()) // somebody waits
			start := time.Now()
			served := func(at time.Time) (d time.Duration) {
				f.System(func(r store.Reader) error {
					list, err := r.Shares(at)
					f.must(err)
					is(f, "tenants", len(list), 1)
					is(f, "weight", list[0].Weight, 100)
					d = list[0].Served
					return err
				})
				return d
			}
			if d := served(start); d != 0 {
				f.Errorf("served %s before anything ran", d)
			}
			a, b := f.Running(f.Spec(), "r1", session), f.Running(f.Spec(), "r1", session)
			if d := served(start.Add(time.Hour)); d < 2*(time.Hour-time.Minute) || d > 2*time.Hour {
				f.Errorf("two slots for an hour were counted as %s", d)
			}
			f.Report(f.NewReport(a, fleet.ReportComplete, 1), f.NewReport(b, fleet.ReportComplete, 2))
			if ended, later := served(time.Now()), served(start.Add(time.Hour)); ended != later || ended > time.Minute {
				f.Errorf("served %s when they had ended, and %s an hour later", ended, later)
			}
			own := fleet.NewTenant(f.Tenant)
			own.Weight = 300
			f.Update(func(tx store.Tx) error { return putTenant(tx, own) })
			f.System(func(r store.Reader) error {
				list, err := r.Shares(time.Now())
				is(f, "weight", list[0].Weight, 300)
				return err
			})
		},
	}
}

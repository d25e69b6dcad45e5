package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func robotTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"round trip": func(f *Fixture) {
			want := f.NewRobot("r1", 4)
			want.Tags, want.OS, want.Arch, want.AgentVersion = fleet.Capabilities{"a", "b"}, "linux", "amd64", "1.0"
			want.SlotLimit, want.Mode, want.QuarantineTill = 3, fleet.ModeDraining, f.Now.Add(time.Hour)
			f.Update(func(tx store.Tx) error { return tx.PutRobot(want) })
			want.CurrentJobIDs = []fleet.ID{}
			f.View(func(r store.Reader) error {
				got, err := r.Robot("r1")
				if d := cmp.Diff(want, got); d != "" {
					f.Errorf("(-want +got):\n%s", d)
				}
				_, missing := r.Robot("r2")
				is(f, "missing", errors.Is(missing, fleet.ErrNotFound), true)
				return err
			})
			f.Connect("r1")
			want.Mode, want.WishedSlots = fleet.ModeActive, 9
			f.Update(func(tx store.Tx) error { return tx.PutRobot(want) })
			f.View(func(r store.Reader) error {
				got, err := r.Robot("r1")
				is(f, "changed", got.Mode == fleet.ModeActive && got.WishedSlots == 9, true)
				is(f, "still connected", got.Connected && got.SessionEpoch == 1 && got.MemberID == "member-1", true)
				is(f, "seen", got.LastSeen, f.Now)
				return err
			})
		},
		"sessions": func(f *Fixture) {
			f.Robot("r1", 1)
			var first fleet.Session
			f.View(func(r store.Reader) (err error) {
				first, err = r.OpenSession("r1")
				return err
			})
			is(f, "features", len(first.Features), 1)
			next := f.Connect("r1")
			is(f, "epoch", next.Epoch, int64(2))
			f.View(func(r store.Reader) error {
				old, err := r.Session(first.ID)
				is(f, "replaced", old.Reason == "replaced" && !old.ClosedAt.IsZero(), true)
				open, _ := r.OpenSession("r1")
				if d := cmp.Diff(next, open); d != "" {
					f.Errorf("open session (-want +got):\n%s", d)
				}
				return err
			})
			closeOne := func(id fleet.ID) (was bool) {
				f.Update(func(tx store.Tx) (err error) {
					was, err = tx.CloseSession(id, "bye", "somebody", f.Now)
					return err
				})
				return was
			}
			is(f, "an older session touches nothing", closeOne(first.ID), false)
			is(f, "the newest one does", closeOne(next.ID), true)
			is(f, "once", closeOne(next.ID), false)
			var told []fleet.Event
			for _, e := range f.Events(0) {
				if e.Kind == fleet.EventRobotDisconnected {
					told = append(told, e)
				}
			}
			is(f, "told of once, with who said so", len(told) == 1 && told[0].Actor == "somebody" && told[0].Subject.ID == "r1", true)
			f.View(func(r store.Reader) error {
				robot, err := r.Robot("r1")
				is(f, "connected", robot.Connected, false)
				is(f, "epoch stays", robot.SessionEpoch, int64(2))
				_, none := r.OpenSession("r1")
				is(f, "no open session", errors.Is(none, fleet.ErrNotFound), true)
				return err
			})
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				_, err := tx.OpenSessionAs(fleet.Session{ID: f.IDs.New(), Tenant: f.Tenant, RobotID: "nobody", OpenedAt: f.Now})
				return err
			})
			is(f, "no such robot", errors.Is(err, fleet.ErrNotFound), true)
		},
		"what streams show": func(f *Fixture) {
			session := f.Robot("r1", 2)
			f.Robot("r2", 1)
			f.Other("globex").Robot("r1", 1)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			waits := f.Submit(f.Spec())
			f.View(func(r store.Reader) error {
				jobs, err := r.JobsOf([]fleet.ID{j.ID, f.IDs.New(), waits.ID})
				f.must(err)
				is(f, "jobs", len(jobs), 2)
				robots, err := r.RobotsOf([]fleet.RobotID{"r2", "nobody", "r1"})
				f.must(err)
				is(f, "robots", len(robots), 2)
				for _, x := range robots {
					is(f, "held by "+string(x.ID), len(x.CurrentJobIDs) == 1 && x.Taken == 1, x.ID == "r1")
				}
				all, err := r.SeenSince(time.Time{})
				f.must(err)
				is(f, "all", len(all), 2)
				is(f, "taken", all[0].Taken, 1)
				late, err := r.SeenSince(f.Now.Add(time.Hour))
				f.must(err)
				is(f, "later", len(late), 0)
				running, err := r.Running()
				f.must(err)
				is(f, "running", len(running) == 1 && running[0].JobID == j.ID && running[0].RobotID == "r1", true)
				return nil
			})
		},
		"a member is gone": func(f *Fixture) {
			session := f.Robot("r1", 2)
			f.Robot("r2", 1)
			o := f.Other("globex") // its robot has the same id
			theirs := o.Running(o.Spec(), "r1", o.Robot("r1", 1))
			runs, offered := f.Running(f.Spec(), "r1", session), f.Assign(f.Submit(f.Spec()), "r1", session)
			last := f.Events(0)[len(f.Events(0))-1].Seq
			err := f.Store.Update(f.Context(), store.System("test"), func(tx store.Tx) error {
				n, err := tx.CloseMember("member-1", f.Now)
				is(f, "closed", n, 3)
				return err
			})
			f.must(err)
			gone := func(f *Fixture, after int64) (list []string) {
				for _, e := range f.Events(after) {
					if e.Kind == fleet.EventRobotDisconnected {
						list = append(list, e.Subject.ID+" "+string(e.Data))
					}
				}
				return list
			}
			told := gone(f, last)
			is(f, "told", len(told), 2)
			is(f, "of the jobs of this tenant's robot", strings.Contains(told[0], string(runs.ID)) && strings.Contains(told[0], string(offered.ID)) &&
				strings.Contains(told[0], "member_gone") && !strings.Contains(told[0], string(theirs.ID)), true)
			is(f, "told to the other tenant", len(gone(o, 0)), 1)
			is(f, "what was only offered", f.Job(offered.ID).State, fleet.Pending)
			is(f, "what runs", f.Job(runs.ID).State, fleet.Running)
			f.must(f.Store.Update(f.Context(), store.System("test"), func(tx store.Tx) error {
				n, err := tx.CloseMember("member-1", f.Now)
				is(f, "closed twice", n, 0)
				return err
			}))
			is(f, "told twice", len(gone(f, last)), 2)
			f.System(func(r store.Reader) error {
				p, err := r.Robots(store.RobotFilter{Connected: true}, fleet.Page{})
				is(f, "connected", len(p.Robots), 0)
				return err
			})
		},
		"lists": func(f *Fixture) {
			for i := range 7 {
				r := f.NewRobot(name("r", i), 2)
				if i%2 == 0 {
					r.Environment = "prod"
				}
				f.Update(func(tx store.Tx) error { return tx.PutRobot(r) })
			}
			session := f.Connect("r-1").Epoch
			f.Connect("r-2")
			o := f.Other("globex")
			o.Robot("r-1", 1)
			j := f.Assign(f.Submit(f.Spec()), "r-1", session)
			f.View(func(r store.Reader) error {
				var got []string
				for next := ""; ; {
					p, err := r.Robots(store.RobotFilter{}, fleet.Page{Limit: 3, Cursor: next})
					f.must(err)
					is(f, "total", p.Total, int64(7))
					for _, x := range p.Robots {
						got = append(got, fmt.Sprint(x.ID, x.Taken, x.CurrentJobIDs))
					}
					if next = p.Next; next == "" {
						break
					}
				}
				is(f, "pages", len(got), 7)
				is(f, "with its job", got[1], fmt.Sprint("r-1", 1, []fleet.ID{j.ID}))
				p, err := r.Robots(store.RobotFilter{Environment: "prod", Connected: true, Member: "member-1"}, fleet.Page{})
				is(f, "filtered", len(p.Robots) == 1 && p.Robots[0].ID == "r-2" && p.Total == 1, true)
				return err
			})
			f.System(func(r store.Reader) error {
				p, err := r.Robots(store.RobotFilter{Connected: true}, fleet.Page{})
				is(f, "all tenants", len(p.Robots), 3)
				f.must(err)
				rooms, err := r.Rooms([]store.RobotRef{{Tenant: "globex", RobotID: "r-1"}, {Tenant: "acme", RobotID: "x"}, {Tenant: "acme", RobotID: "r-1"}, {Tenant: "acme", RobotID: "r-1"}})
				is(f, "rooms", rooms[0].Taken == 0 && rooms[1].ID == "" && rooms[2].Taken == 1 && rooms[3].Taken == 1, true)
				return err
			})
		},
		"held": func(f *Fixture) {
			session := f.Robot("r1", 5)
			run := f.Running(f.Spec(), "r1", session)
			f.Report(f.NewReport(f.Running(f.Spec(), "r1", session), fleet.ReportComplete, 1))
			f.View(func(r store.Reader) error {
				list, err := r.HeldBy("r1")
				is(f, "held", len(list) == 1 && list[0].Job.ID == run.ID && list[0].Attempt.RobotID == "r1", true)
				return err
			})
		},
		"journal": func(f *Fixture) {
			f.View(func(r store.Reader) error {
				j, err := r.Journal("r1", "new")
				is(f, "unknown disk", j.Committed, int64(0))
				return err
			})
			for _, n := range []int64{5, 3} {
				f.Update(func(tx store.Tx) error {
					return tx.PutJournal(fleet.Journal{Tenant: f.Tenant, RobotID: "r1", ID: "d", Committed: n})
				})
			}
			f.View(func(r store.Reader) error {
				j, err := r.Journal("r1", "d")
				is(f, "never lower", j.Committed, int64(5))
				return err
			})
		},
		"delete": func(f *Fixture) {
			f.Robot("r1", 1)
			f.Update(func(tx store.Tx) error { return tx.DeleteRobot("r1", f.Now) })
			f.View(func(r store.Reader) error {
				_, err := r.Robot("r1")
				is(f, "gone", errors.Is(err, fleet.ErrNotFound), true)
				_, err = r.OpenSession("r1")
				is(f, "session", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
			is(f, "comes back with a higher session epoch", f.Robot("r1", 1), int64(2))
		},
	}
}

func workflowTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"round trip": func(f *Fixture) {
			w := fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: "invoices", Newest: 1, Hash: "h1", CreatedAt: f.Now, UpdatedAt: f.Now}
			v := fleet.WorkflowVersion{
				WorkflowID: w.ID, Version: 1, Hash: "h1", Requires: fleet.Capabilities{"browser"}, NodeCount: 3, CreatedAt: f.Now, CreatedBy: "u",
			}
			add := func() error {
				return f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
					if err := tx.PutBody("h1", []byte("{}")); err != nil {
						return err
					}
					if err := tx.PutBody("h1", []byte("other")); err != nil {
						return err
					}
					if err := tx.PutWorkflow(w); err != nil {
						return err
					}
					return tx.AddWorkflowVersion(v)
				})
			}
			f.must(add())
			is(f, "version twice", errors.Is(add(), fleet.ErrConflict), true)
			f.View(func(r store.Reader) error {
				for what, got := range map[string]func() (fleet.Workflow, error){
					"by id":   func() (fleet.Workflow, error) { return r.Workflow(w.ID) },
					"by name": func() (fleet.Workflow, error) { return r.WorkflowByName("invoices") },
				} {
					x, err := got()
					f.must(err)
					if d := cmp.Diff(w, x); d != "" {
						f.Errorf("%s (-want +got):\n%s", what, d)
					}
				}
				x, err := r.WorkflowVersion(w.ID, 1)
				f.must(err)
				if d := cmp.Diff(v, x); d != "" {
					f.Errorf("version (-want +got):\n%s", d)
				}
				list, err := r.WorkflowVersions(w.ID)
				is(f, "versions", len(list), 1)
				f.must(err)
				body, err := r.Body("h1")
				is(f, "a body never changes", string(body), "{}")
				f.must(err)
				bodies, err := r.Bodies([]string{"x", "h1"})
				is(f, "bodies that are there", fmt.Sprintf("%s", bodies), "map[h1:{}]")
				f.must(err)
				for what, err := range map[string]error{
					"workflow": second(r.Workflow("x")), "version": second(r.WorkflowVersion(w.ID, 2)), "body": second(r.Body("x")),
				} {
					is(f, "missing "+what, errors.Is(err, fleet.ErrNotFound), true)
				}
				return nil
			})
			twin := w
			twin.ID = f.IDs.New()
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutWorkflow(twin) })
			is(f, "name taken", errors.Is(err, fleet.ErrConflict), true)
			o := f.Other("globex")
			theirs := twin
			theirs.ID, theirs.Tenant = f.IDs.New(), "globex"
			o.Update(func(tx store.Tx) error { return tx.PutWorkflow(theirs) })
			err = o.Store.Update(f.Context(), o.Scope, func(tx store.Tx) error {
				return tx.AddWorkflowVersion(fleet.WorkflowVersion{WorkflowID: w.ID, Version: 2})
			})
			is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
			w.DeletedAt = f.Now
			f.Update(func(tx store.Tx) error { return tx.PutWorkflow(w) })
			f.Update(func(tx store.Tx) error { return tx.PutWorkflow(twin) })
		},
		"list": func(f *Fixture) {
			for i := range 5 {
				f.Update(func(tx store.Tx) error {
					return tx.PutWorkflow(fleet.Workflow{ID: f.IDs.New(), Tenant: f.Tenant, Name: string(name("w", i))})
				})
			}
			f.View(func(r store.Reader) error {
				var got []string
				for next := ""; ; {
					list, n, err := r.Workflows(fleet.Page{Limit: 2, Cursor: next})
					f.must(err)
					for _, w := range list {
						got = append(got, w.Name)
					}
					if next = n; next == "" {
						break
					}
				}
				is(f, "names", fmt.Sprint(got), "[w-0 w-1 w-2 w-3 w-4]")
				return nil
			})
		},
	}
}

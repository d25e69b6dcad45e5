package storetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// exclusive makes a secret, or changes whether it is for one job at a time.
func (f *Fixture) exclusive(name string, yes bool) {
	f.Helper()
	f.Update(func(tx store.Tx) error {
		return tx.PutSecret(fleet.Secret{Tenant: f.Tenant, Name: name, Exclusive: yes})
	})
}

// needs is a job whose workflow names secrets.
func (f *Fixture) needs(names ...string) fleet.JobSpec {
	s := f.Spec()
	s.Placement.Secrets = names
	return s
}

// holders says in words who has which exclusive secret.
func (f *Fixture) holders() string {
	f.Helper()
	var parts []string
	f.System(func(r store.Reader) error {
		s, err := r.Standing()
		f.must(err)
		list, err := r.Exclusives()
		is(f, "at one look", fmt.Sprint(s.Exclusives), fmt.Sprint(list))
		for _, x := range list {
			parts = append(parts, fmt.Sprintf("%s/%s %v", x.Tenant, x.Name, x.Holders))
		}
		return err
	})
	return strings.Join(parts, ", ")
}

// wins says whether a job could be handed to a robot, and why not.
func (f *Fixture) wins(j fleet.Job, robot fleet.RobotID, session int64) string {
	f.Helper()
	won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(f.Job(j.ID), robot, session)}, f.Now)
	f.must(err)
	if len(won) == 1 {
		return "won"
	}
	return lost[0].Reason
}

func checkOutTests() map[string]func(f *Fixture) {
	all := map[string]func(f *Fixture){
		"one job at a time": func(f *Fixture) {
			f.exclusive("erp", true)
			f.exclusive("crm", false)
			o := f.Other("globex")
			o.exclusive("erp", true)
			session, theirs := f.Robot("r1", 9), o.Robot("r1", 9)
			free := fmt.Sprintf("%s/erp [], %s/erp []", f.Tenant, o.Tenant)
			is(f, "at first", f.holders(), free)
			a, b, c := f.Submit(f.needs("crm", "erp")), f.Submit(f.needs("erp")), f.Submit(f.needs("crm"))
			won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(b, "r1", session), f.Plan(a, "r1", session), f.Plan(c, "r1", session)}, f.Now)
			f.must(err)
			if len(won) != 2 || won[0].Job.ID != b.ID || won[1].Job.ID != c.ID || len(lost) != 1 || lost[0].Reason != "secret_held" {
				f.Fatalf("won %+v, lost %+v", won, lost)
			}
			x := o.Submit(o.needs("erp"))
			is(f, "another tenant's", o.wins(x, "r1", theirs), "won")
			is(f, "both", f.holders(), fmt.Sprintf("%s/erp [%s], %s/erp [%s]", f.Tenant, b.ID, o.Tenant, x.ID))
			is(f, "a second try", f.wins(a, "r1", session), "secret_held")
			f.Accept(f.Job(b.ID))
			is(f, "while it runs", f.wins(a, "r1", session), "secret_held")
			f.Report(f.NewReport(f.Job(b.ID), fleet.ReportComplete, 1))
			is(f, "after its end", f.wins(a, "r1", session), "won")
			f.exclusive("erp", false)
			is(f, "no longer exclusive", f.holders(), fmt.Sprintf("%s/erp [%s]", o.Tenant, x.ID))
			d := f.Submit(f.needs("erp"))
			is(f, "so it is anybody's", f.wins(d, "r1", session), "won")
			f.exclusive("erp", true)
			is(f, "those that had it before", f.holders(), fmt.Sprintf("%s/erp [%s %s], %s/erp [%s]", f.Tenant, a.ID, d.ID, o.Tenant, x.ID))
			f.Update(func(tx store.Tx) error { return tx.DeleteSecret("erp") })
			is(f, "deleted", f.holders(), fmt.Sprintf("%s/erp [%s]", o.Tenant, x.ID))
		},
		"an old robot that cannot be stopped keeps it": func(f *Fixture) {
			f.exclusive("erp", true)
			f.Robot("r1", 2)
			s1 := f.transport("r1", fleet.TransportFlat)
			j := f.Running(f.needs("erp"), "r1", s1)
			f.Cancel(j.ID)
			f.Later(2 * time.Minute)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.StopLimit(1, f.Now) }))
			is(f, "ended", f.Job(j.ID).State, fleet.Cancelled)
			next := f.Submit(f.needs("erp"))
			is(f, "while it may go on", f.wins(next, "r1", s1), "secret_held")
			f.Update(func(tx store.Tx) error {
				_, err := tx.FreeSlot(store.Ref{JobID: j.ID, Epoch: 1}, "r1", f.Now)
				return err
			})
			is(f, "once its slot is free", f.wins(next, "r1", s1), "won")
		},
		"a robot that lost its job gets it back only if nobody has its secret": func(f *Fixture) {
			f.exclusive("erp", true)
			f.Robot("r1", 2)
			s1 := f.transport("r1", fleet.TransportPoll)
			j := f.Running(f.needs("erp"), "r1", s1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			}))
			next := f.Submit(f.needs("erp"))
			is(f, "the next", f.wins(next, "r1", s1), "won")
			regrant := func() error {
				return f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
					return s.Regrant(fleet.Slot{RobotID: "r1", SessionEpoch: s1, Max: 2}, f.Now)
				})
			}
			if err := regrant(); err == nil || fleet.AsError(err).Reason != "secret_held" {
				f.Errorf("given back although another job has the secret: %v", err)
			}
			f.Accept(f.Job(next.ID))
			f.Report(f.NewReport(f.Job(next.ID), fleet.ReportComplete, 1))
			f.must(regrant())
			is(f, "held again", f.holders(), fmt.Sprintf("%s/erp [%s]", f.Tenant, j.ID))
		},
	}
	for name, end := range attemptEnds() {
		all["freed by "+name] = func(f *Fixture) {
			f.exclusive("erp", true)
			session := f.Robot("r1", 9)
			j := f.Assign(f.Submit(f.needs("erp")), "r1", session)
			wake, stop := f.Store.Signals().Listen(store.TopicReady)
			defer stop()
			end(f, j)
			select {
			case <-wake:
			case <-f.Context().Done():
				f.Fatal("nobody was woken")
			}
			is(f, "then", f.holders(), string(f.Tenant)+"/erp []")
			is(f, "and the next", f.wins(f.Submit(f.needs("erp")), "r1", session), "won")
		}
	}
	return all
}

// attemptEnds are the ways in which an attempt of a two-step robot is over.
func attemptEnds() map[string]func(f *Fixture, j fleet.Job) {
	move := func(f *Fixture, j fleet.Job, decide func(s fleet.Subject) (*fleet.Move, error)) {
		f.must(f.Move(j.ID, decide))
	}
	report := func(kind fleet.ReportKind) func(f *Fixture, j fleet.Job) {
		return func(f *Fixture, j fleet.Job) { f.Report(f.NewReport(f.Accept(j), kind, 1)) }
	}
	return map[string]func(f *Fixture, j fleet.Job){
		"completion": report(fleet.ReportComplete),
		"failure":    report(fleet.ReportFailed),
		"a refusal": func(f *Fixture, j fleet.Job) {
			move(f, j, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Reject("r1", 1, fleet.RejectAtCapacity, "", 0, f.Now)
			})
		},
		"an offer that lapsed": func(f *Fixture, j fleet.Job) {
			move(f, j, func(s fleet.Subject) (*fleet.Move, error) { return s.NotTaken(1, fleet.RejectNoAnswer, 0, f.Now) })
		},
		"the loss of its robot": func(f *Fixture, j fleet.Job) {
			f.Accept(j)
			move(f, j, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			})
		},
		"a stop": func(f *Fixture, j fleet.Job) {
			f.Accept(j)
			f.Cancel(j.ID)
			f.Report(f.NewReport(j, fleet.ReportStopped, 1))
		},
		"a stop that nobody confirmed": func(f *Fixture, j fleet.Job) {
			f.Accept(j)
			f.Cancel(j.ID)
			f.Later(2 * time.Minute)
			move(f, j, func(s fleet.Subject) (*fleet.Move, error) { return s.StopLimit(1, f.Now) })
		},
	}
}

// raceCheckOut lets many planners hand out jobs that need one account, each to a
// robot of its own: one of them wins, and after its end the next.
func raceCheckOut(f *Fixture) {
	const planners, rounds = 8, 4
	f.exclusive("crm", true)
	f.exclusive("erp", true)
	var sessions [planners]int64
	var jobs [planners]fleet.Job
	for i := range planners {
		sessions[i] = f.Robot(name("r", i), 1)
		names := []string{"erp"}
		if i%2 == 0 {
			names = []string{"crm", "erp"}
		}
		jobs[i] = f.Submit(f.needs(names...))
	}
	over := map[fleet.ID]bool{}
	for range rounds {
		var won [planners][]store.Won
		together(planners, func(c int) {
			var err error
			if won[c], _, err = f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(jobs[c], name("r", c), sessions[c])}, f.Now); err != nil {
				f.Errorf("planner %d: %v", c, err)
			}
		})
		var list []fleet.Job
		for c := range won {
			for _, w := range won[c] {
				list = append(list, w.Job)
			}
		}
		if len(list) != 1 || over[list[0].ID] {
			f.Fatalf("%d jobs have the account at once: %v", len(list), list)
		}
		over[list[0].ID] = true
		f.Report(f.NewReport(f.Accept(list[0]), fleet.ReportComplete, 1))
	}
}

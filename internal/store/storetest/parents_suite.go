package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// child submits a job that waits for others.
func (f *Fixture) child(rule fleet.DependencyRule, unmet fleet.OnUnmet, parents ...fleet.ID) fleet.Job {
	f.Helper()
	spec := f.Spec()
	spec.DependsOn, spec.Rule, spec.OnUnmet = parents, rule, unmet
	sub := f.Submission(spec)
	sub.Parents = parents
	got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
	f.must(err)
	f.must(got[0].Err)
	return f.Job(got[0].Job.ID)
}

// ends brings a running job to an end.
func (f *Fixture) ends(j fleet.Job, kind fleet.ReportKind) {
	f.Helper()
	f.reports++
	r := f.NewReport(j, kind, f.reports)
	if r.Error != nil {
		r.Error.Class = fleet.ClassApplication
	}
	f.Report(r)
}

func (f *Fixture) waits(id fleet.ID, on fleet.WaitingOn) {
	f.Helper()
	if j := f.Job(id); j.State != fleet.Pending || j.WaitingOn != on {
		f.Errorf("job is %s and waits on %q, want pending on %q", j.State, j.WaitingOn, on)
	}
}

func parentTests() map[string]func(f *Fixture) {
	once := func(s *fleet.JobSpec) { s.Retry.Max = 0 }
	run := func(f *Fixture, session int64) fleet.Job {
		spec := f.Spec()
		once(&spec)
		return f.Running(spec, "r1", session)
	}
	return map[string]func(f *Fixture){
		"all completed: a join starts once, after the last": func(f *Fixture) {
			session := f.Robot("r1", 20)
			a, b := run(f, session), run(f, session)
			c := f.child("", "", a.ID, b.ID)
			f.waits(c.ID, fleet.WaitingDependencies)
			f.ends(a, fleet.ReportComplete)
			f.waits(c.ID, fleet.WaitingDependencies)
			is(f, "parents open after the first", f.Job(c.ID).DepsOpen, 1)
			f.Later(time.Minute)
			f.ends(b, fleet.ReportComplete)
			f.waits(c.ID, fleet.WaitingRobot)
			if got := f.Job(c.ID); got.DepsOpen != 0 || got.Version != 2 {
				f.Errorf("%d parents open, version %d", got.DepsOpen, got.Version)
			}
			f.System(func(r store.Reader) error {
				parents, err := r.Parents(c.ID)
				is(f, "parents", fmt.Sprint(parents), fmt.Sprint([]fleet.ID{a.ID, b.ID}))
				f.must(err)
				children, err := r.Children(a.ID)
				is(f, "children", fmt.Sprint(children), fmt.Sprint([]fleet.ID{c.ID}))
				return err
			})
		},
		"a failed parent ends the branch, and any_failed begins": func(f *Fixture) {
			session := f.Robot("r1", 20)
			a := run(f, session)
			b := f.child(fleet.AllCompleted, "", a.ID)
			c := f.child(fleet.AllCompleted, "", b.ID)
			rescue := f.child(fleet.AnyFailed, "", a.ID)
			held := f.child(fleet.AllCompleted, fleet.UnmetHold, a.ID)
			anyhow := f.child(fleet.AllFinished, "", a.ID)
			f.ends(a, fleet.ReportFailed)
			for _, id := range []fleet.ID{b.ID, c.ID} {
				if j := f.Job(id); j.State != fleet.Cancelled || j.EndReason != "dependency_unmet" {
					f.Errorf("%s is %s (%s)", id, j.State, j.EndReason)
				}
			}
			f.waits(rescue.ID, fleet.WaitingRobot)
			f.waits(anyhow.ID, fleet.WaitingRobot)
			f.waits(held.ID, fleet.WaitingHold)
			// The held one moves to the job that repeats the first.
			again := run(f, session)
			f.Update(func(tx store.Tx) error { return tx.MoveChild(held.ID, a.ID, again.ID) })
			f.ends(again, fleet.ReportComplete)
			f.waits(held.ID, fleet.WaitingRobot)
		},
		"a parent that ended before counts as it ended": func(f *Fixture) {
			session := f.Robot("r1", 20)
			a, b := run(f, session), run(f, session)
			f.ends(a, fleet.ReportComplete)
			f.ends(b, fleet.ReportFailed)
			f.waits(f.child("", "", a.ID).ID, fleet.WaitingRobot)
			if j := f.child("", "", b.ID); j.State != fleet.Cancelled {
				f.Errorf("the child of a failed job is %s", j.State)
			}
			f.waits(f.child(fleet.AnyCompleted, "", a.ID, b.ID).ID, fleet.WaitingRobot)
		},
		"unknown and foreign parents are refused, and nothing is stored": func(f *Fixture) {
			o := f.Other("globex")
			foreign := o.Submit(o.Spec())
			for _, id := range []fleet.ID{f.IDs.New(), foreign.ID} {
				sub := f.Submission(f.Spec())
				sub.Parents = []fleet.ID{id}
				got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
				f.must(err)
				is(f, "refused", errors.Is(got[0].Err, fleet.ErrInvalid), true)
				f.View(func(r store.Reader) error {
					_, err := r.Job(sub.Job.ID)
					is(f, "stored", errors.Is(err, fleet.ErrNotFound), true)
					return nil
				})
			}
		},
		"inputs come from the parent's result": func(f *Fixture) {
			session := f.Robot("r1", 20)
			a := run(f, session)
			submit := func(pointer string) fleet.ID {
				spec := f.Spec()
				spec.DependsOn, spec.FillInputs = []fleet.ID{a.ID}, true
				sub := f.Submission(spec)
				sub.Parents = spec.DependsOn
				sub.Data.Variables = []byte(`{"n":1,"id":{"from_job":"` + string(a.ID) + `","pointer":"` + pointer + `"}}`)
				got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
				f.must(err)
				f.must(got[0].Err)
				return got[0].Job.ID
			}
			good, bad, large := submit("/invoice/id"), submit("/nothing"), submit("/scan")
			f.reports++
			report := f.NewReport(a, fleet.ReportComplete, f.reports)
			report.Result = json.RawMessage(`{"success":true,"variables":{"invoice":{"id":"A-7"},"scan":"` + strings.Repeat("x", fleet.MaxInputs) + `"}}`)
			f.Report(report)
			f.waits(good, fleet.WaitingRobot)
			f.View(func(r store.Reader) error {
				d, err := r.JobData(good)
				is(f, "variables", string(d.Variables), `{"id":"A-7","n":1}`)
				return err
			})
			for _, id := range []fleet.ID{bad, large} {
				if j := f.Job(id); j.State != fleet.Failed || j.ErrorCode != "input_invalid" {
					f.Errorf("the job without its input is %s (%s)", j.State, j.ErrorCode)
				}
			}
		},
		"every child is told, however many there are": func(f *Fixture) {
			a := run(f, f.Robot("r1", 20))
			subs := make([]store.Submission, 501)
			for i := range subs {
				spec := f.Spec()
				spec.DependsOn = []fleet.ID{a.ID}
				subs[i] = f.Submission(spec)
				subs[i].Parents = spec.DependsOn
			}
			got, err := f.Store.Enqueue(f.Context(), f.Scope, subs)
			f.must(err)
			f.ends(a, fleet.ReportComplete)
			for i := range got {
				f.must(got[i].Err)
				f.waits(got[i].Job.ID, fleet.WaitingRobot)
			}
		},
		"a job that failed for good is a dead letter until somebody looks after it": func(f *Fixture) {
			session := f.Robot("r1", 20)
			a, b := run(f, session), run(f, session)
			f.ends(a, fleet.ReportFailed)
			f.ends(b, fleet.ReportComplete)
			list := func(all bool) (out store.DeadLetterPage) {
				f.View(func(r store.Reader) (err error) { out, err = r.DeadLetters(all, fleet.Page{}); return err })
				return out
			}
			is(f, "letters", len(list(false).Letters), 1)
			f.View(func(r store.Reader) error {
				d, err := r.DeadLetter(a.ID)
				is(f, "job", d.Job.ID, a.ID)
				is(f, "at", d.At.Equal(f.Job(a.ID).EndedAt), true)
				return err
			})
			o := f.Other("globex")
			o.View(func(r store.Reader) error {
				_, err := r.DeadLetter(a.ID)
				is(f, "another tenant's", errors.Is(err, fleet.ErrNotFound), true)
				return nil
			})
			mark := func() (ok bool) {
				f.Update(func(tx store.Tx) (err error) { ok, err = tx.MarkReprocessed(a.ID, "ada", f.Now); return err })
				return ok
			}
			is(f, "marked", mark(), true)
			is(f, "marked again", mark(), false)
			is(f, "open", len(list(false).Letters), 0)
			is(f, "all", len(list(true).Letters), 1)
			is(f, "counted", list(true).Reprocessed, int64(1))
			n := -1
			f.Update(func(tx store.Tx) (err error) { n, err = tx.PurgeDeadLetters(f.Now); return err })
			is(f, "too young to purge", n, 0)
			f.Update(func(tx store.Tx) (err error) { n, err = tx.PurgeDeadLetters(f.Now.Add(time.Second)); return err })
			is(f, "purged", n, 1)
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteDeadLetter(a.ID) })
			is(f, "gone", errors.Is(err, fleet.ErrNotFound), true)
		},
		"as many children as may wait are released, and no more may wait": func(f *Fixture) {
			most := size(1000, 200)
			session := f.Robot("r1", 20)
			a := run(f, session)
			subs := make([]store.Submission, most+1)
			for i := range subs {
				spec := f.Spec()
				spec.DependsOn = []fleet.ID{a.ID}
				subs[i] = f.Submission(spec)
				subs[i].Parents, subs[i].MaxChildren = spec.DependsOn, most
			}
			got, err := f.Store.Enqueue(f.Context(), f.Scope, subs)
			f.must(err)
			for i := range most {
				f.must(got[i].Err)
			}
			is(f, "reason", fleet.AsError(got[most].Err).Reason, "too_many_children")
			begun := time.Now()
			f.ends(a, fleet.ReportComplete)
			f.Logf("%d children were released in %s", most, time.Since(begun).Round(time.Millisecond))
			for i := range most {
				f.waits(subs[i].Job.ID, fleet.WaitingRobot)
			}
		},
		"a graph in one request": func(f *Fixture) {
			var subs []store.Submission
			ids := map[string]fleet.ID{}
			for _, n := range []struct {
				name    string
				parents []string
			}{{"a", nil}, {"b", []string{"a"}}, {"c", []string{"a"}}, {"d", []string{"b", "c"}}} {
				spec := f.Spec()
				for _, p := range n.parents {
					spec.DependsOn = append(spec.DependsOn, ids[p])
				}
				sub := f.Submission(spec)
				sub.Parents, sub.Graph = spec.DependsOn, true
				ids[n.name] = sub.Job.ID
				subs = append(subs, sub)
			}
			f.Update(func(tx store.Tx) error {
				got, err := tx.Enqueue(subs)
				for _, g := range got {
					f.must(g.Err)
				}
				return err
			})
			f.waits(ids["a"], fleet.WaitingRobot)
			for _, name := range []string{"b", "c", "d"} {
				f.waits(ids[name], fleet.WaitingDependencies)
			}
			is(f, "children", f.Job(ids["a"]).Children, 2)
		},
		"waits and limits count from the release": func(f *Fixture) {
			f.Now = time.Now()
			session := f.Robot("r1", 20)
			a := run(f, session)
			spec := f.Spec()
			spec.DependsOn, spec.WaitLimit, spec.NotBefore = []fleet.ID{a.ID}, time.Minute, f.Now.Add(time.Hour)
			sub := f.Submission(spec)
			sub.Parents = spec.DependsOn
			_, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
			f.must(err)
			if j := f.Job(sub.Job.ID); !j.ExpiresAt.IsZero() || !j.NotBefore.IsZero() {
				f.Errorf("while it waits for others: expires %s, not before %s", j.ExpiresAt, j.NotBefore)
			}
			f.ends(a, fleet.ReportComplete)
			f.waits(sub.Job.ID, fleet.WaitingTime)
			if j := f.Job(sub.Job.ID); !j.ExpiresAt.Equal(j.NotBefore.Add(time.Minute)) {
				f.Errorf("released: expires %s, not before %s", j.ExpiresAt, j.NotBefore)
			}
		},
	}
}

// raceParents ends many parents of one child at the same moment, while other
// children are added to them: each child is released exactly once.
func raceParents(f *Fixture) {
	session := f.Robot("r1", 100)
	for range size(20, 5) {
		var parents []fleet.ID
		var jobs []fleet.Job
		for range 8 {
			j := f.Running(f.Spec(), "r1", session)
			jobs, parents = append(jobs, j), append(parents, j.ID)
		}
		child := f.child("", "", parents...)
		var wg sync.WaitGroup
		late := make([]fleet.ID, len(jobs))
		reports := make([]fleet.Report, len(jobs))
		for i := range jobs {
			f.reports++
			reports[i] = f.NewReport(jobs[i], fleet.ReportComplete, f.reports)
			spec := f.Spec()
			spec.DependsOn = []fleet.ID{jobs[i].ID}
			sub := f.Submission(spec)
			sub.Parents, late[i] = spec.DependsOn, sub.Job.ID
			wg.Go(func() {
				if _, err := f.Store.Report(f.Context(), f.Scope, reports[i:i+1], f.Now); err != nil {
					f.Error(err)
				}
			})
			wg.Go(func() {
				got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
				if err != nil || got[0].Err != nil {
					f.Error(err, got)
				}
			})
		}
		wg.Wait()
		for _, id := range append(late, child.ID) {
			f.waits(id, fleet.WaitingRobot)
			if j := f.Job(id); j.Version != 2 {
				f.Errorf("%s was released %d times", id, j.Version-1)
			}
		}
		f.CheckInvariants()
	}
}

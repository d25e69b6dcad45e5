package storetest

import (
	"errors"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func hotTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"assign": func(f *Fixture) {
			session := f.Robot("r1", 2)
			j := f.Submit(f.Spec())
			won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(j, "r1", session)}, f.Now)
			f.must(err)
			if len(won) != 1 || len(lost) != 0 {
				f.Fatalf("won %v, lost %v", won, lost)
			}
			w := won[0]
			is(f, "state", w.Job.State, fleet.Assigned)
			is(f, "epoch", w.Job.Epoch, int64(1))
			is(f, "variables", string(w.Variables), `{"n":1}`)
			f.View(func(r store.Reader) error {
				s, err := r.Subject(j.ID)
				if d := cmp.Diff(w.Attempt, *s.Attempt); d != "" {
					f.Errorf("attempt (-answered +stored):\n%s", d)
				}
				if d := cmp.Diff(w.Job, s.Job); d != "" {
					f.Errorf("job (-answered +stored):\n%s", d)
				}
				robot, _ := r.Robot("r1")
				is(f, "taken", robot.Taken, 1)
				is(f, "last assigned", robot.LastAssignedAt, f.Now)
				is(f, "job ids", cmp.Equal(robot.CurrentJobIDs, []fleet.ID{j.ID}), true)
				return err
			})
		},
		"assign refuses what no longer holds": func(f *Fixture) {
			session := f.Robot("r1", 1)
			j := f.Submit(f.Spec())
			try := func(what, reason string, a store.Assignment) {
				f.Helper()
				won, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{a}, f.Now)
				f.must(err)
				if len(won) != 0 || len(lost) != 1 || lost[0].Reason != reason {
					f.Errorf("%s: won %v, lost %+v, want lost for %s", what, won, lost, reason)
				}
			}
			put := func(change func(r *fleet.Robot)) {
				r := f.NewRobot("r1", 1)
				change(&r)
				f.Update(func(tx store.Tx) error { return tx.PutRobot(r) })
			}
			plan := f.Plan(j, "r1", session)
			old := plan
			old.Epoch = 1
			try("another epoch", "job_changed", old)
			unknown := plan
			unknown.JobID = f.IDs.New()
			try("no such job", "job_changed", unknown)
			stale := plan
			stale.SessionEpoch--
			try("older session", "session_changed", stale)
			nobody := plan
			nobody.RobotID = "r2"
			try("no such robot", "session_changed", nobody)
			for what, change := range map[string]func(r *fleet.Robot){
				"paused":            func(r *fleet.Robot) { r.Mode = fleet.ModePaused },
				"quarantined":       func(r *fleet.Robot) { r.QuarantineTill = f.Now.Add(time.Minute) },
				"other environment": func(r *fleet.Robot) { r.Environment = "prod" },
			} {
				put(change)
				target := plan
				if what == "other environment" {
					spec := f.Spec()
					spec.Environment = "test"
					target = f.Plan(f.Submit(spec), "r1", session)
				}
				try(what, "robot_changed", target)
			}
			put(func(*fleet.Robot) {})
			needs := f.Spec()
			needs.Requires = fleet.Capabilities{"gpu"}
			try("capability", "robot_changed", f.Plan(f.Submit(needs), "r1", session))
			target := f.Spec()
			target.Target = "r2"
			try("another target", "robot_changed", f.Plan(f.Submit(target), "r1", session))
			f.Assign(j, "r1", session)
			try("taken already", "job_changed", plan)
			try("full", "no_slot", f.Plan(f.Submit(f.Spec()), "r1", session))
		},
		"one plan does not oversubscribe": func(f *Fixture) {
			session := f.Robot("r1", 3)
			var plan []store.Assignment
			for range 5 {
				plan = append(plan, f.Plan(f.Submit(f.Spec()), "r1", session))
			}
			plan = append(plan, plan[0])
			won, lost, err := f.Store.Assign(f.Context(), f.Scope, plan, f.Now)
			f.must(err)
			is(f, "won", len(won), 3)
			is(f, "lost", len(lost), 3)
		},
		"accept": func(f *Fixture) {
			session := f.Robot("r1", 5)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			gone := f.Assign(f.Submit(f.Spec()), "r1", session)
			f.Cancel(gone.ID)
			other := f.acceptance(j)
			other.RobotID = "r2"
			errs, err := f.Store.Accept(f.Context(), f.Scope, []store.Acceptance{
				{Tenant: f.Tenant, RobotID: "r1", JobID: f.IDs.New(), Epoch: 1}, other, f.acceptance(gone), f.acceptance(j), f.acceptance(j),
			}, f.Now)
			f.must(err)
			is(f, "unknown", errors.Is(errs[0], fleet.ErrNotFound), true)
			is(f, "another robot", errors.Is(errs[1], fleet.ErrConflict), true)
			is(f, "cancelled meanwhile", errors.Is(errs[2], fleet.ErrConflict), true)
			is(f, "accepted", errs[3], nil)
			is(f, "said twice", errs[4], nil)
			j = f.Job(j.ID)
			is(f, "state", j.State, fleet.Running)
			is(f, "started", j.StartedAt, f.Now)
			is(f, "events", j.Version, int64(3))
		},
		"empty batches": func(f *Fixture) {
			_, err := f.Store.Enqueue(f.Context(), f.Scope, nil)
			f.must(err)
			_, _, err = f.Store.Assign(f.Context(), f.Scope, nil, f.Now)
			f.must(err)
			_, err = f.Store.Report(f.Context(), store.Scope{}, nil, f.Now)
			is(f, "without a scope", err != nil, true)
		},
	}
}

func beatTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"sorts attempts": func(f *Fixture) {
			session := f.Robot("r1", 9)
			run := f.Running(f.Spec(), "r1", session)
			stop := f.Running(f.Spec(), "r1", session)
			f.Cancel(stop.ID)
			hidden := f.Running(f.Spec(), "r1", session)
			offered := f.Assign(f.Submit(f.Spec()), "r1", session)
			done := f.Running(f.Spec(), "r1", session)
			f.Report(f.NewReport(done, fleet.ReportComplete, 1))
			f.must(f.Move(run.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Silence(1, f.Now) }))
			is(f, "silent", f.Job(run.ID).Silent, true)
			before := f.subject(run.ID).Attempt.RenewSeq
			f.Later(10 * time.Second)
			at := func(j fleet.Job) store.BeatAttempt {
				return store.BeatAttempt{JobID: j.ID, Epoch: j.Epoch, Progress: 40, Node: "n2", Message: "row 7"}
			}
			older := at(run)
			older.Epoch = 7
			got, err := f.Store.Beat(f.Context(), f.Scope, []store.Beat{{
				Tenant: f.Tenant, RobotID: "r1", SessionEpoch: session, Reported: fleet.ReportedBusy,
				Metrics:  fleet.RobotMetrics{CPUPercent: 12.5, MemoryPercent: 40, MemoryMB: 512, DiskPercent: 3},
				Attempts: []store.BeatAttempt{at(run), at(stop), at(done), older},
			}}, f.Now)
			f.must(err)
			want := store.BeatAnswer{
				Current: true, Mode: fleet.ModeActive,
				Renewed: []store.Ref{{JobID: run.ID, Epoch: 1}},
				Stale:   []store.Ref{{JobID: done.ID, Epoch: 1}, {JobID: run.ID, Epoch: 7}},
				Cancel: []store.Stop{{
					Ref: store.Ref{JobID: stop.ID, Epoch: 1}, Reason: fleet.StopCancel, Grace: 50 * time.Second,
				}},
				Missing: []store.Ref{{JobID: hidden.ID, Epoch: 1}},
			}
			if d := cmp.Diff(want, got[0]); d != "" {
				f.Errorf("answer (-want +got), offered is %s:\n%s", offered.ID, d)
			}
			j := f.Job(run.ID)
			is(f, "progress", j.Progress, 40)
			is(f, "node", j.CurrentNode, "n2")
			is(f, "heard again", j.Silent, false)
			is(f, "renewed", f.subject(run.ID).Attempt.RenewSeq, before+1)
			is(f, "no event", j.Version, int64(4))
			f.View(func(r store.Reader) error {
				robot, err := r.Robot("r1")
				is(f, "cpu", robot.Metrics.CPUPercent, 12.5)
				is(f, "seen", robot.LastSeen, f.Now)
				is(f, "reported", robot.Reported, fleet.ReportedBusy)
				return err
			})
		},
		"an older session renews nothing": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			f.Connect("r1")
			before := f.subject(j.ID).Attempt.RenewSeq
			got, err := f.Store.Beat(f.Context(), f.Scope, []store.Beat{
				{Tenant: f.Tenant, RobotID: "r1", SessionEpoch: session, Attempts: []store.BeatAttempt{{JobID: j.ID, Epoch: 1}}},
				{Tenant: f.Tenant, RobotID: "nobody", SessionEpoch: 1},
			}, f.Now)
			f.must(err)
			is(f, "current", got[0].Current, false)
			is(f, "unknown robot", got[1].Current, false)
			is(f, "renewals", f.subject(j.ID).Attempt.RenewSeq, before)
		},
		"renew": func(f *Fixture) {
			j := f.Running(f.Spec(), "r1", f.Robot("r1", 9))
			f.Update(func(tx store.Tx) error {
				ok, err := tx.Renew(store.Ref{JobID: j.ID, Epoch: 1}, "r1")
				is(f, "live", ok, true)
				f.must(err)
				ok, err = tx.Renew(store.Ref{JobID: j.ID, Epoch: 1}, "r2")
				is(f, "another robot", ok, false)
				f.must(err)
				ok, err = tx.Renew(store.Ref{JobID: j.ID, Epoch: 2}, "r1")
				is(f, "another epoch", ok, false)
				return err
			})
		},
	}
}

func (f *Fixture) subject(id fleet.ID) (s fleet.Subject) {
	f.Helper()
	f.View(func(r store.Reader) (err error) {
		s, err = r.Subject(id)
		return err
	})
	return s
}

func reportTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"ends": func(f *Fixture) {
			session := f.Robot("r1", 9)
			for i, c := range []struct {
				kind fleet.ReportKind
				want fleet.State
			}{{fleet.ReportComplete, fleet.Completed}, {fleet.ReportFailed, fleet.Failed}, {fleet.ReportStopped, fleet.Pending}} {
				j := f.Running(f.Spec(), "r1", session)
				r := f.NewReport(j, c.kind, int64(2*i+1))
				if c.kind == fleet.ReportStopped {
					r.By = fleet.ByShutdown
				}
				again := r
				again.ReportID++
				v := f.Report(r, again)
				is(f, string(c.kind), v[0].Verdict, fleet.VerdictApplied)
				is(f, string(c.kind)+" again", v[1].Verdict, fleet.VerdictDuplicate)
				is(f, string(c.kind)+" id", v[1].ReportID, again.ReportID)
				is(f, string(c.kind)+" state", f.Job(j.ID).State, c.want)
			}
			f.View(func(r store.Reader) error {
				j, err := r.Journal("r1", "j")
				is(f, "committed", j.Committed, int64(6))
				return err
			})
		},
		"who may speak": func(f *Fixture) {
			session := f.Robot("r1", 9)
			f.Robot("r2", 9)
			j := f.Running(f.Spec(), "r1", session)
			foreign := f.NewReport(j, fleet.ReportComplete, 1)
			foreign.RobotID = "r2"
			is(f, "another robot", f.Report(foreign)[0].Verdict, fleet.VerdictInvalid)
			future := f.NewReport(j, fleet.ReportComplete, 1)
			future.Epoch = 2
			is(f, "an epoch to come", f.Report(future)[0].Verdict, fleet.VerdictInvalid)
			unknown := f.NewReport(j, fleet.ReportComplete, 1)
			unknown.JobID = f.IDs.New()
			is(f, "unknown job", f.Report(unknown)[0].Verdict, fleet.VerdictInvalid)
			o := f.Other("globex")
			o.Robot("r1", 9)
			theirs := f.NewReport(j, fleet.ReportComplete, 1)
			theirs.Tenant = "globex"
			is(f, "another tenant", o.Report(theirs)[0].Verdict, fleet.VerdictInvalid)
			is(f, "untouched", f.Job(j.ID).State, fleet.Running)
		},
		"late results": func(f *Fixture) {
			s1, s2 := f.Robot("r1", 9), f.Robot("r2", 9)
			j := f.Running(f.Spec(), "r1", s1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			}))
			f.Later(time.Minute)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
			second := f.Accept(f.Assign(f.Job(j.ID), "r2", s2))
			late := f.NewReport(j, fleet.ReportComplete, 1)
			is(f, "given out again", f.Report(late)[0].Verdict, fleet.VerdictStale)
			late.ReportID = 2
			is(f, "said again", f.Report(late)[0].Verdict, fleet.VerdictStale)
			n := 0
			for _, e := range f.Events(0) {
				if e.Kind == fleet.EventJobLateResult {
					n++
				}
			}
			is(f, "evidence, once", n, 1)
			is(f, "the newer one counts", f.Report(f.NewReport(second, fleet.ReportComplete, 1))[0].Verdict, fleet.VerdictApplied)
		},
		"late and still wanted": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			}))
			is(f, "taken", f.Report(f.NewReport(j, fleet.ReportComplete, 1))[0].Verdict, fleet.VerdictApplied)
			is(f, "completed", f.Job(j.ID).State, fleet.Completed)
		},
		"a report of an older attempt that ended so": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			r := f.NewReport(j, fleet.ReportFailed, 1)
			r.Error.Class = fleet.ClassApplication
			f.Report(r)
			f.Later(time.Hour)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
			f.Assign(f.Job(j.ID), "r1", session)
			is(f, "duplicate", f.Report(r)[0].Verdict, fleet.VerdictDuplicate)
		},
		"started": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			is(f, "before the accept", f.Report(f.NewReport(j, fleet.ReportStarted, 1))[0].Verdict, fleet.VerdictInvalid)
			j = f.Accept(j)
			is(f, "first", f.Report(f.NewReport(j, fleet.ReportStarted, 2))[0].Verdict, fleet.VerdictApplied)
			at := f.subject(j.ID).Attempt.RunningAt
			is(f, "when", at, f.Now)
			f.Later(time.Second)
			is(f, "again", f.Report(f.NewReport(j, fleet.ReportStarted, 3))[0].Verdict, fleet.VerdictDuplicate)
			f.Update(func(tx store.Tx) error { return tx.Started(store.Ref{JobID: j.ID, Epoch: 1}, f.Now) })
			is(f, "first word stays", f.subject(j.ID).Attempt.RunningAt, at)
			f.Report(f.NewReport(j, fleet.ReportComplete, 4))
			is(f, "after the end", f.Report(f.NewReport(j, fleet.ReportStarted, 5))[0].Verdict, fleet.VerdictStale)
		},
		"effects":     testEffects,
		"checkpoints": testCheckpoints,
	}
}

func testEffects(f *Fixture) {
	session := f.Robot("r1", 9)
	spec := f.Spec()
	spec.RetrySafety = fleet.RetryAlways
	j := f.Running(spec, "r1", session)
	id := int64(0)
	say := func(what string, kind fleet.ReportKind, want fleet.VerdictKind, change ...func(r *fleet.Report)) fleet.Verdict {
		f.Helper()
		id++
		r := f.NewReport(j, kind, id)
		for _, c := range change {
			c(&r)
		}
		v := f.Report(r)[0]
		is(f, what, v.Verdict, want)
		return v
	}
	key := func(k string) func(r *fleet.Report) { return func(r *fleet.Report) { r.EffectKey = k } }
	say("end without begin", fleet.ReportEffectEnd, fleet.VerdictInvalid)
	say("begin", fleet.ReportEffectBegin, fleet.VerdictGo)
	say("begin again", fleet.ReportEffectBegin, fleet.VerdictGo)
	say("end", fleet.ReportEffectEnd, fleet.VerdictApplied)
	say("end again", fleet.ReportEffectEnd, fleet.VerdictDuplicate)
	say("failed one", fleet.ReportEffectBegin, fleet.VerdictGo, key("k2"))
	say("its end", fleet.ReportEffectEnd, fleet.VerdictApplied, key("k2"), func(r *fleet.Report) { r.OK = false })
	say("left open", fleet.ReportEffectBegin, fleet.VerdictGo, key("k3"))
	first := j
	f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
		return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
	}))
	say("lost", fleet.ReportEffectBegin, fleet.VerdictStop)
	say("the end of what was open is still true", fleet.ReportEffectEnd, fleet.VerdictApplied, key("k3"))
	f.Update(func(tx store.Tx) error {
		e, err := tx.Effect(j.ID, "n1", "k3")
		e.State = fleet.EffectOpen
		f.must(err)
		return tx.PutEffect(e)
	})
	f.Later(time.Hour)
	f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
	f.Update(func(tx store.Tx) error { return tx.ClearRefusals("r1") })
	j = f.Accept(f.Assign(f.Job(j.ID), "r1", session))
	v := say("done before", fleet.ReportEffectBegin, fleet.VerdictSkip)
	is(f, "its outcome", string(v.Outcome), `{"sent":1}`)
	say("failed before", fleet.ReportEffectBegin, fleet.VerdictGo, key("k2"))
	say("open before", fleet.ReportEffectBegin, fleet.VerdictGo, key("k3"))
	old := f.NewReport(first, fleet.ReportEffectEnd, 99)
	old.EffectKey = "k3"
	is(f, "the older attempt's word", f.Report(old)[0].Verdict, fleet.VerdictStale)
	old.Kind = fleet.ReportEffectBegin
	is(f, "the older attempt's wish", f.Report(old)[0].Verdict, fleet.VerdictStop)
	f.Cancel(j.ID)
	say("being stopped", fleet.ReportEffectBegin, fleet.VerdictStop, key("k4"))
	unknown := f.NewReport(j, fleet.ReportEffectBegin, 100)
	unknown.JobID = f.IDs.New()
	is(f, "unknown job", f.Report(unknown)[0].Verdict, fleet.VerdictStop)
}

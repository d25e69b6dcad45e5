package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func jobTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"round trip": func(f *Fixture) {
			spec := f.Spec()
			spec.Target, spec.Requires = "r-9", fleet.Capabilities{"browser", "gpu"}
			spec.Deadline, spec.WaitLimit, spec.NotBefore = f.Now.Add(time.Hour), time.Minute, f.Now.Add(time.Second)
			spec.Environment, spec.Retry.Timeout, spec.RetrySafety = "prod", true, fleet.RetryNever
			spec.Retry.Classes = map[fleet.ErrorClass]fleet.RetryRule{
				fleet.ClassBusiness: {Max: 2, Delay: fleet.Duration(time.Second), Factor: 1.5, Jitter: 0.1, OtherRobot: fleet.RequireOther},
			}
			want := fleet.NewJob(spec, f.Now)
			want.Seq = 1
			got := f.Submit(spec)
			if d := cmp.Diff(want, got); d != "" {
				f.Errorf("answer (-want +got):\n%s", d)
			}
			if d := cmp.Diff(want, f.Job(spec.ID)); d != "" {
				f.Errorf("read (-want +got):\n%s", d)
			}
			f.View(func(r store.Reader) error {
				d, err := r.JobData(spec.ID)
				is(f, "variables", string(d.Variables), `{"n":1}`)
				is(f, "traceparent", d.Traceparent, "00-1")
				is(f, "no result", d.Result == nil && d.Error == nil, true)
				return err
			})
		},
		"numbers rise in the tenant": func(f *Fixture) {
			is(f, "first", f.Submit(f.Spec()).Seq, int64(1))
			is(f, "second", f.Submit(f.Spec()).Seq, int64(2))
			o := f.Other("globex")
			is(f, "other tenant", o.Submit(o.Spec()).Seq, int64(1))
		},
		"an id is taken once": func(f *Fixture) {
			spec := f.Spec()
			f.Submit(spec)
			got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{f.Submission(spec), f.Submission(f.Spec())})
			f.must(err)
			is(f, "double", errors.Is(got[0].Err, fleet.ErrConflict), true)
			is(f, "its neighbour", got[1].Err, nil)
			is(f, "seq without a hole", got[1].Job.Seq, int64(2))
		},
		"a job that breaks a rule of the schema": func(f *Fixture) {
			bad := f.Submission(f.Spec())
			bad.Job.Priority = 99
			got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{bad, f.Submission(f.Spec())})
			f.must(err)
			is(f, "refused", errors.Is(got[0].Err, fleet.ErrInvalid), true)
			is(f, "its neighbour", got[1].Err, nil)
		},
		"missing": func(f *Fixture) {
			f.View(func(r store.Reader) error {
				for what, err := range map[string]error{
					"job": second(r.Job("x")), "data": second(r.JobData("x")), "subject": second(r.Subject("x")),
					"effect": second(r.Effect("x", "n", "k")),
				} {
					is(f, what, errors.Is(err, fleet.ErrNotFound), true)
				}
				list, err := r.Attempts("x")
				is(f, "attempts", len(list), 0)
				return err
			})
		},
		"idempotency key": func(f *Fixture) {
			key := &store.IdempotencyKey{Route: "jobs", Key: "k", Hash: "h", ExpiresAt: time.Now().Add(time.Hour)}
			submit := func(f *Fixture, key *store.IdempotencyKey) store.Submitted {
				s := f.Submission(f.Spec())
				s.Key = key
				got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{s})
				f.must(err)
				return got[0]
			}
			first := submit(f, key)
			f.must(first.Err)
			again := submit(f, key)
			is(f, "replayed", again.Replayed, true)
			is(f, "same job", again.Job.ID, first.Job.ID)
			other := *key
			other.Hash = "h2"
			is(f, "another body", errors.Is(submit(f, &other).Err, fleet.ErrInvalid), true)
			o := f.Other("globex")
			is(f, "another tenant", submit(o, key).Replayed, false)
			expired := *key
			expired.Key, expired.ExpiresAt = "old", time.Now().Add(-time.Second)
			f.must(submit(f, &expired).Err)
			is(f, "expired", submit(f, &expired).Replayed, false)
		},
		"lists": testJobLists,
		"retry": func(f *Fixture) {
			j := f.Submit(f.Spec())
			f.Cancel(j.ID)
			spec := f.Spec()
			spec.RetryOf = j.ID
			first := f.Submit(spec)
			spec.ID = f.IDs.New()
			got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{f.Submission(spec)})
			f.must(err)
			is(f, "second retry", errors.Is(got[0].Err, &fleet.Error{Code: fleet.CodeConflict, Reason: "retry_in_progress"}), true)
			f.Cancel(first.ID)
			f.Submit(spec)
			f.View(func(r store.Reader) error {
				as, err := r.RetriedAs([]fleet.ID{j.ID, f.IDs.New()})
				if err != nil {
					return err
				}
				p, err := r.Jobs(store.JobFilter{RetryOf: j.ID}, fleet.Page{})
				is(f, "retries listed", len(p.Jobs), 2)
				is(f, "retried as", as[j.ID], p.Jobs[0].ID)
				is(f, "and nothing else", len(as), 1)
				return err
			})
		},
	}
}

func second[T any](_ T, err error) error { return err }

// testJobLists compares every filter with the same filter over all jobs.
func testJobLists(f *Fixture) {
	s1, s2 := f.Robot("r1", 50), f.Robot("r2", 50)
	for i := range 40 {
		spec := f.Spec()
		spec.Workflow.ID = fleet.ID([]string{"w-1", "w-2"}[i%2])
		robot, session := fleet.RobotID("r1"), s1
		if i%3 == 0 {
			robot, session = "r2", s2
		}
		switch i % 5 {
		case 0:
			f.Submit(spec)
		case 1:
			f.Assign(f.Submit(spec), robot, session)
		case 2:
			f.Running(spec, robot, session)
		case 3:
			f.Report(f.NewReport(f.Running(spec, robot, session), fleet.ReportComplete, int64(i)))
		case 4:
			f.Cancel(f.Running(spec, robot, session).ID)
		}
	}
	o := f.Other("globex")
	o.Submit(o.Spec())
	all := f.list(store.JobFilter{}, 500)
	is(f, "all", len(all), 40)
	is(f, "newest first", slices.IsSortedFunc(all, func(a, b fleet.Job) int { return -cmpID(a.ID, b.ID) }), true)
	for _, filter := range []store.JobFilter{
		{States: []fleet.State{fleet.Pending}},
		{States: []fleet.State{fleet.Completed}},
		{States: []fleet.State{fleet.Running, fleet.Completed, fleet.Cancelling}},
		{Robot: "r2"},
		{Workflow: "w-2"},
		{Robot: "r1", States: []fleet.State{fleet.Completed}},
		{Robot: "r1", Workflow: "w-1"},
		{Workflow: "w-1", States: []fleet.State{fleet.Assigned, fleet.Pending}},
		{Robot: "none"},
		{Robots: []fleet.RobotID{"r1", "r2"}},
		{Robots: []fleet.RobotID{"r2", "none"}, Workflows: []fleet.ID{"w-1", "w-2"}},
		{Workflows: []fleet.ID{"w-2", "w-3"}, States: []fleet.State{fleet.Cancelling, fleet.Running}},
		{From: all[20].ID.Time(), To: all[5].ID.Time()},
		{Keep: func(j *fleet.Job) bool { return j.Seq%3 == 0 }},
		{Keep: func(j *fleet.Job) bool { return j.Seq%3 == 0 }, Workflow: "w-1", From: all[30].ID.Time()},
		{Keep: func(*fleet.Job) bool { return false }},
	} {
		var want []fleet.ID
		for _, j := range all {
			if (len(filter.Robots) == 0 || slices.Contains(filter.Robots, j.RobotID)) &&
				(len(filter.Workflows) == 0 || slices.Contains(filter.Workflows, j.Workflow.ID)) &&
				(filter.From.IsZero() || !j.ID.Time().Before(filter.From)) && (filter.To.IsZero() || j.ID.Time().Before(filter.To)) &&
				(filter.Keep == nil || filter.Keep(&j)) &&
				(len(filter.States) == 0 || slices.Contains(filter.States, j.State)) &&
				(filter.Robot == "" || filter.Robot == j.RobotID) && (filter.Workflow == "" || filter.Workflow == j.Workflow.ID) {
				want = append(want, j.ID)
			}
		}
		for _, limit := range []int{1, 3, 100} {
			var got []fleet.ID
			for _, j := range f.list(filter, limit) {
				got = append(got, j.ID)
			}
			if d := cmp.Diff(want, got); d != "" {
				f.Errorf("filter %+v, pages of %d (-want +got):\n%s", filter, limit, d)
			}
		}
	}
	f.View(func(r store.Reader) error {
		ids, err := r.JobIDs(store.JobFilter{States: []fleet.State{fleet.Running, fleet.Completed}, To: all[0].ID.Time().Add(time.Hour)}, 3)
		is(f, "ids, of each state", len(ids), 6)
		for _, x := range ids {
			is(f, "the state of one", f.Job(x.ID).State, x.State)
		}
		return err
	})
	f.View(func(r store.Reader) error {
		longest, err := r.LongestRunning(3)
		is(f, "longest", len(longest), 3)
		for i := range longest {
			is(f, "state", longest[i].State, fleet.Running)
			is(f, "in order", i == 0 || !longest[i].StartedAt.Before(longest[i-1].StartedAt), true)
		}
		return err
	})
	f.View(func(r store.Reader) error {
		_, err := r.Jobs(store.JobFilter{}, fleet.Page{Cursor: "no cursor"})
		is(f, "broken cursor", errors.Is(err, fleet.ErrInvalid), true)
		_, err = r.Jobs(store.JobFilter{}, fleet.Page{Limit: fleet.PageMax + 1})
		is(f, "limit", errors.Is(err, fleet.ErrInvalid), true)
		return nil
	})
	f.System(func(r store.Reader) error {
		p, err := r.Jobs(store.JobFilter{}, fleet.Page{Limit: 500})
		is(f, "system sees both tenants", len(p.Jobs), 41)
		return err
	})
}

func cmpID(a, b fleet.ID) int {
	if a < b {
		return -1
	}
	return 1
}

// list reads all pages of a list.
func (f *Fixture) list(filter store.JobFilter, limit int) (out []fleet.Job) {
	f.Helper()
	for next := ""; ; {
		var p store.JobPage
		f.View(func(r store.Reader) (err error) {
			p, err = r.Jobs(filter, fleet.Page{Limit: limit, Cursor: next})
			return err
		})
		out = append(out, p.Jobs...)
		if p.Next == "" {
			if p.Total >= 0 {
				is(f, "total", p.Total, int64(len(out)))
			}
			return out
		}
		next = p.Next
	}
}

func moveTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"guards": func(f *Fixture) {
			j := f.Submit(f.Spec())
			var old *fleet.Move
			f.must(f.Move(j.ID, func(s fleet.Subject) (m *fleet.Move, err error) {
				old, err = s.Cancel(fleet.CancelRequest{By: "a"}, f.Now)
				return old, err
			}))
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.Apply(old) })
			is(f, "a move is applied once", errors.Is(err, fleet.ErrConflict), true)
			is(f, "one end", f.Job(j.ID).Version, int64(2))
		},
		"what a job that waits asks for": func(f *Fixture) {
			lanes := func() string {
				var out []string
				f.View(func(r store.Reader) error {
					list, err := r.Lanes()
					f.must(err)
					for _, l := range list {
						ready, err := r.Ready(l, 10)
						f.must(err)
						words := []string{fmt.Sprintf("%q %d:", l.Target, l.Waiting)}
						for _, j := range ready {
							words = append(words, fmt.Sprintf("%d@%d", j.Seq, j.Priority))
						}
						out = append(out, strings.Join(words, " "))
					}
					return nil
				})
				slices.Sort(out)
				return strings.Join(out, ", ")
			}
			session := f.Robot("r1", 5)
			first, second, later := f.Submit(f.Spec()), f.Submit(f.Spec()), f.Spec()
			later.NotBefore = f.Now.Add(time.Hour)
			third := f.Submit(later)
			urgent := func(id fleet.ID, p fleet.Priority) {
				f.must(f.Move(id, func(s fleet.Subject) (*fleet.Move, error) { return s.Prioritize(p, "u") }))
			}
			target := func(id fleet.ID, r fleet.RobotID) {
				f.must(f.Move(id, func(s fleet.Subject) (*fleet.Move, error) { return s.Retarget(r, "u") }))
			}
			urgent(second.ID, 0)
			is(f, "overtakes", lanes(), `"" 2: 2@0 1@10`)
			got := f.Job(second.ID)
			is(f, "priority", got.Priority, fleet.Priority(0))
			is(f, "version", got.Version, second.Version+1)
			is(f, "waits as before", got.WaitingSince, second.WaitingSince)
			target(second.ID, "r1")
			is(f, "in another lane", lanes(), `"" 1: 1@10, "r1" 1: 2@0`)
			target(third.ID, "r1")
			urgent(third.ID, 3)
			is(f, "what waits for its time is in no lane", lanes(), `"" 1: 1@10, "r1" 1: 2@0`)
			f.Later(2 * time.Hour)
			f.must(f.Move(third.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
			is(f, "and comes into the right one", lanes(), `"" 1: 1@10, "r1" 2: 2@0 3@3`)
			target(third.ID, "")
			is(f, "back", lanes(), `"" 2: 3@3 1@10, "r1" 1: 2@0`)
			target(second.ID, "elsewhere")
			_, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(second, "r1", session)}, f.Now)
			f.must(err)
			is(f, "a plan from before does not hold", len(lost), 1)
			target(second.ID, "r1")
			got = f.Assign(f.Job(second.ID), "r1", session)
			is(f, "handed out", got.Target, fleet.RobotID("r1"))
			for _, change := range []func(s fleet.Subject) (*fleet.Move, error){
				func(s fleet.Subject) (*fleet.Move, error) { return s.Prioritize(1, "u") },
				func(s fleet.Subject) (*fleet.Move, error) { return s.Retarget("", "u") },
			} {
				is(f, "too late", errors.Is(f.Move(second.ID, change), fleet.ErrConflict), true)
			}
			f.Cancel(first.ID)
			is(f, "the rest", lanes(), `"" 1: 3@3`)
		},
		"a clock that is set back extends no refusal": func(f *Fixture) {
			session := f.Robot("r1", 1)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Reject("r1", 1, fleet.RejectAtCapacity, "full", 0, f.Now)
			}))
			f.Later(-time.Hour)
			f.System(func(r store.Reader) error {
				list, err := r.ActiveRefusals([]fleet.ID{j.ID}, f.Now)
				is(f, "active", len(list), 0)
				return err
			})
			is(f, "epoch", f.Assign(f.Job(j.ID), "r1", session).Epoch, int64(2))
		},
		"reject, refusal, offer to another": func(f *Fixture) {
			s1, s2 := f.Robot("r1", 1), f.Robot("r2", 1)
			j := f.Assign(f.Submit(f.Spec()), "r1", s1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Reject("r1", 1, fleet.RejectAtCapacity, "full", 0, f.Now)
			}))
			j = f.Job(j.ID)
			is(f, "state", j.State, fleet.Pending)
			_, lost, err := f.Store.Assign(f.Context(), f.Scope, []store.Assignment{f.Plan(j, "r1", s1)}, f.Now)
			f.must(err)
			is(f, "lost", len(lost) == 1 && lost[0].Reason == "refused", true)
			f.System(func(r store.Reader) error {
				list, err := r.ActiveRefusals([]fleet.ID{j.ID}, f.Now)
				is(f, "active", len(list), 1)
				list, _ = r.ActiveRefusals([]fleet.ID{j.ID}, f.Now.Add(time.Hour))
				is(f, "later", len(list), 0)
				return err
			})
			f.View(func(r store.Reader) error {
				n, err := r.Refusals(j.ID, "r1")
				is(f, "count", n, 1)
				return err
			})
			j = f.Assign(j, "r2", s2)
			is(f, "epoch", j.Epoch, int64(2))
			f.Report(f.NewReport(f.Accept(j), fleet.ReportComplete, 1))
			f.View(func(r store.Reader) error {
				n, err := r.Refusals(j.ID, "r1")
				is(f, "forgotten with the job", n, 0)
				list, _ := r.Attempts(j.ID)
				is(f, "attempts", len(list), 2)
				is(f, "first outcome", list[0].Outcome, fleet.OutcomeRejected)
				is(f, "second outcome", list[1].Outcome, fleet.OutcomeCompleted)
				return err
			})
		},
		"refusals are forgotten when the robot comes anew": func(f *Fixture) {
			s1 := f.Robot("r1", 1)
			j := f.Assign(f.Submit(f.Spec()), "r1", s1)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.NotTaken(1, fleet.RejectNoAnswer, 0, f.Now) }))
			f.Update(func(tx store.Tx) error { return tx.ClearRefusals("r1") })
			f.Assign(f.Job(j.ID), "r1", s1)
		},
		"timers": func(f *Fixture) {
			s1 := f.Robot("r1", 5)
			late := f.Spec()
			late.NotBefore, late.WaitLimit = f.Now.Add(time.Minute), time.Hour
			j := f.Submit(late)
			f.due("waits", f.Now.Add(time.Minute), j.ID, store.TimerDue)
			f.Later(2 * time.Minute)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.Due(f.Now) }))
			f.due("expires", j.ExpiresAt, j.ID, store.TimerExpire)
			j = f.Assign(f.Job(j.ID), "r1", s1)
			f.due("offered", f.Now.Add(10*time.Second), j.ID, store.TimerAccept)
			f.Accept(j)
			f.due("runs", time.Time{}, "", "")
			f.Cancel(j.ID)
			f.due("stops", f.Now.Add(time.Minute).Add(fleet.StopConfirm), j.ID, store.TimerStop)
			f.Later(time.Hour)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.StopLimit(1, f.Now) }))
			f.due("over", time.Time{}, "", "")
			is(f, "outcome", f.Job(j.ID).CancelOutcome, fleet.StoppedUnconfirmed)
		},
		"data": func(f *Fixture) {
			s1 := f.Robot("r1", 5)
			j := f.Running(f.Spec(), "r1", s1)
			f.Report(f.NewReport(j, fleet.ReportFailed, 1))
			f.View(func(r store.Reader) error {
				d, err := r.JobData(j.ID)
				is(f, "message", d.Error != nil && d.Error.Message == "no such invoice", true)
				is(f, "duration", d.DurationMS, int64(7))
				is(f, "variables stay", string(d.Variables), `{"n":1}`)
				return err
			})
			j = f.Job(j.ID)
			is(f, "class", j.ErrorClass, fleet.ClassBusiness)
			is(f, "state", j.State, fleet.Failed)
		},
		"decision": func(f *Fixture) {
			s1 := f.Robot("r1", 5)
			j := f.Running(f.Spec(), "r1", s1)
			f.Report(f.NewReport(j, fleet.ReportEffectBegin, 1))
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				is(f, "effect open", s.EffectOpen, true)
				return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
			}))
			is(f, "parked", f.Job(j.ID).State, fleet.NeedsDecision)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Decide(fleet.Decision{By: "u", Do: "retry", Reason: "looked"}, nil, f.Now)
			}))
			is(f, "again", f.Job(j.ID).State, fleet.Pending)
		},
		"decision about steps": decideSteps,
	}
}

// due checks the earliest timer and what is due when it has run out.
func (f *Fixture) due(what string, at time.Time, job fleet.ID, kind store.TimerKind) {
	f.Helper()
	f.System(func(r store.Reader) error {
		next, err := r.NextTimer()
		f.must(err)
		if !next.Equal(at) {
			f.Errorf("%s: next timer at %v, want %v", what, next, at)
		}
		if at.IsZero() {
			return nil
		}
		early, err := r.Due(at.Add(-time.Millisecond), 10)
		is(f, what+": nothing before", len(early), 0)
		f.must(err)
		list, err := r.Due(at, 10)
		if len(list) != 1 || list[0].JobID != job || list[0].Kind != kind {
			f.Errorf("%s: due %+v, want %s of %s", what, list, kind, job)
		}
		return err
	})
}

// decideSteps settles steps that were left open: one that was done is skipped by
// the next attempt, one that was not runs, and the robot's own late word that it
// was done after all still counts while nobody has begun it anew.
func decideSteps(f *Fixture) {
	s1 := f.Robot("r1", 5)
	j := f.Running(f.Spec(), "r1", s1)
	id := int64(0)
	say := func(what, key string, kind fleet.ReportKind, want fleet.VerdictKind) fleet.Verdict {
		f.Helper()
		id++
		r := f.NewReport(j, kind, id)
		r.EffectKey = key
		v := f.Report(r)[0]
		is(f, what, v.Verdict, want)
		return v
	}
	for _, key := range []string{"late", "not", "sent", "told"} {
		say("begin "+key, key, fleet.ReportEffectBegin, fleet.VerdictGo)
	}
	f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
		return s.Lose(fleet.Loss{Epoch: 1, Reason: "silent"}, f.Now)
	}))
	open := func() (out []fleet.Effect) {
		f.Helper()
		f.View(func(r store.Reader) (err error) { out, err = r.OpenEffects(j.ID); return err })
		return out
	}
	list := open()
	is(f, "open", len(list), 4)
	is(f, "the first", list[0].Key, "late")
	is(f, "its node", list[0].Node, "n1")

	// What the robot tells of a step meanwhile beats an answer made before.
	say("its end", "told", fleet.ReportEffectEnd, fleet.VerdictApplied)
	answers := []fleet.EffectAnswer{{Node: "n1", Key: "sent", Done: true, Outputs: []byte(`{"receipt":7}`)}, {Node: "n1", Key: "not"}, {Node: "n1", Key: "late"}}
	decide := func(open []fleet.Effect, answers ...fleet.EffectAnswer) error {
		return f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
			return s.Decide(fleet.Decision{By: "u", Do: "retry", Reason: "looked", Effects: answers}, open, f.Now)
		})
	}
	err := decide(list, append(answers, fleet.EffectAnswer{Node: "n1", Key: "told"})...)
	is(f, "an answer to what was told since", fleet.AsError(err).Reason, "job_changed")
	is(f, "nothing moved", f.Job(j.ID).State, fleet.NeedsDecision)
	is(f, "still open", len(open()), 3)

	f.must(decide(open(), answers...))
	is(f, "again", f.Job(j.ID).State, fleet.Pending)
	is(f, "none is open", len(open()), 0)
	say("it was done after all", "late", fleet.ReportEffectEnd, fleet.VerdictApplied)
	say("twice", "late", fleet.ReportEffectEnd, fleet.VerdictDuplicate)

	j = f.Accept(f.Assign(f.Job(j.ID), "r1", s1))
	v := say("done", "sent", fleet.ReportEffectBegin, fleet.VerdictSkip)
	is(f, "its outcome", string(v.Outcome), `{"outputs":{"receipt":7}}`)
	say("not done", "not", fleet.ReportEffectBegin, fleet.VerdictGo)
	say("done after all", "late", fleet.ReportEffectBegin, fleet.VerdictSkip)
	say("told before", "told", fleet.ReportEffectBegin, fleet.VerdictSkip)
	is(f, "the new one is open", len(open()), 1)
	f.Other("other").View(func(r store.Reader) error {
		got, err := r.OpenEffects(j.ID)
		is(f, "another tenant", len(got), 0)
		return err
	})
}

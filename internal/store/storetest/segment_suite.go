package storetest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// whole submits a job that is cut into n segments. What the first waits for is
// given; the first may be changed.
func (f *Fixture) whole(n int, change func(*fleet.JobSpec), parents ...fleet.ID) (whole fleet.Job, segments []fleet.Job) {
	f.Helper()
	ids := make([]fleet.ID, n)
	for i := range ids {
		ids[i] = f.IDs.New()
	}
	spec := f.Spec()
	spec.Segments, spec.Retry.Max = n, 0
	if change != nil {
		change(&spec)
	}
	subs := []store.Submission{f.Submission(spec)}
	for i := range ids {
		part := spec
		part.ID, part.Segments, part.Parent, part.Segment, part.DependsOn = ids[i], 0, spec.ID, i+1, parents
		if i > 0 {
			part.DependsOn = []fleet.ID{ids[i-1]}
		}
		sub := f.Submission(part)
		sub.Parents = part.DependsOn
		subs = append(subs, sub)
	}
	for i := range subs {
		subs[i].Graph = true
	}
	f.Update(func(tx store.Tx) error {
		out, err := tx.Enqueue(subs)
		for i := range out {
			f.must(out[i].Err)
		}
		return err
	})
	return f.Job(spec.ID), f.segments(spec.ID)
}

func (f *Fixture) segments(whole fleet.ID) (list []fleet.Job) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { list, err = r.Segments(whole); return err })
	return list
}

// stand says how a whole and its segments stand.
func (f *Fixture) stand(whole fleet.ID, want string) {
	f.Helper()
	words := []string{string(f.Job(whole).State)}
	for _, s := range f.segments(whole) {
		words = append(words, string(s.State))
	}
	is(f, "the whole and its segments", strings.Join(words, " "), want)
}

// begins hands a segment to a robot that takes it.
func (f *Fixture) begins(s fleet.Job, robot fleet.RobotID, session int64) fleet.Job {
	f.Helper()
	return f.Accept(f.Assign(f.Job(s.ID), robot, session))
}

// completes ends a running job with a result.
func (f *Fixture) completes(j fleet.Job, result string) {
	f.Helper()
	f.reports++
	r := f.NewReport(j, fleet.ReportComplete, f.reports)
	r.Result = []byte(result)
	f.Report(r)
}

func segmentTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"a whole runs with its first segment and completes with its last": func(f *Fixture) {
			s1, s2 := f.Robot("r1", 1), f.Robot("r2", 1)
			w, parts := f.whole(2, nil)
			f.stand(w.ID, "pending pending pending")
			is(f, "what the whole waits for", fmt.Sprint(w.WaitingOn, " ", w.WaitingCode), "dependencies segments")
			is(f, "numbers of the segments", fmt.Sprint(parts[0].Segment, parts[1].Segment, parts[0].Parent == w.ID), "1 2 true")
			f.waits(parts[1].ID, fleet.WaitingDependencies)
			a := f.begins(parts[0], "r1", s1)
			f.stand(w.ID, "running running pending")
			is(f, "its robot", string(f.Job(w.ID).RobotID), "r1")
			f.Later(20 * time.Minute)
			f.completes(a, `{"success":true,"nodes_executed":2,"variables":{"x":[1,2.5,"ä",null]}}`)
			f.stand(w.ID, "running completed pending")
			f.waits(parts[1].ID, fleet.WaitingRobot)
			f.View(func(r store.Reader) error {
				d, err := r.JobData(parts[1].ID)
				is(f, "what was handed over", string(d.Variables), `{"x":[1,2.5,"ä",null]}`)
				return err
			})
			is(f, "the run time that is left", f.Job(parts[1].ID).RunTimeout.Std(), 40*time.Minute)
			b := f.begins(parts[1], "r2", s2)
			is(f, "its robot now", string(f.Job(w.ID).RobotID), "r2")
			f.completes(b, `{"success":true,"nodes_executed":3,"variables":{"x":[1],"y":2}}`)
			f.stand(w.ID, "completed completed completed")
			f.View(func(r store.Reader) error {
				d, err := r.JobData(w.ID)
				is(f, "its result", string(d.Result), `{"nodes_executed":5,"success":true,"variables":{"x":[1],"y":2}}`)
				return err
			})
		},
		"the end of a segment ends the whole and the segments behind it": func(f *Fixture) {
			session := f.Robot("r1", 5)
			w, parts := f.whole(3, nil)
			f.completes(f.begins(parts[0], "r1", session), `{"variables":{}}`)
			f.ends(f.begins(parts[1], "r1", session), fleet.ReportFailed)
			f.stand(w.ID, "failed completed failed cancelled")
			is(f, "one dead letter, the whole", fmt.Sprint(f.Job(w.ID).DeadLetter, f.Job(parts[1].ID).DeadLetter), "true false")
			f.View(func(r store.Reader) error {
				d, err := r.JobData(w.ID)
				if d.Error == nil {
					f.Error("the whole has no error")
				}
				return err
			})

			w, parts = f.whole(2, nil)
			f.Cancel(parts[1].ID) // the first still runs to its end
			f.stand(w.ID, "pending pending cancelled")
			f.completes(f.begins(parts[0], "r1", session), `{}`)
			f.stand(w.ID, "cancelled completed cancelled")

			w, parts = f.whole(2, func(s *fleet.JobSpec) { s.WaitLimit = time.Minute })
			f.Later(2 * time.Minute)
			f.must(f.Move(parts[0].ID, func(s fleet.Subject) (*fleet.Move, error) { return s.WaitLimit(f.Now) }))
			f.stand(w.ID, "timeout timeout cancelled")
		},
		"a cancel of all segments is the cancel of the whole": func(f *Fixture) {
			session := f.Robot("r1", 5)
			w, parts := f.whole(2, nil)
			f.Cancel(parts[1].ID)
			f.Cancel(parts[0].ID)
			f.stand(w.ID, "cancelled cancelled cancelled")

			w, parts = f.whole(3, nil)
			f.completes(f.begins(parts[0], "r1", session), `{}`)
			running := f.begins(parts[1], "r1", session)
			f.Cancel(parts[2].ID)
			f.Cancel(parts[1].ID)
			f.stand(w.ID, "cancelling completed cancelling cancelled")
			f.reports++
			r := f.NewReport(running, fleet.ReportStopped, f.reports)
			r.By = fleet.ByRequest
			f.Report(r)
			f.stand(w.ID, "cancelled completed cancelled cancelled")
		},
		"a lost segment runs again under the same whole": func(f *Fixture) {
			session := f.Robot("r1", 5)
			w, parts := f.whole(2, nil)
			f.begins(parts[0], "r1", session)
			f.must(f.Move(parts[0].ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Lose(fleet.Loss{Epoch: s.Job.Epoch, Reason: "silent"}, f.Now)
			}))
			f.stand(w.ID, "running pending pending")
		},
		"what cannot be handed over fails with a reason": func(f *Fixture) {
			session := f.Robot("r1", 5)
			w, parts := f.whole(2, nil)
			f.completes(f.begins(parts[0], "r1", session), `{"variables":{"x":"`+strings.Repeat("x", fleet.MaxInputs)+`"}}`)
			f.stand(w.ID, "failed completed failed")
			is(f, "code", f.Job(w.ID).ErrorCode, "input_invalid")
		},
		"a whole waits for others with its first segment, and others wait for the whole": func(f *Fixture) {
			session := f.Robot("r1", 5)
			first := f.Running(f.Spec(), "r1", session)
			w, parts := f.whole(2, nil, first.ID)
			after := f.child("", "", w.ID)
			f.waits(parts[0].ID, fleet.WaitingDependencies)
			f.ends(first, fleet.ReportComplete)
			f.waits(parts[0].ID, fleet.WaitingRobot)
			for _, p := range parts {
				f.completes(f.begins(p, "r1", session), `{}`)
			}
			f.stand(w.ID, "completed completed completed")
			f.waits(after.ID, fleet.WaitingRobot)

			broken := f.Submit(f.Spec())
			f.Cancel(broken.ID)
			w, _ = f.whole(2, nil, broken.ID)
			f.stand(w.ID, "cancelled cancelled cancelled")

			spec := f.Spec()
			spec.DependsOn = []fleet.ID{parts[0].ID}
			sub := f.Submission(spec)
			sub.Parents = spec.DependsOn
			got, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
			f.must(err)
			if e := fleet.AsError(got[0].Err); e == nil || e.Reason != "segment_of_job" {
				f.Errorf("a job waits for a segment of another: %v", got[0].Err)
			}
		},
		"segments are pruned with their whole, and neither is counted twice": func(f *Fixture) {
			session := f.Robot("r1", 5)
			w, parts := f.whole(2, nil)
			f.System(func(r store.Reader) error {
				counts, err := r.Counts()
				is(f, "pending jobs", counts[fleet.Pending], int64(2))
				return err
			})
			for _, p := range parts {
				f.completes(f.begins(p, "r1", session), `{}`)
			}
			open, _ := f.whole(2, nil)
			f.Update(func(tx store.Tx) error {
				_, n, err := tx.PruneJobs("", time.Now().Add(time.Hour), 1)
				is(f, "pruned", n, 3)
				return err
			})
			f.View(func(r store.Reader) error {
				for _, id := range []fleet.ID{w.ID, parts[0].ID, parts[1].ID} {
					if _, err := r.Job(id); !errors.Is(err, fleet.ErrNotFound) {
						f.Errorf("job %s is still there: %v", id, err)
					}
				}
				_, err := r.Job(open.ID)
				return err
			})
		},
		"a whole that was left behind is found and follows": func(f *Fixture) {
			session := f.Robot("r1", 5)
			// Its segments end before it is there, as if nobody had told it.
			spec := f.Spec()
			spec.Segments = 2
			for i := range 2 {
				part := f.Spec()
				part.Parent, part.Segment = spec.ID, i+1
				f.ends(f.Running(part, "r1", session), fleet.ReportComplete)
			}
			stale := func() (out []store.WholeRef) {
				f.System(func(r store.Reader) (err error) { out, err = r.StaleWholes(10); return err })
				return out
			}
			is(f, "stale before it is there", len(stale()), 0)
			open, _ := f.whole(2, nil)
			sub := f.Submission(spec)
			sub.Graph = true
			f.enqueue(sub)
			is(f, "stale", fmt.Sprint(stale()), fmt.Sprint([]store.WholeRef{{Tenant: f.Tenant, ID: spec.ID}}))
			f.Update(func(tx store.Tx) error { return tx.FollowSegments(spec.ID) })
			f.stand(spec.ID, "completed completed completed")
			f.Update(func(tx store.Tx) error { return tx.FollowSegments(open.ID) })
			f.stand(open.ID, "pending pending pending")
			is(f, "stale afterwards", len(stale()), 0)
		},
		"overrides of nodes": func(f *Fixture) {
			o := fleet.NodeOverride{
				WorkflowID: "w", NodeID: "n", RobotID: "desk-1", Requires: fleet.Capabilities{"gpu"}, Reason: "SAP", Active: true,
				Placement: fleet.Placement{Pool: "office"}, CreatedAt: f.Now, CreatedBy: "ada",
			}
			put := func(o fleet.NodeOverride) {
				f.Update(func(tx store.Tx) error { return tx.PutNodeOverride(f.Tenant, o) })
			}
			list := func() (out string) {
				f.View(func(r store.Reader) error {
					got, err := r.NodeOverrides("w")
					out = fmt.Sprintf("%+v", got)
					return err
				})
				return out
			}
			put(o)
			is(f, "one", list(), fmt.Sprintf("%+v", []fleet.NodeOverride{o}))
			other := fleet.NodeOverride{WorkflowID: "w", NodeID: "m", SameAs: "n", Requires: fleet.Capabilities{}, CreatedAt: f.Now, CreatedBy: "ada"}
			put(other)
			o.RobotID, o.Active = "", false
			put(o)
			is(f, "both", list(), fmt.Sprintf("%+v", []fleet.NodeOverride{other, o}))
			f.Update(func(tx store.Tx) error { return tx.DeleteNodeOverride("w", "m") })
			is(f, "what is left", list(), fmt.Sprintf("%+v", []fleet.NodeOverride{o}))
			if err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteNodeOverride("w", "m") }); !errors.Is(err, fleet.ErrNotFound) {
				f.Errorf("delete twice: %v", err)
			}
		},
	}
}

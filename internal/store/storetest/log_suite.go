package storetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func eventTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"numbers are dense": func(f *Fixture) {
			for range 3 {
				f.Submit(f.Spec())
			}
			o := f.Other("globex")
			o.Submit(o.Spec())
			f.Update(func(tx store.Tx) error {
				f.must(tx.Append(f.Tenant, fleet.EventDraft{Kind: fleet.EventBrake, Subject: fleet.SubjectFleet, SubjectID: "x", Actor: "me", Data: map[string]any{"n": 1}}))
				return tx.Append(f.Tenant, fleet.EventDraft{Kind: fleet.EventRobotConnected, Subject: fleet.SubjectRobot, SubjectID: "r1"})
			})
			for i, e := range f.Events(0) {
				is(f, "number", e.Seq, int64(i+1))
				is(f, "tenant", e.Tenant, f.Tenant)
				is(f, "id", e.ID.Valid(), true)
			}
			is(f, "count", len(f.Events(0)), 5)
			is(f, "after", len(f.Events(3)), 2)
			f.View(func(r store.Reader) error {
				head, err := r.Head()
				is(f, "head", head, int64(5))
				f.must(err)
				list, err := r.Events(store.EventFilter{Kinds: []fleet.EventKind{fleet.EventBrake}})
				is(f, "by kind", len(list) == 1 && list[0].Seq == 4 && string(list[0].Data) == `{"n":1}` && list[0].Actor == "me", true)
				f.must(err)
				list, err = r.Events(store.EventFilter{Subject: fleet.SubjectRobot, SubjectID: "r1", Limit: 1})
				is(f, "by subject", len(list) == 1 && list[0].Seq == 5, true)
				f.must(err)
				list, err = r.Events(store.EventFilter{Limit: 2, Kinds: []fleet.EventKind{fleet.EventBrake}})
				is(f, "by kind, over several reads", len(list), 1)
				return err
			})
			_, err := f.Store.TailEvents(f.Context(), f.Scope, "globex", 0, 10)
			is(f, "another tenant's log", errors.Is(err, fleet.ErrNotFound), true)
			all, err := f.Store.TailEvents(f.Context(), store.System("test"), "globex", 0, 10)
			f.must(err)
			is(f, "system", len(all), 1)
		},
		"a change that fails leaves nothing": func(f *Fixture) {
			j := f.Submit(f.Spec())
			failed := errors.New("no")
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				s, err := tx.Subject(j.ID)
				f.must(err)
				m, err := s.Cancel(fleet.CancelRequest{By: "u"}, f.Now)
				f.must(err)
				f.must(tx.Apply(m))
				_, err = tx.Insert(fleet.NewJob(f.Spec(), f.Now), fleet.JobData{}, "u")
				f.must(err)
				return failed
			})
			is(f, "its error", errors.Is(err, failed), true)
			is(f, "state", f.Job(j.ID).State, fleet.Pending)
			is(f, "events", len(f.Events(0)), 1)
			is(f, "next number", f.Submit(f.Spec()).Seq, int64(2))
			is(f, "next event", f.Events(1)[0].Seq, int64(2))
		},
		"a change that panics fails alone": func(f *Fixture) {
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error {
				var none *fleet.Job
				_, err := tx.Insert(*none, fleet.JobData{}, "u")
				return err
			})
			is(f, "internal", errors.Is(err, fleet.ErrInternal), true)
			f.Submit(f.Spec())
		},
		"a cancelled caller changes nothing": func(f *Fixture) {
			ctx, cancel := context.WithCancel(f.Context())
			cancel()
			err := f.Store.Update(ctx, f.Scope, func(store.Tx) error {
				f.Error("ran all the same")
				return nil
			})
			is(f, "error", err != nil, true)
		},
	}
}

func sweepTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"lanes and their order": func(f *Fixture) {
			want := map[string]int64{}
			at := func(change func(s *fleet.JobSpec)) fleet.Job {
				s := f.Spec()
				change(&s)
				want[s.Environment+"/"+s.Requires.Key()+"/"+string(s.Target)]++
				return f.Submit(s)
			}
			third := at(func(*fleet.JobSpec) {})
			fourth := at(func(*fleet.JobSpec) {})
			first := at(func(s *fleet.JobSpec) { s.Priority = 0 })
			second := at(func(s *fleet.JobSpec) { s.Deadline = f.Now.Add(time.Hour) })
			at(func(s *fleet.JobSpec) { s.Requires = fleet.Capabilities{"gpu"} })
			at(func(s *fleet.JobSpec) { s.Target = "r1" })
			at(func(s *fleet.JobSpec) { s.Environment = "prod" })
			spec := f.Spec()
			spec.NotBefore = f.Now.Add(time.Hour)
			f.Submit(spec)
			f.System(func(r store.Reader) error {
				lanes, err := r.Lanes()
				f.must(err)
				is(f, "lanes", len(lanes), 4)
				for _, l := range lanes {
					if l.Environment != "default" || len(l.Requires) > 0 || l.Target != "" {
						is(f, "waiting", l.Waiting, int64(1))
						continue
					}
					is(f, "waiting", l.Waiting, int64(4))
					ready, err := r.Ready(l, 10)
					f.must(err)
					var got []fleet.ID
					for _, j := range ready {
						got = append(got, j.ID)
					}
					if d := cmp.Diff([]fleet.ID{first.ID, second.ID, third.ID, fourth.ID}, got); d != "" {
						f.Errorf("order (-want +got):\n%s", d)
					}
					ready, err = r.Ready(l, 1)
					is(f, "limit", len(ready), 1)
					f.must(err)
				}
				n, err := r.Counts()
				is(f, "pending", n[fleet.Pending], int64(8))
				return err
			})
		},
		"a lane empties and fills": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			waiting := func() (n int64) {
				f.System(func(r store.Reader) error {
					lanes, err := r.Lanes()
					for _, l := range lanes {
						n += l.Waiting
					}
					return err
				})
				return n
			}
			is(f, "assigned", waiting(), int64(0))
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) { return s.NotTaken(1, fleet.RejectNoAnswer, 0, f.Now) }))
			is(f, "back", waiting(), int64(1))
			f.Cancel(j.ID)
			is(f, "cancelled", waiting(), int64(0))
		},
		"live attempts": func(f *Fixture) {
			session := f.Robot("r1", 9)
			var want []fleet.ID
			for range 5 {
				want = append(want, f.Running(f.Spec(), "r1", session).ID)
			}
			f.Report(f.NewReport(f.Job(want[4]), fleet.ReportComplete, 1))
			f.System(func(r store.Reader) error {
				var got []store.LiveAttempt
				for after := (store.Ref{}); ; {
					page, err := r.LiveAttempts(after, 2)
					f.must(err)
					if got = append(got, page...); len(page) < 2 {
						break
					}
					after = page[1].Ref
				}
				is(f, "live", len(got), 4)
				for i, a := range got {
					is(f, "job", a.JobID, want[i])
					is(f, "rest", a.State == fleet.Running && a.Connected && !a.Silent && a.RenewSeq > 0 && a.RunTimeout == time.Hour, true)
				}
				return nil
			})
		},
	}
}

// scopeTests are the two-tenant matrix: nothing of one is seen or changed by
// the other.
func scopeTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"the zero scope": func(f *Fixture) {
			is(f, "view", f.Store.View(f.Context(), store.Scope{}, func(store.Reader) error { return nil }) != nil, true)
			is(f, "update", f.Store.Update(f.Context(), store.Scope{}, func(store.Tx) error { return nil }) != nil, true)
			_, err := f.Store.ReadLogs(f.Context(), store.Scope{}, "x", store.LogQuery{})
			is(f, "logs", err != nil, true)
		},
		"two tenants": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			o := f.Other("globex")
			o.Robot("r1", 9)
			o.View(func(r store.Reader) error {
				for what, err := range map[string]error{
					"job": second(r.Job(j.ID)), "data": second(r.JobData(j.ID)), "subject": second(r.Subject(j.ID)),
				} {
					is(f, what, errors.Is(err, fleet.ErrNotFound), true)
				}
				attempts, err := r.Attempts(j.ID)
				is(f, "attempts", len(attempts), 0)
				f.must(err)
				held, err := r.HeldBy("r1")
				is(f, "held", len(held), 0)
				f.must(err)
				robot, err := r.Robot("r1")
				is(f, "their own robot", robot.Tenant, fleet.TenantID("globex"))
				is(f, "its slots", robot.Taken, 0)
				return err
			})
			foreign := fleet.NewJob(f.Spec(), f.Now)
			for what, fn := range map[string]func(tx store.Tx) error{
				"insert":   func(tx store.Tx) error { return second(tx.Insert(foreign, fleet.JobData{}, "u")) },
				"robot":    func(tx store.Tx) error { return tx.PutRobot(f.NewRobot("r1", 1)) },
				"event":    func(tx store.Tx) error { return tx.Append(f.Tenant, fleet.EventDraft{Kind: fleet.EventBrake}) },
				"key":      func(tx store.Tx) error { return tx.PutKey(fleet.Key{Tenant: f.Tenant}) },
				"flow":     func(tx store.Tx) error { return tx.PutWorkflow(fleet.Workflow{Tenant: f.Tenant}) },
				"effect":   func(tx store.Tx) error { return tx.PutEffect(fleet.Effect{Tenant: f.Tenant}) },
				"override": func(tx store.Tx) error { return tx.PutNodeOverride(f.Tenant, fleet.NodeOverride{}) },
				"usual":    func(tx store.Tx) error { return tx.PutUsualRobot(f.Tenant, fleet.UsualRobot{}) },
				"slots":    func(tx store.Tx) error { return tx.PutReservation(fleet.Reservation{Tenant: f.Tenant}) },
				"tenant":   func(tx store.Tx) error { return tx.PutTenant(fleet.NewTenant(f.Tenant)) },
				"disk":     func(tx store.Tx) error { return tx.PutJournal(fleet.Journal{Tenant: f.Tenant}) },
			} {
				is(f, what, o.Store.Update(f.Context(), o.Scope, fn) != nil, true)
			}
			_, lost, err := o.Store.Assign(f.Context(), o.Scope, []store.Assignment{f.Plan(f.Submit(f.Spec()), "r1", session)}, f.Now)
			f.must(err)
			is(f, "assign", len(lost), 1)
			ok := true
			o.Update(func(tx store.Tx) (err error) {
				ok, err = tx.Renew(store.Ref{JobID: j.ID, Epoch: 1}, "r1")
				return err
			})
			is(f, "renew", ok, false)
		},
	}
}

func logTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"lines": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			batch := func(first int64, texts ...string) fleet.LogBatch {
				b := fleet.LogBatch{JobID: j.ID, Tenant: f.Tenant, RobotID: "r1", Epoch: 1, First: first}
				for i, text := range texts {
					b.Lines = append(b.Lines, fleet.LogLine{Epoch: 1, Line: first + int64(i), At: f.Now, Level: "info", Node: "n", Message: text})
				}
				return b
			}
			send := func(b fleet.LogBatch) fleet.LogAck {
				f.Helper()
				acks, err := f.Store.AppendLogs(f.Context(), f.Scope, []fleet.LogBatch{b})
				f.must(err)
				return acks[0]
			}
			is(f, "first", send(batch(1, "a", "b")).NextLine, int64(3))
			is(f, "again", send(batch(1, "x", "b")).NextLine, int64(3))
			is(f, "overlap", send(batch(2, "b", "c")).NextLine, int64(4))
			is(f, "gap", send(batch(9, "z")).NextLine, int64(4))
			left := batch(6, "f")
			left.Dropped = 2
			is(f, "left out by the robot", send(left).NextLine, int64(7))
			warn := batch(7, "g")
			warn.Lines[0].Level = "error"
			send(warn)
			foreign := batch(8, "evil")
			foreign.RobotID = "r2"
			is(f, "another robot", send(foreign).Full, true)
			read := func(q store.LogQuery) string {
				f.Helper()
				lines, err := f.Store.ReadLogs(f.Context(), f.Scope, j.ID, q)
				f.must(err)
				var out []string
				for _, l := range lines {
					out = append(out, l.Message)
				}
				return strings.Join(out, "")
			}
			is(f, "all", read(store.LogQuery{}), "abcfg")
			is(f, "from", read(store.LogQuery{Epoch: 1, From: 3}), "cfg")
			is(f, "limit", read(store.LogQuery{Limit: 2}), "ab")
			is(f, "level", read(store.LogQuery{Level: "warn"}), "g")
			lines, err := f.Store.ReadLogs(f.Context(), store.Tenant("globex"), j.ID, store.LogQuery{})
			f.must(err)
			is(f, "another tenant", len(lines), 0)
			lines, err = f.Store.ReadLogs(f.Context(), f.Scope, j.ID, store.LogQuery{Limit: 1})
			f.must(err)
			want := fleet.LogLine{Epoch: 1, Line: 1, At: f.Now, Level: "info", Node: "n", Message: "a"}
			if d := cmp.Diff(want, lines[0]); d != "" {
				f.Errorf("line (-want +got):\n%s", d)
			}
		},
		"steps": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			send := func(robot fleet.RobotID, first int64, lines int, steps ...fleet.Step) {
				f.Helper()
				b := fleet.LogBatch{JobID: j.ID, Tenant: f.Tenant, RobotID: robot, Epoch: 1, First: first, Steps: steps}
				for range lines {
					b.Lines = append(b.Lines, fleet.LogLine{At: f.Now, Level: "info", Message: "x"})
				}
				_, err := f.Store.AppendLogs(f.Context(), f.Scope, []fleet.LogBatch{b})
				f.must(err)
			}
			step := func(seq int64, status fleet.StepStatus, took time.Duration) fleet.Step {
				s := fleet.Step{Epoch: 1, Seq: seq, Node: "n", NodeType: "T", Iteration: "2.0", Branch: "b", Status: status, StartedAt: f.Now.Add(time.Duration(seq) * time.Second)}
				if status != fleet.StepRunning {
					s.EndedAt, s.DurationMS = s.StartedAt.Add(took), took.Milliseconds()
				}
				return s
			}
			check := func(what string, sc store.Scope, q store.StepQuery, want ...fleet.Step) {
				f.Helper()
				got, err := f.Store.ReadSteps(f.Context(), sc, j.ID, q)
				f.must(err)
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
					f.Errorf("%s (-want +got):\n%s", what, d)
				}
			}
			one, two, three := step(1, fleet.StepRunning, 0), step(2, fleet.StepCompleted, time.Second), step(3, fleet.StepRunning, 0)
			send("r1", 1, 0, one, two)
			check("before any line", f.Scope, store.StepQuery{}, one, two)
			ended := step(1, fleet.StepFailed, 1500*time.Millisecond)
			ended.Error = "no"
			send("r1", 1, 2, ended, three)
			send("r1", 1, 2, one, ended, three) // again, and the beginning after the end
			send("r1", 99, 1, two)              // lines that leave a gap
			check("ended", f.Scope, store.StepQuery{}, ended, two, three)
			check("from", f.Scope, store.StepQuery{Epoch: 1, From: 2, Limit: 1}, two)
			check("the next attempt", f.Scope, store.StepQuery{Epoch: 2}, nil...)
			check("another tenant", store.Tenant("globex"), store.StepQuery{}, nil...)
			send("r2", 3, 0, step(4, fleet.StepRunning, 0))
			send("r1", 3, 0, step(fleet.MaxSteps+1, fleet.StepRunning, 0))
			check("what is not the robot's, and too many", f.Scope, store.StepQuery{From: 4, Epoch: 1}, nil...)
			f.must(f.Store.PruneLogs(f.Context(), f.Scope, []fleet.ID{j.ID}))
			check("pruned", f.Scope, store.StepQuery{}, nil...)
		},
	}
}

// signalTests say which signals a change must raise; others may come as well.
func signalTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"who is woken": func(f *Fixture) {
			session := f.Robot("r1", 9)
			robot := store.RobotTopic(string(f.Tenant), "r1")
			check := func(what string, do func(), topics ...store.Topic) {
				f.Helper()
				var heard []<-chan struct{}
				for _, topic := range topics {
					ch, stop := f.Store.Signals().Listen(topic)
					defer stop()
					heard = append(heard, ch)
				}
				do()
				for i, ch := range heard {
					select {
					case <-ch:
					default:
						f.Errorf("%s did not raise %s", what, topics[i])
					}
				}
			}
			var j fleet.Job
			check("submit", func() { j = f.Submit(f.Spec()) }, store.TopicReady, store.TopicEvents)
			check("assign", func() { j = f.Assign(j, "r1", session) }, store.TopicEvents)
			j = f.Accept(j)
			check("cancel", func() { f.Cancel(j.ID) }, store.TopicEvents, robot)
			check("stop confirmed", func() { f.Report(f.NewReport(j, fleet.ReportStopped, 1)) }, store.TopicReady, store.TopicEvents)
			lost := f.Running(f.Spec(), "r1", session)
			check("lost", func() {
				f.must(f.Move(lost.ID, func(s fleet.Subject) (*fleet.Move, error) {
					return s.Lose(fleet.Loss{Epoch: 1, Reason: "x"}, f.Now)
				}))
			}, store.TopicReady, robot)
			check("connect", func() { f.Connect("r1") }, store.TopicReady)
			offered := f.Assign(f.Submit(f.Spec()), "r1", session+1)
			check("withdraw", func() { f.Cancel(offered.ID) }, store.TopicReady, robot)
			spec := f.Spec()
			spec.NotBefore = time.Now().Add(-time.Hour) // earlier than any timer that was set
			f.Now = spec.NotBefore.Add(-time.Hour)
			check("timer", func() { f.Submit(spec) }, store.TopicTimers)
		},
	}
}

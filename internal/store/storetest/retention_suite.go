package storetest

import (
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

func retentionTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"old jobs go with all that is theirs, others stay": func(f *Fixture) {
			f.Now = time.Now() // as the ids
			session := f.Robot("r1", 9)
			old := make([]fleet.Job, 5)
			for i := range old {
				old[i] = f.Running(f.Spec(), "r1", session)
				f.Report(f.NewReport(old[i], fleet.ReportStarted, int64(3*i+1)), f.NewReport(old[i], fleet.ReportEffectBegin, int64(3*i+2)))
			}
			for i := range old {
				f.Report(f.NewReport(old[i], fleet.ReportComplete, int64(100+i)))
			}
			waiting, running := f.Submit(f.Spec()), f.Running(f.Spec(), "r1", session)
			f.Later(time.Minute)
			later := f.Running(f.Spec(), "r1", session)
			f.Later(time.Hour)
			f.Report(f.NewReport(later, fleet.ReportComplete, 200)) // made before the time, ended after it
			before := f.Job(later.ID).EndedAt
			taken, last := 0, fleet.ID("")
			for {
				n := 0
				f.systemUpdate(func(tx store.Tx) (err error) {
					last, n, err = tx.PruneJobs(last, before, 2)
					return err
				})
				taken += n
				if n < 2 {
					break
				}
				f.CheckInvariants()
			}
			is(f, "taken", taken, len(old))
			f.View(func(r store.Reader) error {
				for _, j := range old {
					for what, err := range map[string]error{
						"job": second(r.Job(j.ID)), "data": second(r.JobData(j.ID)), "effect": second(r.Effect(j.ID, "n1", "")),
					} {
						is(f, what, errors.Is(err, fleet.ErrNotFound), true)
					}
					attempts, err := r.Attempts(j.ID)
					f.must(err)
					is(f, "attempts", len(attempts), 0)
				}
				for _, j := range []fleet.Job{waiting, running, later} {
					_, err := r.Job(j.ID)
					f.must(err)
				}
				return nil
			})
		},
		"the log is cut at its beginning": func(f *Fixture) {
			for range 5 {
				f.Submit(f.Spec())
			}
			seq := func(find func(r store.Reader) (int64, error)) (n int64) {
				f.View(func(r store.Reader) (err error) { n, err = find(r); return err })
				return n
			}
			head := seq(store.Reader.Head)
			is(f, "oldest", seq(store.Reader.Oldest), int64(1))
			counted := func(after int64, since time.Time) (n int64) {
				f.View(func(r store.Reader) error {
					counts, err := r.EventCounts(after, since)
					n = counts[fleet.EventJobSubmitted]
					return err
				})
				return n
			}
			is(f, "counted", counted(0, time.Time{}), int64(5))
			is(f, "after a number", counted(head-2, time.Time{}), int64(2))
			is(f, "after a time", counted(0, time.Now().Add(time.Hour)), int64(0))
			prune := func(before time.Time, limit int) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) { n, err = tx.PruneEvents(f.Tenant, before, limit); return err })
				return n
			}
			is(f, "nothing is so old", prune(time.Now().Add(-time.Hour), 100), 0)
			is(f, "a step", prune(time.Now().Add(time.Hour), 2), 2)
			is(f, "oldest", seq(store.Reader.Oldest), int64(3))
			is(f, "head", seq(store.Reader.Head), head)
			f.CheckInvariants()
			is(f, "the rest", prune(time.Now().Add(time.Hour), 100), int(head)-2)
			is(f, "oldest", seq(store.Reader.Oldest), int64(0))
			f.Submit(f.Spec())
			is(f, "goes on", seq(store.Reader.Oldest), head+1)
		},
		"lines and what is left": func(f *Fixture) {
			session := f.Robot("r1", 9)
			j := f.Running(f.Spec(), "r1", session)
			_, err := f.Store.AppendLogs(f.Context(), f.Scope, []fleet.LogBatch{{
				Tenant: f.Tenant, RobotID: "r1", JobID: j.ID, Epoch: j.Epoch, First: 1, Lines: []fleet.LogLine{{At: f.Now, Level: "info", Message: "hello"}},
			}})
			f.must(err)
			lines := func() int {
				got, err := f.Store.ReadLogs(f.Context(), f.Scope, j.ID, store.LogQuery{Limit: 10})
				f.must(err)
				return len(got)
			}
			system := store.System("test")
			old := func(after fleet.ID, before time.Time) int {
				list, err := f.Store.LogJobs(f.Context(), system, after, before, 10)
				f.must(err)
				return len(list)
			}
			is(f, "young", old("", j.ID.Time()), 0)
			is(f, "old", old("", j.ID.Time().Add(time.Second)), 1)
			is(f, "none after it", old(j.ID, j.ID.Time().Add(time.Second)), 0)
			f.must(f.Store.PruneLogs(f.Context(), store.Tenant("other"), []fleet.ID{j.ID}))
			is(f, "of another tenant", lines(), 1)
			f.must(f.Store.PruneLogs(f.Context(), system, []fleet.ID{j.ID}))
			is(f, "gone", lines(), 0)
			is(f, "not listed", old("", j.ID.Time().Add(time.Second)), 0)
			again := f.Connect("r1") // closes the session before
			rest := 0
			f.systemUpdate(func(tx store.Tx) (err error) { rest, err = tx.PruneRest(time.Now().Add(time.Hour), 10); return err })
			is(f, "closed sessions", rest, 1)
			f.View(func(r store.Reader) error {
				_, err := r.Session(again.ID)
				return err
			})
		},
		"keys and refusals that have run out": func(f *Fixture) {
			f.Now = time.Now() // as the batches
			keys := func(now time.Time) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) { n, err = tx.PruneKeys(now, 10); return err })
				return n
			}
			rest := func(before time.Time) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) { n, err = tx.PruneRest(before, 10); return err })
				return n
			}
			session := f.Robot("r1", 9)
			sub := f.Submission(f.Spec())
			sub.Key = &store.IdempotencyKey{Route: "POST /jobs", Key: "k", Hash: "h", ExpiresAt: f.Now.Add(24 * time.Hour)}
			_, err := f.Store.Enqueue(f.Context(), f.Scope, []store.Submission{sub})
			f.must(err)
			is(f, "keys that hold", keys(f.Now.Add(23*time.Hour)), 0)
			is(f, "keys that ran out", keys(f.Now.Add(25*time.Hour)), 1)
			j := f.Assign(f.Submit(f.Spec()), "r1", session)
			f.must(f.Move(j.ID, func(s fleet.Subject) (*fleet.Move, error) {
				return s.Reject("r1", 1, fleet.RejectAtCapacity, "full", 0, f.Now)
			}))
			is(f, "refusals that hold", rest(f.Now), 0)
			is(f, "refusals that ran out", rest(f.Now.Add(24*time.Hour)), 1)
		},
		"bulk operations that ended go with their robots": func(f *Fixture) {
			add := func(ended time.Time, robots int) fleet.ID {
				b := fleet.Bulk{ID: f.IDs.New(), Tenant: f.Tenant, Kind: fleet.CommandPause, State: fleet.BulkRunning, Wave: 1, Waves: 1, Total: robots, CreatedAt: f.Now}
				var targets []fleet.BulkTarget
				for i := range robots {
					targets = append(targets, fleet.BulkTarget{Bulk: b.ID, Position: i, RobotID: "r", Wave: 1, State: fleet.TargetDone})
				}
				f.Update(func(tx store.Tx) error { return tx.AddBulk(b, targets) })
				if !ended.IsZero() {
					b.Version, b.State, b.EndedAt = 1, fleet.BulkCompleted, ended
					f.Update(func(tx store.Tx) error { return tx.PutBulk(b) })
				}
				return b.ID
			}
			old := add(f.Now.Add(-2*time.Hour), 5)
			less := add(f.Now.Add(-time.Hour), 1)
			young, open := add(f.Now.Add(time.Hour), 2), add(time.Time{}, 2)
			prune := func(limit int) (n int) {
				f.systemUpdate(func(tx store.Tx) (err error) { n, err = tx.PruneBulks(f.Now, limit); return err })
				return n
			}
			is(f, "a step", prune(3), 3)
			is(f, "the oldest with its last robots, and the next", prune(4), 4)
			is(f, "the next itself", prune(4), 1)
			is(f, "nothing more", prune(4), 0)
			f.View(func(r store.Reader) error {
				for _, id := range []fleet.ID{old, less} {
					_, err := r.Bulk(id)
					is(f, "gone", errors.Is(err, fleet.ErrNotFound), true)
					targets, err := r.BulkTargets(id, 0)
					f.must(err)
					is(f, "robots of it", len(targets), 0)
				}
				for _, id := range []fleet.ID{young, open} {
					_, err := r.Bulk(id)
					f.must(err)
					targets, err := r.BulkTargets(id, 0)
					f.must(err)
					is(f, "robots that stay", len(targets), 2)
				}
				return nil
			})
		},
		"sessions that are open stay": func(f *Fixture) {
			f.Robot("r1", 9)
			again := f.Connect("r1")
			f.systemUpdate(func(tx store.Tx) error { _, err := tx.PruneRest(time.Now().Add(time.Hour), 10); return err })
			f.View(func(r store.Reader) error {
				_, err := r.Session(again.ID)
				return err
			})
		},
	}
}

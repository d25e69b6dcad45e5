package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Schedule stores an hourly schedule, changed, that is due at once.
func (f *Fixture) Schedule(change func(s *fleet.Schedule)) fleet.Schedule {
	f.Helper()
	s := fleet.NewSchedule()
	s.ID, s.Tenant, s.Name, s.WorkflowID, s.Cron, s.Timezone = f.IDs.New(), f.Tenant, "Monatsende", f.IDs.New(), "0 * * * *", "Europe/Berlin"
	s.Revision, s.CreatedAt, s.UpdatedAt = 1, f.Now, f.Now
	s.Since, s.Cursor, s.DueAt = f.Now, f.Now, f.Now
	s.Inputs = []byte(`{"ü":1}`)
	if change != nil {
		change(&s)
	}
	s.Normal()
	f.must(s.Validate())
	f.Update(func(tx store.Tx) error { return tx.AddSchedule(s) })
	return f.schedule(s.ID)
}

func (f *Fixture) schedule(id fleet.ID) (s fleet.Schedule) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { s, err = r.Schedule(id); return err })
	return s
}

// fire makes a job of a schedule for an instant, as whoever moves its cursor does.
func (f *Fixture) fire(s fleet.Schedule, at time.Time) (job fleet.Job, moved bool) {
	f.Helper()
	spec := f.Spec()
	spec.Schedule, spec.FireAt, spec.Retry.Max = s.ID, at, 0
	f.Update(func(tx store.Tx) error {
		won, err := tx.MoveSchedules([]store.ScheduleMove{{
			Tenant: f.Tenant, ID: s.ID, Revision: s.Revision, From: s.Cursor, To: at, DueAt: at.Add(time.Hour), Runs: 1, LastRun: at, LastJob: spec.ID,
		}})
		if moved = err == nil && won[0]; !moved {
			return err
		}
		out, err := tx.Enqueue([]store.Submission{f.Submission(spec)})
		if err != nil {
			return err
		}
		return errors.Join(out[0].Err, tx.AddFires([]fleet.Fire{{
			Tenant: f.Tenant, Schedule: s.ID, At: at, Kind: fleet.FireScheduled, DueAt: at.Add(time.Minute), Outcome: fleet.FireFired,
			JobID: spec.ID, Moved: true, MadeAt: f.Now, WatchAt: at.Add(time.Hour),
		}}))
	})
	if !moved {
		return fleet.Job{}, false
	}
	return f.Job(spec.ID), true
}

func (f *Fixture) live(schedules ...fleet.ID) (out [][]fleet.ID) {
	f.Helper()
	f.View(func(r store.Reader) (err error) { out, err = r.LiveFires(schedules); return err })
	return out
}

func (f *Fixture) fires(schedule fleet.ID) (list []fleet.Fire) {
	f.Helper()
	f.View(func(r store.Reader) (err error) {
		list, _, err = r.Fires(store.FireFilter{Schedule: schedule}, fleet.Page{Limit: 100})
		return err
	})
	return list
}

// count counts the ends that are there.
func (f *Fixture) count() (raised map[fleet.ID]int64, n int) {
	f.Helper()
	var ends []store.ScheduleEnd
	f.View(func(r store.Reader) (err error) { ends, err = r.ScheduleEnds("", 100); return err })
	f.Update(func(tx store.Tx) (err error) { raised, err = tx.CountEnds(ends); return err })
	return raised, len(ends)
}

func scheduleTests() map[string]func(f *Fixture) {
	return map[string]func(f *Fixture){
		"one instant, one row": func(f *Fixture) {
			s := f.Schedule(nil)
			at := f.Now.Add(time.Hour)
			job, moved := f.fire(s, at)
			is(f, "the first", moved, true)
			is(f, "its job's schedule", job.Schedule, s.ID)
			is(f, "its job's instant", job.FireAt.Equal(at), true)
			_, again := f.fire(s, at)
			is(f, "the second has the old cursor", again, false)
			now := f.schedule(s.ID)
			is(f, "runs", now.Runs, int64(1))
			is(f, "cursor", now.Cursor.Equal(at), true)
			is(f, "last job", now.LastJob, job.ID)
			row := f.fires(s.ID)[0]
			row.After = nil
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.AddFires([]fleet.Fire{row}) })
			is(f, "a second row of an instant", errors.Is(err, fleet.ErrConflict), true)
			byHand := row
			byHand.Source, byHand.Kind, byHand.JobID = "hand", fleet.FireManual, f.IDs.New()
			f.Update(func(tx store.Tx) error { return tx.AddFires([]fleet.Fire{byHand}) })
			f.View(func(r store.Reader) error {
				at, err := r.FiredAt(s.ID, at.Add(-time.Hour), at)
				is(f, "fired", len(at), 1)
				return err
			})
		},
		"two at once": func(f *Fixture) {
			s := f.Schedule(nil)
			done := make(chan bool)
			for range 2 {
				go func() {
					_, moved := f.fire(s, f.Now.Add(time.Hour))
					done <- moved
				}()
			}
			first, second := <-done, <-done
			is(f, "exactly one moves it", first != second, true)
			is(f, "rows", len(f.fires(s.ID)), 1)
		},
		"change": func(f *Fixture) {
			s := f.Schedule(func(s *fleet.Schedule) { s.Name = "täglich" })
			s.Note, s.Enabled = "Inventur", false
			was := s.Cursor
			s.Cursor, s.DueAt = f.Now.Add(time.Minute), time.Time{}
			f.Update(func(tx store.Tx) error { return tx.PutSchedule(s, was, false) })
			got := f.schedule(s.ID)
			is(f, "revision", got.Revision, s.Revision+1)
			is(f, "note", got.Note, "Inventur")
			is(f, "enabled", got.Enabled, false)
			is(f, "cursor", got.Cursor.Equal(s.Cursor), true)
			is(f, "due", got.DueAt.IsZero(), true)
			for what, change := range map[string]func(s *fleet.Schedule, was *time.Time){
				"an old revision": func(s *fleet.Schedule, _ *time.Time) { s.Revision-- },
				"an old cursor":   func(_ *fleet.Schedule, was *time.Time) { *was = was.Add(-time.Second) },
			} {
				s, was := got, got.Cursor
				change(&s, &was)
				err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutSchedule(s, was, false) })
				is(f, what, errors.Is(err, fleet.ErrConflict), true)
			}
			_, moved := f.fire(s, f.Now.Add(time.Hour))
			is(f, "a move with the old revision", moved, false)
			got.DeletedAt = f.Now
			f.Update(func(tx store.Tx) error { return tx.PutSchedule(got, got.Cursor, false) })
			f.View(func(r store.Reader) error {
				_, err := r.Schedule(s.ID)
				is(f, "deleted", errors.Is(err, fleet.ErrNotFound), true)
				named, err := r.SchedulesNamed("täglich", 2)
				is(f, "by name", len(named), 0)
				return err
			})
		},
		"list": func(f *Fixture) {
			workflow, calendar := f.IDs.New(), f.IDs.New()
			var all []fleet.ID
			for i := range 5 {
				s := f.Schedule(func(s *fleet.Schedule) {
					if s.Enabled = i%2 == 0; i < 3 {
						s.WorkflowID = workflow
					}
					if i == 1 || i == 4 {
						s.Calendars = []fleet.ID{calendar}
					}
				})
				all = append(all, s.ID)
			}
			f.Other("globex").Schedule(nil)
			yes := true
			for _, c := range []struct {
				filter store.ScheduleFilter
				want   []int
			}{
				{store.ScheduleFilter{}, []int{4, 3, 2, 1, 0}},
				{store.ScheduleFilter{Workflow: workflow}, []int{2, 1, 0}},
				{store.ScheduleFilter{Workflow: workflow, Enabled: &yes}, []int{2, 0}},
				{store.ScheduleFilter{Calendar: calendar}, []int{4, 1}},
			} {
				var want []fleet.ID
				for _, i := range c.want {
					want = append(want, all[i])
				}
				for limit := 1; limit < 4; limit++ {
					var got []fleet.ID
					for p := (fleet.Page{Limit: limit}); ; {
						var page store.SchedulePage
						f.View(func(r store.Reader) (err error) { page, err = r.Schedules(c.filter, p); return err })
						for i := range page.Schedules {
							got = append(got, page.Schedules[i].ID)
						}
						if p.Cursor = page.Next; p.Cursor == "" {
							break
						}
					}
					is(f, "list", slices.Equal(got, want), true)
				}
				if c.filter.Calendar == "" {
					f.View(func(r store.Reader) error {
						n, err := r.CountSchedules(c.filter)
						is(f, "count", n, int64(len(want)))
						return err
					})
				}
			}
		},
		"due": func(f *Fixture) {
			var want []fleet.ID
			for i := range 5 {
				s := f.Schedule(func(s *fleet.Schedule) { s.DueAt = f.Now.Add(time.Duration(i/2) * time.Minute) })
				want = append(want, s.ID)
			}
			f.Schedule(func(s *fleet.Schedule) { s.DueAt = time.Time{} })
			later := f.Other("globex").Schedule(func(s *fleet.Schedule) { s.DueAt = f.Now.Add(time.Hour) })
			var got []fleet.ID
			f.System(func(r store.Reader) error {
				for after := (store.DueRef{}); ; {
					list, err := r.DueSchedules(f.Now.Add(10*time.Minute), after, 2)
					if err != nil || len(list) == 0 {
						return err
					}
					for i := range list {
						got = append(got, list[i].ID)
						after = store.DueRef{At: list[i].DueAt, ID: list[i].ID}
					}
				}
			})
			is(f, "due", slices.Equal(got, want), true)
			f.System(func(r store.Reader) error {
				at, err := r.NextSchedule()
				is(f, "next", at.Equal(f.Now), true)
				return err
			})
			is(f, "of another tenant", later.DueAt.Equal(f.Now.Add(time.Hour)), true)
		},
		"ends": func(f *Fixture) {
			session := f.Robot("r1", 10)
			s := f.Schedule(nil)
			var jobs []fleet.Job
			for i := range 4 {
				j, _ := f.fire(f.schedule(s.ID), f.Now.Add(time.Duration(i+1)*time.Hour))
				jobs = append(jobs, j)
			}
			is(f, "live", len(f.live(s.ID, "none")[0]), 4)
			for i, kind := range []fleet.ReportKind{fleet.ReportComplete, fleet.ReportFailed, fleet.ReportFailed} {
				f.Later(time.Second)
				j := f.Accept(f.Assign(jobs[i], "r1", session))
				f.ends(j, kind)
			}
			is(f, "live, before anybody counted", slices.Equal(f.live(s.ID)[0], []fleet.ID{jobs[3].ID}), true)
			raised, n := f.count()
			is(f, "ends", n, 3)
			is(f, "in a row", raised[s.ID], int64(2))
			f.Later(time.Second)
			f.Cancel(jobs[3].ID)
			raised, n = f.count()
			is(f, "a cancelled one", n, 1)
			is(f, "raises nothing", len(raised), 0)
			_, n = f.count()
			is(f, "counted once", n, 0)
			now := f.schedule(s.ID)
			is(f, "successes", now.Successes, int64(1))
			is(f, "failures", now.Failures, int64(2))
			is(f, "streak", now.Streak, int64(2))
			for _, c := range []struct {
				reset bool
				want  int64
			}{{false, 2}, {true, 0}} {
				f.Update(func(tx store.Tx) error {
					locked, err := tx.ScheduleToChange(s.ID)
					if err != nil {
						return err
					}
					locked.Streak = 7 // what was read counts for nothing
					return tx.PutSchedule(locked, locked.Cursor, c.reset)
				})
				is(f, "streak after a change", f.schedule(s.ID).Streak, c.want)
			}
			list := f.fires(s.ID)
			is(f, "rows", len(list), 4)
			is(f, "the end of the newest", list[0].End, fleet.Cancelled)
			f.View(func(r store.Reader) error {
				last, err := r.LastEnds([]fleet.ID{"none", s.ID}, 3)
				is(f, "last ends", fmt.Sprint(last), "[[] [failed failed cancelled]]")
				return err
			})
			is(f, "is watched", list[3].WatchAt.IsZero(), true)
			f.Update(func(tx store.Tx) error { return tx.RanByHand(f.Tenant, s.ID, "j", f.Now) })
			is(f, "runs", f.schedule(s.ID).Runs, int64(5))
		},
		"watch": func(f *Fixture) {
			s := f.Schedule(nil)
			at := f.Now.Add(time.Hour)
			f.fire(s, at)
			var list []fleet.Fire
			f.System(func(r store.Reader) (err error) {
				next, err := r.NextWatch()
				is(f, "next", next.Equal(at.Add(time.Hour)), true)
				if err == nil {
					list, err = r.WatchedFires(at.Add(2*time.Hour), store.WatchRef{}, 10)
				}
				return err
			})
			is(f, "watched", len(list), 1)
			for _, want := range []bool{true, false} {
				var ok bool
				f.Update(func(tx store.Tx) (err error) {
					ok, err = tx.WatchFire(&list[0], fleet.LateStart, time.Time{})
					return err
				})
				is(f, "told", ok, want)
			}
			is(f, "late", f.fires(s.ID)[0].Late, fleet.LateStart)
		},
		"watched, in pages": func(f *Fixture) {
			at := f.Now.Add(time.Hour)
			want := map[fleet.ID]int{}
			for range 3 {
				s := f.Schedule(nil)
				want[s.ID] = 3
				var rows []fleet.Fire
				for i, source := range []string{"", "hand", "hand"} {
					rows = append(rows, fleet.Fire{
						Tenant: f.Tenant, Schedule: s.ID, At: at.Add(time.Duration(i/2) * time.Minute), Source: source, Kind: fleet.FireScheduled, DueAt: at,
						Outcome: fleet.FireFired, JobID: f.IDs.New(), MadeAt: f.Now, WatchAt: at.Add(time.Duration(i%2) * time.Minute),
					})
				}
				f.Update(func(tx store.Tx) error { return tx.AddFires(rows) })
			}
			pages := 0
			for after := (store.WatchRef{}); ; pages++ {
				var list []fleet.Fire
				f.System(func(r store.Reader) (err error) { list, err = r.WatchedFires(at.Add(time.Hour), after, 2); return err })
				if len(list) == 0 {
					break
				}
				for i := range list {
					is(f, "order", list[i].WatchAt.Before(after.At), false)
					want[list[i].Schedule]--
					after = store.WatchRefOf(&list[i])
				}
			}
			for _, left := range want {
				is(f, "each once", left, 0)
			}
			is(f, "pages", pages, 5)
		},
		"backfill": func(f *Fixture) {
			s := f.Schedule(nil)
			b := fleet.Backfill{ID: f.IDs.New(), Tenant: f.Tenant, Schedule: s.ID, From: f.Now, Until: f.Now.Add(time.Hour), MaxParallel: 2, State: fleet.BackfillRunning}
			f.Update(func(tx store.Tx) error { return tx.PutBackfill(b) })
			f.System(func(r store.Reader) error {
				list, err := r.RunningBackfills()
				is(f, "running", len(list), 1)
				return err
			})
			f.Update(func(tx store.Tx) error {
				got, err := tx.BackfillToChange(s.ID, b.ID)
				is(f, "tenant", got.Tenant, f.Tenant)
				got.State = fleet.BackfillDone
				return errors.Join(err, tx.PutBackfill(got))
			})
			f.View(func(r store.Reader) error {
				open, err := r.RunningBackfills()
				is(f, "running", len(open), 0)
				list, lerr := r.Backfills(s.ID)
				is(f, "list", len(list), 1)
				is(f, "state", list[0].State, fleet.BackfillDone)
				n, nerr := r.LiveBackfill(s.ID, b.ID)
				is(f, "live", n, 0)
				return errors.Join(err, lerr, nerr)
			})
		},
		"calendar": func(f *Fixture) {
			c := fleet.WorkCalendar{ID: f.IDs.New(), Tenant: f.Tenant, Name: "Werktage", Timezone: "UTC", CreatedAt: f.Now, UpdatedAt: f.Now}
			f.Update(func(tx store.Tx) error { return tx.PutWorkCalendar(c) })
			other := c
			other.ID, other.Name = f.IDs.New(), "WERKTAGE"
			err := f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutWorkCalendar(other) })
			is(f, "the name is taken", errors.Is(err, fleet.ErrConflict), true)
			keeps := f.Schedule(func(s *fleet.Schedule) { s.Calendars, s.DueAt = []fleet.ID{c.ID}, time.Time{} })
			c.Revision = 1
			f.Update(func(tx store.Tx) error { return errors.Join(tx.PutWorkCalendar(c), tx.LookAgain(c.ID, f.Now)) })
			is(f, "its schedules are looked at", f.schedule(keeps.ID).DueAt.Equal(f.Now), true)
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.PutWorkCalendar(c) })
			is(f, "an old revision", errors.Is(err, fleet.ErrConflict), true)
			f.View(func(r store.Reader) error {
				got, err := r.WorkCalendar(c.ID)
				is(f, "revision", got.Revision, int64(2))
				list, lerr := r.WorkCalendars()
				is(f, "list", len(list), 1)
				return errors.Join(err, lerr)
			})
			f.Update(func(tx store.Tx) error { return tx.DeleteWorkCalendar(c.ID) })
			err = f.Store.Update(f.Context(), f.Scope, func(tx store.Tx) error { return tx.DeleteWorkCalendar(c.ID) })
			is(f, "it is gone", errors.Is(err, fleet.ErrNotFound), true)
		},
		"prune": func(f *Fixture) {
			session := f.Robot("r1", 10)
			s := f.Schedule(nil)
			j, _ := f.fire(s, f.Now.Add(time.Hour))
			open, _ := f.fire(f.schedule(s.ID), f.Now.Add(2*time.Hour))
			f.ends(f.Accept(f.Assign(j, "r1", session)), fleet.ReportComplete)
			f.count()
			prune := func() (fires, schedules int) {
				f.must(f.Store.Update(f.Context(), store.System("test"), func(tx store.Tx) (err error) {
					if fires, err = tx.PruneFires(f.Now.Add(time.Hour), 10); err != nil {
						return err
					}
					schedules, err = tx.PruneSchedules(10)
					return err
				}))
				return fires, schedules
			}
			n, gone := prune()
			is(f, "fires", n, 1)
			is(f, "schedules", gone, 0)
			s = f.schedule(s.ID)
			s.DeletedAt = f.Now
			f.Update(func(tx store.Tx) error { return tx.PutSchedule(s, s.Cursor, false) })
			_, gone = prune()
			is(f, "a schedule whose job goes on", gone, 0)
			f.Cancel(open.ID)
			f.count()
			n, gone = prune()
			is(f, "the rest", [2]int{n, gone}, [2]int{1, 1})
		},
		"scope": func(f *Fixture) {
			s := f.Schedule(nil)
			f.fire(s, f.Now.Add(time.Hour))
			o := f.Other("globex")
			err := o.Store.View(o.Context(), o.Scope, func(r store.Reader) error {
				_, err := r.Schedule(s.ID)
				list, _, ferr := r.Fires(store.FireFilter{Schedule: s.ID}, fleet.Page{Limit: 10})
				is(f, "fires of another tenant", len(list), 0)
				if ferr != nil {
					return ferr
				}
				return err
			})
			is(f, "a schedule of another tenant", errors.Is(err, fleet.ErrNotFound), true)
			var won []bool
			err = o.Store.Update(o.Context(), o.Scope, func(tx store.Tx) (err error) {
				won, err = tx.MoveSchedules([]store.ScheduleMove{{Tenant: f.Tenant, ID: s.ID, Revision: 1, From: s.Cursor, To: f.Now}})
				return err
			})
			is(f, "a move of another tenant", err != nil && len(won) == 0, true)
		},
	}
}

package upkeep

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// timed is a fleet whose schedules a test steps.
type timed struct {
	*fleetOfOne
	chore    *Schedules
	workflow fleet.ID
}

func newTimed(t testing.TB) *timed {
	t.Helper()
	f := &timed{fleetOfOne: newFleet(t)}
	f.chore = &Schedules{Schedules: f.core.Schedules, Signals: f.store.Signals(), Now: func() time.Time { return f.clock }, Logger: f.timers.Logger}
	job := f.submit()
	if _, err := f.core.Jobs.Cancel(t.Context(), auth.Local(), job.ID, fleet.CancelRequest{}); err != nil {
		t.Fatal(err)
	}
	f.workflow = job.Workflow.ID
	return f
}

// schedule makes one that comes each hour, changed.
func (f *timed) schedule(change func(c *orchestrator.ScheduleChange)) fleet.Schedule {
	f.t.Helper()
	c := orchestrator.ScheduleChange{Name: new("hourly"), WorkflowID: &f.workflow, Cron: new("0 * * * *")}
	if change != nil {
		change(&c)
	}
	s, err := f.core.Schedules.Create(f.t.Context(), auth.Local(), c)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// at sets the clock and lets the chore run.
func (f *timed) at(text string) {
	f.t.Helper()
	at, err := time.Parse("15:04:05", text)
	if err != nil {
		f.t.Fatal(err)
	}
	f.clock = time.Date(2026, 11, 23, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	f.look()
}

func (f *timed) look() {
	f.t.Helper()
	if _, err := f.chore.RunOnce(f.t.Context(), f.clock); err != nil {
		f.t.Fatal(err)
	}
}

func (f *timed) rows(id fleet.ID) []fleet.Fire {
	f.t.Helper()
	var all []fleet.Fire
	for p := (fleet.Page{Limit: fleet.PageMax}); ; {
		list, next, err := f.core.Schedules.Fires(f.t.Context(), auth.Local(), string(id), "", p)
		if err != nil {
			f.t.Fatal(err)
		}
		all = append(all, list...)
		if p.Cursor = next; next == "" {
			slices.Reverse(all)
			return all
		}
	}
}

func (f *timed) want(id fleet.ID, want string) []fleet.Fire {
	f.t.Helper()
	rows := f.rows(id)
	var got []string
	for _, r := range rows {
		got = append(got, r.At.Format("15:04")+" "+string(r.Outcome))
	}
	if text := strings.Join(got, ", "); text != want {
		f.t.Fatalf("rows %s, want %s", text, want)
	}
	return rows
}

// end lets a job of a schedule begin and end.
func (f *timed) end(id fleet.ID, kind fleet.ReportKind) {
	f.t.Helper()
	ref := f.start(f.state(id), true)
	r := fleet.Report{Kind: kind, Tenant: "default", RobotID: "r1", JournalID: "j1", ReportID: f.report(), JobID: id, Epoch: ref.Epoch, Result: []byte(`{}`)}
	if kind == fleet.ReportFailed {
		no := false
		r.Result, r.Error = nil, &fleet.JobError{Class: fleet.ClassBusiness, Message: "no", Retryable: &no}
	}
	out, err := f.store.Report(f.t.Context(), store.System("test"), []fleet.Report{r}, f.clock)
	if err != nil || out[0].Verdict != fleet.VerdictApplied {
		f.t.Fatalf("%v, %v", out, err)
	}
}

var reported int64

func (f *timed) report() int64 { reported++; return reported }

func (f *timed) get(id fleet.ID) fleet.Schedule {
	f.t.Helper()
	v, err := f.core.Schedules.Get(f.t.Context(), auth.Local(), string(id))
	if err != nil {
		f.t.Fatal(err)
	}
	return v.Schedule
}

func (f *timed) events(kind fleet.EventKind) (out []fleet.Event) {
	f.t.Helper()
	err := f.store.View(f.t.Context(), auth.Local().Scope(), func(r store.Reader) (err error) {
		out, err = r.Events(store.EventFilter{Kinds: []fleet.EventKind{kind}, Limit: 1000})
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}

// Nodes down from 10:30 to 13:40: one job for 13:00, rows for the others.
func TestScheduleAfterAnOutage(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(nil)
	f.at("10:30:00")
	f.want(s.ID, "")
	f.at("13:40:00")
	rows := f.want(s.ID, "11:00 missed, 12:00 missed, 13:00 fired")
	job := f.state(rows[2].JobID)
	if job.Schedule != s.ID || !job.FireAt.Equal(rows[2].At) || job.SubmittedBy != "schedule hourly" {
		t.Errorf("the job is of %q for %s, by %q", job.Schedule, job.FireAt, job.SubmittedBy)
	}
	missed := f.events(fleet.EventScheduleMissed)
	if len(missed) != 1 || !strings.Contains(string(missed[0].Data), `"count":2`) {
		t.Errorf("missed is told as %v", missed)
	}
	f.at("14:00:00")
	rows = f.want(s.ID, "11:00 missed, 12:00 missed, 13:00 fired, 14:00 skipped_overlap")
	if rows[3].JobID != job.ID {
		t.Errorf("in the way was %s, the row says %s", job.ID, rows[3].JobID)
	}
	f.end(job.ID, fleet.ReportComplete)
	f.at("15:00:00")
	f.want(s.ID, "11:00 missed, 12:00 missed, 13:00 fired, 14:00 skipped_overlap, 15:00 fired")
	if got := f.get(s.ID); got.Runs != 2 || got.Successes != 1 || got.Failures != 0 {
		t.Errorf("%d runs, %d successes, %d failures", got.Runs, got.Successes, got.Failures)
	}
}

// What was due before a schedule was changed, disabled or deleted has its row.
func TestChangeSettlesWhatIsDue(t *testing.T) {
	for name, change := range map[string]func(f *timed, id fleet.ID) error{
		"edit": func(f *timed, id fleet.ID) error {
			_, err := f.core.Schedules.Update(f.t.Context(), auth.Local(), string(id), 0, orchestrator.ScheduleChange{Cron: new("30 * * * *")})
			return err
		},
		"disable": func(f *timed, id fleet.ID) error {
			_, err := f.core.Schedules.Enable(f.t.Context(), auth.Local(), string(id), false, "inventory")
			return err
		},
		"name": func(f *timed, id fleet.ID) error {
			_, err := f.core.Schedules.Update(f.t.Context(), auth.Local(), string(id), 0, orchestrator.ScheduleChange{Name: new("other")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newTimed(t)
			s := f.schedule(func(c *orchestrator.ScheduleChange) {
				c.Overlap = &orchestrator.OverlapChange{Policy: new(fleet.OverlapParallel)}
			})
			f.clock = f.clock.Add(2*time.Hour + 10*time.Second) // 12:00:10, and nobody has looked
			if err := change(f, s.ID); err != nil {
				t.Fatal(err)
			}
			f.want(s.ID, "11:00 missed, 12:00 fired")
			f.look()
			f.want(s.ID, "11:00 missed, 12:00 fired")
		})
	}
	t.Run("enabled again", func(t *testing.T) {
		f := newTimed(t)
		s := f.schedule(func(c *orchestrator.ScheduleChange) { c.Enabled = new(false) })
		f.at("12:00:10")
		if _, err := f.core.Schedules.Enable(t.Context(), auth.Local(), string(s.ID), true, ""); err != nil {
			t.Fatal(err)
		}
		f.at("12:30:00")
		f.want(s.ID, "")
		f.at("13:00:00")
		f.want(s.ID, "13:00 fired")
	})
	t.Run("jitter, and it is changed before it is due", func(t *testing.T) {
		f := newTimed(t)
		s := f.schedule(func(c *orchestrator.ScheduleChange) { c.JitterSeconds = new(3600) })
		f.at("11:00:00")
		if _, err := f.core.Schedules.Update(t.Context(), auth.Local(), string(s.ID), 0, orchestrator.ScheduleChange{JitterSeconds: new(0)}); err != nil {
			t.Fatal(err)
		}
		f.at("12:00:00")
		if rows := f.rows(s.ID); len(rows) < 2 || rows[len(rows)-1].Outcome != fleet.FireFired {
			t.Errorf("rows %+v", rows)
		} else {
			for _, r := range rows[:len(rows)-1] {
				if r.Outcome == fleet.FireFired && r.DueAt.After(time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)) || r.Outcome != fleet.FireFired && r.Reason == "" {
					t.Errorf("row %+v", r)
				}
			}
		}
	})
}

func TestOverlapOfSchedules(t *testing.T) {
	f := newTimed(t)
	queued := f.schedule(func(c *orchestrator.ScheduleChange) {
		c.Overlap = &orchestrator.OverlapChange{Policy: new(fleet.OverlapQueueOne)}
	})
	cancels := f.schedule(func(c *orchestrator.ScheduleChange) {
		c.Overlap = &orchestrator.OverlapChange{Policy: new(fleet.OverlapCancel)}
	})
	for _, at := range []string{"11:00:00", "12:00:00", "13:00:00"} {
		f.at(at)
	}
	rows := f.want(queued.ID, "11:00 fired, 12:00 fired, 13:00 skipped_overlap")
	if j := f.state(rows[1].JobID); j.WaitingOn != fleet.WaitingDependencies {
		t.Errorf("the queued job waits on %s", j.WaitingOn)
	}
	f.end(rows[0].JobID, fleet.ReportFailed)
	if j := f.state(rows[1].JobID); j.State != fleet.Pending || j.WaitingOn != fleet.WaitingRobot {
		t.Errorf("after the one before it failed, the queued job is %s and waits on %s", j.State, j.WaitingOn)
	}
	rows = f.want(cancels.ID, "11:00 fired, 12:00 fired, 13:00 fired")
	for i, want := range []fleet.State{fleet.Cancelled, fleet.Cancelled, fleet.Pending} {
		if j := f.state(rows[i].JobID); j.State != want {
			t.Errorf("job %d is %s, want %s", i, j.State, want)
		}
	}
}

func TestFailuresInARowDisable(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *orchestrator.ScheduleChange) { c.PauseAfter = new(2) })
	for _, at := range []string{"11:00:00", "12:00:00", "13:00:00", "14:00:00"} {
		f.at(at)
		if rows := f.rows(s.ID); at == "12:00:00" {
			f.end(rows[len(rows)-1].JobID, fleet.ReportComplete)
		} else if last := rows[len(rows)-1]; last.End == "" {
			f.end(last.JobID, fleet.ReportFailed)
		}
	}
	f.at("14:30:00")
	got := f.get(s.ID)
	if got.Enabled || !strings.Contains(got.Note, "2 jobs in a row") || got.Streak != 2 {
		t.Errorf("enabled %v, note %q, %d failures in a row", got.Enabled, got.Note, got.Streak)
	}
	f.at("15:00:00")
	f.want(s.ID, "11:00 fired, 12:00 fired, 13:00 fired, 14:00 fired")
	if n := len(f.events(fleet.EventScheduleDisabled)); n != 1 {
		t.Errorf("told %d times", n)
	}
	if got, err := f.core.Schedules.Enable(t.Context(), auth.Local(), string(s.ID), true, ""); err != nil || got.Streak != 0 {
		t.Errorf("enabled again: %v, %d failures in a row", err, got.Streak)
	}
}

func TestRefusedAndSpent(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *orchestrator.ScheduleChange) {
		c.MaxRuns, c.Overlap = new(2), &orchestrator.OverlapChange{Policy: new(fleet.OverlapParallel)}
	})
	suspend := func(yes bool) {
		own, err := f.core.Tenants.Get(t.Context(), auth.Local(), "default")
		if own.Suspended = yes; err == nil {
			_, err = f.core.Tenants.Put(t.Context(), auth.Local(), own)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f.at("11:00:00")
	suspend(true)
	f.at("12:00:00")
	suspend(false)
	f.at("13:00:00")
	f.at("14:00:00")
	rows := f.want(s.ID, "11:00 fired, 12:00 refused, 13:00 fired")
	if !strings.Contains(rows[1].Reason, "suspended") {
		t.Errorf("the reason is %q", rows[1].Reason)
	}
	job, warnings, err := f.core.Schedules.RunNow(t.Context(), auth.Local(), string(s.ID))
	if err != nil || job.Schedule != s.ID || !job.FireAt.IsZero() {
		t.Fatalf("by hand: %+v, %v, %v", job, warnings, err)
	}
	rows = f.rows(s.ID)
	if last := rows[len(rows)-1]; last.Kind != fleet.FireManual || last.JobID != job.ID {
		t.Errorf("by hand: %+v", last)
	}
}

func TestBackfill(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(nil)
	f.at("11:00:00")
	f.end(f.rows(s.ID)[0].JobID, fleet.ReportComplete)
	f.at("11:10:00")
	until := f.clock
	b, err := f.core.Schedules.Backfill(t.Context(), auth.Local(), string(s.ID), orchestrator.BackfillRequest{From: until.Add(-4 * time.Hour), Until: until, MaxParallel: 2})
	if err != nil || b.Total != 4 {
		t.Fatalf("%+v, %v", b, err)
	}
	made := func() (open []fleet.Fire) {
		f.look()
		for _, r := range f.rows(s.ID) {
			if r.Kind == fleet.FireBackfill && r.End == "" {
				open = append(open, r)
			}
		}
		return open
	}
	open := made()
	if len(open) != 2 || open[0].At.Hour() != 8 || open[1].At.Hour() != 9 {
		t.Fatalf("%+v", open)
	}
	f.end(open[0].JobID, fleet.ReportComplete)
	f.end(open[1].JobID, fleet.ReportFailed)
	if open = made(); len(open) != 1 || open[0].At.Hour() != 10 { // 11:00 has fired
		t.Fatalf("%+v", open)
	}
	f.end(open[0].JobID, fleet.ReportComplete)
	made()
	list, err := f.core.Schedules.Backfills(t.Context(), auth.Local(), string(s.ID))
	if err != nil || len(list) != 1 || list[0].State != fleet.BackfillDone || list[0].Made != 3 || list[0].Left != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	b, err = f.core.Schedules.Backfill(t.Context(), auth.Local(), string(s.ID), orchestrator.BackfillRequest{From: until.Add(-4 * time.Hour), Until: until, Reverse: true, Again: true})
	if err != nil {
		t.Fatal(err)
	}
	if open = made(); len(open) != 1 || open[0].At.Hour() != 11 {
		t.Fatalf("%+v", open)
	}
	if _, err := f.core.Schedules.CancelBackfill(t.Context(), auth.Local(), string(s.ID), b.ID); err != nil {
		t.Fatal(err)
	}
	f.end(open[0].JobID, fleet.ReportComplete)
	if open = made(); len(open) != 0 {
		t.Fatalf("cancelled, and %+v", open)
	}
}

func TestLateJobsAreToldOf(t *testing.T) {
	f := newTimed(t)
	s := f.schedule(func(c *orchestrator.ScheduleChange) { c.StartWithin, c.EndWithin = new(300), new(1200) })
	f.at("11:00:00")
	for _, c := range []struct {
		at   string
		late fleet.FireLate
		told int
	}{{"11:04:00", "", 0}, {"11:05:00", fleet.LateStart, 1}, {"11:06:00", fleet.LateStart, 1}, {"11:20:00", fleet.LateEnd, 2}, {"11:40:00", fleet.LateEnd, 2}} {
		f.at(c.at)
		if got, told := f.rows(s.ID)[0].Late, len(f.events(fleet.EventScheduleLate)); got != c.late || told != c.told {
			t.Errorf("%s: late %q, told %d times", c.at, got, told)
		}
	}
}

// Two leaders forced at once, and a wall clock that jumps an hour forth and back:
// nothing fires twice, and nothing is without a row.
func TestTwoLeadersAndAJumpingClock(t *testing.T) {
	f := newTimed(t)
	var all []fleet.ID
	for i := range 12 {
		s := f.schedule(func(c *orchestrator.ScheduleChange) {
			c.Name, c.Cron = new(fmt.Sprint("s", i)), new(fmt.Sprintf("%d-59/20 * * * *", i))
			c.Overlap, c.Misfire = &orchestrator.OverlapChange{Policy: new(fleet.OverlapParallel)}, &orchestrator.MisfireChange{Policy: new(fleet.MisfireAll), WithinSeconds: new(7200), Max: new(100)}
		})
		all = append(all, s.ID)
	}
	other := *f.chore
	end := f.clock.Add(5 * time.Hour)
	jumps := []time.Duration{0, 0, time.Hour, -time.Hour, 0, -time.Hour, time.Hour, 0}
	for i := 0; f.clock.Before(end) || i%len(jumps) != 0; i++ {
		f.clock = f.clock.Add(20*time.Minute + jumps[i%len(jumps)])
		done := make(chan error)
		for _, leader := range []*Schedules{f.chore, &other} {
			go func() { _, err := leader.RunOnce(t.Context(), f.clock); done <- err }()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Fatal(err)
		}
	}
	jobs := map[string]int{}
	for _, id := range all {
		rows := f.rows(id)
		if len(rows) < 15 {
			t.Errorf("only %d rows", len(rows))
		}
		for i, r := range rows {
			if r.Outcome != fleet.FireFired {
				t.Errorf("%s of %s is %s: %s", r.At, id, r.Outcome, r.Reason)
			}
			if i > 0 && r.At.Sub(rows[i-1].At) != 20*time.Minute {
				t.Errorf("between %s and %s there is no row", rows[i-1].At, r.At)
			}
		}
		jobs[string(id)] = len(rows)
	}
	counted := map[string]int{}
	for p := (fleet.Page{Limit: fleet.PageMax}); ; {
		list, err := f.core.Jobs.List(t.Context(), auth.Local(), store.JobFilter{}, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range list.Jobs {
			if j.Schedule != "" {
				counted[string(j.Schedule)]++
			}
		}
		if p.Cursor = list.Next; p.Cursor == "" {
			break
		}
	}
	a, _ := json.Marshal(jobs)
	b, _ := json.Marshal(counted)
	if string(a) != string(b) {
		t.Errorf("rows with a job %s, jobs %s", a, b)
	}
}

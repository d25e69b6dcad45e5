package orchestrator

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// ScheduleView is a schedule with what is shown beside it.
type ScheduleView struct {
	fleet.Schedule
	WorkflowName string
	NextRun      time.Time     // zero: none
	Problem      string        // why it cannot be read, and so starts nothing; empty: it can
	Recent       []fleet.State // how its newest jobs ended, the oldest first
}

// recentEnds is how many ends are shown beside a schedule.
const recentEnds = 20

// view adds what a schedule does not hold itself.
func (s *Schedules) view(r store.Reader, list []fleet.Schedule, now time.Time) ([]ScheduleView, error) {
	names := map[fleet.ID]string{}
	days, err := almanacOf(r, list)
	if err != nil {
		return nil, err
	}
	ids := make([]fleet.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	ends, err := r.LastEnds(ids, recentEnds)
	if err != nil {
		return nil, err
	}
	out := make([]ScheduleView, len(list))
	for i := range list {
		of := &list[i]
		name, known := names[of.WorkflowID]
		if !known {
			w, err := r.Workflow(of.WorkflowID)
			if err != nil && !errors.Is(err, fleet.ErrNotFound) {
				return nil, err
			}
			name, names[of.WorkflowID] = w.Name, w.Name
		}
		out[i] = ScheduleView{Schedule: *of, WorkflowName: name, Recent: ends[i]}
		t, err := days.timetable(of)
		if err != nil {
			out[i].Problem = fleet.AsError(err).Message
			continue
		}
		out[i].NextRun = nextRun(of, &t, now)
	}
	return out, nil
}

// nextRun is when the next job of a schedule is to come.
func nextRun(of *fleet.Schedule, t *calendar.Timetable, now time.Time) time.Time {
	if !of.Enabled || of.Spent() {
		return time.Time{}
	}
	for _, r := range t.Upcoming(later(of.Cursor, now), lookedAhead) {
		if !r.At.IsZero() {
			return r.Due
		}
	}
	return time.Time{}
}

// lookedAhead is how many instants are looked at for one that comes.
const lookedAhead = 100

// Get returns a schedule, by its id or its name.
func (s *Schedules) Get(ctx context.Context, p auth.Principal, ref string) (out ScheduleView, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return out, err
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := s.find(r, ref)
		if err != nil {
			return err
		}
		list, err := s.view(r, []fleet.Schedule{of}, s.Now())
		if err == nil {
			out = list[0]
		}
		return err
	})
	return out, err
}

// maxSchedulePage is what programs of the original may ask for.
const maxSchedulePage = 1000

// ScheduleFilter selects schedules of a list; empty fields select all.
type ScheduleFilter struct {
	Workflow fleet.ID
	Enabled  *bool
}

// List returns schedules, the newest first, with how many there are.
func (s *Schedules) List(ctx context.Context, p auth.Principal, in ScheduleFilter, page fleet.Page) (out []ScheduleView, next string, total int64, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, "", 0, err
	}
	if page.Limit < 1 || page.Limit > maxSchedulePage {
		return nil, "", 0, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", maxSchedulePage, page.Limit)
	}
	f := store.ScheduleFilter{Workflow: in.Workflow, Enabled: in.Enabled}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Schedules(f, page)
		if err != nil {
			return err
		}
		next = list.Next
		if total, err = r.CountSchedules(f); err != nil {
			return err
		}
		out, err = s.view(r, list.Schedules, s.Now())
		return err
	})
	return out, next, total, err
}

// Upcoming is a run that is to come.
type Upcoming struct {
	Schedule fleet.ID
	Name     string
	Workflow fleet.ID
	At       time.Time
	Nominal  time.Time
}

// upcomingSchedules bounds how many schedules a look ahead is about.
const upcomingSchedules = 1000

// Upcoming lists the next runs of all schedules within a span, the soonest first,
// at most so many. whole is up to when none is left out; the end of the span if
// nothing was cut off.
func (s *Schedules) Upcoming(ctx context.Context, p auth.Principal, within time.Duration, limit int) (out []Upcoming, whole time.Time, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, whole, err
	}
	if within <= 0 || within > 31*24*time.Hour || limit < 1 || limit > fleet.PageMax {
		return nil, whole, fleet.Invalid("hours", "hours must be between 1 and 744, and limit between 1 and %d.", fleet.PageMax)
	}
	now := s.Now()
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		out, whole, err = comingRuns(r, now, now.Add(within), limit)
		return err
	})
	if len(out) > limit {
		whole = earlier(whole, out[limit-1].At)
		out = out[:limit]
	}
	return slices.DeleteFunc(out, func(u Upcoming) bool { return u.At.After(whole) }), whole, err
}

// comingRuns lists the runs of all schedules after a moment and not after another,
// the soonest first, at most so many of each; whole is up to when none is left out.
func comingRuns(r store.Reader, after, until time.Time, most int) (out []Upcoming, whole time.Time, err error) {
	whole = until
	list, err := r.DueSchedules(until, store.DueRef{}, upcomingSchedules)
	if err != nil {
		return nil, whole, err
	}
	days, err := almanacOf(r, list)
	if err != nil {
		return nil, whole, err
	}
	if len(list) == upcomingSchedules { // the others are looked at no sooner than the last of these
		whole = earlier(whole, list[len(list)-1].DueAt)
	}
	for i := range list {
		of := &list[i]
		t, err := days.timetable(of)
		if err != nil || of.Spent() { // its own page tells of a fault
			continue
		}
		runs, upTo := t.Between(later(of.Cursor, after), whole, most)
		whole = earlier(whole, upTo)
		for _, run := range runs {
			if !run.At.IsZero() {
				out = append(out, Upcoming{of.ID, of.Name, of.WorkflowID, run.Due, run.Nominal})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Upcoming) int { return a.At.Compare(b.At) })
	return out, whole, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Preview lists the next runs of a schedule that is stored, or that is asked for
// in its place; what is left out of a new one has the defaults.
func (s *Schedules) Preview(ctx context.Context, p auth.Principal, ref string, c ScheduleChange, after time.Time, n int) (runs []PlannedRun, zone *time.Location, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, nil, err
	}
	if n < 1 || n > fleet.PageMax {
		return nil, nil, fleet.Invalid("count", "count must be between 1 and %d; got %d.", fleet.PageMax, n)
	}
	now := s.Now()
	of := fleet.NewSchedule()
	of.CreatedAt = now
	if ref != "" {
		if err := s.Store.View(ctx, p.Scope(), func(r store.Reader) error { of, err = s.find(r, ref); return err }); err != nil {
			return nil, nil, err
		}
	} else {
		tenant, err := s.tenant(ctx, p)
		if err != nil {
			return nil, nil, err
		}
		of.Timezone = tenant.Timezone
	}
	c.apply(&of)
	if of.ID == "" { // only its time is asked for
		of.Name, of.WorkflowID = "preview", s.IDs.New()
	}
	if after.IsZero() {
		after = later(of.Cursor, now)
	}
	if err := of.Validate(); err != nil {
		return nil, nil, err
	}
	calendars, err := s.calendarsOf(ctx, p.Scope(), &of)
	if err != nil {
		return nil, nil, err
	}
	if err := calendar.CheckSchedule(&of, calendars, after, s.Limits.Every); err != nil {
		return nil, nil, err
	}
	t, err := calendar.TimetableOf(&of, calendars)
	if err != nil {
		return nil, nil, err
	}
	if of.MaxRuns > 0 {
		n = min(n, int(max(int64(of.MaxRuns)-of.Runs, 0)))
	}
	for _, r := range t.Upcoming(after, n) {
		run := PlannedRun{FireAt: r.Nominal, Moved: r.Moved, Excluded: r.Excluded, Doubled: r.Doubled}
		if !r.At.IsZero() {
			run.At = r.Due
		}
		runs = append(runs, run)
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error { return s.beside(r, &of, runs, now) })
	return runs, t.Zone, err
}

// Figures of what stands beside the runs of a preview.
const (
	besideMost = 5                   // names for each run
	freeWindow = 28 * 24 * time.Hour // of which hours are usual
)

// beside says what else comes in the minutes of the runs, and how many slots
// usually are free then.
func (s *Schedules) beside(r store.Reader, of *fleet.Schedule, runs []PlannedRun, now time.Time) error {
	if len(runs) == 0 {
		return nil
	}
	at := map[time.Time][]*PlannedRun{}
	until := now
	for i := range runs {
		if !runs[i].At.IsZero() {
			minute := runs[i].At.Truncate(time.Minute).UTC()
			at[minute], until = append(at[minute], &runs[i]), later(until, runs[i].At)
		}
	}
	list, err := r.DueSchedules(until.Add(time.Minute), store.DueRef{}, upcomingSchedules)
	if err != nil {
		return err
	}
	days, err := almanacOf(r, list)
	if err != nil {
		return err
	}
	for i := range list {
		other := &list[i]
		t, err := days.timetable(other)
		if err != nil || other.ID == of.ID || other.Spent() { // its own page tells of a fault
			continue
		}
		found, _ := t.Between(later(other.Cursor, now), until.Add(time.Minute), fleet.PageMax)
		for _, run := range found {
			for _, mine := range at[run.Due.Truncate(time.Minute).UTC()] {
				if !run.At.IsZero() && len(mine.Beside) < besideMost && !slices.Contains(mine.Beside, other.Name) {
					mine.Beside = append(mine.Beside, other.Name)
				}
			}
		}
	}
	hours, err := r.Rollups(store.RollupQuery{Span: fleet.SpanHour, Dim: fleet.DimAll, From: fleet.SpanHour.Floor(now.Add(-freeWindow)), To: now})
	if err != nil {
		return err
	}
	type usual struct {
		free float64
		n    int
	}
	week := map[int]usual{}
	hour := func(t time.Time) int { return int(t.UTC().Weekday())*24 + t.UTC().Hour() }
	for i := range hours {
		if h := &hours[i]; h.CapacityMS > 0 {
			u := week[hour(h.At)]
			week[hour(h.At)] = usual{u.free + float64(max(h.CapacityMS-h.BusyMS, 0))/float64(time.Hour/time.Millisecond), u.n + 1}
		}
	}
	for i := range runs {
		if u := week[hour(runs[i].At)]; !runs[i].At.IsZero() && u.n > 0 {
			free := math.Round(10*u.free/float64(u.n)) / 10
			runs[i].Free = &free
		}
	}
	return nil
}

// Fires lists what became of the instants of a schedule, the newest first.
func (s *Schedules) Fires(ctx context.Context, p auth.Principal, ref string, outcome fleet.FireOutcome, page fleet.Page) (list []fleet.Fire, next string, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, "", err
	}
	if page, err = page.Normalize(); err != nil {
		return nil, "", err
	}
	if outcome != "" && !slices.Contains(fleet.FireOutcomes(), outcome) {
		return nil, "", fleet.Invalid("outcome", "outcome must be one of %s; got %q.", fleet.Listed(fleet.FireOutcomes()), string(outcome))
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := s.find(r, ref)
		if err != nil {
			return err
		}
		list, next, err = r.Fires(store.FireFilter{Schedule: of.ID, Outcome: outcome}, page)
		return err
	})
	return list, next, err
}

// Backfills lists those of a schedule, the newest first, with how many of their
// jobs have not ended.
func (s *Schedules) Backfills(ctx context.Context, p auth.Principal, ref string) (list []fleet.Backfill, err error) {
	if err := p.Require(fleet.SchedulesRead); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		of, err := s.find(r, ref)
		if err != nil {
			return err
		}
		if list, err = r.Backfills(of.ID); err != nil {
			return err
		}
		for i := range list {
			if list[i].State != fleet.BackfillRunning {
				continue
			}
			if list[i].Running, err = r.LiveBackfill(of.ID, list[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// FrequencyOf is a schedule in the few words that a table has for it.
func FrequencyOf(s *fleet.Schedule) calendar.Frequency { return calendar.FrequencyOf(s) }

// ZoneVersion names the edition of the data of zones that schedules go by.
const ZoneVersion = calendar.ZoneVersion

// PlannedRun is a run that a preview shows.
type PlannedRun struct {
	FireAt   time.Time // the instant as the rule has it
	At       time.Time // when it comes; zero: it does not
	Moved    bool      // its own time is in a gap of the clocks
	Excluded bool      // a calendar does not allow its instant
	Doubled  bool      // it was moved onto the time of another run

	Beside []string // other schedules that come in the same minute, at most a few
	Free   *float64 // slots that usually are free at that hour of the week; nil: not known
}

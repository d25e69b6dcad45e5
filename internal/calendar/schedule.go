package calendar

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Timetable is a schedule as the clock sees it: its plan, with what puts an
// instant off. It is a value: who asks, and when, changes nothing.
type Timetable struct {
	Plan
	schedule string
	jitter   time.Duration
}

// Timed is a run with when it is due.
type Timed struct {
	Run
	Due time.Time // for one that does not come, its nominal instant
}

// TimetableOf reads a schedule and its calendars.
func TimetableOf(s *fleet.Schedule, calendars []fleet.WorkCalendar) (Timetable, error) {
	t := Timetable{schedule: string(s.ID), jitter: s.Jitter()}
	zone, err := Zone(s.Timezone)
	if err != nil {
		return t, err
	}
	t.Plan = Plan{Zone: zone, Shift: s.Shift, Start: s.Since.Add(1), End: s.EndAt}
	if s.StartAt.After(s.Since) {
		t.Start = s.StartAt
	}
	switch s.Kind {
	case fleet.ScheduleInterval:
		t.Rule, err = Interval(s.Anchor(), time.Duration(s.IntervalSeconds)*time.Second)
	case fleet.ScheduleOnce:
		t.Rule = Once(s.RunAt)
	default:
		var cron *Cron
		if cron, err = ParseCron(s.Cron); err == nil {
			t.Rule = cron.In(zone)
		} else { // who wrote it calls it so
			e := *fleet.AsError(err)
			e.Fields = []fleet.FieldError{{Field: "cron_expression", Code: e.Reason, Message: e.Message}}
			err = &e
		}
	}
	if err != nil {
		return t, err
	}
	sets := make([]Set, len(calendars))
	for i := range calendars {
		if sets[i], err = Allowed(&calendars[i]); err != nil {
			return t, err
		}
	}
	switch len(sets) {
	case 0:
	case 1:
		t.Allowed = sets[0]
	default:
		t.Allowed = Intersect(sets...)
	}
	return t, nil
}

// The limits of what a schedule may be.
const (
	leastShifted = time.Hour // between instants that may be shifted to other days
	shiftReach   = (shiftDays + 1) * 24 * time.Hour
)

// CheckSchedule says what is wrong with the time of a schedule: that it cannot be
// read, never comes after now, or comes too often. least is the shortest time
// between two instants that is allowed.
func CheckSchedule(s *fleet.Schedule, calendars []fleet.WorkCalendar, now time.Time, least time.Duration) error {
	t, err := TimetableOf(s, calendars)
	if err != nil {
		return err
	}
	for _, named := range []struct {
		field string
		at    time.Time
	}{{"run_at", s.RunAt}, {"start_at", s.StartAt}} {
		if limit := now.AddDate(horizonYears, 0, 0); named.at.After(limit) {
			return fleet.Invalid(named.field, "%s may be at most %d years away; got %s.", named.field, horizonYears, named.at.UTC().Format(time.RFC3339))
		}
	}
	if s.Kind == fleet.ScheduleOnce {
		return nil
	}
	if s.Shift == fleet.ShiftNext || s.Shift == fleet.ShiftPrevious {
		least = max(least, leastShifted)
	}
	return CheckDensity(t.Rule, now, least)
}

// shifts says whether an instant may come on another day than its own.
func (t *Timetable) shifts() bool {
	return t.Allowed != nil && (t.Shift == fleet.ShiftNext || t.Shift == fleet.ShiftPrevious)
}

// reach is by how much a due time may lie before its nominal instant, and by how
// much after it.
func (t *Timetable) reach() (before, after time.Duration) {
	if t.shifts() {
		return shiftReach, shiftReach + t.jitter
	}
	return 0, t.jitter
}

// Reach is the span of the nominal instants of all runs that are due in a span.
func (t *Timetable) Reach(after, until time.Time) (from, to time.Time) {
	before, behind := t.reach()
	return after.Add(-behind), until.Add(before)
}

// walk lists runs by their nominal instants, those after a moment and not after
// another, at most limit. last is the instant of the last one if there may be
// more.
func (t *Timetable) walk(after, until time.Time, limit int) (out []Timed, last time.Time) {
	taken := map[time.Time]bool{}
	p := t.Plan
	if t.shifts() { // asked for again and again: the days around are looked up once
		p.Allowed = frozen(t.Allowed(after.Add(-shiftReach), until.Add(shiftReach)))
	}
	for {
		run, ok := p.Next(after)
		if !ok || run.Nominal.After(until) {
			return out, time.Time{}
		}
		if len(out) == limit {
			return out, after
		}
		after = run.Nominal
		due := run.Nominal
		if !run.At.IsZero() {
			if t.shifts() && taken[run.At] {
				run.Doubled, run.At = true, time.Time{}
			} else {
				taken[run.At] = true
				due = run.At
				if t.jitter > 0 {
					due = due.Add(Jitter(t.schedule, run.Nominal, t.jitter))
				}
			}
		}
		out = append(out, Timed{run, due})
	}
}

// frozen is a set of windows that are in order and apart, within their span.
func frozen(windows []fleet.Window) Set {
	return func(from, until time.Time) []fleet.Window {
		i, _ := slices.BinarySearchFunc(windows, from, func(w fleet.Window, at time.Time) int {
			if w.Until.After(at) {
				return 1
			}
			return -1
		})
		if i < len(windows) && windows[i].From.Before(until) {
			return windows[i : i+1]
		}
		return nil
	}
}

// Between lists the runs that are due after a moment and not after another, in
// the order in which they are due. It lists no more than a page of them: upTo
// is the time up to which the list is whole, until itself if it is that.
func (t *Timetable) Between(after, until time.Time, page int) (out []Timed, upTo time.Time) {
	before, behind := t.reach()
	reached := 0
	if t.shifts() { // enough to get over all that only might be due
		reached = int((2*shiftReach+t.jitter)/leastShifted) + 1
	} else if t.jitter > 0 {
		reached = int(t.jitter/LeastInterval) + 1
	}
	list, last := t.walk(after.Add(-behind), until.Add(before), page+reached)
	upTo = until
	if !last.IsZero() {
		if cut := last.Add(-before); cut.Before(upTo) {
			upTo = cut
		}
	}
	for _, run := range list {
		if run.Due.After(after) && !run.Due.After(upTo) {
			out = append(out, run)
		}
	}
	slices.SortStableFunc(out, func(a, b Timed) int { return a.Due.Compare(b.Due) })
	return out, upTo
}

// NextDue is when the first run after a moment is due, be it only to be told that
// it does not come; zero: there is none any more.
func (t *Timetable) NextDue(after time.Time) (due time.Time) {
	before, behind := t.reach()
	if before == 0 && behind == 0 {
		run, ok := t.Next(after)
		if !ok {
			return time.Time{}
		}
		return run.Nominal
	}
	from := after.Add(-behind)
	first, ok := t.Next(from)
	if !ok {
		return time.Time{}
	}
	if early := first.Nominal.Add(-behind - 1); early.After(from) { // no run between the two
		from = early
	}
	// A look ends behind the due time of a run. Each one more begins at a run that
	// lies behind the last, so that there are as many as there are runs that are due
	// up to after: those within reach of it.
	for until := first.Nominal.Add(before + behind); ; {
		list, _ := t.walk(from, until, maxWalk)
		due = time.Time{}
		for i := range list {
			if at := list[i].Due; at.After(after) && (due.IsZero() || at.Before(due)) {
				due = at
			}
		}
		switch {
		case due.IsZero():
			next, ok := t.Next(until)
			if !ok {
				return time.Time{}
			}
			until = next.Nominal.Add(before + behind)
		case due.Add(before).After(until): // one behind until may come before it
			until = due.Add(before)
		default:
			return due
		}
	}
}

// maxWalk is more than any rule gives in the time in which its next run is found.
const maxWalk = 1 << 20

// Outstanding lists the runs whose nominal instant is not after a moment, but
// which are due after it.
func (t *Timetable) Outstanding(now time.Time) (out []Timed) {
	_, behind := t.reach()
	if behind == 0 {
		return nil
	}
	list, _ := t.walk(now.Add(-behind), now, maxWalk)
	for i := range list {
		if list[i].Due.After(now) {
			out = append(out, list[i])
		}
	}
	return out
}

// Upcoming lists the next runs that are due after a moment, up to n.
func (t *Timetable) Upcoming(after time.Time, n int) (out []Timed) {
	for len(out) < n {
		due := t.NextDue(after)
		if due.IsZero() {
			break
		}
		list, upTo := t.Between(after, due, n)
		out, after = append(out, list...), upTo
	}
	return out[:min(n, len(out))]
}

// Nominal lists runs by their nominal instants, those after a moment and not
// after another. It says whether these are all, or there are more than most.
func (t *Timetable) Nominal(after, until time.Time, most int) (out []Timed, whole bool) {
	_, behind := t.reach()
	list, last := t.walk(after.Add(-behind), until, most+int(behind/LeastInterval)+1)
	for i := range list {
		if list[i].Nominal.After(after) {
			out = append(out, list[i])
		}
	}
	return out[:min(most, len(out))], last.IsZero() && len(out) <= most
}

// Overtaken lists the runs that came after a moment as a schedule was, and as it
// is now would have come before: their time has gone by unused.
func Overtaken(was, is *Timetable, now time.Time) (out []Timed) {
	if !is.shifts() {
		return nil // a run that is left out still comes by, and has its row then
	}
	from, until := is.Reach(now, now)
	due := map[time.Time]time.Time{}
	before, _ := was.walk(from, until, maxWalk)
	for i := range before {
		due[before[i].Nominal] = before[i].Due
	}
	list, _ := is.walk(from, until, maxWalk)
	for i := range list {
		if was, there := due[list[i].Nominal]; there && was.After(now) && !list[i].Due.After(now) {
			out = append(out, list[i])
		}
	}
	return out
}

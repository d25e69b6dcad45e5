package calendar

import (
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// FirePage is about how many instants one decision is about.
const FirePage = 500

// lookAgain is how long a schedule is left alone at most: so what was reckoned
// with older data of zones, or an older calendar, is found in time.
const lookAgain = 24 * time.Hour

// Decision is what becomes of the instants of a schedule that are due.
type Decision struct {
	Fires  []fleet.Fire
	Cursor time.Time // everything due up to it has its row once Fires are written
	DueAt  time.Time // when to look again; zero: never
}

// Decide says what becomes of everything that is due between the cursor of a
// schedule and now. live are its jobs that have not ended, the oldest first;
// known are instants that have a row already, from before the schedule or its
// calendar was changed: they are passed over. job gives the id of each job that is
// to be made, or says why it cannot be. A cursor that is ahead of now, as a clock
// that was set back leaves it, decides nothing.
func Decide(s *fleet.Schedule, t *Timetable, now time.Time, live []fleet.ID, known map[time.Time]fleet.FireOutcome, job func(f *fleet.Fire) (id fleet.ID, refused string)) Decision {
	d := Decision{Cursor: s.Cursor}
	if !s.Enabled || !s.DeletedAt.IsZero() {
		return d
	}
	if s.Spent() {
		d.Cursor = later(s.Cursor, now)
		return d
	}
	if now.After(s.Cursor) {
		list, upTo := t.Between(s.Cursor, now, FirePage)
		list = without(list, known)
		f := firing{s: s, now: now, live: slices.Clone(live), runs: s.Runs, known: known, job: job}
		chosen := f.catchUp(t, list, upTo)
		for i := range list {
			if s.MaxRuns > 0 && f.runs >= int64(s.MaxRuns) {
				d.Cursor = now // it is at its end: nothing else is an instant of it
				d.Fires = f.out
				return d
			}
			f.run(&list[i], chosen[i])
		}
		d.Fires, d.Cursor = f.out, upTo
		if upTo.Before(now) {
			d.DueAt = now
			return d
		}
		if s.MaxRuns > 0 && f.runs >= int64(s.MaxRuns) {
			return d
		}
	}
	d.DueAt = t.Look(s, d.Cursor)
	return d
}

// Look is when a schedule is to be looked at again whose rows reach up to a
// moment; zero: never.
func (t *Timetable) Look(s *fleet.Schedule, cursor time.Time) time.Time {
	due := t.NextDue(cursor)
	if due.IsZero() || !s.Enabled || s.Spent() {
		return time.Time{}
	}
	again := cursor.Add(lookAgain + Jitter(string(s.ID), time.Time{}, lookAgain/2))
	if again.Before(due) {
		return again
	}
	return due
}

// without leaves out the instants that have a row already.
func without(list []Timed, known map[time.Time]fleet.FireOutcome) []Timed {
	if len(known) == 0 {
		return list
	}
	return slices.DeleteFunc(list, func(r Timed) bool { _, there := known[r.Nominal.UTC()]; return there })
}

// firing is a decision while it is made.
type firing struct {
	s    *fleet.Schedule
	now  time.Time
	live []fleet.ID
	runs int64

	known map[time.Time]fleet.FireOutcome
	job   func(f *fleet.Fire) (fleet.ID, string)
	out   []fleet.Fire
}

// fate is what the misfire policy says of an instant.
type fate int

const (
	onTime fate = iota
	caughtUp
	stoodFor // another one runs in its place
	missed
)

// catchUp says of each run what its lateness makes of it.
func (f *firing) catchUp(t *Timetable, list []Timed, upTo time.Time) []fate {
	out := make([]fate, len(list))
	policy, most := f.s.Misfire.Policy, 1
	if policy == fleet.MisfireAll {
		most = f.s.Misfire.Max
	}
	newer := 0 // late runs that come after what is looked at
	if late := f.now.Add(-fleet.FireGrace); upTo.Before(late) {
		rest, _ := t.Between(upTo, late.Add(-1), most)
		rest = without(rest, f.known)
		for i := range rest {
			if !rest[i].At.IsZero() {
				newer++
			}
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		late := f.now.Sub(list[i].Due)
		switch {
		case late <= fleet.FireGrace:
		case list[i].At.IsZero():
		case policy == fleet.MisfireSkip || late > f.s.Misfire.Within():
			out[i] = missed
		case newer >= most:
			out[i] = stoodFor
		default:
			out[i] = caughtUp
			newer++
		}
	}
	return out
}

// run decides about one instant.
func (f *firing) run(r *Timed, fate fate) {
	fire := fleet.Fire{
		Tenant: f.s.Tenant, Schedule: f.s.ID, At: r.Nominal, Kind: fleet.FireScheduled, DueAt: r.Due, Moved: r.Moved, MadeAt: f.now,
	}
	late := f.now.Sub(r.Due).Round(time.Second)
	switch {
	case r.Doubled:
		fire.Outcome, fire.Reason = fleet.FireCollapsed, "It was moved onto the time of another run."
	case r.Excluded && r.At.IsZero():
		fire.Outcome, fire.Reason = fleet.FireSkippedCalendar, "A calendar does not allow it."
	case fate == missed && f.s.Misfire.Policy == fleet.MisfireSkip:
		fire.Outcome, fire.Reason = fleet.FireMissed, fmt.Sprintf("Nobody was there for %s, and what is missed is skipped.", late)
	case fate == missed:
		fire.Outcome, fire.Reason = fleet.FireMissed, fmt.Sprintf("Nobody was there for %s; up to %s is made up for.", late, f.s.Misfire.Within())
	case fate == stoodFor:
		fire.Outcome, fire.Reason = fleet.FireCollapsed, fmt.Sprintf("Nobody was there for %s; a later run stands for it.", late)
	default:
		if fate == caughtUp {
			fire.Reason = fmt.Sprintf("Nobody was there for %s; it is made up for.", late)
		}
		f.start(&fire)
	}
	f.out = append(f.out, fire)
}

// start lets an instant have its job, unless jobs that go on are in the way.
func (f *firing) start(fire *fleet.Fire) {
	most := 1
	switch f.s.Overlap.Policy {
	case fleet.OverlapParallel, fleet.OverlapQueueAll:
		most = f.s.Overlap.Max
	case fleet.OverlapQueueOne:
		most = 2
	case fleet.OverlapCancel:
		most = fleet.MaxOverlap
	case fleet.OverlapSkip:
	}
	if n := len(f.live); n >= most {
		fire.Outcome, fire.JobID = fleet.FireSkippedOverlap, f.live[n-1]
		fire.Reason = fmt.Sprintf("%d jobs of the schedule had not ended; %d may be there at once.", n, most)
		if n == 1 {
			fire.Reason = "A job of the schedule had not ended."
		}
		return
	}
	if f.s.Overlap.Policy != fleet.OverlapParallel {
		fire.After = slices.Clone(f.live)
	}
	id, refused := f.job(fire)
	if refused != "" {
		fire.Outcome, fire.Reason, fire.After = fleet.FireRefused, refused, nil
		return
	}
	fire.Outcome, fire.JobID = fleet.FireFired, id
	fire.WatchAt = f.s.Watch(fire.DueAt)
	f.live = append(f.live, fire.JobID)
	f.runs++
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

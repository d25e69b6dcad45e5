package upkeep

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// zonesOfTheYear are forty zones with every kind of change of clocks.
var zonesOfTheYear = []string{
	"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC", "America/Santiago", "Asia/Kathmandu", "Pacific/Apia",
	"Europe/London", "Europe/Moscow", "America/Sao_Paulo", "America/Los_Angeles", "America/St_Johns", "America/Havana", "Asia/Tehran", "Asia/Kolkata",
	"Asia/Tokyo", "Asia/Beirut", "Asia/Gaza", "Asia/Jerusalem", "Africa/Cairo", "Africa/Lagos", "Atlantic/Azores", "Atlantic/Reykjavik",
	"Australia/Sydney", "Australia/Adelaide", "Australia/Brisbane", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Marquesas", "Pacific/Easter",
	"America/Asuncion", "America/Phoenix", "America/Anchorage", "America/Nuuk", "Europe/Dublin", "Europe/Chisinau", "Antarctica/Troll", "Indian/Mauritius",
}

var cronsOfTheYear = []string{
	"30 2 * * *", "0 9 * * 1-5", "0,30 2 * * 0", "15 0 * * *", "30 1 * * *", "0 0 L * *", "0 4 1W * *", "45 23 * * 6#2", "59 23 31 12 *", "0 3 * * 7", "*/30 2 * * 0", "0 */8 * * 6,0",
}

// A year of random schedules in many zones, during which the orchestrator is
// stopped at random: what fires is what the preview said, plus what the misfire
// policy states, and every difference is a row with its reason. The short form
// has a few schedules; FLEET_SCHEDULE_YEAR=500 has so many over forty zones, and
// FLEET_SEED repeats one.
func TestYearOfSchedules(t *testing.T) {
	count, zones, days := 4, 4, 366
	if text := os.Getenv("FLEET_SCHEDULE_YEAR"); text != "" {
		if _, err := fmt.Sscan(text, &count); err != nil {
			t.Fatal(err)
		}
		zones = len(zonesOfTheYear)
	} else if os.Getenv("FLEET_TEST_STORE") == "postgres" {
		count, days = 3, 90
	}
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number
	if text := os.Getenv("FLEET_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("FLEET_SEED=%d", seed)
	chance := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
	f := newTimed(t)
	f.clock = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	began, end := f.clock, f.clock.AddDate(0, 0, days)
	cal, err := f.core.Calendars.Create(t.Context(), auth.Local(), orchestrator.CalendarChange{
		Name: new("workdays"), Timezone: new("Europe/Berlin"), Holidays: &[]fleet.Holiday{{Month: 1, Day: 6}, {Easter: new(1)}, {Month: 12, Day: 25}},
	})
	if err != nil {
		t.Fatal(err)
	}
	type expectation struct {
		schedule fleet.Schedule
		runs     []calendar.Timed
	}
	var all []expectation
	for i := range count {
		s := f.schedule(func(c *orchestrator.ScheduleChange) {
			c.Name, c.Timezone = new(fmt.Sprint("s", i)), new(zonesOfTheYear[i%zones])
			c.Cron = new(cronsOfTheYear[chance.IntN(len(cronsOfTheYear))])
			if chance.IntN(4) == 0 {
				c.Cron, c.IntervalSeconds = nil, new(20_000+chance.IntN(200_000))
			}
			c.Overlap = &orchestrator.OverlapChange{Policy: new(fleet.OverlapParallel), Max: new(100)}
			if chance.IntN(2) == 0 {
				c.Overlap = &orchestrator.OverlapChange{Policy: new(fleet.OverlapSkip)}
			}
			c.Misfire = &orchestrator.MisfireChange{
				Policy:        new([]fleet.MisfirePolicy{fleet.MisfireOnce, fleet.MisfireAll, fleet.MisfireSkip}[chance.IntN(3)]),
				WithinSeconds: new([]int{3600, 86400, 3 * 86400}[chance.IntN(3)]),
			}
			if chance.IntN(3) == 0 {
				c.JitterSeconds = new(60 + chance.IntN(3000))
			}
			if chance.IntN(3) == 0 {
				c.Calendars = &[]fleet.ID{cal.ID}
			}
		})
		var keeps []fleet.WorkCalendar
		if len(s.Calendars) > 0 {
			keeps = []fleet.WorkCalendar{cal}
		}
		table, err := calendar.TimetableOf(&s, keeps)
		if err != nil {
			t.Fatal(err)
		}
		e := expectation{schedule: s}
		for after := began; after.Before(end); {
			runs, upTo := table.Between(after, end, 1000)
			e.runs, after = append(e.runs, runs...), upTo
		}
		all = append(all, e)
	}
	looks, stops := []time.Time{}, 0
	for f.clock.Before(end) {
		next, err := f.chore.RunOnce(t.Context(), f.clock)
		if err != nil {
			t.Fatal(err)
		}
		looks = append(looks, f.clock)
		f.endAll(chance)
		switch {
		case chance.IntN(60) == 0: // nobody is there for a while
			f.clock = f.clock.Add(time.Duration(chance.IntN(200)) * time.Hour / 4)
			stops++
		case next.IsZero() || next.After(end):
			f.clock = end
		default:
			f.clock = later(next, f.clock.Add(time.Second)).Add(time.Duration(chance.IntN(50)) * time.Second)
		}
	}
	f.clock = end
	f.look()
	looks = append(looks, end)
	rows, fired := 0, 0
	for _, e := range all {
		have := map[time.Time]fleet.Fire{}
		for _, r := range f.rows(e.schedule.ID) {
			if _, twice := have[r.At]; twice {
				t.Fatalf("%s of %s has two rows", r.At, e.schedule.Name)
			}
			have[r.At] = r
		}
		for i, run := range e.runs {
			r, ok := have[run.Nominal.UTC()]
			if !ok {
				t.Fatalf("%s of %s (%s, %s) has no row", run.Nominal, e.schedule.Name, e.schedule.Cron, e.schedule.Timezone)
			}
			rows++
			if why := judge(&e.schedule, e.runs, i, &r, looks); why != "" {
				t.Errorf("%s of %s (%s, %s), due %s, decided %s, is %s (%s): %s", run.Nominal, e.schedule.Name, e.schedule.Cron, e.schedule.Timezone, run.Due, r.MadeAt, r.Outcome, r.Reason, why)
			}
			if r.Outcome == fleet.FireFired {
				fired++
			}
		}
		if len(have) != len(e.runs) {
			t.Errorf("%s: %d rows for %d instants", e.schedule.Name, len(have), len(e.runs))
		}
	}
	t.Logf("%d schedules, %d instants, %d fired, %d looks, %d stops", count, rows, fired, len(looks), stops)
	if rows < 3*count || fired == 0 {
		t.Errorf("only %d instants, %d fired", rows, fired)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// endAll ends the jobs of schedules that wait, but a few that go on.
func (f *timed) endAll(chance *rand.Rand) {
	f.t.Helper()
	list, err := f.core.Jobs.List(f.t.Context(), auth.Local(), store.JobFilter{States: []fleet.State{fleet.Pending}}, fleet.Page{Limit: 200})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, j := range list.Jobs {
		if chance.IntN(5) > 0 {
			if _, err := f.core.Jobs.Cancel(f.t.Context(), auth.Local(), j.ID, fleet.CancelRequest{}); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// judge says by itself whether a row is what the policies state: empty if it is.
func judge(s *fleet.Schedule, runs []calendar.Timed, i int, r *fleet.Fire, looks []time.Time) string {
	run := &runs[i]
	var look time.Time // the first at which it was due
	for _, at := range looks {
		if !at.Before(run.Due) {
			look = at
			break
		}
	}
	late := look.Sub(run.Due)
	catchUp := 0 // newer runs that were late at the same look
	for k := i + 1; k < len(runs); k++ {
		if !runs[k].At.IsZero() && look.Sub(runs[k].Due) > fleet.FireGrace {
			catchUp++
		}
	}
	most := 1
	if s.Misfire.Policy == fleet.MisfireAll {
		most = s.Misfire.Max
	}
	var want fleet.FireOutcome
	switch {
	case run.At.IsZero():
		want = fleet.FireSkippedCalendar
	case late <= fleet.FireGrace:
		want = fleet.FireFired
	case s.Misfire.Policy == fleet.MisfireSkip || late > s.Misfire.Within():
		want = fleet.FireMissed
	case catchUp >= most:
		want = fleet.FireCollapsed
	default:
		want = fleet.FireFired
	}
	switch {
	case !r.MadeAt.Equal(look):
		return fmt.Sprintf("it was due at the look of %s", look)
	case r.Outcome == want && (want == fleet.FireFired || r.Reason != ""):
		return ""
	case want == fleet.FireFired && r.Outcome == fleet.FireSkippedOverlap && r.JobID != "" && r.Reason != "":
		return ""
	}
	return "want " + string(want)
}

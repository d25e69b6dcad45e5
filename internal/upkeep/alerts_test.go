package upkeep

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// watching is a fleet with schedules whose alerts are looked for.
type watching struct {
	*timed
	alerts *Alerts
}

func newWatching(t *testing.T) *watching {
	f := newTimed(t)
	return &watching{f, &Alerts{Alerts: f.core.Alerts, Signals: f.store.Signals(), Now: func() time.Time { return f.clock }, Logger: f.timers.Logger}}
}

// at sets the clock and lets both chores run.
func (f *watching) at(text string) {
	f.t.Helper()
	f.timed.at(text)
	f.must(f.alerts.RunOnce(f.t.Context()))
}

func (f *watching) live(kind fleet.AlertKind) []fleet.Incident {
	f.t.Helper()
	list, err := f.core.Alerts.Incidents(f.t.Context(), auth.Local(), orchestrator.IncidentQuery{State: "live", Kind: kind}, fleet.Page{})
	f.must(err)
	return list.Incidents
}

func TestOneOfTenSchedulesMissed(t *testing.T) {
	f := newWatching(t)
	var missed fleet.Schedule
	for k := range 10 {
		s := f.schedule(func(c *orchestrator.ScheduleChange) {
			c.Name, c.Cron = new(fmt.Sprintf("nightly %d", k)), new("0 23 * * *")
			if k == 6 {
				c.Cron, c.Misfire = new("0 11 * * *"), &orchestrator.MisfireChange{Policy: new(fleet.MisfireSkip), WithinSeconds: new(60)}
			}
		})
		if k == 6 {
			missed = s
		}
	}
	f.at("12:00:00")
	list := f.live(fleet.AlertScheduleMissed)
	if len(list) != 1 || list[0].Subject.ID != string(missed.ID) || !strings.Contains(list[0].Title, "nightly 6") {
		t.Errorf("%+v", list)
	}
}

// A schedule whose job breaks its limits of time is an incident for each limit.
func TestBrokenSLAIsAnIncident(t *testing.T) {
	f := newWatching(t)
	s := f.schedule(func(c *orchestrator.ScheduleChange) { c.StartWithin, c.EndWithin = new(300), new(1200) })
	f.at("11:00:00")
	for _, c := range []struct {
		at   string
		want int
	}{{"11:04:00", 0}, {"11:05:00", 1}, {"11:20:00", 2}, {"11:40:00", 2}} {
		f.at(c.at)
		list := f.live(fleet.AlertScheduleLate)
		if len(list) != c.want {
			t.Fatalf("%s: %+v", c.at, list)
		}
		for _, i := range list {
			if i.Subject.ID != string(s.ID) || !strings.Contains(i.Title, "hourly") || i.Count != 1 {
				t.Errorf("%+v", i)
			}
		}
	}
}

// A schedule that disables itself is an incident until somebody enables it.
func TestScheduleThatDisablesItselfIsAnIncident(t *testing.T) {
	f := newWatching(t)
	s := f.schedule(func(c *orchestrator.ScheduleChange) { c.PauseAfter = new(2) })
	for _, at := range []string{"11:00:00", "12:00:00"} {
		f.at(at)
		rows := f.rows(s.ID)
		f.end(rows[len(rows)-1].JobID, fleet.ReportFailed)
	}
	f.at("12:30:00")
	for _, at := range []string{"12:31:00", "13:40:00", "14:50:00"} { // it lasts, however quiet it is
		f.at(at)
		if list := f.live(fleet.AlertScheduleDisabled); len(list) != 1 || list[0].Subject.ID != string(s.ID) || list[0].Count != 1 {
			t.Fatalf("%s: %+v", at, list)
		}
	}
	_, err := f.core.Schedules.Enable(t.Context(), auth.Local(), string(s.ID), true, "")
	f.must(err)
	f.at("16:00:00")
	if list := f.live(fleet.AlertScheduleDisabled); len(list) != 0 {
		t.Errorf("%+v", list)
	}
	// What somebody disables is none.
	_, err = f.core.Schedules.Enable(t.Context(), auth.Local(), string(s.ID), false, "inventory")
	f.must(err)
	f.at("16:01:00")
	if list := f.live(fleet.AlertScheduleDisabled); len(list) != 0 {
		t.Errorf("of one that somebody disabled: %+v", list)
	}
}

// More than half of the jobs of a workflow fail for five minutes.
func TestFailureRate(t *testing.T) {
	f := newWatching(t)
	rollups := &Rollups{Store: f.store, Now: func() time.Time { return f.clock }, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Logger: f.timers.Logger}
	for k := range 6 {
		kind := fleet.ReportFailed
		if k < 2 {
			kind = fleet.ReportComplete
		}
		f.end(f.submit().ID, kind)
	}
	for minute := range 8 {
		f.clock = f.clock.Add(time.Minute)
		_, err := rollups.RunOnce(t.Context())
		f.must(err)
		f.must(f.alerts.RunOnce(t.Context()))
		if n, want := len(f.live(fleet.AlertFailureRate)), min(minute/5, 1); n != want {
			t.Errorf("after %d minutes: %d incidents, want %d", minute+1, n, want)
		}
	}
	if list := f.live(fleet.AlertFailureRate); len(list) == 1 && (!strings.Contains(list[0].Title, "4 of the last 6") || list[0].Count != 4) {
		t.Errorf("%+v", list[0])
	}
}

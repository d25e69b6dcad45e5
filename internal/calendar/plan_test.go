package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"pgregory.net/rapid"
)

func planned(runs []Run) string {
	var out []string
	for _, r := range runs {
		s := r.Nominal.Format("01-02T15:04")
		switch {
		case r.At.IsZero():
			s += " never"
		case !r.At.Equal(r.Nominal):
			s += " at " + r.At.Format("01-02T15:04")
		}
		for mark, set := range map[string]bool{"moved": r.Moved} {
			if set {
				s += " " + mark
			}
		}
		if r.Doubled {
			s += " doubled"
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestPreview(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	cron, err := ParseCron("30 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	christmas := Holidays(berlin, []Holiday{{Month: 12, Day: 25}, {Month: 12, Day: 26}})
	for name, c := range map[string]struct {
		plan  Plan
		after string
		want  string
	}{
		"moved":    {Plan{Rule: cron.In(berlin)}, "2026-03-28T12:00", "03-29T01:00 moved, 03-30T00:30, 03-31T00:30"},
		"skip":     {Plan{Shift: fleet.ShiftSkip}, "2026-12-24T12:00", "12-25T01:30 never, 12-26T01:30 never, 12-27T01:30"},
		"next":     {Plan{Shift: fleet.ShiftNext}, "2026-12-24T12:00", "12-25T01:30 at 12-27T01:30, 12-26T01:30 never doubled, 12-27T01:30 never doubled"},
		"previous": {Plan{Shift: fleet.ShiftPrevious}, "2026-12-25T12:00", "12-26T01:30 at 12-24T01:30, 12-27T01:30, 12-28T01:30"},
		"bounds":   {Plan{Rule: cron.In(berlin), Start: at(t, "2026-06-01T00:30"), End: at(t, "2026-06-03T00:30")}, "2026-01-01T00:00", "06-01T00:30, 06-02T00:30"},
	} {
		if c.plan.Zone = berlin; c.plan.Rule == nil {
			c.plan.Rule, c.plan.Allowed = cron.In(berlin), Set(Always).Without(christmas)
		}
		if got := planned(preview(c.plan, at(t, c.after), 3)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// Where one asks from, and how many at a time, changes nothing.
func TestPreviewIsOneList(t *testing.T) {
	zone, err := Zone("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		every := time.Duration(rapid.IntRange(10, 90_000).Draw(t, "seconds")) * time.Second
		start := epoch.Add(time.Duration(rapid.IntRange(-500_000, 500_000).Draw(t, "start")) * time.Second)
		rule, err := Interval(start, every)
		if err != nil {
			t.Fatal(err)
		}
		p := Plan{Rule: rule, Zone: zone}
		all := preview(p, epoch, 20)
		for i, r := range all {
			if r.Nominal.Before(start) || r.Nominal.Sub(start)%every != 0 || !r.Nominal.After(epoch) || i > 0 && r.Nominal.Sub(all[i-1].Nominal) != every {
				t.Fatalf("run %d is %s", i, r.Nominal)
			}
			if again := preview(p, r.Nominal.Add(-1), 1); len(again) != 1 || again[0] != r {
				t.Fatalf("run %d is %v, and %v when asked for again", i, r, again)
			}
		}
		j := Jitter("s", all[0].Nominal, every)
		if j < 0 || j >= every || j%time.Second != 0 || j != Jitter("s", all[0].Nominal.In(zone), every) {
			t.Fatalf("jitter %s of %s", j, every)
		}
	})
	if got := planned(preview(Plan{Rule: Once(epoch)}, epoch.Add(-1), 3)); got != "11-27T00:00" {
		t.Errorf("once: %s", got)
	}
	if got := preview(Plan{Rule: Once(epoch)}, epoch, 3); got != nil {
		t.Errorf("once, afterwards: %v", got)
	}
}

// Jitter spreads over its span.
func TestJitterSpreads(t *testing.T) {
	var tenth [10]int
	for n := range 10_000 {
		tenth[Jitter(fmt.Sprint("schedule", n), epoch, 10*time.Minute)/time.Minute]++
	}
	for i, n := range tenth {
		if n < 850 || n > 1150 {
			t.Errorf("minute %d has %d of 10000", i, n)
		}
	}
}

func TestDensity(t *testing.T) {
	tight, err := Interval(epoch, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	each, err := ParseCron("* * * * *")
	if err != nil {
		t.Fatal(err)
	}
	never, err := ParseCron("0 0 30 2 *")
	if err != nil {
		t.Fatal(err)
	}
	for want, check := range map[string]error{
		"schedule_too_dense": CheckDensity(tight, epoch, time.Minute),
		"cron_never_fires":   CheckDensity(never.In(time.UTC), epoch, time.Minute),
	} {
		if check == nil || fleet.AsError(check).Reason != want {
			t.Errorf("%v, want %s", check, want)
		}
	}
	for _, check := range []error{CheckDensity(tight, epoch, LeastInterval), CheckDensity(each.In(time.UTC), epoch, time.Minute), CheckDensity(Once(epoch.Add(1)), epoch, time.Hour)} {
		if check != nil {
			t.Error(check)
		}
	}
	for _, bad := range []time.Duration{0, time.Second, -time.Hour, 367 * 24 * time.Hour, time.Minute + 1} {
		if _, err := Interval(epoch, bad); err == nil {
			t.Errorf("an interval of %s is taken", bad)
		}
	}
}

// preview lists the next runs after a moment by their nominal instants, those
// that do not come with the reason.
func preview(p Plan, after time.Time, n int) (out []Run) {
	taken := map[time.Time]bool{}
	for len(out) < n {
		run, ok := p.Next(after)
		if !ok {
			break
		}
		after = run.Nominal
		if !run.At.IsZero() {
			if run.Doubled = taken[run.At]; run.Doubled {
				run.At = time.Time{}
			} else {
				taken[run.At] = true
			}
		}
		out = append(out, run)
	}
	return out
}

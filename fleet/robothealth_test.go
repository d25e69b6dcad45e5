package fleet

import (
	"strings"
	"testing"
	"time"
)

func TestHealthIsTheWorstCheck(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	jobs := func(states ...State) (out []Job) {
		for _, s := range states {
			out = append(out, Job{State: s})
		}
		return out
	}
	business := jobs(Failed, Failed, Failed, Failed, Completed)
	for i := range 4 {
		business[i].ErrorClass = ClassBusiness
	}
	for name, test := range map[string]struct {
		change func(f *HealthFacts)
		want   HealthState
		reason string
	}{
		"well":              {func(*HealthFacts) {}, HealthHealthy, ""},
		"silent":            {func(f *HealthFacts) { f.Robot.LastSeen = now.Add(-50 * time.Second) }, HealthDegraded, "last heard of 50 s ago"},
		"busy processor":    {func(f *HealthFacts) { f.Minutes = []RobotMinute{{CPU: 70}, {CPU: 92}} }, HealthDegraded, "81 %"},
		"one peak":          {func(f *HealthFacts) { f.Minutes = []RobotMinute{{CPU: 20}, {CPU: 100}} }, HealthHealthy, ""},
		"full disk":         {func(f *HealthFacts) { f.Robot.Metrics.DiskPercent = 96 }, HealthFailing, "disk is full to 96 %"},
		"memory":            {func(f *HealthFacts) { f.Robot.Metrics.MemoryPercent = 85 }, HealthDegraded, "85 %"},
		"failures":          {func(f *HealthFacts) { f.Ended = jobs(Failed, TimedOut, Completed, Completed, Failed) }, HealthFailing, "3 of the last 5 jobs"},
		"too few failures":  {func(f *HealthFacts) { f.Ended = jobs(Failed, Failed, Failed, Failed) }, HealthHealthy, ""},
		"cancelled":         {func(f *HealthFacts) { f.Ended = jobs(Cancelled, Cancelled, Cancelled, Failed, Completed) }, HealthHealthy, ""},
		"business failures": {func(f *HealthFacts) { f.Ended = business }, HealthHealthy, ""},
		"a lost attempt":    {func(f *HealthFacts) { f.Lost = 1 }, HealthDegraded, "24 hours: 1"},
		"three lost":        {func(f *HealthFacts) { f.Lost = 3 }, HealthFailing, "24 hours: 3"},
		"flapping":          {func(f *HealthFacts) { f.Disconnects = 10 }, HealthFailing, "10 times"},
		"quarantine":        {func(f *HealthFacts) { f.Robot.QuarantineTill = now.Add(time.Hour) }, HealthFailing, "quarantine"},
		"clock a bit off":   {func(f *HealthFacts) { f.Robot.Facts = f.Robot.Facts.WithClock(-4*time.Second, now) }, HealthHealthy, ""},
		"clock behind":      {func(f *HealthFacts) { f.Robot.Facts = f.Robot.Facts.WithClock(-9*time.Second, now) }, HealthDegraded, "9 s behind"},
		"clock ahead":       {func(f *HealthFacts) { f.Robot.Facts = f.Robot.Facts.WithClock(2*time.Minute, now) }, HealthFailing, "120 s ahead of"},
		"passed its test":   {func(f *HealthFacts) { f.Robot.Facts = f.Robot.Facts.WithSelfTest(true, "All is well.", now) }, HealthHealthy, ""},
		"failed its test": {
			func(f *HealthFacts) { f.Robot.Facts = f.Robot.Facts.WithSelfTest(false, "no room", now) }, HealthFailing, "Its last self-test failed. No room.",
		},
		"its own word on its clock": {func(f *HealthFacts) { f.Robot.Facts = Facts{FactClockOffset: {Value: 99.0, Source: FactFromRobot}} }, HealthHealthy, ""},
		"offline":                   {func(f *HealthFacts) { f.Robot.Connected = false; f.Lost = 3 }, HealthUnknown, "It is offline."},
	} {
		f := HealthFacts{
			Robot:  Robot{ID: "r", Connected: true, WishedSlots: 1, LastSeen: now.Add(-time.Second), Metrics: RobotMetrics{CPUPercent: 10, MemoryPercent: 20, DiskPercent: 30}},
			Timing: DefaultTiming(), Minutes: []RobotMinute{{CPU: 10}},
		}
		test.change(&f)
		f.Robot.Derive(f.Timing, now)
		got := Health(&f, now)
		reasons := strings.Join(got.Reasons, " ")
		if got.State != test.want || !strings.Contains(reasons, test.reason) || test.reason == "" && reasons != "" {
			t.Errorf("%s: %s (%s), want %s", name, got.State, reasons, test.want)
		}
	}
}

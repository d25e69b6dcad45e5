package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// statsCmds show numbers.
type statsCmds struct {
	Overview   statsOverviewCmd   `cmd:"" default:"withargs" help:"a window beside the one before it"`
	Throughput statsThroughputCmd `cmd:"" help:"jobs by outcome, bucket by bucket"`
	Workflows  statsWorkflowsCmd  `cmd:"" help:"numbers by workflow: most jobs, slowest, degraded, failures, waits"`
	Robots     statsRobotsCmd     `cmd:"" help:"numbers by robot, with how much of its slots it used"`
	Waiting    statsWaitingCmd    `cmd:"" help:"what jobs waited for"`
	Failures   statsFailuresCmd   `cmd:"" help:"failures, those that are alike together"`
	Heatmap    statsHeatmapCmd    `cmd:"" help:"how busy the slots were, by weekday and hour"`
	Fleet      statsFleetCmd      `cmd:"" help:"robots by status, what waits and runs now"`
}

// statsWindow is what all of them select by.
type statsWindow struct {
	config.Client
	Range    string `help:"a number of hours or days that end now" default:"7d" placeholder:"7d"`
	Days     int    `help:"the same, in days" placeholder:"N"`
	Timezone string `help:"IANA time zone; default: the tenant's" placeholder:"ZONE"`
	Workflow string `help:"of one workflow alone, by its id" placeholder:"ID"`
	Robot    string `help:"of one robot alone" placeholder:"ROBOT"`
}

func (w *statsWindow) query() client.NumbersQuery {
	q := client.NumbersQuery{Range: w.Range, Timezone: w.Timezone, Workflow: fleet.ID(w.Workflow), Robot: fleet.RobotID(w.Robot)}
	if w.Days != 0 {
		q.Range = fmt.Sprintf("%dd", w.Days)
	}
	return q
}

// window says what a table is about.
func (s *shell) window(w *fleet.NumbersWindow) {
	asOf := "nothing is counted yet"
	if !w.AsOf.IsZero() {
		asOf = "as of " + w.AsOf.Local().Format(time.DateTime)
	}
	s.note("%s to %s, %s", w.From.Local().Format("2006-01-02 15:04"), w.To.Local().Format("2006-01-02 15:04"), asOf)
}

type statsOverviewCmd struct{ statsWindow }

// Run compares a window with the one before.
func (c *statsOverviewCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersOverview(ctx, c.query())
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		now, was := &out.Current, &out.Previous
		t := table{head: []string{"", "NOW", "BEFORE"}, paint: sh.paint, state: -1}
		add := func(name, is, before string) { t.add(name, is, before) }
		add("jobs ended", tally(now.Ended), tally(was.Ended))
		add("completed", tally(now.Completed), tally(was.Completed))
		add("failed", tally(now.Failed), tally(was.Failed))
		add("timed out", tally(now.TimedOut), tally(was.TimedOut))
		add("cancelled", tally(now.Cancelled), tally(was.Cancelled))
		add("success rate", share(now.SuccessRate, now.Sample), share(was.SuccessRate, was.Sample))
		add("duration p50", span(now.P50MS, now.Completed), span(was.P50MS, was.Completed))
		add("duration p90", span(now.P90MS, now.Completed), span(was.P90MS, was.Completed))
		add("duration p99", span(now.P99MS, now.Completed), span(was.P99MS, was.Completed))
		add("wait p50", span(now.WaitP50MS, now.Waited), span(was.WaitP50MS, was.Waited))
		add("wait p90", span(now.WaitP90MS, now.Waited), span(was.WaitP90MS, was.Waited))
		add("waiting jobs", reading(now.QueueDepth, now.Readings), reading(was.QueueDepth, was.Readings))
		add("robots online", reading(now.RobotsOnline, now.Readings), reading(was.RobotsOnline, was.Readings))
		add("slots used", share(now.Utilization, int64(now.AvailableSeconds)), share(was.Utilization, int64(was.AvailableSeconds)))
		if err := t.write(sh.out, ""); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

func tally(n int64) string { return fmt.Sprint(n) }

// share is a percentage, or the sign for nothing where nothing was counted.
func share(percent float64, sample int64) string {
	if sample == 0 {
		return dash("")
	}
	return fmt.Sprintf("%.1f %%", percent)
}

func reading(v float64, readings int64) string {
	if readings == 0 {
		return dash("")
	}
	return fmt.Sprintf("%.1f", v)
}

// span is a duration in milliseconds for people.
func span(ms float64, sample int64) string {
	if sample == 0 {
		return dash("")
	}
	d := time.Duration(ms * float64(time.Millisecond))
	switch {
	case d < 10*time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Hour:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

type statsThroughputCmd struct {
	statsWindow
	Step string `help:"length of a bucket: 5m, 1h or 1d; default: by the window" placeholder:"STEP"`
}

// barWidth is that of a bar of the longest bucket.
const barWidth = 40

// Run draws a bar for each bucket.
func (c *statsThroughputCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersSeries(ctx, c.query(), c.Step)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		most := int64(1)
		for i := range out.Points {
			most = max(most, out.Points[i].Ended)
		}
		t := table{head: []string{"AT", "ENDED", "FAILED", "SUCCESS", "P50", "P90", "ENDED, # OF THEM FAILED"}, paint: sh.paint, state: -1}
		for i := range out.Points {
			p := &out.Points[i]
			t.add(p.At.Local().Format("01-02 15:04"), tally(p.Ended), tally(p.Failed+p.TimedOut), share(p.SuccessRate, p.Sample),
				span(p.P50MS, p.Completed), span(p.P90MS, p.Completed), bar(p.Ended-p.Failed-p.TimedOut, p.Failed+p.TimedOut, most))
		}
		if err := t.write(sh.out, "No bucket lies in the window."); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

// bar draws what went well as = and what failed as #; whatever was counted is
// seen.
func bar(well, failed, most int64) string {
	width := func(n int64) int {
		if n <= 0 {
			return 0
		}
		return max(int(n*barWidth/most), 1)
	}
	return strings.Repeat("=", width(well)) + strings.Repeat("#", width(failed))
}

type statsTableFlags struct {
	Sort  string `help:"jobs, slowest, degraded, failures, waits or utilization" default:"jobs"`
	Limit int    `help:"how many" default:"20"`
}

type statsWorkflowsCmd struct {
	statsWindow
	statsTableFlags
}

// Run shows numbers by workflow.
func (c *statsWorkflowsCmd) Run(ctx context.Context, sh *shell) error {
	return statsTable(ctx, sh, &c.statsWindow, &c.statsTableFlags, fleet.DimWorkflow)
}

type statsRobotsCmd struct {
	statsWindow
	statsTableFlags
}

// Run shows numbers by robot.
func (c *statsRobotsCmd) Run(ctx context.Context, sh *shell) error {
	return statsTable(ctx, sh, &c.statsWindow, &c.statsTableFlags, fleet.DimRobot)
}

func statsTable(ctx context.Context, sh *shell, w *statsWindow, f *statsTableFlags, by fleet.RollupDim) error {
	api, err := sh.connect(w.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersTable(ctx, w.query(), by, f.Sort, f.Limit)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(w.Output, out, func() error {
		t := table{head: []string{strings.ToUpper(string(by)), "NAME", "ENDED", "FAILED", "SUCCESS", "MEAN", "P90", "WAIT", "SLOTS USED", "MEAN BEFORE"}, paint: sh.paint, state: -1}
		for i := range out.Rows {
			r := &out.Rows[i]
			before := dash("")
			if r.Previous != nil {
				before = span(r.Previous.MeanMS, r.Previous.Completed)
			}
			t.add(clean(r.Key), clip(clean(r.Name), 40), tally(r.Ended), tally(r.Failed+r.TimedOut), share(r.SuccessRate, r.Sample),
				span(r.MeanMS, r.Completed), span(r.P90MS, r.Completed), span(r.MeanWaitMS, r.Waited), share(r.Utilization, int64(r.AvailableSeconds)), before)
		}
		if err := t.write(sh.out, "Nothing of that kind is counted in the window."); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

type statsWaitingCmd struct{ statsWindow }

// Run shows what jobs waited for.
func (c *statsWaitingCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersWaits(ctx, c.query())
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		t := table{head: []string{"WAITED FOR", "TIMES", "TOTAL", "SHARE", "MEAN", "P90", ""}, paint: sh.paint, state: -1}
		for i := range out.Rows {
			r := &out.Rows[i]
			t.add(string(r.On), tally(r.Waits), span(float64(r.TotalMS), r.Waits), share(r.Share, r.Waits), span(r.MeanMS, r.Waits), span(r.P90MS, r.Waits), bar(int64(r.Share), 0, 100))
		}
		if err := t.write(sh.out, "No job ended in the window."); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

type statsFailuresCmd struct {
	statsWindow
	Limit int `help:"how many" default:"20"`
}

// Run shows failures that are alike.
func (c *statsFailuresCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersFailures(ctx, c.query(), c.Limit)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		t := table{head: []string{"TIMES", "BEFORE", "WORKFLOW", "NODE", "TYPE", "MESSAGE", "ONE OF THEM"}, paint: sh.paint, state: -1}
		for i := range out.Rows {
			r := &out.Rows[i]
			t.add(tally(r.Count), tally(r.Before), clip(clean(r.WorkflowName), 30), clip(clean(r.Node), 20), clip(clean(r.Type), 30), clip(clean(r.Message), 60), string(r.Job))
		}
		if err := t.write(sh.out, "No job failed in the window."); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

type statsHeatmapCmd struct{ statsWindow }

// Run draws 24 cells for each weekday: how many tenths of the slots were used.
func (c *statsHeatmapCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.NumbersHeat(ctx, c.query())
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		var b strings.Builder
		b.WriteString("     0     6     12    18\n")
		for i, cell := range out.Cells {
			if cell.Hour == 0 {
				b.WriteString([...]string{"Mon  ", "Tue  ", "Wed  ", "Thu  ", "Fri  ", "Sat  ", "Sun  "}[i/24])
			}
			switch {
			case cell.Available == 0:
				b.WriteByte(' ')
			case cell.Busy == 0:
				b.WriteByte('.')
			default:
				b.WriteByte("0123456789"[min(int(cell.Utilization/10), 9)])
			}
			if cell.Hour == 23 {
				b.WriteByte('\n')
			}
		}
		b.WriteString("Tenths of the slots in service that were used; . is none, blank is no slot in service.\n")
		if _, err := sh.out.Write([]byte(b.String())); err != nil {
			return err
		}
		sh.window(&out.NumbersWindow)
		return nil
	})
}

type statsFleetCmd struct {
	config.Client
	Range string `help:"1h, 24h, 7d or 30d" default:"24h"`
}

// Run shows the fleet at a glance.
func (c *statsFleetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	out, err := api.FleetNumbers(ctx, c.Range)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, out, func() error {
		_, err := fmt.Fprintf(sh.out, `robots   %d: %d online, %d busy, %d offline, %d error, %d maintenance, %d paused, %d draining
slots    %d of %d taken (%.0f %%)
now      %d jobs wait, %d run, %d dead letters to look after
today    %d jobs submitted, completed ones took %.1f s on the mean
%-8s %d jobs submitted, %d completed, %d failed, success rate %.1f %%
`, out.TotalRobots, out.OnlineRobots, out.BusyRobots, out.OfflineRobots, out.ErrorRobots, out.MaintenanceRobots, out.PausedRobots, out.DrainingRobots,
			out.TakenSlots, out.Slots, out.Utilization, out.QueueDepth, out.RunningJobs, out.DeadLetters,
			out.TotalJobsToday, out.MeanSeconds, out.TimeRange, out.TotalJobs, out.Completed, out.Failed, out.SuccessRate)
		return err
	})
}

package orchestrator

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// fleetRanges are the words of /metrics/fleet.
var fleetRanges = []string{"1h", "24h", "7d", "30d"}

// headcount is the robots and the slots of a tenant, now.
type headcount struct {
	by                                        map[fleet.RobotStatus]int
	total, connected, executing, slots, taken int
	names                                     map[fleet.RobotID]string
}

func (n *Numbers) headcount(r store.Reader, now time.Time) (out headcount, err error) {
	out.by, out.names = map[fleet.RobotStatus]int{}, map[fleet.RobotID]string{}
	page := fleet.Page{Limit: fleet.PageMax}
	for {
		list, err := r.Robots(store.RobotFilter{}, page)
		if err != nil {
			return out, err
		}
		for i := range list.Robots {
			robot := &list.Robots[i]
			robot.Derive(n.Timing(robot.Environment), now)
			out.by[robot.Status]++
			out.total++
			out.names[robot.ID] = robot.Name
			if robot.Connected {
				out.connected++
			}
			if len(robot.CurrentJobIDs) > 0 {
				out.executing++
			}
			if robot.Status == fleet.RobotOnline || robot.Status == fleet.RobotBusy {
				out.slots += max(robot.Max(), robot.Taken)
				out.taken += robot.Taken
			}
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			return out, nil
		}
	}
}

// today is when the day began in the zone of a window.
func (w *window) today() time.Time {
	y, m, d := w.now.In(w.zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, w.zone)
}

// Fleet is the fleet at a glance.
func (n *Numbers) Fleet(ctx context.Context, p auth.Principal, timeRange string) (out fleet.FleetNumbers, err error) {
	if timeRange = cmp.Or(timeRange, "24h"); !slices.Contains(fleetRanges, timeRange) {
		return out, fleet.Invalid("time_range", "time_range must be 1h, 24h, 7d or 30d; got %q.", shortText(timeRange))
	}
	w, err := n.window(ctx, p, NumbersQuery{Range: timeRange})
	if err != nil {
		return out, err
	}
	out.TimeRange = timeRange
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		heads, err := n.headcount(r, w.now)
		if err != nil {
			return err
		}
		heads.fill(&out)
		counts, err := r.Counts()
		if err != nil {
			return err
		}
		out.QueueDepth, out.QueuedJobs = counts[fleet.Pending], counts[fleet.Pending]
		out.RunningJobs = counts[fleet.Running] + counts[fleet.Cancelling]
		out.ActiveJobs = out.RunningJobs + counts[fleet.Assigned]
		dead, err := r.DeadLetters(false, fleet.Page{Limit: 1})
		if err != nil {
			return err
		}
		out.DeadLetters = dead.Total - dead.Reprocessed
		day, _ := cover(w.today(), w.now, w.now, 0)
		today, err := sumOf(r, day, fleet.DimAll, "", false)
		if err != nil {
			return err
		}
		out.TotalJobsToday, out.MeanSeconds = today.Created, today.MeanRunMS()/1000
		parts, _ := cover(w.from, w.to, w.now, 0)
		sum, err := sumOf(r, parts, fleet.DimAll, "", false)
		if err != nil {
			return err
		}
		out.TotalJobs, out.Completed, out.Failed = sum.Created, sum.Completed, sum.Failed+sum.TimedOut
		out.SuccessRate, out.MeanMS = sum.SuccessRate(), sum.MeanRunMS()
		head, err := r.RollupHead()
		out.AsOf = head.At
		return err
	})
	return out, err
}

func (h *headcount) fill(out *fleet.FleetNumbers) {
	out.TotalRobots, out.ConnectedRobots, out.ExecutingRobots = h.total, h.connected, h.executing
	out.IdleRobots, out.OnlineRobots = h.by[fleet.RobotOnline], h.by[fleet.RobotOnline]
	out.BusyRobots, out.ActiveRobots = h.by[fleet.RobotBusy], h.by[fleet.RobotBusy]
	out.OfflineRobots, out.ErrorRobots, out.MaintenanceRobots = h.by[fleet.RobotOffline], h.by[fleet.RobotError], h.by[fleet.RobotMaintenance]
	out.PausedRobots, out.DrainingRobots = h.by[fleet.RobotPaused], h.by[fleet.RobotDraining]
	out.Slots, out.TakenSlots = h.slots, h.taken
	if h.slots > 0 {
		out.Utilization = 100 * float64(h.taken) / float64(h.slots)
	}
}

// The bounds of the lists in FleetAnalytics.
const (
	slowestMost = 10
	errorsMost  = 20
)

// Analytics is the last days in numbers.
func (n *Numbers) Analytics(ctx context.Context, p auth.Principal, days int) (out fleet.FleetAnalytics, err error) {
	if err := p.Require(fleet.NumbersRead); err != nil {
		return out, err
	}
	if days < 1 || days > 90 {
		return out, fleet.Invalid("days", "days must be between 1 and 90; got %d.", days)
	}
	to := n.Now()
	w, err := n.window(ctx, p, NumbersQuery{From: to.Add(-time.Duration(days) * 24 * time.Hour), To: to})
	if err != nil {
		return out, err
	}
	out.Days = days
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		parts, _ := cover(w.from, w.to, w.now, 0)
		sum, err := sumOf(r, parts, fleet.DimAll, "", true)
		if err != nil {
			return err
		}
		shown := sum.Show()
		out.TotalJobs, out.Sample, out.SuccessRate, out.FailureRate = sum.Created, shown.Sample, shown.SuccessRate, shown.FailureRate
		out.MeanMS, out.P50MS, out.P90MS, out.P99MS = shown.MeanMS, shown.P50MS, shown.P90MS, shown.P99MS
		out.WaitP50MS, out.WaitP90MS = shown.WaitP50MS, shown.WaitP90MS
		out.Jobs.Completed, out.Jobs.Failed = sum.Completed, sum.Failed+sum.TimedOut
		if err := n.lists(r, &w, parts, &out); err != nil {
			return err
		}
		return n.present(r, &w, &out)
	})
	return out, err
}

// lists fills what is told by workflow, by error and by day.
func (n *Numbers) lists(r store.Reader, w *window, parts []stretch, out *fleet.FleetAnalytics) error {
	out.Slowest, out.Errors, out.Daily = []fleet.SlowWorkflow{}, []fleet.ErrorCount{}, []fleet.NumbersPoint{}
	workflows, err := sumsOf(r, parts, fleet.DimWorkflow)
	if err != nil {
		return err
	}
	for id, t := range workflows {
		if t.Completed >= slowLeast {
			out.Slowest = append(out.Slowest, fleet.SlowWorkflow{ID: fleet.ID(id), Name: cmp.Or(t.Label, id), MeanMS: t.MeanRunMS(), Runs: t.Completed})
		}
	}
	slices.SortFunc(out.Slowest, func(a, b fleet.SlowWorkflow) int {
		return cmp.Or(cmp.Compare(b.MeanMS, a.MeanMS), strings.Compare(string(a.ID), string(b.ID)))
	})
	out.Slowest = out.Slowest[:min(len(out.Slowest), slowestMost)]
	errs, err := sumsOf(r, parts, fleet.DimError)
	if err != nil {
		return err
	}
	for name, t := range errs {
		out.Errors = append(out.Errors, fleet.ErrorCount{Type: name, Count: t.Failed + t.TimedOut})
	}
	sortErrors(out.Errors)
	out.Errors = out.Errors[:min(len(out.Errors), errorsMost)]
	days, err := r.Rollups(store.RollupQuery{Span: fleet.SpanDay, Dim: fleet.DimAll, From: fleet.SpanDay.Floor(w.from), To: w.to, Spread: true})
	if err != nil {
		return err
	}
	for i := range days {
		out.Daily = append(out.Daily, fleet.NumbersPoint{At: days[i].At, Numbers: days[i].Show()})
	}
	return nil
}

// present fills what is so now, and what robots did.
func (n *Numbers) present(r store.Reader, w *window, out *fleet.FleetAnalytics) error {
	heads, err := n.headcount(r, w.now)
	if err != nil {
		return err
	}
	counts, err := r.Counts()
	if err != nil {
		return err
	}
	out.Fleet = fleet.AnalyticsFleet{Active: heads.by[fleet.RobotBusy], Total: heads.total, QueueDepth: counts[fleet.Pending]}
	out.Jobs.Pending = counts[fleet.Pending]
	out.Jobs.Running = counts[fleet.Running] + counts[fleet.Cancelling]
	out.Jobs.Active = out.Jobs.Running + counts[fleet.Assigned]
	slots, _ := cover(w.from, w.to, w.now, fleet.SpanHour)
	used, err := sumsOf(r, slots, fleet.DimRobot)
	if err != nil {
		return err
	}
	out.Utilization = []fleet.RobotUse{}
	for id, name := range heads.names {
		use := fleet.RobotUse{ID: fleet.RobotID(id), Name: name}
		if t := used[string(id)]; t != nil {
			use.Utilization = math.Min(t.Utilization(), 100)
		}
		out.Utilization = append(out.Utilization, use)
	}
	slices.SortFunc(out.Utilization, func(a, b fleet.RobotUse) int {
		return cmp.Or(cmp.Compare(b.Utilization, a.Utilization), strings.Compare(string(a.ID), string(b.ID)))
	})
	day, _ := cover(w.today(), w.now, w.now, 0)
	today, err := sumOf(r, day, fleet.DimAll, "", false)
	if err != nil {
		return err
	}
	out.Jobs.CompletedToday = today.Completed
	head, err := r.RollupHead()
	out.AsOf = head.At
	return err
}

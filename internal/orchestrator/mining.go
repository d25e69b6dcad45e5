package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// What the analytics panel of the original asks of one workflow. It is told from
// the same buckets as all numbers; what steps took is kept nowhere, and so is not
// told.

const traceDays = 90

// Traces lists the workflows that have runs, those with most first.
func (n *Numbers) Traces(ctx context.Context, p auth.Principal) (out []fleet.TraceCount, err error) {
	w, err := n.window(ctx, p, NumbersQuery{Range: fmt.Sprintf("%dd", traceDays)})
	if err != nil {
		return nil, err
	}
	out = []fleet.TraceCount{}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		parts, _ := cover(w.from, w.to, w.now, 0)
		sums, err := sumsOf(r, parts, fleet.DimWorkflow)
		for id, t := range sums {
			if t.Ended() > 0 {
				out = append(out, fleet.TraceCount{WorkflowID: fleet.ID(id), WorkflowName: cmp.Or(t.Label, id), Count: t.Ended()})
			}
		}
		return err
	})
	slices.SortFunc(out, func(a, b fleet.TraceCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(string(a.WorkflowID), string(b.WorkflowID)))
	})
	return out, err
}

// days checks a window of whole days that end now.
func (n *Numbers) days(ctx context.Context, p auth.Principal, days, most int) (window, error) {
	if err := p.Require(fleet.NumbersRead); err != nil {
		return window{}, err
	}
	if days < 1 || days > most {
		return window{}, fleet.Invalid("days", "days must be between 1 and %d; got %d.", most, days)
	}
	return n.window(ctx, p, NumbersQuery{Range: fmt.Sprintf("%dd", days)})
}

// noRuns is said of a workflow that nothing is counted for. It is not found,
// whether it exists or not.
func noRuns(id fleet.ID, days int) error {
	e := fleet.NotFound("workflow", string(id))
	e.Message = fmt.Sprintf("The workflow has no run that ended in the last %d days.", days)
	return e
}

// Bottlenecks tells what holds the runs of a workflow up.
func (n *Numbers) Bottlenecks(ctx context.Context, p auth.Principal, id fleet.ID, days int) (out fleet.Bottlenecks, err error) {
	w, err := n.days(ctx, p, days, 90)
	if err != nil {
		return out, err
	}
	out = fleet.Bottlenecks{
		WorkflowID: id, Days: days, Bottlenecks: []fleet.Bottleneck{}, NodeStats: []fleet.NodeStat{}, SlowestNodes: []fleet.NodeStat{}, FailingNodes: []fleet.NodeStat{},
		FailuresByNode: []fleet.NodeFailures{}, Recommendations: []string{},
		Note: "What single steps took is not kept: node_stats, slowest_nodes and failing_nodes are empty. failures_by_node is from the errors that ended runs.",
	}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		parts, _ := cover(w.from, w.to, w.now, 0)
		sum, err := sumOf(r, parts, fleet.DimWorkflow, string(id), false)
		if err != nil {
			return err
		}
		if out.Executions = sum.Ended(); out.Executions == 0 {
			return noRuns(id, days)
		}
		failures, err := sumsOf(r, parts, fleet.DimFailure)
		if err != nil {
			return err
		}
		nodes := map[string]*fleet.NodeFailures{}
		for _, t := range failures {
			var f fleet.Failure
			if json.Unmarshal([]byte(t.Label), &f) != nil || f.Workflow != id || f.Node == "" {
				continue
			}
			at := nodes[f.Node]
			if at == nil {
				at = &fleet.NodeFailures{NodeID: f.Node, Errors: map[string]int64{}}
				nodes[f.Node] = at
			}
			at.Count += t.Failed + t.TimedOut
			at.Errors[f.Type] += t.Failed + t.TimedOut
		}
		for _, at := range nodes {
			out.FailuresByNode = append(out.FailuresByNode, *at)
		}
		slices.SortFunc(out.FailuresByNode, func(a, b fleet.NodeFailures) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.NodeID, b.NodeID))
		})
		out.Bottlenecks = bottlenecks(&sum, out.FailuresByNode)
		return nil
	})
	for _, b := range out.Bottlenecks {
		out.Recommendations = append(out.Recommendations, b.Recommendation)
	}
	return out, err
}

// bottlenecks judges the counts of a workflow.
func bottlenecks(sum *fleet.Tally, nodes []fleet.NodeFailures) []fleet.Bottleneck {
	out := []fleet.Bottleneck{}
	for _, at := range nodes {
		share := float64(at.Count) / float64(max(sum.Judged(), 1))
		severity := ""
		switch {
		case share >= 0.5:
			severity = "critical"
		case share >= 0.2:
			severity = "high"
		case share >= 0.05:
			severity = "medium"
		}
		if severity != "" {
			out = append(out, fleet.Bottleneck{
				Type: "node_failing", Severity: severity, Location: at.NodeID, Description: fmt.Sprintf("%d of %d runs ended with an error at node %s.", at.Count, sum.Judged(), at.NodeID),
				Frequency: min(share, 1), Recommendation: fmt.Sprintf("Look at the errors of node %s; retry what may be repeated.", at.NodeID),
				Evidence: map[string]float64{"failures": float64(at.Count), "runs": float64(sum.Judged())},
			})
		}
	}
	if wait, run := sum.MeanWaitMS(), sum.MeanRunMS(); sum.Completed > 0 && sum.Waited > 0 && wait > run {
		severity := "medium"
		if wait > 5*run {
			severity = "high"
		}
		out = append(out, fleet.Bottleneck{
			Type: "pattern_wait_long", Severity: severity, Location: "queue", Description: "Runs wait longer than they take.", ImpactMS: wait, Frequency: 1,
			Recommendation: "Give the workflow more robots, or a higher priority.", Evidence: map[string]float64{"average_wait_ms": wait, "average_duration_ms": run},
		})
	}
	return out
}

// Execution tells how the runs of a workflow go.
func (n *Numbers) Execution(ctx context.Context, p auth.Principal, id fleet.ID, days int) (out fleet.Execution, err error) {
	w, err := n.days(ctx, p, days, 90)
	if err != nil {
		return out, err
	}
	out = fleet.Execution{WorkflowID: id, Days: days, Insights: []fleet.Insight{}, Distribution: fleet.TimeDistribution{Hours: map[string]int64{}, Days: map[string]int64{}}}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		parts, before, _ := w.sides(0)
		sum, err := sumOf(r, parts, fleet.DimWorkflow, string(id), true)
		if err != nil {
			return err
		}
		if sum.Ended() == 0 {
			return noRuns(id, days)
		}
		was, err := sumOf(r, before, fleet.DimWorkflow, string(id), false)
		if err != nil {
			return err
		}
		out.Summary = sum.Show()
		out.Duration = fleet.NewTrend(sum.MeanRunMS(), was.MeanRunMS(), false, min(sum.Completed, was.Completed))
		out.Success = fleet.NewTrend(sum.SuccessRate(), was.SuccessRate(), true, min(sum.Judged(), was.Judged()))
		hours, err := r.Rollups(store.RollupQuery{Span: fleet.SpanHour, Dim: fleet.DimWorkflow, Key: string(id), From: fleet.SpanHour.Floor(w.from), To: w.to})
		if err != nil {
			return err
		}
		distribute(&out.Distribution, hours, w.zone)
		return nil
	})
	out.Insights = insights(&out)
	return out, err
}

func insights(e *fleet.Execution) []fleet.Insight {
	out := []fleet.Insight{}
	for _, t := range [...]struct {
		trend         *fleet.Trend
		kind, subject string
	}{{&e.Duration, "duration", "Runs take longer"}, {&e.Success, "success_rate", "Fewer runs succeed"}} {
		if t.trend.Direction == "degrading" {
			out = append(out, fleet.Insight{
				Type: t.kind + "_degrading", Title: t.subject + " than before", Significance: t.trend.Confidence, Action: "Compare the newest runs with older ones.",
				Description: fmt.Sprintf("%.1f after %.1f in the time of equal length before: %+.0f %%.", t.trend.Current, t.trend.Previous, t.trend.Percent),
				Data:        map[string]float64{"current": t.trend.Current, "previous": t.trend.Previous},
			})
		}
	}
	return out
}

// distribute fills when runs ended.
func distribute(d *fleet.TimeDistribution, hours []store.RollupRow, zone *time.Location) {
	for i := range hours {
		ended := hours[i].Ended()
		if ended == 0 {
			continue
		}
		at := hours[i].At.In(zone)
		d.Hours[strconv.Itoa(at.Hour())] += ended
		d.Days[strconv.Itoa((int(at.Weekday())+6)%7)] += ended
	}
	d.PeakHour, d.PeakDay = peak(d.Hours, 24), peak(d.Days, 7)
}

// peak is the first number with the most.
func peak(m map[string]int64, n int) int {
	best := 0
	for i := range n {
		if m[strconv.Itoa(i)] > m[strconv.Itoa(best)] {
			best = i
		}
	}
	return best
}

// Timeline tells the runs of a workflow bucket by bucket.
func (n *Numbers) Timeline(ctx context.Context, p auth.Principal, id fleet.ID, days int, granularity string) (out fleet.Timeline, err error) {
	w, err := n.days(ctx, p, days, 30)
	if err != nil {
		return out, err
	}
	span, known := map[string]fleet.RollupSpan{"hour": fleet.SpanHour, "day": fleet.SpanDay}[granularity]
	if !known {
		return out, fleet.Invalid("granularity", "granularity must be hour or day; got %q.", shortText(granularity))
	}
	out = fleet.Timeline{WorkflowID: id, Days: days, Granularity: granularity, Points: []fleet.TimelinePoint{}}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Rollups(store.RollupQuery{Span: span, Dim: fleet.DimWorkflow, Key: string(id), From: span.Floor(w.from), To: w.to})
		if err != nil {
			return err
		}
		for i := range list {
			t := &list[i].Tally
			if t.Ended() > 0 {
				out.Points = append(out.Points, fleet.TimelinePoint{
					At: list[i].At, Executions: t.Ended(), Successes: t.Completed, Failures: t.Failed + t.TimedOut, SuccessRate: t.SuccessRate() / 100, MeanMS: t.MeanRunMS(),
				})
			}
		}
		if len(out.Points) == 0 {
			return noRuns(id, days)
		}
		return nil
	})
	return out, err
}

package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/calendar"
	"github.com/casarerpa/fleet/internal/store"
)

// Numbers are the use cases of those who ask how it goes. They read rollups and
// what the heads of the tenant count, never jobs one by one.
type Numbers struct{ *core }

// NumbersQuery asks for a window: either by a range that ends now, or by its
// ends; and for one thing in it, or for all.
type NumbersQuery struct {
	Range       string // 1h, 24h, 7d, 30d, 90d, or any number of h or d; empty: 7d
	From, To    time.Time
	Timezone    string // IANA; empty: the tenant's
	Workflow    fleet.ID
	Robot       fleet.RobotID
	Environment string
	Trigger     string
}

// longest bounds a window: what is kept by the day.
const longest = 790 * 24 * time.Hour

// of is the dimension and the key that a query is about.
func (q *NumbersQuery) of() (dim fleet.RollupDim, key string, err error) {
	dim = fleet.DimAll
	for _, f := range [...]struct {
		dim fleet.RollupDim
		key string
	}{
		{fleet.DimWorkflow, string(q.Workflow)}, {fleet.DimRobot, string(q.Robot)}, {fleet.DimEnvironment, q.Environment}, {fleet.DimTrigger, q.Trigger},
	} {
		switch {
		case f.key == "":
		case dim != fleet.DimAll:
			return "", "", fleet.Invalid(string(f.dim), "Only one of workflow_id, robot_id, environment and trigger can be given; jobs are counted by each of them, not by two at once.")
		default:
			dim, key = f.dim, f.key
		}
	}
	return dim, key, nil
}

// unfiltered refuses a filter where a count is of all jobs together.
func (q *NumbersQuery) unfiltered(what string) error {
	dim, _, err := q.of()
	if err == nil && dim != fleet.DimAll {
		err = fleet.Invalid(string(dim), "%s are counted for all jobs together. Leave out workflow_id, robot_id, environment and trigger.", what)
	}
	return err
}

// window is a query with its ends.
type window struct {
	from, to, now time.Time
	zone          *time.Location
}

func (n *Numbers) window(ctx context.Context, p auth.Principal, q NumbersQuery) (w window, err error) {
	if err := p.Require(fleet.NumbersRead); err != nil {
		return w, err
	}
	w.now = n.Now()
	name := q.Timezone
	if name == "" {
		tenant, err := n.tenant(ctx, p)
		if err != nil {
			return w, err
		}
		name = tenant.Timezone
	}
	if w.zone, err = calendar.Zone(name); err != nil {
		return w, err
	}
	w.from, w.to = q.From, q.To
	switch {
	case q.Range != "" && !(q.From.IsZero() && q.To.IsZero()):
		return w, fleet.Invalid("range", "range and from or to cannot be given together.")
	case q.From.IsZero() && !q.To.IsZero():
		return w, fleet.Invalid("from", "from is needed with to.")
	case q.From.IsZero():
		d, err := parseRange(cmp.Or(q.Range, "7d"))
		if err != nil {
			return w, err
		}
		w.from, w.to = w.now.Add(-d), w.now
	case q.To.IsZero():
		w.to = w.now
	}
	switch {
	case !w.from.Before(w.to):
		return w, fleet.Invalid("from", "from must be before to; got %s and %s.", w.from.UTC().Format(time.RFC3339), w.to.UTC().Format(time.RFC3339))
	case w.to.Sub(w.from) > longest:
		return w, fleet.Invalid("from", "A window can be 790 days long; got %d.", int(w.to.Sub(w.from).Hours()/24))
	}
	return w, nil
}

func parseRange(text string) (time.Duration, error) {
	bad := fleet.Invalid("range", "range must be a number of hours or days such as 24h or 7d, at most 790d; got %q.", shortText(text))
	if len(text) < 2 || len(text) > 6 {
		return 0, bad
	}
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	count := 0
	for _, c := range text[:len(text)-1] {
		if c < '0' || c > '9' {
			return 0, bad
		}
		count = 10*count + int(c-'0')
	}
	if d := time.Duration(count) * unit; d > 0 && d <= longest {
		return d, nil
	}
	return 0, bad
}

func shortText(s string) string { return s[:min(len(s), 40)] }

// definitions are told with the numbers, so that nobody has to guess.
var definitions = map[string]string{
	"jobs":         "A job counts by its end; created counts by its submission. Of a job that is cut into segments the whole counts, and its robots count the segments.",
	"success_rate": "100 × completed ÷ (completed + failed + timeout). Cancelled jobs and jobs that have not ended are in neither.",
	"duration":     "Of completed jobs, from the start of their last attempt to the end. Percentiles are continuous and off by at most 0.2 %; durations below 512 ms are exact.",
	"wait":         "From the submission to the first start, of the jobs that ended in the window.",
	"waiting_on":   "Of the jobs that ended in the window: for how long each waited for what, over all its attempts.",
	"utilization":  "100 × slot time that attempts held ÷ slot time in service. The first is counted when a job has ended, by the hours in which it ran; the second is read once a minute from robots that are connected and take work.",
	"cpu":          "The mean CPU of the machines of all connected robots, read once a minute.",
	"failure":      "failed and timeout. Alike are those of one workflow, node and type whose messages differ in numbers and quoted texts alone.",
	"queue_depth":  "The mean of what waited, read once a minute.",
}

func (w *window) meta(r store.Reader, begin time.Time, of ...string) (fleet.NumbersWindow, error) {
	head, err := r.RollupHead()
	out := fleet.NumbersWindow{
		From: begin.UTC(), To: w.to.UTC(), AsOf: head.At, Behind: max(head.Head-head.Seq, 0), Timezone: w.zone.String(), Definitions: map[string]string{},
	}
	for _, name := range of {
		out.Definitions[name] = definitions[name]
	}
	return out, err
}

// Overview compares a window with the one before it.
func (n *Numbers) Overview(ctx context.Context, p auth.Principal, q NumbersQuery) (out fleet.NumbersOverview, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	dim, key, err := q.of()
	if err != nil {
		return out, err
	}
	parts, before, begin := w.sides(0)
	slots, slotsBefore, _ := w.sides(fleet.SpanHour)
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, begin, "jobs", "success_rate", "duration", "wait", "utilization", "queue_depth"); err != nil {
			return err
		}
		for _, side := range [...]struct {
			parts, slots []stretch
			to           *fleet.Numbers
		}{{parts, slots, &out.Current}, {before, slotsBefore, &out.Previous}} {
			sum, err := sumOf(r, side.parts, dim, key, true)
			if err != nil {
				return err
			}
			used, err := sumOf(r, side.slots, dim, key, false)
			if err != nil {
				return err
			}
			sum.BusyMS, sum.CapacityMS = used.BusyMS, used.CapacityMS
			*side.to = sum.Show()
		}
		return nil
	})
	out.Change = out.Current.Since(&out.Previous)
	return out, err
}

// maxPoints bounds a series.
const maxPoints = 2500

// Series shows a window bucket by bucket. A step of 0 is chosen by the window's
// length.
func (n *Numbers) Series(ctx context.Context, p auth.Principal, q NumbersQuery, step fleet.RollupSpan) (out fleet.NumbersSeries, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	dim, key, err := q.of()
	if err != nil {
		return out, err
	}
	if step == 0 {
		switch d := w.to.Sub(w.from); {
		case d <= 12*time.Hour:
			step = fleet.SpanShort
		case d <= 8*24*time.Hour:
			step = fleet.SpanHour
		default:
			step = fleet.SpanDay
		}
	}
	step = max(step, finest(w.from, w.now, 0))
	from := step.Floor(w.from)
	to := min(w.to.Unix(), w.now.Unix())
	if points := (to - from.Unix()) / int64(step); points > maxPoints {
		return out, fleet.Invalid("step", "A series can have %d points; this window has %d. Ask for a longer step.", maxPoints, points)
	}
	out.Step = int64(step)
	out.Points = []fleet.NumbersPoint{}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, from, "jobs", "success_rate", "duration", "wait", "queue_depth"); err != nil {
			return err
		}
		list, err := r.Rollups(store.RollupQuery{Span: step, Dim: dim, Key: key, From: from, To: w.to, Spread: true})
		if err != nil {
			return err
		}
		at := 0
		for t := from; t.Unix() < to; t = t.Add(step.Std()) {
			point := fleet.NumbersPoint{At: t}
			for at < len(list) && list[at].At.Before(t) {
				at++
			}
			if at < len(list) && list[at].At.Equal(t) {
				point.Numbers = list[at].Show()
			}
			out.Points = append(out.Points, point)
		}
		return nil
	})
	return out, err
}

// tableSorts are the orders of a table: what is most or longest first.
var tableSorts = map[string]func(t *fleet.Tally, n *fleet.Numbers) float64{
	"jobs":        func(t *fleet.Tally, _ *fleet.Numbers) float64 { return float64(t.Ended()) },
	"slowest":     func(t *fleet.Tally, _ *fleet.Numbers) float64 { return t.MeanRunMS() },
	"failures":    func(t *fleet.Tally, _ *fleet.Numbers) float64 { return float64(t.Failed + t.TimedOut) },
	"waits":       func(t *fleet.Tally, _ *fleet.Numbers) float64 { return t.MeanWaitMS() },
	"utilization": func(t *fleet.Tally, _ *fleet.Numbers) float64 { return t.Utilization() },
}

// slowLeast is how many completed runs make a mean worth a place in an order.
const slowLeast = 3

// Table shows a window key by key, at most limit of them in an order.
func (n *Numbers) Table(ctx context.Context, p auth.Principal, q NumbersQuery, by fleet.RollupDim, sort string, limit int) (out fleet.NumbersTable, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	if limit < 1 || limit > fleet.PageMax {
		return out, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", fleet.PageMax, limit)
	}
	dim, only, err := q.of()
	switch {
	case err != nil:
		return out, err
	case dim != fleet.DimAll && dim != by:
		return out, fleet.Invalid(string(dim), "Jobs are counted by each of workflow_id, robot_id, environment and trigger, not by two at once: this table is by %s.", by)
	}
	order, known := tableSorts[sort]
	if !known && sort != "degraded" {
		return out, fleet.Invalid("sort", "sort must be jobs, slowest, degraded, failures, waits or utilization; got %q.", shortText(sort))
	}
	least := fleet.RollupSpan(0)
	if by == fleet.DimRobot {
		least = fleet.SpanHour // slots are counted by the hour
	}
	parts, before, begin := w.sides(least)
	out.By, out.Sort, out.Rows = by, sort, []fleet.NumbersRow{}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, begin, "jobs", "success_rate", "duration", "wait", "utilization"); err != nil {
			return err
		}
		sums, err := sumsOf(r, parts, by)
		if err != nil {
			return err
		}
		former, err := sumsOf(r, before, by)
		if err != nil {
			return err
		}
		keys := make([]string, 0, len(sums))
		weight := map[string]float64{}
		for key, sum := range sums {
			switch {
			case only != "" && key != only:
				continue
			case sort == "degraded": // longer than before, and enough runs on both sides to say so
				was := former[key]
				if was == nil || sum.Completed < slowLeast || was.Completed < slowLeast || sum.MeanRunMS() <= was.MeanRunMS() {
					continue
				}
				weight[key] = sum.MeanRunMS() / max(was.MeanRunMS(), 1)
			case sort == "slowest" && sum.Completed < slowLeast:
				continue
			default:
				weight[key] = order(sum, nil)
			}
			keys = append(keys, key)
		}
		out.Total = len(keys)
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(weight[b], weight[a]), cmp.Compare(a, b)) })
		for _, key := range keys[:min(len(keys), limit)] {
			row, err := tableRow(r, parts, before, by, key, sums[key].Label)
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, row)
		}
		return nil
	})
	return out, err
}

// tableRow reads one key with its percentiles.
func tableRow(r store.Reader, parts, before []stretch, by fleet.RollupDim, key, label string) (fleet.NumbersRow, error) {
	sum, err := sumOf(r, parts, by, key, true)
	if err != nil {
		return fleet.NumbersRow{}, err
	}
	was, err := sumOf(r, before, by, key, true)
	if err != nil {
		return fleet.NumbersRow{}, err
	}
	row := fleet.NumbersRow{Key: key, Name: cmp.Or(sum.Label, label, key), Job: sum.Sample, Numbers: sum.Show()}
	previous := was.Show()
	since := row.Numbers.Since(&previous)
	row.Previous, row.Change = &previous, &since
	if by == fleet.DimRobot {
		if robot, err := r.Robot(fleet.RobotID(key)); err == nil {
			row.Name = robot.Name
		} // it may have been deleted since
	}
	return row, nil
}

// Waits shows what the jobs that ended in a window waited for.
func (n *Numbers) Waits(ctx context.Context, p auth.Principal, q NumbersQuery) (out fleet.WaitTable, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	if err := q.unfiltered("Waits"); err != nil {
		return out, err
	}
	parts, begin := cover(w.from, w.to, w.now, 0)
	out.Rows = []fleet.WaitRow{}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, begin, "waiting_on", "duration"); err != nil {
			return err
		}
		sums, err := spreadsOf(r, parts, fleet.DimWait)
		if err != nil {
			return err
		}
		all := int64(0)
		for _, sum := range sums {
			all += sum.WaitMS
		}
		for on, sum := range sums {
			s := sum.Show()
			row := fleet.WaitRow{On: fleet.WaitingOn(on), Waits: sum.Waited, TotalMS: sum.WaitMS, MeanMS: s.MeanWaitMS, P50MS: s.WaitP50MS, P90MS: s.WaitP90MS, P99MS: s.WaitP99MS}
			if all > 0 {
				row.Share = 100 * float64(sum.WaitMS) / float64(all)
			}
			out.Rows = append(out.Rows, row)
		}
		slices.SortFunc(out.Rows, func(a, b fleet.WaitRow) int {
			return cmp.Or(cmp.Compare(b.TotalMS, a.TotalMS), strings.Compare(string(a.On), string(b.On)))
		})
		return nil
	})
	return out, err
}

// Failures groups the failures of a window that are alike.
func (n *Numbers) Failures(ctx context.Context, p auth.Principal, q NumbersQuery, limit int) (out fleet.FailureTable, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	if err := q.unfiltered("Failures"); err != nil {
		return out, err
	}
	if limit < 1 || limit > fleet.PageMax {
		return out, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", fleet.PageMax, limit)
	}
	parts, before, begin := w.sides(0)
	out.Rows, out.Types = []fleet.FailureRow{}, []fleet.ErrorCount{}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, begin, "failure"); err != nil {
			return err
		}
		sums, err := sumsOf(r, parts, fleet.DimFailure)
		if err != nil {
			return err
		}
		former, err := sumsOf(r, before, fleet.DimFailure)
		if err != nil {
			return err
		}
		types := map[string]int64{}
		for key, sum := range sums {
			row := fleet.FailureRow{Fingerprint: key, Count: sum.Failed + sum.TimedOut, Job: sum.Sample}
			if key == fleet.OtherFailures {
				row.Message = "All failures beyond the 500 kinds that a bucket tells apart."
			} else if json.Unmarshal([]byte(sum.Label), &row.Failure) != nil {
				continue
			}
			if row.Count == 0 || q.Workflow != "" && row.Workflow != q.Workflow {
				continue
			}
			if was := former[key]; was != nil {
				row.Before = was.Failed + was.TimedOut
			}
			out.Failures += row.Count
			types[cmp.Or(row.Type, "other")] += row.Count
			out.Rows = append(out.Rows, row)
		}
		for name, count := range types {
			out.Types = append(out.Types, fleet.ErrorCount{Type: name, Count: count})
		}
		return nil
	})
	sortErrors(out.Types)
	slices.SortFunc(out.Rows, func(a, b fleet.FailureRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Fingerprint, b.Fingerprint))
	})
	out.Total = len(out.Rows)
	out.Rows = out.Rows[:min(len(out.Rows), limit)]
	for i := range out.Rows {
		out.Rows[i].Share = 100 * float64(out.Rows[i].Count) / float64(out.Failures)
	}
	return out, err
}

func sortErrors(list []fleet.ErrorCount) {
	slices.SortFunc(list, func(a, b fleet.ErrorCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Type, b.Type))
	})
}

// Heat adds the hours of a window up by weekday and hour of the asked zone. In a
// zone that is not whole hours from UTC, an hour counts where it begins.
func (n *Numbers) Heat(ctx context.Context, p auth.Principal, q NumbersQuery) (out fleet.HeatMap, err error) {
	w, err := n.window(ctx, p, q)
	if err != nil {
		return out, err
	}
	dim, key, err := q.of()
	switch {
	case err != nil:
		return out, err
	case dim != fleet.DimAll && dim != fleet.DimRobot:
		return out, fleet.Invalid(string(dim), "Slots belong to robots: a heat map is of all or of one robot.")
	case w.now.Sub(w.from) > hourSure:
		return out, fleet.Invalid("from", "Hours are kept for 99 days; the window begins before.")
	}
	from := fleet.SpanHour.Floor(w.from)
	out.Cells = make([]fleet.HeatCell, 7*24)
	for i := range out.Cells {
		out.Cells[i].Weekday, out.Cells[i].Hour = i/24, i%24
	}
	sums := make([]fleet.Tally, len(out.Cells))
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.NumbersWindow, err = w.meta(r, from, "utilization", "cpu"); err != nil {
			return err
		}
		list, err := r.Rollups(store.RollupQuery{Span: fleet.SpanHour, Dim: dim, Key: key, From: from, To: w.to})
		if err != nil {
			return err
		}
		for i := range list {
			at := list[i].At.In(w.zone)
			c := &out.Cells[(int(at.Weekday())+6)%7*24+at.Hour()]
			c.Hours++
			c.Busy += float64(list[i].BusyMS) / 1000
			c.Available += float64(list[i].CapacityMS) / 1000
			c.Ended += list[i].Ended()
		}
		if dim != fleet.DimAll {
			return nil
		}
		machines, err := r.Rollups(store.RollupQuery{Span: fleet.SpanHour, Dim: fleet.DimMachine, From: from, To: w.to})
		if err != nil {
			return err
		}
		for i := range machines {
			at := machines[i].At.In(w.zone)
			c := (int(at.Weekday())+6)%7*24 + at.Hour()
			out.Cells[c].CPUReadings += machines[i].Samples
			sums[c].Add(&machines[i].Tally)
		}
		return nil
	})
	for i := range out.Cells {
		if c := &out.Cells[i]; c.Available > 0 {
			c.Utilization = 100 * c.Busy / c.Available
		}
		out.Cells[i].CPU = sums[i].Utilization()
	}
	return out, err
}

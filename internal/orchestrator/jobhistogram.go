package orchestrator

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// JobHistogram counts jobs over time by their state.
type JobHistogram struct {
	From    time.Time   `json:"from"`
	To      time.Time   `json:"to"`
	StepMS  int64       `json:"step_ms"`
	By      string      `json:"counted_by" enum:"created,ended" doc:"What puts a job into its bucket. By ended, jobs that have not ended are in none."`
	Buckets []JobBucket `json:"buckets"`
	Counted int64       `json:"counted"`
	// Whole says that no job of the filter is missing.
	Whole       bool      `json:"whole"`
	CountedFrom time.Time `json:"counted_from,omitzero" doc:"Where not all were counted: when the oldest was made that was."`
}

// JobBucket is one bucket.
type JobBucket struct {
	At     time.Time             `json:"at"`
	Counts map[fleet.State]int64 `json:"counts"`
}

// How many jobs a histogram counts one by one.
const (
	countedJobs = 10_000
	countedKept = 5000 // where each must be looked at
)

// Histogram counts the jobs of a query in buckets of equal length. What it costs is
// bounded by how many it counts, never by how many there are.
func (j *Jobs) Histogram(ctx context.Context, p auth.Principal, q JobQuery, buckets int) (out JobHistogram, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	if err := q.check(); err != nil {
		return out, err
	}
	if buckets < 1 || buckets > 200 {
		return out, fleet.Invalid("buckets", "buckets must be between 1 and 200; got %d.", buckets)
	}
	now, scope := j.Now(), p.Reach()
	err = j.Store.View(ctx, scope, func(r store.Reader) error {
		f, err := j.filter(r, scope, q, now)
		if err != nil {
			return err
		}
		most := countedJobs
		if f.Keep != nil {
			most = countedKept
		}
		list, err := r.JobIDs(f, most+1)
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b store.JobState) int { return strings.Compare(string(b.ID), string(a.ID)) })
		out = JobHistogram{By: "created", Whole: len(list) <= most, To: f.To, From: f.From}
		if out.To.IsZero() {
			out.To = now
		}
		if !out.Whole {
			if done, err := j.ended(ctx, p, r, &out, f); err != nil || done {
				return err
			}
			list = list[:most]
			out.CountedFrom = list[most-1].ID.Time()
		}
		if f.Keep != nil {
			if list, err = kept(r, list, f.Keep); err != nil {
				return err
			}
		}
		if out.From.IsZero() && len(list) > 0 {
			out.From = list[len(list)-1].ID.Time()
		}
		if !out.From.Before(out.To) {
			out.From = out.To.Add(-time.Hour)
		}
		step := max(out.To.Sub(out.From)/time.Duration(buckets), time.Millisecond)
		out.lay(step, buckets)
		for _, x := range list {
			at := int(x.ID.Time().Sub(out.From) / step)
			out.Buckets[min(max(at, 0), buckets-1)].Counts[x.State]++
		}
		out.Counted = int64(len(list))
		return nil
	})
	return out, err
}

// lay makes the empty buckets.
func (h *JobHistogram) lay(step time.Duration, n int) {
	h.StepMS, h.Buckets = step.Milliseconds(), make([]JobBucket, n)
	for i := range h.Buckets {
		h.Buckets[i] = JobBucket{At: h.From.Add(time.Duration(i) * step), Counts: map[fleet.State]int64{}}
	}
}

// kept leaves the jobs that a filter keeps.
func kept(r store.Reader, list []store.JobState, keep func(*fleet.Job) bool) ([]store.JobState, error) {
	ids := make([]fleet.ID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	jobs, err := r.JobsOf(ids)
	if err != nil {
		return nil, err
	}
	out := list[:0]
	for i := range jobs {
		if keep(&jobs[i]) {
			out = append(out, store.JobState{ID: jobs[i].ID, State: jobs[i].State})
		}
	}
	slices.SortFunc(out, func(a, b store.JobState) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return out, nil
}

// ended counts from rollups instead, where they are kept for such a filter.
func (j *Jobs) ended(ctx context.Context, p auth.Principal, r store.Reader, h *JobHistogram, f store.JobFilter) (bool, error) {
	if f.Keep != nil || len(f.Robots)+len(f.Workflows) > 1 || f.From.IsZero() || !p.May(fleet.NumbersRead) || p.WholeTenant() != nil || p.Everywhere() {
		return false, nil
	}
	n := &Numbers{core: j.core}
	w, err := n.window(ctx, p, NumbersQuery{From: f.From, To: h.To})
	if err != nil {
		return false, err
	}
	dim, key := fleet.DimAll, ""
	switch {
	case len(f.Robots) == 1:
		dim, key = fleet.DimRobot, string(f.Robots[0])
	case len(f.Workflows) == 1:
		dim, key = fleet.DimWorkflow, string(f.Workflows[0])
	}
	span := fleet.SpanDay
	switch d := w.to.Sub(w.from); {
	case d <= 12*time.Hour:
		span = fleet.SpanShort
	case d <= 8*24*time.Hour:
		span = fleet.SpanHour
	}
	span = max(span, finest(w.from, w.now, 0))
	h.From = span.Floor(w.from)
	buckets := int((h.To.Sub(h.From) + span.Std() - 1) / span.Std())
	if buckets > maxPoints {
		return false, nil
	}
	rows, err := r.Rollups(store.RollupQuery{Span: span, Dim: dim, Key: key, From: h.From, To: h.To})
	if err != nil {
		return false, err
	}
	h.By, h.Whole = "ended", true
	h.lay(span.Std(), buckets)
	for i := range rows {
		at := int(rows[i].At.Sub(h.From) / span.Std())
		if at < 0 || at >= buckets {
			continue
		}
		for state, n := range map[fleet.State]int64{
			fleet.Completed: rows[i].Completed, fleet.Failed: rows[i].Failed, fleet.TimedOut: rows[i].TimedOut, fleet.Cancelled: rows[i].Cancelled,
		} {
			if n > 0 && (len(f.States) == 0 || slices.Contains(f.States, state)) {
				h.Buckets[at].Counts[state] += n
				h.Counted += n
			}
		}
	}
	return true, nil
}

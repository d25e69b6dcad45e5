package orchestrator

import (
	"cmp"
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// courseHours is how far back the course of a queue goes at a glance.
const courseHours = 24

// figuredQueues bounds for how many queues one request works out how they stand,
// and dueAtGlance how many of the items with a deadline it looks at in each.
const (
	figuredQueues = 100
	dueAtGlance   = 1000
)

// Depth tells how many items of a queue were new over a range that ends now, such
// as 24h (if empty) or 7d: by five minutes up to 12 hours, else by the hour.
func (q *Queues) Depth(ctx context.Context, p auth.Principal, ref, length string) (out fleet.QueueDepth, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return out, err
	}
	d, err := parseRange(cmp.Or(length, "24h"))
	switch {
	case err != nil:
		return out, err
	case d > hourSure:
		return out, fleet.Invalid("range", "The course of a queue is kept by the hour, for 99 days; got %s.", shortText(length))
	}
	now, step := q.Now(), fleet.SpanHour
	if d <= 12*time.Hour {
		step = fleet.SpanShort
	}
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		queue, err := find(r, ref)
		if err != nil {
			return err
		}
		out = fleet.QueueDepth{QueueID: queue.ID, From: step.Floor(now.Add(-d)), To: now.UTC(), Step: int64(step)}
		rows, err := r.Rollups(store.RollupQuery{Span: step, Dim: fleet.DimQueue, Key: string(queue.ID), From: out.From, To: out.To})
		out.Points = course(rows, out.From, out.To, step)
		return err
	})
	return out, err
}

// course lays rows of one key over all stretches of a window.
func course(rows []store.RollupRow, from, to time.Time, step fleet.RollupSpan) []fleet.DepthPoint {
	out, at := []fleet.DepthPoint{}, 0
	for t := from; t.Before(to); t = t.Add(step.Std()) {
		point := fleet.DepthPoint{At: t}
		for at < len(rows) && rows[at].At.Before(t) {
			at++
		}
		if at < len(rows) && rows[at].At.Equal(t) {
			n := rows[at].Show()
			point.Depth, point.Peak, point.Readings = n.QueueDepth, n.QueuePeak, n.Readings
		}
		out = append(out, point)
	}
	return out
}

// Figures tells of the first hundred queues by name how they stand.
func (q *Queues) Figures(ctx context.Context, p auth.Principal) (out []fleet.QueueFigures, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return nil, err
	}
	now := q.Now()
	from := fleet.SpanHour.Floor(now.Add(-courseHours * time.Hour))
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Queues()
		if err != nil {
			return err
		}
		list = list[:min(len(list), figuredQueues)]
		rows, err := r.Rollups(store.RollupQuery{Span: fleet.SpanHour, Dim: fleet.DimQueue, From: from, To: now})
		if err != nil {
			return err
		}
		of := map[string][]store.RollupRow{}
		for _, row := range rows {
			of[row.Key] = append(of[row.Key], row)
		}
		out = make([]fleet.QueueFigures, len(list))
		for k := range list {
			s, err := standing(r, &list[k], dueAtGlance, now)
			if err != nil {
				return err
			}
			out[k] = fleet.QueueFigures{
				QueueID: list[k].ID, Name: list[k].Name, Paused: list[k].Paused, New: s.Counts.New, OldestAge: int64(s.OldestAge.Seconds()),
				SLA: s.Forecast, Course: course(of[string(list[k].ID)], from, now, fleet.SpanHour),
			}
		}
		return nil
	})
	return out, err
}

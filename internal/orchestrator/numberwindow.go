package orchestrator

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// For how long the short and the hourly buckets surely are there: a little less
// than they are kept.
const (
	shortSure = 70 * time.Hour
	hourSure  = 99 * 24 * time.Hour
)

// stretch is a part of a window that is read from buckets of one span.
type stretch struct {
	span     fleet.RollupSpan
	from, to time.Time
}

// finest is the shortest span whose buckets are there since a time.
func finest(from, now time.Time, least fleet.RollupSpan) fleet.RollupSpan {
	span := fleet.SpanShort
	switch age := now.Sub(from); {
	case age > hourSure:
		span = fleet.SpanDay
	case age > shortSure:
		span = fleet.SpanHour
	}
	return max(span, least)
}

// cover lays buckets over a window, the longest that fit: days in its middle,
// shorter ones at its ends. The window begins where the first of them does; its
// end is that of a bucket too, or now. So the cost is bounded: some 24 hours and
// 24 short buckets at each end, and a day for each day.
func cover(from, to, now time.Time, least fleet.RollupSpan) (out []stretch, begin time.Time) {
	span := finest(from, now, least)
	from = span.Floor(from)
	if to.After(now) {
		to = now
	}
	end := span.Floor(to)
	if end.Before(to) {
		end = end.Add(span.Std())
	}
	open := !to.Before(now) // what comes after now counts nothing: a longer bucket may stand for its begun part
	add := func(s fleet.RollupSpan, a, b time.Time) {
		if a.Before(b) {
			out = append(out, stretch{s, a, b})
		}
	}
	var lay func(s int, a, b time.Time)
	spans := fleet.RollupSpans()
	lay = func(i int, a, b time.Time) {
		s := spans[i]
		if s <= span {
			add(s, a, b)
			return
		}
		first, last := s.Floor(a), s.Floor(b)
		if first.Before(a) {
			first = first.Add(s.Std())
		}
		if open && b.Equal(end) && last.Before(b) {
			last = last.Add(s.Std())
		}
		if !first.Before(last) {
			lay(i-1, a, b)
			return
		}
		lay(i-1, a, first)
		add(s, first, last)
		if last.Before(b) {
			lay(i-1, last, b)
		}
	}
	lay(len(spans)-1, from, end)
	return out, from
}

// sides covers a window and the one of equal length before it, with buckets that
// are there for both.
func (w *window) sides(least fleet.RollupSpan) (parts, before []stretch, begin time.Time) {
	length := w.to.Sub(w.from)
	least = finest(w.from.Add(-length-fleet.SpanDay.Std()), w.now, least)
	parts, begin = cover(w.from, w.to, w.now, least)
	before, _ = cover(begin.Add(-length), begin, w.now, least)
	return parts, before, begin
}

// sumOf adds one key, or all of a dimension, over a window up.
func sumOf(r store.Reader, parts []stretch, dim fleet.RollupDim, key string, spread bool) (out fleet.Tally, err error) {
	for _, p := range parts {
		list, err := r.Rollups(store.RollupQuery{Span: p.span, Dim: dim, Key: key, From: p.from, To: p.to, Spread: spread})
		if err != nil {
			return out, err
		}
		for i := range list {
			out.Add(&list[i].Tally)
		}
	}
	return out, nil
}

// sumsOf adds each key of a dimension up over a window, without histograms.
func sumsOf(r store.Reader, parts []stretch, dim fleet.RollupDim) (map[string]*fleet.Tally, error) {
	out := map[string]*fleet.Tally{}
	for _, p := range parts {
		list, err := r.RollupSums(store.RollupQuery{Span: p.span, Dim: dim, From: p.from, To: p.to})
		if err != nil {
			return nil, err
		}
		for i := range list {
			sum := out[list[i].Key]
			if sum == nil {
				sum = &fleet.Tally{}
				out[list[i].Key] = sum
			}
			sum.Add(&list[i].Tally)
		}
	}
	return out, nil
}

// spreadsOf is sumsOf with histograms.
func spreadsOf(r store.Reader, parts []stretch, dim fleet.RollupDim) (map[string]*fleet.Tally, error) {
	out := map[string]*fleet.Tally{}
	for _, p := range parts {
		list, err := r.Rollups(store.RollupQuery{Span: p.span, Dim: dim, From: p.from, To: p.to, Spread: true})
		if err != nil {
			return nil, err
		}
		for i := range list {
			sum := out[list[i].Key]
			if sum == nil {
				sum = &fleet.Tally{}
				out[list[i].Key] = sum
			}
			sum.Add(&list[i].Tally)
		}
	}
	return out, nil
}

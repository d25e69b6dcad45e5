package stream

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Feed is a part of the activity feed, newest first.
type Feed struct {
	Events []Activity `json:"events"`
	Total  int64      `json:"total"`
}

// The bounds of the feed.
const (
	feedMost = 200
	feedPage = 1000
)

// Activity reads the newest entries of the feed: of one type, if kind names one,
// and after a time. It looks at the newest 50,000 events of the log.
func (h *Hub) Activity(ctx context.Context, who auth.Principal, kind string, since time.Time, limit int) (any, error) {
	if err := who.Require(fleet.EventsRead); err != nil {
		return nil, err
	}
	if limit < 1 || limit > feedMost {
		return nil, fleet.Invalid("limit", "limit must be between 1 and %d; got %d.", feedMost, limit)
	}
	var kinds []fleet.EventKind
	for k, word := range activityTypes {
		if kind == "" || word == kind {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		words := slices.Compact(slices.Sorted(maps.Values(activityTypes)))
		return nil, fleet.Invalid("event_type", "event_type must be one of %s; got %q.", strings.Join(words, ", "), clip(kind))
	}
	var out Feed
	err := h.o.Store.View(ctx, who.Scope(), func(r store.Reader) error {
		out = Feed{Events: []Activity{}}
		head, err := r.Head()
		if err != nil {
			return err
		}
		low := max(head-farBack, 0)
		counts, err := r.EventCounts(low, since)
		if err != nil {
			return err
		}
		for _, k := range kinds {
			out.Total += counts[k]
		}
		list, err := newest(r, low, head, since, kinds, int(min(int64(limit), out.Total)))
		if err != nil {
			return err
		}
		var ids []fleet.ID
		for i := range list {
			if topicOf(&list[i]) == topicJobs {
				ids = append(ids, fleet.ID(list[i].Subject.ID))
			}
		}
		slices.Sort(ids)
		jobs, err := r.JobsOf(slices.Compact(ids))
		if err != nil {
			return err
		}
		of := make(map[string]*fleet.Job, len(jobs))
		for i := range jobs {
			of[string(jobs[i].ID)] = &jobs[i]
		}
		for i := range list {
			if a, ok := activityOf(&list[i], of[list[i].Subject.ID]); ok {
				out.Events = append(out.Events, a)
			}
		}
		return nil
	})
	return out, err
}

// newest reads up to limit events of some kinds and after a time, from the end of
// the log back.
func newest(r store.Reader, low, head int64, since time.Time, kinds []fleet.EventKind, limit int) (out []fleet.Event, err error) {
	for to := head; to > low && len(out) < limit; {
		from := max(to-feedPage, low)
		list, err := r.Events(store.EventFilter{After: from, Limit: int(to - from)})
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(list) {
			if e.Seq > to { // what came before is not kept any more
				continue
			}
			if !e.At.After(since) {
				return out, nil
			}
			if slices.Contains(kinds, e.Kind) && len(out) < limit {
				out = append(out, e)
			}
		}
		to = from
	}
	return out, nil
}

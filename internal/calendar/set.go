package calendar

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Set is a set of instants: asked for a span, it lists its windows there, in
// order, apart from each other, cut to the span. From belongs to a window, Until
// does not.
type Set func(from, until time.Time) []fleet.Window

// Has says whether an instant is in the set.
func (s Set) Has(at time.Time) bool { return len(s(at, at.Add(1))) > 0 }

// Always is every instant.
func Always(from, until time.Time) []fleet.Window {
	if !from.Before(until) {
		return nil
	}
	return []fleet.Window{{From: from, Until: until}}
}

// Fixed is a list of windows such as blackouts, in any order; they may overlap.
func Fixed(windows []fleet.Window) Set {
	all := slices.Clone(windows)
	return func(from, until time.Time) []fleet.Window { return tidy(all, from, until) }
}

// Union is what is in any of the sets.
func Union(sets ...Set) Set {
	return func(from, until time.Time) []fleet.Window {
		var all []fleet.Window
		for _, s := range sets {
			all = append(all, s(from, until)...)
		}
		return tidy(all, from, until)
	}
}

// Without is what is in a set and in none of the others.
func (s Set) Without(others ...Set) Set {
	out := Union(others...)
	return func(from, until time.Time) (left []fleet.Window) {
		holes := out(from, until)
		for _, w := range s(from, until) {
			for _, h := range holes {
				if !h.From.Before(w.Until) {
					break
				}
				if h.From.After(w.From) {
					left = append(left, fleet.Window{From: w.From, Until: h.From})
				}
				if h.Until.After(w.From) {
					w.From = h.Until
				}
			}
			if w.From.Before(w.Until) {
				left = append(left, w)
			}
		}
		return left
	}
}

// Intersect is what is in all of the sets; of none, it is Always.
func Intersect(sets ...Set) Set {
	all := Set(Always)
	missing := make([]Set, len(sets))
	for i, s := range sets {
		missing[i] = all.Without(s)
	}
	return all.Without(missing...)
}

// tidy orders windows, joins those that touch, and cuts them to a span.
func tidy(all []fleet.Window, from, until time.Time) (out []fleet.Window) {
	var cut []fleet.Window
	for _, w := range all {
		if w.From.Before(from) {
			w.From = from
		}
		if w.Until.After(until) {
			w.Until = until
		}
		if w.From.Before(w.Until) {
			cut = append(cut, w)
		}
	}
	slices.SortFunc(cut, func(a, b fleet.Window) int { return a.From.Compare(b.From) })
	for _, w := range cut {
		if n := len(out); n > 0 && !w.From.After(out[n-1].Until) {
			if w.Until.After(out[n-1].Until) {
				out[n-1].Until = w.Until
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

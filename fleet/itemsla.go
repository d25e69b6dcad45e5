package fleet

import (
	"slices"
	"time"
)

// SLAState is how a queue stands to its deadlines.
type SLAState string

// The states of a forecast.
const (
	SLAUnknown SLAState = "grey"  // too few items have been handled to say
	SLAGreen   SLAState = "green" // all deadlines will be met
	SLAAmber   SLAState = "amber" // more robots are needed than work on it, or an item is at risk
	SLARed     SLAState = "red"   // an item is overdue
)

// SLA is the forecast of a queue, from how long its items really took.
type SLA struct {
	State         SLAState  `json:"state"`
	RobotsNeeded  int       `json:"robots_needed"` // at once, so that each deadline is met
	Consumers     int       `json:"consumers"`     // that work on items now
	Handled       int       `json:"handled"`       // items that the mean is from
	HandlingMS    int64     `json:"handling_ms"`   // mean
	Tightest      time.Time `json:"tightest_deadline,omitzero"`
	Overdue       int       `json:"overdue"`
	AtRisk        int       `json:"at_risk"`
	EmptyInSecond int64     `json:"empty_in_seconds"` // at this rate; -1: nobody works on it, or nobody knows
}

// minHandled is from how many handled items on a forecast is made.
const minHandled = 5

// Forecast says how many robots a queue needs for its deadlines. due are its new
// items that have one; open is all that is new or in progress. For each deadline
// the work that must be done by then, of items that can be begun before it, is
// shared by the time that is left; the greatest of these shares is the need.
func Forecast(due []QueueItem, handling []time.Duration, open int64, consumers int, now time.Time) SLA {
	out := SLA{State: SLAUnknown, Consumers: consumers, Handled: len(handling), EmptyInSecond: -1}
	var sum time.Duration
	for _, d := range handling {
		sum += d
	}
	var mean time.Duration
	if len(handling) > 0 {
		mean = sum / time.Duration(len(handling))
	}
	out.HandlingMS = mean.Milliseconds()
	sorted := slices.Clone(due)
	slices.SortStableFunc(sorted, func(a, b QueueItem) int { return a.Deadline.Compare(b.Deadline) })
	for k := range sorted {
		i := &sorted[k]
		switch {
		case !i.Deadline.After(now):
			out.Overdue++
		case !i.RiskAt.IsZero() && !i.RiskAt.After(now):
			out.AtRisk++
		}
	}
	work := time.Duration(0)
	for k := range sorted {
		if i := &sorted[k]; i.NotBefore.Before(i.Deadline) {
			work += mean
		}
		left := sorted[k].Deadline.Sub(now)
		if left <= 0 || k+1 < len(sorted) && sorted[k+1].Deadline.Equal(sorted[k].Deadline) {
			continue // what is overdue still needs its time
		}
		if need := int((work + left - 1) / left); need > out.RobotsNeeded {
			out.RobotsNeeded, out.Tightest = need, sorted[k].Deadline
		}
	}
	if len(handling) > 0 && (consumers > 0 || open == 0) {
		out.EmptyInSecond = int64((time.Duration(open) * mean / time.Duration(max(consumers, 1))).Seconds())
	}
	switch {
	case out.Overdue > 0:
		out.State = SLARed
	case len(handling) < minHandled:
	case out.RobotsNeeded > consumers || out.AtRisk > 0:
		out.State = SLAAmber
	default:
		out.State = SLAGreen
	}
	return out
}

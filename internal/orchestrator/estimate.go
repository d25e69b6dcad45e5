package orchestrator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// What an estimate rests on: the newest runs of a workflow, and so many of them
// at least.
const (
	runsAsked  = 20
	runsNeeded = 5
)

// nextSlot says about when the first of some running jobs ends, by the median of
// the newest runs of its workflow; nil if of none enough is known.
func nextSlot(r store.Reader, holders []fleet.Job, now time.Time) (*fleet.Estimate, error) {
	var best *fleet.Estimate
	type known struct {
		median time.Duration
		runs   int
	}
	seen := map[fleet.ID]known{}
	for i := range holders {
		j := &holders[i]
		if j.StartedAt.IsZero() {
			continue
		}
		k, asked := seen[j.Workflow.ID]
		if !asked {
			runs, err := r.RunTimes(j.Tenant, j.Workflow.ID, runsAsked)
			if err != nil {
				return nil, err
			}
			k = known{median(runs), len(runs)}
			seen[j.Workflow.ID] = k
		}
		if k.runs < runsNeeded {
			continue
		}
		left := max(j.StartedAt.Add(k.median).Sub(now), 0)
		if seconds := int(left.Round(time.Second) / time.Second); best == nil || seconds < best.Seconds {
			best = &fleet.Estimate{Seconds: seconds, Basis: fmt.Sprintf(
				"job %s runs since %s; the last %d runs of %s took %s in the middle", j.ID, j.StartedAt.UTC().Format(time.RFC3339), k.runs,
				cmp.Or(j.Workflow.Name, "its workflow"), k.median.Round(time.Second/10),
			)}
		}
	}
	return best, nil
}

func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// about is the sentence of an estimate.
func about(e *fleet.Estimate, now time.Time) string {
	if e.Seconds == 0 {
		return " The next slot is expected at any moment."
	}
	return fmt.Sprintf(" The next slot is expected about %s UTC.", now.Add(time.Duration(e.Seconds)*time.Second).UTC().Format("15:04"))
}

package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Queue is what waits and runs now, for those who look every second: it costs by
// the lanes and never by the jobs in them.
func (n *Numbers) Queue(ctx context.Context, p auth.Principal) (out fleet.QueueNumbers, err error) {
	w, err := n.window(ctx, p, NumbersQuery{Range: "1h"})
	if err != nil {
		return out, err
	}
	err = n.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		counts, err := r.Counts()
		if err != nil {
			return err
		}
		lanes, err := r.Lanes()
		if err != nil {
			return err
		}
		day, _ := cover(w.today(), w.now, w.now, 0)
		today, err := sumOf(r, day, fleet.DimAll, "", false)
		if err != nil {
			return err
		}
		out = fleet.QueueNumbers{
			Depth: counts[fleet.Pending], Running: counts[fleet.Running] + counts[fleet.Cancelling],
			CompletedToday: today.Completed, FailedToday: today.Failed + today.TimedOut, ByEnvironment: map[string]int64{},
		}
		out.Active = out.Running + counts[fleet.Assigned]
		for i := range lanes {
			out.ByEnvironment[lanes[i].Environment] += lanes[i].Waiting
		}
		return nil
	})
	return out, err
}

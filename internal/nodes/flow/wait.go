package flow

import (
	"context"
	"math"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
)

// longest is the longest wait that is taken at its word; a longer one would
// not fit into a duration.
const longest = 100 * 365 * 24 * time.Hour

// wait takes fractions of a second and texts; a negative time is a slip of the
// author and not zero.
func wait(ctx context.Context, c *engine.Call) (engine.Result, error) {
	duration, err := c.Float("duration", 1)
	if err != nil {
		return engine.Result{}, err
	}
	if duration < 0 || math.IsNaN(duration) {
		return engine.Result{}, engine.Failed("Wait duration must be non-negative")
	}
	return engine.Continue(), engine.Pause(ctx, seconds(duration))
}

func seconds(s float64) time.Duration {
	if s > longest.Seconds() {
		return longest
	}
	return time.Duration(s * float64(time.Second))
}

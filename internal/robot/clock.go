package robot

import (
	"sync"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
)

// bootClock returns a clock for leases: it rises evenly, never steps with the
// wall clock, and also counts the time in which the machine slept, which the
// monotonic clock of the process leaves out on some systems. A lease goes on
// ageing in a sleeping machine, so its fence must too.
func bootClock() func() protocol.Instant {
	start := time.Now()
	up, counts := uptime()
	var mu sync.Mutex
	var slept, last time.Duration
	return func() protocol.Instant {
		mu.Lock()
		defer mu.Unlock()
		ran := time.Since(start)
		if counts {
			// The uptime is coarser; only a gap that is no rounding is sleep.
			if now, ok := uptime(); ok && now-up-ran > slept+100*time.Millisecond {
				slept = now - up - ran
			}
		}
		last = max(last, ran+slept)
		return last
	}
}

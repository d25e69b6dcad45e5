package gateway

import "time"

// The offset of a robot's clock is noted anew when it has changed by clockStep,
// but not more often than every clockEvery: a frame that waited is no other clock.
const (
	clockStep  = 2 * time.Second
	clockEvery = 10 * time.Minute
)

// clock is the offset of a robot's clock as it was last noted. Only the reader of
// its heartbeats uses it.
type clock struct {
	at    time.Time
	ahead time.Duration
}

// moved says whether what a frame says is worth noting. A frame without a time
// says nothing.
func (c *clock) moved(now, said time.Time) bool {
	return !said.IsZero() && now.Sub(c.at) >= clockEvery && (said.Sub(now)-c.ahead).Abs() >= clockStep
}

// noted remembers what was noted.
func (c *clock) noted(now, said time.Time) {
	c.at, c.ahead = now, said.Sub(now)
}

package protocol

import "time"

// DefaultReconnect is the longest pause between attempts to connect.
const DefaultReconnect = 30 * time.Second

// Backoff is the pause between attempts to connect: a random part of a span
// that doubles from First up to Max (full jitter), so that robots which lost
// their orchestrator together do not come back together.
type Backoff struct {
	First time.Duration // default 1 s
	Max   time.Duration // default 30 s
	tries int
}

// Next returns the pause before the next attempt. chance is in [0,1).
func (b *Backoff) Next(chance float64) time.Duration {
	first, limit := b.First, b.Max
	if first <= 0 {
		first = time.Second
	}
	if limit <= 0 {
		limit = DefaultReconnect
	}
	span := limit
	if b.tries < 20 {
		span = min(first<<b.tries, limit)
	}
	b.tries++
	return time.Duration(chance * float64(span))
}

// Reset starts over; call it once a session was welcomed.
func (b *Backoff) Reset() { b.tries = 0 }

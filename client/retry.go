package client

import (
	"context"
	"crypto/rand"
	"errors"
	mrand "math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// tries bounds how often one request is sent to each address.
const tries = 3

// passing says whether an error may be gone in a moment. Only these are tried
// again, and every request that changes something carries a key by which the
// server knows it.
func passing(err error) bool {
	e := fleet.AsError(err)
	return errors.Is(e, fleet.ErrUnavailable) || errors.Is(e, fleet.ErrExhausted) && e.Status != 507
}

// pause is the time before the next try: what the server asked for, else one
// second doubling, a quarter up or down.
func pause(try int, err error) time.Duration {
	if after := fleet.AsError(err).RetryAfter; after > 0 {
		return after
	}
	base := time.Second << try
	return base*3/4 + mrand.N(base/2) //nolint:gosec // spreads retries, guards nothing
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// The pauses between looks at something that grows.
const (
	pollLeast = 100 * time.Millisecond
	pollMost  = time.Second
)

// newKey makes an Idempotency-Key.
func newKey() string { return rand.Text() }

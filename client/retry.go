package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// longestPause is the most that a server may ask for before the answer is
// given to the caller instead.
const longestPause = 2 * time.Minute

// again says whether a request that failed may be sent once more.
func again(err error, safe bool) bool {
	var e *Error
	if errors.As(err, &e) && e.Err.Status != 0 {
		switch e.Err.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			return e.Err.RetryAfter <= longestPause && (safe || e.Err.Status == http.StatusTooManyRequests)
		case http.StatusBadGateway, http.StatusGatewayTimeout:
			return safe // the request may have been done behind the gateway
		}
		return false
	}
	var f *fleet.Error
	if !errors.As(err, &f) || f.Code != fleet.CodeUnavailable {
		return false
	}
	return safe || f.Reason == "unreachable" // nobody has seen it
}

// pauseAfter is the pause before the next try: what the server asked for, or
// one that doubles, a quarter up or down.
func (c *Client) pauseAfter(try int, err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.Err.RetryAfter > 0 {
		return e.Err.RetryAfter
	}
	d := c.pause << min(try-1, 10)
	return jitter(d)
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + rand.Float64()/2)) //nolint:gosec // spreads load, guards nothing
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// neverSent says whether a connection was not even made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns)
}

package cluster

import (
	"context"
	"time"
)

// every calls once now and again after each pause, until ctx ends.
func every(ctx context.Context, pause time.Duration, once func()) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for ctx.Err() == nil {
		once()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

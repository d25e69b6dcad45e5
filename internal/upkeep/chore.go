package upkeep

import (
	"context"
	"log/slog"
	"time"
)

// every runs a chore again and again until ctx ends: after each pause, and
// whenever wake receives, but not before rest has gone by since the last pass, so
// that what wakes it often costs no more than that. A pass that fails is logged
// and tried again.
func every(ctx context.Context, log *slog.Logger, name string, rest time.Duration, pause func() time.Duration, wake <-chan struct{}, once func(context.Context) error) {
	for ctx.Err() == nil {
		if err := once(ctx); err != nil && ctx.Err() == nil {
			log.Warn("chore failed", "chore", name, "error", err)
		}
		after := pause()
		if rest > 0 {
			wait(ctx, rest, nil)
		}
		wait(ctx, after-rest, wake)
	}
}

// wait ends with a span, with ctx, or when wake receives.
func wait(ctx context.Context, span time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
}

// Lead says whether this process does the chores, and in which term. It saves
// work and guards nothing: what a chore does is guarded by itself.
type Lead func() (term int64, ok bool)

func (l Lead) held() (int64, bool) {
	if l == nil {
		return 0, true
	}
	return l()
}

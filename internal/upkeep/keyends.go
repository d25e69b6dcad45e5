package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/auth"
)

// KeyEnds tells of keys that will end soon, and of those that have ended. It
// costs by what there is to tell. Counts of uses that are too old go with it.
type KeyEnds struct {
	Keys   *auth.Keys
	Now    func() time.Time
	Logger *slog.Logger
	Lead   Lead
}

// keyEndsEvery is how late somebody may be told. Keys end by themselves in time.
const keyEndsEvery = 10 * time.Second

// Run works until ctx ends.
func (k *KeyEnds) Run(ctx context.Context) {
	every(ctx, k.Logger, "ends of keys", 0, func() time.Duration { return keyEndsEvery }, nil, func(ctx context.Context) error {
		if _, ok := k.Lead.held(); !ok {
			return nil
		}
		now := k.Now()
		_, err := k.Keys.Tell(ctx, now)
		return errors.Join(err, k.Keys.Sweep(ctx, now))
	})
}

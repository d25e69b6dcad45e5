package upkeep

import (
	"context"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/internal/store"
)

// Adopt ends the sessions that an earlier process left open on a store that
// has one orchestrator at a time. Attempts are left alone: their robots come
// back and say what they hold, or their leases run out.
func Adopt(ctx context.Context, s store.Store, now time.Time, log *slog.Logger) error {
	return s.Update(ctx, store.System("adopt"), func(tx store.Tx) error {
		n, err := tx.CloseMember("", now)
		if n > 0 {
			log.Info("sessions of an earlier start closed", "sessions", n)
		}
		return err
	})
}

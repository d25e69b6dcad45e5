package sqlite

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/filelock"
)

// acquire takes the lock that keeps a second process away, or says who has it.
func acquire(path string) (*filelock.Lock, error) {
	l, err := filelock.Acquire(path)
	if errors.Is(err, filelock.ErrHeld) {
		who := "process " + cmp.Or(filelock.Holder(path), "unknown")
		return nil, fleet.Errorf(fleet.CodeConflict, "store_in_use", "The store is open in %s; one orchestrator per folder.", who).
			WithFix("Stop that process, or give this one a folder of its own.")
	}
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	return l, nil
}

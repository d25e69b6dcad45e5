package auth

import (
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Hooks finds whose a web call is, before anybody knows who calls: its address
// names a trigger, and that the tenant. What the call proves is looked at later.
type Hooks struct{ Store store.Store }

// Find returns the trigger of an address and who acts in its name. An address
// that is nobody's is fleet.ErrNotFound.
func (h *Hooks) Find(ctx context.Context, path string) (p Principal, id fleet.ID, err error) {
	var tenant fleet.TenantID
	if !fleet.ValidHookAddress(path) { // such a one is nobody's, and no text for a database
		return Principal{}, "", unknownHook()
	}
	err = h.Store.View(ctx, store.System("hooks"), func(r store.Reader) error { tenant, id, err = r.HookAt(path); return err })
	if errors.Is(err, fleet.ErrNotFound) {
		err = unknownHook()
	}
	if err != nil {
		return Principal{}, "", err
	}
	return Trigger(tenant, string(id)), id, nil
}

// unknownHook does not say the address: it may be a secret to others.
func unknownHook() error {
	return fleet.Errorf(fleet.CodeNotFound, "webhook_unknown", "There is no webhook at this address.")
}

package auth

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Adopt stores the key of a robot that another orchestrator made, by the hash that
// it kept: the robot goes on with the key that it has. False: the key is here
// already.
func (k *Keys) Adopt(ctx context.Context, p Principal, key fleet.Key) (added bool, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return false, err
	}
	if sum, err := hex.DecodeString(key.Hash); err != nil || len(sum) != 32 {
		return false, fleet.Invalid("hash", "The hash of a key has 64 hexadecimal digits; that of key %q has not.", key.Name)
	}
	now := k.now()
	key.ID, key.Tenant, key.Kind = k.ids.New(), p.Tenant, fleet.KeyRobot
	if key.CreatedAt.IsZero() || key.CreatedAt.After(now) {
		key.CreatedAt = now
	}
	if key.CreatedBy == "" {
		key.CreatedBy = p.Name
	}
	if key.Env == "" {
		key.Env = fleet.DefaultEnvironment
	}
	for _, t := range []*time.Time{&key.CreatedAt, &key.ExpiresAt} {
		*t = t.UTC().Truncate(time.Microsecond)
	}
	err = k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		added = false
		switch _, err := tx.KeyByHash(key.Hash); {
		case err == nil:
			return nil
		case fleet.AsError(err).Code != fleet.CodeNotFound:
			return err
		}
		if err := putKey(tx, p, &key); err != nil {
			return err
		}
		added = true
		return tx.Audit(key.Tenant, p.keyAudit("key.create", &key, nil, told(&key)))
	})
	return added, err
}

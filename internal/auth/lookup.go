package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Knows says whether a text has the form of a key.
func (k *Keys) Knows(text string) bool { return wellFormed(text) }

// Principal finds whose key it is. Neither a browser's cookie nor a
// ticket is a place for keys.
func (k *Keys) Principal(ctx context.Context, c Credential) (Principal, error) {
	if c.Way != WayHeader && c.Way != WayQuery {
		return Principal{}, Unauthenticated()
	}
	found, err := k.find(ctx, c.Secret)
	if err != nil {
		return Principal{}, err
	}
	now := k.now()
	if !found.key.Usable(now) || !found.key.Admits(c.Address) {
		return Principal{}, Unauthenticated()
	}
	k.used(&found.key, now, c.Address)
	return principalOf(&found), nil
}

// WasRobots says whether a request presents a key of a robot that does not count
// any more because the robot was deleted. Programs of the original that hear
// anything else than "not found" of their own robot call for ever.
func (k *Keys) WasRobots(ctx context.Context, in Presented, id fleet.RobotID) bool {
	for _, text := range []string{in.Bearer, in.APIKey} {
		if !wellFormed(text) {
			continue
		}
		found, err := k.find(ctx, NewSecret(text))
		key := &found.key
		if err != nil || key.Kind != fleet.KeyRobot || key.RobotID != id || key.Usable(k.now()) {
			continue
		}
		err = k.store.View(ctx, store.Tenant(key.Tenant), func(r store.Reader) error { _, err := r.Robot(id); return err })
		return errors.Is(err, fleet.ErrNotFound)
	}
	return false
}

func principalOf(c *cached) Principal {
	key := &c.key
	if key.Kind == fleet.KeyRobot {
		p := Robot(key.Tenant, key.RobotID, key.Env)
		p.KeyID, p.Until, p.Generation = key.ID, key.ExpiresAt, c.generation
		return p
	}
	p := Principal{
		Name: "key " + key.Name, Tenant: key.Tenant, Role: fleet.Role(key.Role), KeyID: key.ID, OwnerID: key.OwnerID,
		Environments: key.Environments, Until: key.ExpiresAt, Generation: c.generation, permissions: reach(key),
	}
	if key.OwnerID != "" {
		p.permissions = slices.DeleteFunc(p.permissions, func(perm fleet.Permission) bool { return !slices.Contains(c.owner, perm) })
	}
	return p
}

// reach is what a key other than a robot's may do, whoever answers for it.
func reach(key *fleet.Key) []fleet.Permission {
	return slices.DeleteFunc(fleet.Role(key.Role).Permissions(), func(perm fleet.Permission) bool {
		return (len(key.Scopes) > 0 && !slices.Contains(key.Scopes, perm)) || (len(key.Environments) > 0 && !perm.InEnvironment())
	})
}

func (k *Keys) find(ctx context.Context, secret Secret) (cached, error) {
	now, generation, plain := k.now(), k.generation.Load(), secret.Hash()
	k.mu.Lock()
	c, ok := k.cache[plain]
	k.mu.Unlock()
	if ok && now.Before(c.until) && c.generation == generation {
		return c, nil
	}
	c = cached{until: now.Add(cacheFor), generation: generation}
	err := k.store.View(ctx, store.System("auth"), func(r store.Reader) error {
		for _, hash := range k.hashes(secret, plain) {
			var err error
			if c.key, err = r.KeyByHash(hash); err == nil && subtle.ConstantTimeCompare([]byte(c.key.Hash), []byte(hash)) == 1 {
				return nil
			}
			if err != nil && !errors.Is(err, fleet.ErrNotFound) {
				return err
			}
		}
		return Unauthenticated()
	})
	if err != nil {
		return cached{}, err
	}
	if c.key.OwnerID != "" {
		if k.owners == nil {
			return cached{}, Unauthenticated()
		}
		if c.owner, err = k.owners.OwnerPermissions(ctx, c.key.Tenant, c.key.OwnerID); err != nil {
			return cached{}, err
		}
	}
	k.mu.Lock()
	if len(k.cache) >= cacheSize {
		clear(k.cache)
	}
	k.cache[plain] = c
	k.mu.Unlock()
	return c, nil
}

// hashes lists what may be stored of a secret: of a robot's key as in the
// original, of others with the pepper, and without it if they are older.
func (k *Keys) hashes(secret Secret, plain string) []string {
	if isRobotKey(secret.Reveal()) || k.pepper.Empty() {
		return []string{plain}
	}
	return []string{k.pepper.hash(secret), plain}
}

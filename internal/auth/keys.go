package auth

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Keys makes, finds and revokes credentials.
type Keys struct {
	store  store.Store
	ids    *fleet.IDs
	random io.Reader
	now    func() time.Time

	mu    sync.Mutex
	cache map[string]cached // by hash; only keys that exist
}

// cached keeps a found key for a moment, so that each request of a busy client
// does not cost a look-up. A revocation here empties it at once.
type cached struct {
	key   fleet.Key
	until time.Time
}

// The bounds of the cache.
const (
	cacheFor  = 2 * time.Second
	cacheSize = 10_000
)

// NewKeys takes its time, chance and ids as arguments.
func NewKeys(s store.Store, ids *fleet.IDs, random io.Reader, now func() time.Time) *Keys {
	return &Keys{store: s, ids: ids, random: random, now: now, cache: map[string]cached{}}
}

// Knows says whether a text has the form of a key.
func (k *Keys) Knows(text string) bool { return wellFormed(text) }

// Principal finds whose key it is. Neither a browser's cookie nor a
// ticket is a place for keys.
func (k *Keys) Principal(ctx context.Context, c Credential) (Principal, error) {
	if c.Way != WayHeader && c.Way != WayQuery {
		return Principal{}, Unauthenticated()
	}
	key, err := k.find(ctx, c.Secret.Hash())
	if err != nil {
		return Principal{}, err
	}
	if !key.Usable(k.now()) {
		return Principal{}, Unauthenticated()
	}
	return principalOf(key), nil
}

func principalOf(key fleet.Key) Principal {
	if key.Kind == fleet.KeyRobot {
		p := Robot(key.Tenant, key.RobotID, key.Env)
		p.KeyID = key.ID
		return p
	}
	p := newPrincipal("key "+key.Name, key.Tenant, fleet.Role(key.Role))
	p.KeyID = key.ID
	return p
}

func (k *Keys) find(ctx context.Context, hash string) (fleet.Key, error) {
	now := k.now()
	k.mu.Lock()
	c, ok := k.cache[hash]
	k.mu.Unlock()
	if ok && now.Before(c.until) {
		return c.key, nil
	}
	var key fleet.Key
	err := k.store.View(ctx, store.System("auth"), func(r store.Reader) (err error) {
		key, err = r.KeyByHash(hash)
		return err
	})
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return key, Unauthenticated()
	case err != nil:
		return key, err
	}
	k.mu.Lock()
	if len(k.cache) >= cacheSize {
		clear(k.cache)
	}
	k.cache[hash] = cached{key, now.Add(cacheFor)}
	k.mu.Unlock()
	return key, nil
}

// NewRobotKey makes the key of one robot. The secret is returned once.
func (k *Keys) NewRobotKey(ctx context.Context, p Principal, robot fleet.RobotID, environment string, life time.Duration) (fleet.Key, Secret, error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	if _, err := fleet.ParseRobotID(string(robot)); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	if environment == "" {
		environment = fleet.DefaultEnvironment
	}
	if err := fleet.ValidateEnvironment(environment); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	secret, err := newRobotKey(k.random)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	key := fleet.Key{Kind: fleet.KeyRobot, Name: string(robot), RobotID: robot, Env: environment}
	return k.put(ctx, p, key, secret, life)
}

// NewServiceKey makes a key for a program or a person, with a role that gives
// away nothing its maker lacks.
func (k *Keys) NewServiceKey(ctx context.Context, p Principal, name string, role fleet.Role, life time.Duration) (fleet.Key, Secret, error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	if err := fleet.ValidateName("name", name, 255); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	perms := role.Permissions()
	if !slices.Contains(fleet.Roles(), role) {
		return fleet.Key{}, Secret{}, fleet.Invalid("role", "role must be viewer, operator, developer, admin or super_admin; got %q.", string(role))
	}
	for _, perm := range perms {
		if err := p.Require(perm); err != nil {
			return fleet.Key{}, Secret{}, err
		}
	}
	secret, err := newServiceKey(k.random)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	return k.put(ctx, p, fleet.Key{Kind: fleet.KeyService, Name: name, Role: string(role)}, secret, life)
}

func (k *Keys) put(ctx context.Context, p Principal, key fleet.Key, secret Secret, life time.Duration) (fleet.Key, Secret, error) {
	key.ID, key.Tenant, key.Hash, key.Hint, key.CreatedAt = k.ids.New(), p.Tenant, secret.Hash(), secret.Hint(), k.now()
	switch {
	case life < 0:
		return fleet.Key{}, Secret{}, fleet.Invalid("expires_in", "A key cannot end before it begins; got %s.", life)
	case life > 0:
		key.ExpiresAt = key.CreatedAt.Add(life)
	}
	err := k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := tx.PutKey(key); err != nil {
			return err
		}
		return tx.Append(key.Tenant, fleet.EventDraft{
			Kind: fleet.EventKeyCreated, Subject: fleet.SubjectKey, SubjectID: string(key.ID), Actor: p.Name,
			Data: map[string]any{"kind": key.Kind, "name": key.Name},
		})
	})
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	return key, secret, nil
}

// List returns the keys of the principal's tenant, without secrets.
func (k *Keys) List(ctx context.Context, p Principal) (keys []fleet.Key, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return nil, err
	}
	err = k.store.View(ctx, p.Reach(), func(r store.Reader) (err error) {
		keys, err = r.Keys()
		return err
	})
	return keys, err
}

// Revoke ends a key at once; what it opened is closed when it is next checked.
func (k *Keys) Revoke(ctx context.Context, p Principal, id fleet.ID) error {
	if err := p.Require(fleet.KeysManage); err != nil {
		return err
	}
	err := k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := tx.RevokeKey(id, k.now()); err != nil {
			return err
		}
		return tx.Append(p.Tenant, fleet.EventDraft{Kind: fleet.EventKeyRevoked, Subject: fleet.SubjectKey, SubjectID: string(id), Actor: p.Name})
	})
	if err == nil {
		k.mu.Lock()
		clear(k.cache)
		k.mu.Unlock()
	}
	return err
}

// EnsureAdmin makes the first key of an installation, that of a super admin. One
// that has one already gives no secret.
func (k *Keys) EnsureAdmin(ctx context.Context) (Secret, error) {
	admin := newPrincipal("first start", fleet.DefaultTenant, fleet.RoleSuperAdmin)
	keys, err := k.List(ctx, admin)
	if err != nil {
		return Secret{}, err
	}
	for _, key := range keys {
		if key.Role == string(fleet.RoleSuperAdmin) && key.Usable(k.now()) {
			return Secret{}, nil
		}
	}
	_, secret, err := k.NewServiceKey(ctx, admin, "admin", fleet.RoleSuperAdmin, 0)
	return secret, err
}

// UsableIDs names all keys that may be used now, for those who hold
// connections open.
func (k *Keys) UsableIDs(ctx context.Context) (map[fleet.ID]bool, error) {
	usable := map[fleet.ID]bool{}
	err := k.store.View(ctx, store.System("auth"), func(r store.Reader) error {
		keys, err := r.Keys()
		if err != nil {
			return err
		}
		for _, key := range keys {
			if key.Usable(k.now()) {
				usable[key.ID] = true
			}
		}
		return nil
	})
	return usable, err
}

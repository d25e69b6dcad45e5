package auth

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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
	pepper Pepper
	owners Owners
	log    *slog.Logger

	generation atomic.Int64 // see Generation
	number     atomic.Int64 // of revocations, as last read
	swept      atomic.Int64 // the day on which counts of uses were last

	mu    sync.Mutex
	cache map[string]cached // by the secret's SHA-256; only keys that exist
	uses  map[fleet.ID]*use // that were not written yet, and when the last was
}

// cached keeps a found key for a moment, so that each request of a busy client
// does not cost a look-up. It holds for the generation in which it was read.
type cached struct {
	key        fleet.Key
	owner      []fleet.Permission // of the user who answers for it, if there is one
	until      time.Time
	generation int64
}

// The bounds of the cache.
const (
	cacheFor  = 2 * time.Second
	cacheSize = 10_000
)

// Owners knows the users who answer for keys.
type Owners interface {
	// OwnerPermissions is what a user may do now. One that is gone or disabled is
	// Unauthenticated.
	OwnerPermissions(ctx context.Context, tenant fleet.TenantID, user fleet.ID) ([]fleet.Permission, error)
}

// NewKeys takes its time, chance and ids as arguments.
func NewKeys(s store.Store, ids *fleet.IDs, random io.Reader, now func() time.Time) *Keys {
	return &Keys{
		store: s, ids: ids, random: random, now: now, log: slog.New(slog.DiscardHandler),
		cache: map[string]cached{}, uses: map[fleet.ID]*use{},
	}
}

// With says what else to stand on, before the first use: the pepper of keys
// other than robots', who knows the owners of keys (nil: no key may have one),
// and where to say what goes wrong besides requests.
func (k *Keys) With(p Pepper, owners Owners, log *slog.Logger) *Keys {
	k.pepper, k.owners, k.log = p, owners, log
	return k
}

// KeyRequest asks for a key.
type KeyRequest struct {
	Kind        fleet.KeyKind
	Name        string // of a robot's key: its id unless given
	Description string

	RobotID     fleet.RobotID // robot keys
	Environment string        // robot keys: where the robot lives

	Role         fleet.Role // other keys, and the three bounds
	Scopes       []fleet.Permission
	Environments []string
	Ranges       []string

	// When it ends: at a time, after a while, or never. At most one is given; with
	// none a robot's key does not end and another ends after fleet.KeyLife.
	ExpiresAt time.Time
	Life      time.Duration
	Never     bool
}

// NewRobotKey makes the key of one robot; a life of 0 is for ever.
func (k *Keys) NewRobotKey(ctx context.Context, p Principal, robot fleet.RobotID, environment string, life time.Duration) (fleet.Key, Secret, error) {
	return k.Create(ctx, p, KeyRequest{Kind: fleet.KeyRobot, RobotID: robot, Environment: environment, Life: life, Never: life == 0})
}

// NewServiceKey makes a key for a program or a person; a life of 0 is for ever.
func (k *Keys) NewServiceKey(ctx context.Context, p Principal, name string, role fleet.Role, life time.Duration) (fleet.Key, Secret, error) {
	return k.Create(ctx, p, KeyRequest{Kind: fleet.KeyService, Name: name, Role: role, Life: life, Never: life == 0})
}

// Create makes a key that gives away nothing its maker lacks. The secret is
// returned this once.
func (k *Keys) Create(ctx context.Context, p Principal, in KeyRequest) (fleet.Key, Secret, error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	key, err := k.draft(p, &in)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	secret, err := k.mint(&key)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	err = k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		if err := putKey(tx, p, &key); err != nil {
			return err
		}
		return tx.Audit(key.Tenant, p.keyAudit("key.create", &key, nil, told(&key)))
	})
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	key.Derive(key.CreatedAt)
	return key, secret, nil
}

// putKey stores a new key with its event. The audit row is of the act that made
// it.
func putKey(tx store.Tx, p Principal, key *fleet.Key) error {
	if err := tx.PutKey(*key); err != nil {
		return err
	}
	return tx.Append(key.Tenant, keyEvent(fleet.EventKeyCreated, p, key, map[string]any{"kind": key.Kind, "name": key.Name}))
}

// keyAudit is the audit row of an act on a key.
func (p Principal) keyAudit(action string, key *fleet.Key, before, after map[string]any) fleet.AuditDraft {
	d := p.Audit(action, fleet.SubjectKey, string(key.ID))
	d.Object.Name, d.Before, d.After = key.Name, before, after
	return d
}

// told is what the audit keeps of a new key: what it may do, and nothing of its
// secret.
func told(key *fleet.Key) map[string]any {
	out := map[string]any{"kind": string(key.Kind), "name": key.Name}
	for name, value := range map[string]string{
		"robot_id": string(key.RobotID), "environment": key.Env, "role": key.Role, "owner_id": string(key.OwnerID), "description": key.Description,
	} {
		if value != "" {
			out[name] = value
		}
	}
	if len(key.Scopes) > 0 {
		out["scopes"] = key.Scopes
	}
	if len(key.Environments) > 0 {
		out["environments"] = key.Environments
	}
	if len(key.Ranges) > 0 {
		out["address_ranges"] = key.Ranges
	}
	if !key.ExpiresAt.IsZero() {
		out["expires_at"] = key.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return out
}

func keyEvent(kind fleet.EventKind, p Principal, key *fleet.Key, data map[string]any) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectKey, SubjectID: string(key.ID), Actor: p.Name, Data: data}
}

// draft checks a request and makes the key of it, without secret.
func (k *Keys) draft(p Principal, in *KeyRequest) (fleet.Key, error) {
	now := k.now()
	key := fleet.Key{ID: k.ids.New(), Tenant: p.Tenant, Kind: in.Kind, Name: in.Name, Description: in.Description, CreatedAt: now, CreatedBy: p.Name}
	var err error
	switch in.Kind {
	case fleet.KeyRobot:
		err = draftRobot(&key, in)
	case fleet.KeyService:
		key.OwnerID = p.Owner()
		err = draftService(&key, p, in)
	default:
		err = fleet.Invalid("kind", "kind must be robot or service; got %q.", string(in.Kind))
	}
	if err == nil {
		err = fleet.ValidateName("name", key.Name, 255)
	}
	if err == nil {
		err = fleet.ValidateDescription(key.Description)
	}
	if err == nil {
		err = expiry(&key, in)
	}
	return key, err
}

func draftRobot(key *fleet.Key, in *KeyRequest) error {
	if in.Role != "" || len(in.Scopes)+len(in.Environments)+len(in.Ranges) > 0 {
		return fleet.Invalid("role", "A robot's key has the rights of its robot; role, scopes, environments and address ranges are for other keys.")
	}
	if _, err := fleet.ParseRobotID(string(in.RobotID)); err != nil {
		return err
	}
	key.RobotID, key.Env = in.RobotID, in.Environment
	if key.Env == "" {
		key.Env = fleet.DefaultEnvironment
	}
	if key.Name == "" {
		key.Name = string(in.RobotID)
	}
	return fleet.ValidateEnvironment(key.Env)
}

func draftService(key *fleet.Key, p Principal, in *KeyRequest) error {
	if in.RobotID != "" || in.Environment != "" {
		return fleet.Invalid("robot_id", "robot_id and environment are for a robot's key; another key is bound with environments.")
	}
	if !slices.Contains(fleet.Roles(), in.Role) {
		return fleet.Invalid("role", "role must be viewer, operator, developer, admin or super_admin; got %q.", string(in.Role))
	}
	key.Role = string(in.Role)
	if len(in.Scopes) > fleet.KeyListMax || len(in.Environments) > fleet.KeyListMax {
		return fleet.Invalid("scopes", "scopes and environments may have at most %d entries each.", fleet.KeyListMax)
	}
	for _, scope := range in.Scopes {
		switch {
		case !slices.Contains(in.Role.Permissions(), scope):
			return fleet.Invalid("scopes", "scopes are permissions of the key's role, and %s lacks %q.", string(in.Role), string(scope)).
				WithFix("Take another role, or leave the scope out.")
		case len(in.Environments) > 0 && !scope.InEnvironment():
			return fleet.Invalid("scopes", "%q is about the whole tenant, so a key that is limited to environments cannot have it.", string(scope)).
				WithFix("Leave the scope out, or the environments.")
		case !slices.Contains(key.Scopes, scope):
			key.Scopes = append(key.Scopes, scope)
		}
	}
	for _, name := range in.Environments {
		if err := fleet.ValidateEnvironment(name); err != nil {
			return err
		}
		if !slices.Contains(key.Environments, name) {
			key.Environments = append(key.Environments, name)
		}
	}
	var err error
	if key.Ranges, err = fleet.ParseRanges(in.Ranges); err != nil {
		return err
	}
	return givesOnly(p, key)
}

// givesOnly refuses to hand out what the maker lacks.
func givesOnly(p Principal, key *fleet.Key) error {
	for _, perm := range reach(key) {
		if err := p.Require(perm); err != nil {
			return err
		}
	}
	return nil
}

// expiry sets the end of a new key.
func expiry(key *fleet.Key, in *KeyRequest) error {
	given := 0
	for _, is := range []bool{in.Never, in.Life != 0, !in.ExpiresAt.IsZero()} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return fleet.Invalid("expires_at", "expires_at and expires_in say the same thing twice; give one of them.")
	case in.Never:
		return nil
	case in.Life != 0:
		key.ExpiresAt = key.CreatedAt.Add(in.Life)
	case !in.ExpiresAt.IsZero():
		key.ExpiresAt = in.ExpiresAt
	case key.Kind == fleet.KeyRobot:
		return nil
	default:
		key.ExpiresAt = key.CreatedAt.Add(fleet.KeyLife)
	}
	switch life := key.Life(); {
	case life <= 0:
		return fleet.Invalid("expires_at", "A key cannot end before it begins; this one would end %s earlier.", -life)
	case life > fleet.KeyLifeMax:
		return fleet.Invalid("expires_at", "A key may live at most 10 years.").WithFix("Ask for one that does not expire, or rotate it earlier.")
	}
	return nil
}

// mint gives a new key its secret.
func (k *Keys) mint(key *fleet.Key) (Secret, error) {
	if key.Kind == fleet.KeyRobot {
		secret, err := newRobotKey(k.random)
		key.Hash, key.Hint = secret.Hash(), secret.Hint()
		return secret, err
	}
	secret, err := newServiceKey(k.random)
	if err == nil {
		key.Hash, key.Hint = k.pepper.hash(secret), secret.Hint()
	}
	return secret, err
}

// Get returns one key, without its secret.
func (k *Keys) Get(ctx context.Context, p Principal, id fleet.ID) (key fleet.Key, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return key, err
	}
	now := k.now()
	err = k.store.View(ctx, p.Scope(), func(r store.Reader) (err error) {
		if key, err = keyOf(r, id); err != nil {
			return err
		}
		uses, err := r.KeyUses(firstDay(now))
		key.Uses = uses[id]
		return err
	})
	key.Derive(now)
	return key, err
}

// firstDay is the first of those whose uses are told.
func firstDay(now time.Time) int64 { return fleet.KeyUseDay(now) - fleet.KeyUseDays + 1 }

// keyOf names the id in its error.
func keyOf(r store.Reader, id fleet.ID) (fleet.Key, error) {
	key, err := r.Key(id)
	if errors.Is(err, fleet.ErrNotFound) {
		err = fleet.NotFound("key", string(id))
	}
	return key, err
}

// List returns the keys of the principal's tenant, without secrets.
func (k *Keys) List(ctx context.Context, p Principal) (keys []fleet.Key, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return nil, err
	}
	now := k.now()
	var uses map[fleet.ID]int64
	err = k.store.View(ctx, p.Reach(), func(r store.Reader) (err error) {
		if keys, err = r.Keys(); err != nil {
			return err
		}
		uses, err = r.KeyUses(firstDay(now))
		return err
	})
	for i := range keys {
		keys[i].Uses = uses[keys[i].ID]
		keys[i].Derive(now)
	}
	return keys, err
}

// KeyChange is what may be changed of a key; nil stays as it is.
type KeyChange struct{ Name, Description *string }

// Edit changes what people read of a key. What it may do is for its life.
func (k *Keys) Edit(ctx context.Context, p Principal, id fleet.ID, c KeyChange) (key fleet.Key, err error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return key, err
	}
	if c.Name != nil {
		if err := fleet.ValidateName("name", *c.Name, 255); err != nil {
			return key, err
		}
	}
	if c.Description != nil {
		if err := fleet.ValidateDescription(*c.Description); err != nil {
			return key, err
		}
	}
	err = k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		before, err := keyOf(tx, id)
		if err != nil {
			return err
		}
		key = before
		if c.Name != nil {
			key.Name = *c.Name
		}
		if c.Description != nil {
			key.Description = *c.Description
		}
		if key.Name == before.Name && key.Description == before.Description {
			return nil
		}
		if err := tx.EditKey(id, key.Name, key.Description); err != nil {
			return err
		}
		err = tx.Append(key.Tenant, keyEvent(fleet.EventKeyUpdated, p, &key, map[string]any{"name": key.Name, "name_before": before.Name}))
		if err != nil {
			return err
		}
		return tx.Audit(key.Tenant, p.keyAudit("key.update", &key,
			map[string]any{"name": before.Name, "description": before.Description}, map[string]any{"name": key.Name, "description": key.Description}))
	})
	key.Derive(k.now())
	return key, err
}

// Revoke ends a key at once; what it opened is closed within moments.
func (k *Keys) Revoke(ctx context.Context, p Principal, id fleet.ID, reason string) error {
	if err := p.Require(fleet.KeysManage); err != nil {
		return err
	}
	now := k.now()
	err := k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		key, err := keyOf(tx, id)
		if err != nil || !key.RevokedAt.IsZero() {
			return err
		}
		if err := tx.RevokeKey(id, now); err != nil {
			return err
		}
		data := map[string]any{"name": key.Name}
		if reason != "" {
			data["reason"] = reason
		}
		if err := tx.Append(key.Tenant, keyEvent(fleet.EventKeyRevoked, p, &key, data)); err != nil {
			return err
		}
		d := p.keyAudit("key.revoke", &key, nil, map[string]any{"revoked_at": now.UTC().Format(time.RFC3339)})
		if reason != "" {
			d.Reason = reason
		}
		return tx.Audit(key.Tenant, d)
	})
	if err == nil {
		k.Forget()
	}
	return err
}

// Rotate makes a key that may do what another may, for as long as that one was
// made for, and lets the old one end after a while. The secret is returned this
// once.
func (k *Keys) Rotate(ctx context.Context, p Principal, id fleet.ID, overlap time.Duration) (fleet.Key, Secret, error) {
	if err := p.Require(fleet.KeysManage); err != nil {
		return fleet.Key{}, Secret{}, err
	}
	if overlap < 0 || overlap > fleet.KeyOverlapMax {
		return fleet.Key{}, Secret{}, fleet.Invalid("overlap_seconds", "overlap_seconds must be between 0 and %d; got %d.",
			int(fleet.KeyOverlapMax.Seconds()), int(overlap.Seconds()))
	}
	old, err := k.Get(ctx, p, id)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	if old.Kind == fleet.KeyService {
		if err := givesOnly(p, &old); err != nil {
			return fleet.Key{}, Secret{}, err
		}
	}
	now := k.now()
	key := fleet.Key{
		ID: k.ids.New(), Tenant: old.Tenant, Kind: old.Kind, Name: old.Name, Description: old.Description, RobotID: old.RobotID,
		Env: old.Env, Role: old.Role, Scopes: old.Scopes, Environments: old.Environments, Ranges: old.Ranges, OwnerID: old.OwnerID,
		CreatedAt: now, CreatedBy: p.Name,
	}
	if life := old.Life(); life > 0 {
		key.ExpiresAt = now.Add(life)
	}
	secret, err := k.mint(&key)
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	end := now.Add(overlap)
	if !old.ExpiresAt.IsZero() && old.ExpiresAt.Before(end) {
		end = old.ExpiresAt
	}
	err = k.store.Update(ctx, p.Scope(), func(tx store.Tx) error {
		ok, err := tx.ReplaceKey(id, key.ID, end, now)
		switch {
		case err != nil:
			return err
		case !ok:
			return fleet.Errorf(fleet.CodeConflict, "key_not_usable", "Key %s was rotated, revoked or has expired already.", id).
				WithFix("Rotate the key that took its place, or make a new one.")
		}
		if err := putKey(tx, p, &key); err != nil {
			return err
		}
		data := map[string]any{"name": old.Name, "replaced_by": string(key.ID), "ends_at": end.UTC().Format(time.RFC3339)}
		if err := tx.Append(key.Tenant, keyEvent(fleet.EventKeyRotated, p, &old, data)); err != nil {
			return err
		}
		return tx.Audit(key.Tenant, p.keyAudit("key.rotate", &old, nil, map[string]any{"replaced_by": string(key.ID), "expires_at": data["ends_at"]}))
	})
	if err != nil {
		return fleet.Key{}, Secret{}, err
	}
	k.Forget()
	key.Derive(now)
	return key, secret, nil
}

// EnsureAdmin makes the first admin key of an installation. An installation
// that has one already gives no secret.
func (k *Keys) EnsureAdmin(ctx context.Context) (Secret, error) {
	admin := newPrincipal("first start", fleet.DefaultTenant, fleet.RoleSuperAdmin)
	keys, err := k.List(ctx, admin)
	if err != nil {
		return Secret{}, err
	}
	for _, key := range keys {
		if key.Role == string(fleet.RoleSuperAdmin) && len(key.Scopes)+len(key.Environments) == 0 && key.Usable(k.now()) {
			return Secret{}, nil
		}
	}
	_, secret, err := k.NewServiceKey(ctx, admin, "admin", fleet.RoleSuperAdmin, 0)
	return secret, err
}

package httpapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// The keys of robots as the original's programs manage them. Ours are /keys; a
// key is the same key on both.

// RobotKeyRow is a robot's key in the form of the original.
type RobotKeyRow struct {
	ID          fleet.ID        `json:"id"`
	KeyID       fleet.ID        `json:"key_id"`
	RobotID     fleet.RobotID   `json:"robot_id"`
	RobotName   string          `json:"robot_name"`
	KeyName     string          `json:"key_name"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Status      fleet.KeyStatus `json:"status"`
	CreatedAt   time.Time       `json:"created_at"`
	ExpiresAt   *time.Time      `json:"expires_at"`
	LastUsedAt  *time.Time      `json:"last_used_at"`
	LastUsedIP  *string         `json:"last_used_ip"`
	KeyPrefix   string          `json:"key_prefix"`
	Revoked     bool            `json:"revoked"`
}

// RobotKeyList has the same rows twice: the dashboard formats the end of a key
// without asking whether it has one.
type RobotKeyList struct {
	Keys    []RobotKeyRow `json:"keys"`
	APIKeys []RobotKeyRow `json:"api_keys" doc:"The same, where a key without an end has the year 9999."`
	Total   int           `json:"total"`
}

// NewRobotKey is a robot's key with its secret, which is shown this once.
type NewRobotKey struct {
	APIKey string      `json:"api_key"`
	Key    RobotKeyRow `json:"key"`
	ID     fleet.ID    `json:"id"`
}

// RobotKeyBody asks for a robot's key.
type RobotKeyBody struct {
	RobotID     string  `json:"robot_id"`
	Name        string  `json:"name" doc:"1 to 255 characters."`
	Description *string `json:"description,omitempty"`
	ExpiresAt   *string `json:"expires_at,omitempty" doc:"Without this and expires_in_days the key does not expire."`
	ExpiresIn   *int64  `json:"expires_in_days,omitempty"`
}

// RobotKeyRevokeBody says why.
type RobotKeyRevokeBody struct {
	Reason *string `json:"reason,omitempty"`
}

// RobotKeyRevoked answers a revocation.
type RobotKeyRevoked struct {
	Revoked bool     `json:"revoked"`
	KeyID   fleet.ID `json:"key_id"`
}

func (a *API) robotKeyRoutes() {
	const at = Base + "/robot-api-keys"
	manage := need(fleet.KeysManage)
	route(a, operation{
		method: http.MethodGet, path: at, id: "robot_keys.list", summary: "List keys of robots in the form of the original", may: manage, rate: rateRead,
	}, a.listRobotKeys)
	route(a, operation{
		method: http.MethodPost, path: at, id: "robot_keys.create", summary: "Make the key of a robot; it is shown once", may: manage, rate: rateWrite,
		body: jsonBody[RobotKeyBody](plainBody, true),
	}, a.createRobotKey)
	route(a, operation{
		method: http.MethodPost, path: at + "/{id}/revoke", id: "robot_keys.revoke", summary: "Revoke the key of a robot at once", may: manage, rate: rateWrite,
		body: jsonBody[RobotKeyRevokeBody](plainBody, false),
	}, func(ctx context.Context, in *keyInput) (*robotKeyRevokedReply, error) {
		body, err := lenient[RobotKeyRevokeBody](callOf(ctx).body, a.o.Limits)
		if err != nil {
			return nil, err
		}
		reason := ""
		if body.Reason != nil {
			reason = clip(*body.Reason, 500)
		}
		return a.revokeRobotKey(ctx, in, reason)
	})
	route(a, operation{
		method: http.MethodDelete, path: at + "/{id}", id: "robot_keys.delete", summary: "Revoke the key of a robot at once", may: manage, rate: rateWrite,
	}, func(ctx context.Context, in *keyInput) (*robotKeyRevokedReply, error) {
		return a.revokeRobotKey(ctx, in, "")
	})
	route(a, operation{
		method: http.MethodPost, path: at + "/{id}/rotate", id: "robot_keys.rotate",
		summary: "Make a key that takes the place of a robot's, which goes on for a day", may: manage, rate: rateWrite,
		body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.rotateRobotKey)
}

// endless stands for "never" where null would be formatted.
func endless() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

func showRobotKey(k fleet.Key, robot string) RobotKeyRow {
	k = showKey(k)
	row := RobotKeyRow{
		ID: k.ID, KeyID: k.ID, RobotID: k.RobotID, RobotName: robot, KeyName: k.Name, Name: k.Name, Description: k.Description, Status: k.Status,
		CreatedAt: k.CreatedAt, KeyPrefix: "crpa_…" + k.Hint, Revoked: !k.RevokedAt.IsZero(),
	}
	if row.RobotName == "" {
		row.RobotName = string(k.RobotID)
	}
	if !k.ExpiresAt.IsZero() {
		row.ExpiresAt = &k.ExpiresAt
	}
	if !k.LastUsedAt.IsZero() {
		row.LastUsedAt, row.LastUsedIP = &k.LastUsedAt, &k.LastUsedIP
	}
	return row
}

type listRobotKeysInput struct {
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Offset  int    `query:"offset" minimum:"0"`
	RobotID string `query:"robot_id"`
	Status  string `query:"status" enum:"active,revoked,expired,expiring"`
}

type robotKeysReply struct{ Body RobotKeyList }

func (a *API) listRobotKeys(ctx context.Context, in *listRobotKeysInput) (*robotKeysReply, error) {
	keys, err := a.o.Keys.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k fleet.Key) bool {
		return k.Kind != fleet.KeyRobot || (in.RobotID != "" && string(k.RobotID) != in.RobotID) || !hasStatus(&k, in.Status)
	})
	slices.Reverse(keys) // the newest first
	out := RobotKeyList{Keys: []RobotKeyRow{}, APIKeys: []RobotKeyRow{}, Total: len(keys)}
	keys = keys[min(in.Offset, len(keys)):]
	keys = keys[:min(in.Limit, len(keys))]
	names, err := a.o.Orchestrator.Robots.Names(ctx, auth.From(ctx), robotsOf(keys))
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		row := showRobotKey(k, names[robotOf(&k)])
		out.Keys = append(out.Keys, row)
		if row.ExpiresAt == nil {
			end := endless()
			row.ExpiresAt = &end
		}
		out.APIKeys = append(out.APIKeys, row)
	}
	return &robotKeysReply{out}, nil
}

// hasStatus says whether a key is one of those asked for. Active are those that go
// on, also if they end soon; of one that is being changed only the newer.
func hasStatus(k *fleet.Key, status string) bool {
	switch status {
	case "":
		return true
	case string(fleet.KeyActive):
		return k.Status == fleet.KeyActive || (k.Status == fleet.KeyExpiring && k.ReplacedBy == "")
	}
	return string(k.Status) == status
}

// robotOf is the robot of a key. Ids are those of a tenant: another may have a
// robot of the same.
func robotOf(k *fleet.Key) orchestrator.RobotRef {
	return orchestrator.RobotRef{Tenant: k.Tenant, RobotID: k.RobotID}
}

func robotsOf(keys []fleet.Key) (list []orchestrator.RobotRef) {
	for i := range keys {
		if r := robotOf(&keys[i]); !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

type newRobotKeyReply struct{ Body NewRobotKey }

func (a *API) createRobotKey(ctx context.Context, _ *struct{}) (*newRobotKeyReply, error) {
	body, err := lenient[RobotKeyBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if body.RobotID == "" {
		return nil, fleet.Invalid("robot_id", "A key belongs to one robot; robot_id says to which.")
	}
	if body.Name == "" {
		return nil, fleet.Invalid("name", "name must have 1 to 255 characters; got none.")
	}
	p, in := auth.From(ctx), auth.KeyRequest{Kind: fleet.KeyRobot, RobotID: fleet.RobotID(body.RobotID), Name: body.Name}
	if body.Description != nil {
		in.Description = *body.Description
	}
	if body.ExpiresAt != nil {
		if in.ExpiresAt, err = looseTime("expires_at", *body.ExpiresAt); err != nil {
			return nil, err
		}
	}
	if body.ExpiresIn != nil {
		const day = 24 * time.Hour
		if *body.ExpiresIn < 1 || *body.ExpiresIn > int64(fleet.KeyLifeMax/day) {
			return nil, fleet.Invalid("expires_in_days", "expires_in_days must be between 1 and %d; got %d.", int64(fleet.KeyLifeMax/day), *body.ExpiresIn)
		}
		in.Life = time.Duration(*body.ExpiresIn) * day
	}
	robot, err := a.o.Orchestrator.Robots.Get(ctx, p, in.RobotID)
	if err != nil {
		return nil, err
	}
	in.Environment = robot.Environment
	key, secret, err := a.o.Keys.Create(ctx, p, in)
	if err != nil {
		return nil, err
	}
	return shownOnce(key, secret, robot.Name), nil
}

func shownOnce(key fleet.Key, secret auth.Secret, robot string) *newRobotKeyReply {
	return &newRobotKeyReply{NewRobotKey{APIKey: secret.Reveal(), Key: showRobotKey(key, robot), ID: key.ID}}
}

// robotKey finds the key of a robot; other keys do not exist on these routes.
func (a *API) robotKey(ctx context.Context, in *keyInput) (fleet.Key, error) {
	id, err := in.id()
	if err != nil {
		return fleet.Key{}, err
	}
	key, err := a.o.Keys.Get(ctx, auth.From(ctx), id)
	if err == nil && key.Kind != fleet.KeyRobot {
		err = fleet.NotFound("key", in.ID)
	}
	return key, err
}

type robotKeyRevokedReply struct{ Body RobotKeyRevoked }

func (a *API) revokeRobotKey(ctx context.Context, in *keyInput, reason string) (*robotKeyRevokedReply, error) {
	key, err := a.robotKey(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := a.o.Keys.Revoke(ctx, auth.From(ctx), key.ID, reason); err != nil {
		return nil, err
	}
	return &robotKeyRevokedReply{RobotKeyRevoked{Revoked: true, KeyID: key.ID}}, nil
}

func (a *API) rotateRobotKey(ctx context.Context, in *keyInput) (*newRobotKeyReply, error) {
	old, err := a.robotKey(ctx, in)
	if err != nil {
		return nil, err
	}
	key, secret, err := a.o.Keys.Rotate(ctx, auth.From(ctx), old.ID, fleet.KeyOverlap)
	if err != nil {
		return nil, err
	}
	names, err := a.o.Orchestrator.Robots.Names(ctx, auth.From(ctx), []orchestrator.RobotRef{robotOf(&key)})
	if err != nil {
		return nil, err
	}
	return shownOnce(key, secret, names[robotOf(&key)]), nil
}

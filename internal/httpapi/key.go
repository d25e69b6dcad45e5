package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// KeyBody asks for a key.
type KeyBody struct {
	Kind        string `json:"kind" enum:"robot,service"`
	Name        string `json:"name,omitempty" doc:"Of a service key."`
	Role        string `json:"role,omitempty" enum:"viewer,operator,developer,admin,super_admin" doc:"Of a service key."`
	RobotID     string `json:"robot_id,omitempty" doc:"Of a robot key."`
	Environment string `json:"environment,omitempty" doc:"Of a robot key; default if left out."`
	Life        *int64 `json:"expires_in_seconds,omitempty" doc:"90 days if left out; 0 is never."`
}

// NewKey is a key with its secret, which is shown this once.
type NewKey struct {
	fleet.Key
	Secret string `json:"secret"`
}

// KeyList is all keys of the tenant, without secrets.
type KeyList struct {
	Keys []fleet.Key `json:"keys"`
}

// Me is whoever is asking.
type Me struct {
	Name        string             `json:"name"`
	Tenant      fleet.TenantID     `json:"tenant_id"`
	Role        fleet.Role         `json:"role"`
	Permissions []fleet.Permission `json:"permissions"`
	RobotID     fleet.RobotID      `json:"robot_id,omitempty"`
	Environment string             `json:"environment,omitempty"`
	KeyID       fleet.ID           `json:"key_id,omitempty"`
	UserID      fleet.ID           `json:"user_id,omitempty" doc:"Of a person who signed in."`
	SessionID   fleet.ID           `json:"session_id,omitempty" doc:"Of the sign-in by which that person asks."`
	Local       bool               `json:"local" doc:"No credential was needed: this is the developer at the machine."`
}

// keyLife is how long a key lives unless the request says otherwise.
const keyLife = 90 * 24 * time.Hour

func (a *API) keyRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/me", id: "me.get", summary: "Who is asking, and what they may do",
		may: signedIn(), rate: rateRead,
	}, a.me)
	route(a, operation{
		method: http.MethodPost, path: Base + "/keys", id: "keys.create", summary: "Make a key; its secret is shown once",
		may: need(fleet.KeysManage), rate: rateWrite, status: http.StatusCreated, body: jsonBody[KeyBody](plainBody, true),
	}, a.createKey)
	route(a, operation{
		method: http.MethodGet, path: Base + "/keys", id: "keys.list", summary: "List keys",
		may: need(fleet.KeysManage), rate: rateRead,
	}, a.listKeys)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/keys/{id}", id: "keys.revoke", summary: "Revoke a key at once",
		may: need(fleet.KeysManage), rate: rateWrite, status: http.StatusNoContent,
	}, a.revokeKey)
}

type meReply struct{ Body Me }

func (a *API) me(ctx context.Context, _ *struct{}) (*meReply, error) {
	p := auth.From(ctx)
	return &meReply{Me{
		Name: p.Name, Tenant: p.Tenant, Role: p.Role, Permissions: p.Permissions(), RobotID: p.RobotID,
		Environment: p.Environment, KeyID: p.KeyID, UserID: p.UserID, SessionID: p.SignInID, Local: p.KeyID == "" && p.UserID == "",
	}}, nil
}

type newKeyReply struct {
	Location string `header:"Location"`
	Body     NewKey
}

func (a *API) createKey(ctx context.Context, _ *struct{}) (*newKeyReply, error) {
	body, err := decode[KeyBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	life := keyLife
	if body.Life != nil {
		if life, err = seconds("expires_in_seconds", *body.Life); err != nil {
			return nil, err
		}
	}
	var key fleet.Key
	var secret auth.Secret
	p := auth.From(ctx)
	switch fleet.KeyKind(body.Kind) {
	case fleet.KeyRobot:
		if body.Name != "" || body.Role != "" {
			return nil, fleet.Invalid("role", "A robot key has a robot_id, and neither a name nor a role of its own.")
		}
		key, secret, err = a.o.Keys.NewRobotKey(ctx, p, fleet.RobotID(body.RobotID), body.Environment, life)
	case fleet.KeyService:
		if body.RobotID != "" || body.Environment != "" {
			return nil, fleet.Invalid("robot_id", "A service key has a name and a role, and neither robot_id nor environment.")
		}
		key, secret, err = a.o.Keys.NewServiceKey(ctx, p, body.Name, fleet.Role(body.Role), life)
	default:
		return nil, fleet.Invalid("kind", "kind must be robot or service; got %q.", clip(body.Kind, 40))
	}
	if err != nil {
		return nil, err
	}
	return &newKeyReply{
		Location: Base + "/keys/" + string(key.ID), Body: NewKey{Key: showKey(key), Secret: secret.Reveal()},
	}, nil
}

type keysReply struct{ Body KeyList }

func (a *API) listKeys(ctx context.Context, _ *struct{}) (*keysReply, error) {
	keys, err := a.o.Keys.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &keysReply{KeyList{showAll(keys, showKey)}}, nil
}

type keyInput struct {
	ID string `path:"id"`
}

func (a *API) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return nil, fleet.NotFound("key", in.ID)
	}
	return nil, a.o.Keys.Revoke(ctx, auth.From(ctx), id, "")
}

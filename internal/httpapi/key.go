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
	Kind         string    `json:"kind" enum:"robot,service"`
	Name         string    `json:"name,omitempty" doc:"For people; a robot's key has the id of its robot if left out."`
	Description  string    `json:"description,omitempty"`
	Role         string    `json:"role,omitempty" enum:"viewer,operator,developer,admin,super_admin" doc:"Of a service key."`
	Scopes       []string  `json:"scopes,omitempty" doc:"Of a service key: the only permissions of its role that it has. Default: all."`
	Environments []string  `json:"environments,omitempty" doc:"Of a service key: the only environments whose jobs and robots it sees. Default: all."`
	Ranges       []string  `json:"address_ranges,omitempty" doc:"Of a service key: the only networks and addresses from which it counts. Default: all."`
	RobotID      string    `json:"robot_id,omitempty" doc:"Of a robot key."`
	Environment  string    `json:"environment,omitempty" doc:"Of a robot key; default if left out."`
	Life         *int64    `json:"expires_in_seconds,omitempty" doc:"0 is never. If neither this nor expires_at is given, a robot key does not expire and a service key does after 90 days."`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
}

// KeyChangeBody changes what people read of a key.
type KeyChangeBody struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
}

// RotateBody says how long the old key goes on.
type RotateBody struct {
	Overlap *int64 `json:"overlap_seconds,omitempty" doc:"0 to 604800; 86400 if left out."`
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
		method: http.MethodGet, path: Base + "/keys/{id}", id: "keys.get", summary: "Show a key, without its secret",
		may: need(fleet.KeysManage), rate: rateRead,
	}, a.getKey)
	route(a, operation{
		method: http.MethodPatch, path: Base + "/keys/{id}", id: "keys.update", summary: "Change name and description of a key",
		may: need(fleet.KeysManage), rate: rateWrite, body: jsonBody[KeyChangeBody](plainBody, true),
	}, a.editKey)
	route(a, operation{
		method: http.MethodPost, path: Base + "/keys/{id}/rotate", id: "keys.rotate",
		summary: "Make a key that takes the place of another, which ends after an overlap; the secret is shown once",
		may:     need(fleet.KeysManage), rate: rateWrite, status: http.StatusCreated, body: jsonBody[RotateBody](plainBody, false),
	}, a.rotateKey)
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
	in := auth.KeyRequest{
		Kind: fleet.KeyKind(body.Kind), Name: body.Name, Description: body.Description, RobotID: fleet.RobotID(body.RobotID),
		Environment: body.Environment, Role: fleet.Role(body.Role), Environments: body.Environments, Ranges: body.Ranges,
	}
	for _, scope := range body.Scopes {
		in.Scopes = append(in.Scopes, fleet.Permission(scope))
	}
	if err := keyLife(&in, body.ExpiresAt, body.Life); err != nil {
		return nil, err
	}
	key, secret, err := a.o.Keys.Create(ctx, auth.From(ctx), in)
	if err != nil {
		return nil, err
	}
	return newKey(key, secret), nil
}

func newKey(key fleet.Key, secret auth.Secret) *newKeyReply {
	return &newKeyReply{Location: Base + "/keys/" + string(key.ID), Body: NewKey{Key: showKey(key), Secret: secret.Reveal()}}
}

type keyReply struct{ Body fleet.Key }

func (a *API) getKey(ctx context.Context, in *keyInput) (*keyReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	key, err := a.o.Keys.Get(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &keyReply{showKey(key)}, nil
}

func (a *API) editKey(ctx context.Context, in *keyInput) (*keyReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := decode[KeyChangeBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	key, err := a.o.Keys.Edit(ctx, auth.From(ctx), id, auth.KeyChange(body))
	if err != nil {
		return nil, err
	}
	return &keyReply{showKey(key)}, nil
}

func (a *API) rotateKey(ctx context.Context, in *keyInput) (*newKeyReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := optional[RotateBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	overlap := fleet.KeyOverlap
	if body.Overlap != nil {
		if overlap, err = seconds("overlap_seconds", *body.Overlap); err != nil {
			return nil, err
		}
	}
	key, secret, err := a.o.Keys.Rotate(ctx, auth.From(ctx), id, overlap)
	if err != nil {
		return nil, err
	}
	return newKey(key, secret), nil
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

func (in *keyInput) id() (fleet.ID, error) {
	id := fleet.ID(in.ID)
	if !id.Valid() {
		return "", fleet.NotFound("key", in.ID)
	}
	return id, nil
}

func (a *API) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, a.o.Keys.Revoke(ctx, auth.From(ctx), id, "")
}

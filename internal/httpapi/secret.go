package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// SecretBody is what is to hold of a secret; what is left out stays as it is.
type SecretBody struct {
	Description  *string           `json:"description,omitempty"`
	Environments *[]string         `json:"environments,omitempty" doc:"Whose jobs may have it; empty: all."`
	Workflows    *[]fleet.ID       `json:"workflows,omitempty" doc:"Whose jobs may have it; empty: all."`
	Exclusive    *bool             `json:"exclusive,omitempty" doc:"One job may have it at a time; the others wait."`
	Environment  string            `json:"environment,omitempty" doc:"The fields are for jobs of this environment."`
	RobotID      fleet.RobotID     `json:"robot_id,omitempty" doc:"The fields are for jobs on this robot."`
	Fields       map[string]string `json:"fields,omitempty" doc:"The value: user, password and the like. It is never shown again."`
}

// SecretList is all secrets by name, without values.
type SecretList struct {
	Secrets []fleet.Secret `json:"secrets"`
}

// RewrapAnswer says how many values are wrapped with the newest master key now.
type RewrapAnswer struct {
	Rewrapped int `json:"rewrapped"`
}

// AssetBody is an asset with all its values.
type AssetBody struct {
	Description string             `json:"description,omitempty"`
	Type        fleet.AssetType    `json:"type" enum:"text,number,bool,json"`
	Value       json.RawMessage    `json:"value,omitempty" opaque:"true" doc:"For all jobs that no other value is for."`
	Values      []fleet.AssetValue `json:"values,omitempty" doc:"For jobs of an environment or on a robot."`
}

// AssetList is all assets by name.
type AssetList struct {
	Assets []fleet.Asset `json:"assets"`
}

func (a *API) vaultRoutes() {
	secrets, assets := Base+"/secrets", Base+"/assets"
	manage := need(fleet.SecretsManage)
	route(a, operation{method: http.MethodGet, path: secrets, id: "secrets.list", summary: "List secrets, without values", may: manage, rate: rateRead}, a.listSecrets)
	route(a, operation{method: http.MethodGet, path: secrets + "/{name}", id: "secrets.get", summary: "What is known of a secret, without values", may: manage, rate: rateRead}, a.getSecret)
	route(a, operation{
		method: http.MethodPut, path: secrets + "/{name}", id: "secrets.put", summary: "Make a secret or change it", may: manage, rate: rateWrite,
		body: jsonBody[SecretBody](workflowBody, true),
	}, a.putSecret)
	route(a, operation{
		method: http.MethodDelete, path: secrets + "/{name}", id: "secrets.delete", summary: "Delete a secret, or its value for an environment or a robot",
		may: manage, rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteSecret)
	route(a, operation{
		method: http.MethodPost, path: secrets + "/rewrap", id: "secrets.rewrap", summary: "Wrap all values with the newest master key", may: manage, rate: rateWrite,
		body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.rewrapSecrets)
	route(a, operation{method: http.MethodGet, path: assets, id: "assets.list", summary: "List assets", may: need(fleet.AssetsRead), rate: rateRead}, a.listAssets)
	route(a, operation{method: http.MethodGet, path: assets + "/{name}", id: "assets.get", summary: "Get an asset", may: need(fleet.AssetsRead), rate: rateRead}, a.getAsset)
	route(a, operation{
		method: http.MethodPut, path: assets + "/{name}", id: "assets.put", summary: "Make an asset or replace it", may: need(fleet.AssetsManage), rate: rateWrite,
		body: jsonBody[AssetBody](plainBody, true),
	}, a.putAsset)
	route(a, operation{
		method: http.MethodDelete, path: assets + "/{name}", id: "assets.delete", summary: "Delete an asset", may: need(fleet.AssetsManage), rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteAsset)
}

func showSecret(s fleet.Secret) fleet.Secret {
	stamp(&s.CreatedAt)
	stamp(&s.UpdatedAt)
	for i := range s.Values {
		stamp(&s.Values[i].UpdatedAt)
	}
	return s
}

func showAsset(a fleet.Asset) fleet.Asset {
	stamp(&a.CreatedAt)
	stamp(&a.UpdatedAt)
	return a
}

type vaultInput struct {
	Name string `path:"name"`
}

type deleteSecretInput struct {
	Name        string `path:"name"`
	Environment string `query:"environment" doc:"Only the value for this environment."`
	RobotID     string `query:"robot_id" doc:"Only the value for this robot."`
}

type (
	secretReply  struct{ Body fleet.Secret }
	secretsReply struct{ Body SecretList }
	rewrapReply  struct{ Body RewrapAnswer }
	assetReply   struct{ Body fleet.Asset }
	assetsReply  struct{ Body AssetList }
)

func (a *API) listSecrets(ctx context.Context, _ *struct{}) (*secretsReply, error) {
	list, err := a.o.Orchestrator.Secrets.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &secretsReply{SecretList{showAll(list, showSecret)}}, nil
}

func (a *API) getSecret(ctx context.Context, in *vaultInput) (*secretReply, error) {
	s, err := a.o.Orchestrator.Secrets.Get(ctx, auth.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	return &secretReply{showSecret(s)}, nil
}

func (a *API) putSecret(ctx context.Context, in *vaultInput) (*secretReply, error) {
	body, err := decode[SecretBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	s, err := a.o.Orchestrator.Secrets.Put(ctx, auth.From(ctx), orchestrator.SecretChange{
		Name: in.Name, Description: body.Description, Environments: body.Environments, Workflows: body.Workflows, Exclusive: body.Exclusive,
		Place: fleet.Place{Environment: body.Environment, RobotID: body.RobotID}, Fields: body.Fields,
	})
	if err != nil {
		return nil, err
	}
	return &secretReply{showSecret(s)}, nil
}

func (a *API) deleteSecret(ctx context.Context, in *deleteSecretInput) (*struct{}, error) {
	at := fleet.Place{Environment: in.Environment, RobotID: fleet.RobotID(in.RobotID)}
	if err := at.Validate(); err != nil {
		return nil, err
	}
	return nil, a.o.Orchestrator.Secrets.Delete(ctx, auth.From(ctx), in.Name, at)
}

func (a *API) rewrapSecrets(ctx context.Context, _ *struct{}) (*rewrapReply, error) {
	if _, err := optional[struct{}](a, callOf(ctx).body); err != nil {
		return nil, err
	}
	n, err := a.o.Orchestrator.Secrets.Rewrap(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &rewrapReply{RewrapAnswer{n}}, nil
}

func (a *API) listAssets(ctx context.Context, _ *struct{}) (*assetsReply, error) {
	list, err := a.o.Orchestrator.Assets.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	return &assetsReply{AssetList{showAll(list, showAsset)}}, nil
}

func (a *API) getAsset(ctx context.Context, in *vaultInput) (*assetReply, error) {
	out, err := a.o.Orchestrator.Assets.Get(ctx, auth.From(ctx), in.Name)
	if err != nil {
		return nil, err
	}
	return &assetReply{showAsset(out)}, nil
}

func (a *API) putAsset(ctx context.Context, in *vaultInput) (*assetReply, error) {
	body, err := decode[AssetBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Assets.Put(ctx, auth.From(ctx), fleet.Asset{
		Name: in.Name, Description: body.Description, Type: body.Type, Value: body.Value, Values: body.Values,
	})
	if err != nil {
		return nil, err
	}
	return &assetReply{showAsset(out)}, nil
}

func (a *API) deleteAsset(ctx context.Context, in *vaultInput) (*struct{}, error) {
	return nil, a.o.Orchestrator.Assets.Delete(ctx, auth.From(ctx), in.Name)
}

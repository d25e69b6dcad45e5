package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Meta is what a page asks before anything else.
type Meta struct {
	Version      string      `json:"version" doc:"Empty for those who are not known."`
	Now          time.Time   `json:"now"`
	Mode         string      `json:"mode" enum:"serve,dev,canvas"`
	Dev          bool        `json:"dev" doc:"Nobody is asked for a key."`
	Demo         bool        `json:"demo" doc:"The robots and their work are made up."`
	Local        MetaLocal   `json:"local"`
	Issuer       string      `json:"issuer,omitempty" doc:"Name of the OpenID issuer by which people may sign in: /api/v1/auth/oidc/NAME/start."`
	Orchestrator *fleet.Link `json:"orchestrator,omitempty" doc:"Only in canvas mode: the one that this program passes requests on to."`
}

// MetaLocal says whether workflows can run on the machine that serves the page.
type MetaLocal struct {
	Enabled bool   `json:"enabled"`
	Host    string `json:"host,omitempty"`
	Folder  bool   `json:"folder" doc:"Workflow files can be opened and saved."`
	Reason  string `json:"reason,omitempty" doc:"Why not."`
}

func (a *API) metaRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/meta", id: "meta.get", summary: "What this server is",
		may: open().anyway(), rate: rateOpen,
	}, a.meta)
}

type metaReply struct{ Body Meta }

func (a *API) meta(ctx context.Context, _ *struct{}) (*metaReply, error) {
	m := Meta{Version: a.o.Version, Now: a.o.Now(), Mode: "serve", Dev: a.o.Local, Demo: a.o.Demo, Local: a.metaLocal()}
	stamp(&m.Now)
	if auth.From(ctx).Tenant == "" { // strangers need not know what they could attack
		m.Version, m.Local.Host = "", ""
	}
	if a.o.Issuer != nil {
		m.Issuer = a.o.Issuer.Name()
	}
	switch {
	case a.o.Linked != nil:
		link := showLink(a.o.Linked.Link())
		m.Mode, m.Dev, m.Orchestrator = "canvas", false, &link
	case a.o.Local:
		m.Mode = "dev"
	}
	return &metaReply{m}, nil
}

// metaLocal says how it is with local runs.
func (a *API) metaLocal() MetaLocal {
	if a.o.Here == nil {
		return MetaLocal{Reason: HereOff}
	}
	return MetaLocal{Enabled: true, Host: a.o.Here.Host(), Folder: a.o.Here.HasFolder()}
}

package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Linked is how the program on an author's machine reaches its orchestrator. The
// key is the program's: no answer holds it.
type Linked interface {
	Link() fleet.Link
	// Connect tries an address of the author's choice, with a key or without.
	Connect(ctx context.Context, url, key string) (fleet.Link, error)
	// ServeHTTP passes a request on.
	http.Handler
}

// NewLocal is the API of a program without an orchestrator of its own: local
// runs, files, node types and checks are answered here, everything else is
// passed on. It answers on loopback alone, to pages of its own and to programs.
func NewLocal(o Options) (http.Handler, error) {
	o.Orchestrator, o.People, o.Local = nil, nil, true
	o.Keys = auth.NewKeys(nil, nil, rand.Reader, o.Now) // none is known: a credential that comes does not count
	o.Auth = auth.NewResolver()
	o.fill()
	a := &API{
		o: o, ids: fleet.NewIDs(o.Now, rand.Reader), started: o.Now(), mux: http.NewServeMux(),
		routes: map[string]*operation{}, stopping: make(chan struct{}),
	}
	a.cross = http.NewCrossOriginProtection()
	a.rates, a.submits = newRates(o.Limits, o.Now), newSubmissions(o.Limits)
	a.huma = huma.NewAPI(humaConfig(o.Version), humago.NewAdapter((*guardedMux)(a), ""))
	a.metaRoutes()
	a.nodeTypeRoutes()
	a.localRoutes()
	a.linkRoutes()
	a.validateRoute()
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/me", id: "me.get", summary: "Who this is", may: signedIn(), rate: rateRead,
	}, nil, map[string]*huma.Response{}, a.localMe)
	if len(a.faults) > 0 {
		return nil, fmt.Errorf("declare routes: %w", errors.Join(a.faults...))
	}
	return a, nil
}

// localMe is whoever the orchestrator says, or the author alone.
func (a *API) localMe(w http.ResponseWriter, r *http.Request) error {
	if a.o.Linked != nil && a.o.Linked.Link().State == "connected" {
		a.forward(w, r)
		return nil
	}
	text, err := json.Marshal(Me{
		Name: "you, on this machine", Role: fleet.RoleDeveloper, Local: true,
		Permissions: []fleet.Permission{fleet.JobsRead, fleet.JobsRun, fleet.WorkflowsRead, fleet.WorkflowsWrite},
	})
	if err != nil {
		return fleet.Internal(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // a client that has gone needs no answer
	return nil
}

// forward passes a request on. The orchestrator's answer has headers of its own.
func (a *API) forward(w http.ResponseWriter, r *http.Request) {
	for name := range w.Header() {
		w.Header().Del(name)
	}
	r.Header.Set("X-Request-Id", callOf(r.Context()).requestID)
	a.o.Linked.ServeHTTP(w, r)
}

// ConnectBody names an orchestrator.
type ConnectBody struct {
	URL string `json:"url" doc:"Such as https://fleet.example.com."`
	Key string `json:"key,omitempty" doc:"Kept in the memory of the program; no answer holds it."`
}

func (a *API) linkRoutes() {
	route(a, operation{
		method: http.MethodPost, path: Base + "/local/connection", id: "local.connect", summary: "Connect the program on this machine with an orchestrator",
		may: need(fleet.WorkflowsWrite), rate: rateWrite, body: jsonBody[ConnectBody](plainBody, true),
		description: "Only in `fleet canvas`. Answers how each address was reached.",
	}, a.connectLocal)
}

type linkReply struct{ Body fleet.Link }

func (a *API) connectLocal(ctx context.Context, _ *struct{}) (*linkReply, error) {
	if a.o.Linked == nil {
		return nil, fleet.Errorf(fleet.CodeConflict, "not_a_canvas", "Only `fleet canvas` connects with an orchestrator; this is one.")
	}
	body, err := decode[ConnectBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	link, err := a.o.Linked.Connect(ctx, body.URL, body.Key)
	if err != nil {
		return nil, err
	}
	return &linkReply{showLink(link)}, nil
}

func showLink(l fleet.Link) fleet.Link {
	stamp(&l.Since)
	if l.Tried == nil {
		l.Tried = []fleet.LinkTry{}
	}
	return l
}

package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// Live shows the fleet live.
type Live interface {
	// Stream serves one reader until it is gone. still looks whether its credential
	// counts as before; stop is closed when the orchestrator stops. An error is for
	// the handshake: nothing was written then.
	Stream(w http.ResponseWriter, r *http.Request, who auth.Principal, still func() (auth.Principal, bool), stop <-chan struct{}) error
	// Snapshot is all robots of a tenant, with the cursor from which a stream goes on.
	Snapshot(ctx context.Context, who auth.Principal) (any, error)
	// View serves one reader of the original's as Stream does: name says of which
	// of its views, count reads the numbers in it (nil: who has no right to them).
	View(w http.ResponseWriter, r *http.Request, name string, count func(context.Context) (map[string]any, error),
		who auth.Principal, still func() (auth.Principal, bool), stop <-chan struct{}) error
	// Activity is the events of a tenant for people to read, newest first.
	Activity(ctx context.Context, who auth.Principal, kind string, since time.Time, limit int) (any, error)
}

// FleetSnapshot is all robots at one moment, in a form that is small.
type FleetSnapshot struct {
	Cursor  string           `json:"cursor" doc:"Where a stream goes on."`
	Mark    string           `json:"mark" doc:"The same for samples."`
	Now     string           `json:"now" format:"date-time"`
	Columns []string         `json:"columns" doc:"What the cells of a row are."`
	Tables  map[string][]any `json:"tables" doc:"The values of columns that repeat; their cells are indexes."`
	Robots  [][]any          `json:"robots"`
}

func (a *API) liveRoutes() {
	reg := a.huma.OpenAPI().Components.Schemas
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/fleet/snapshot", id: "fleet.snapshot", summary: "Get all robots with the cursor from which a stream goes on",
		may: need(fleet.RobotsRead), rate: rateRead,
	}, nil, map[string]*huma.Response{"200": {
		Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[FleetSnapshot]()(reg)}},
	}}, a.fleetSnapshot)
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/stream", id: "stream.open", summary: "Follow the fleet live, over WebSocket or server-sent events",
		may: need(fleet.RobotsRead), rate: rateRead, stream: true,
		description: "A WebSocket if the request asks for an upgrade (offer the subprotocol fleet.stream beside a ticket), server-sent events otherwise. " +
			"Frames: ev {from, to, ev[]}, sm {mark, d[]}, hb {to, now} every 5 seconds, lg {job, lines[]}, reset {reason}. " +
			"On the open socket {\"t\":\"sub\",\"topics\":[],\"filter\":{}} changes what is wanted. Closed with 4401, 4403, 4408 or 4410; " +
			"the guide to live streams says what each means.",
	}, []*huma.Param{
		queryParam("topics", huma.TypeString, "robots, jobs, job:{id}, log:{id}, schedules, queues, workflows, bulk, bulk:{id}, activity, events; several apart by commas."),
		queryParam("after", huma.TypeString, "A cursor of a snapshot or a frame; the present end if left out."),
		queryParam("mark", huma.TypeString, "Samples that changed since that mark; all if left out."),
		queryParam("environment", huma.TypeString, "Robots and jobs of this environment; may be repeated."),
		queryParam("log_after", huma.TypeString, "Lines after this one, as EPOCH.LINE."),
		{Name: "Last-Event-ID", In: "header", Description: "Server-sent events: the last cursor that was seen.", Schema: &huma.Schema{Type: huma.TypeString}},
	}, map[string]*huma.Response{
		"101": {Description: "The WebSocket is open."},
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}},
	}, a.stream)
}

// noLive answers where nothing is shown live.
func noLive() error {
	return fleet.Errorf(fleet.CodeUnavailable, "no_streams", "This program serves no live streams.").
		WithFix("Ask an orchestrator.")
}

func stops() error {
	return fleet.Errorf(fleet.CodeUnavailable, "stopping", "This orchestrator stops.").WithFix("Come back in a few seconds.")
}

func (a *API) fleetSnapshot(w http.ResponseWriter, r *http.Request) error {
	if a.o.Live == nil {
		return noLive()
	}
	out, err := a.o.Live.Snapshot(r.Context(), auth.From(r.Context()))
	if err != nil {
		return err
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return writeLarge(w, r, body)
}

// least is what is worth being compressed.
const least = 1 << 10

// writeLarge writes JSON, compressed for who asks for it.
func writeLarge(w http.ResponseWriter, r *http.Request, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Add("Vary", "Accept-Encoding")
	if len(body) > least && takesGzip(r.Header.Get("Accept-Encoding")) {
		var small bytes.Buffer
		z, err := gzip.NewWriterLevel(&small, gzip.BestSpeed)
		if err != nil {
			return err
		}
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		body = small.Bytes()
	}
	_, err := w.Write(body)
	return ignoreWrite(err)
}

func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if (name == "gzip" || name == "*") && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

func (a *API) stream(w http.ResponseWriter, r *http.Request) error {
	if a.o.Live == nil {
		return noLive()
	}
	return a.live(w, r, fleet.RobotsRead, a.o.Live.Stream)
}

// live opens a stream that ends with the credential, or with the server.
func (a *API) live(w http.ResponseWriter, r *http.Request, perm fleet.Permission,
	serve func(http.ResponseWriter, *http.Request, auth.Principal, func() (auth.Principal, bool), <-chan struct{}) error,
) error {
	select {
	case <-a.stopping: // whoever is closed comes back at once, and must not be let in again
		return stops()
	default:
	}
	if a.o.Leaving != nil && a.o.Leaving() {
		return stops()
	}
	who := auth.From(r.Context())
	leave, err := a.streams.enter(who, a.o.Limits.Streams)
	if err != nil {
		return err
	}
	defer leave()
	a.endWith(r)
	still := func() (auth.Principal, bool) {
		ok := a.stillMay(r, &who, perm)
		return who, ok
	}
	return serve(w, r, who, still, a.stopping)
}

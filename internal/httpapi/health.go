package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// Health is how the orchestrator is.
type Health struct {
	Status  string         `json:"status" enum:"healthy,up,degraded" doc:"degraded: writes cannot be served; up is the word of /health/ready."`
	Service string         `json:"service"`
	At      float64        `json:"timestamp" doc:"Seconds since 1970."`
	Ready   *bool          `json:"ready,omitempty" doc:"Only of /health/ready."`
	Details *HealthDetails `json:"details,omitempty" doc:"Only for those who may read the system."`

	// What follows stands in /health/ready for those who may read the system, as
	// programs of the original look for it.
	Database  string `json:"database,omitempty" enum:"up,down"`
	Connected *int64 `json:"robots_connected,omitempty" doc:"Not while the database is down."`
	Pending   *int64 `json:"pending_jobs,omitempty" doc:"Likewise."`
	Uptime    *int64 `json:"uptime_seconds,omitempty"`
	Version   string `json:"version,omitempty"`
}

// HealthDetails is what only an admin sees.
type HealthDetails struct {
	Version string `json:"version"`
	Uptime  int64  `json:"uptime_seconds"`
	Store   string `json:"store" doc:"ok, or what is wrong with it."`
	Kind    string `json:"store_kind,omitempty" doc:"PostgreSQL, or SQLite."`
	// Breakers are of this orchestrator; others keep their own.
	Breakers []HealthBreaker `json:"breakers" doc:"Before outside systems, by name."`
}

// HealthBreaker is what one breaker thinks of its system.
type HealthBreaker struct {
	Name     string `json:"name"`
	State    string `json:"state" enum:"closed,trial,open" doc:"open: calls are refused; trial: one call decides."`
	Failures int    `json:"failures" doc:"In a row."`
	RetryIn  int64  `json:"retry_in_seconds" doc:"Until the trial; 0 unless it is open."`
}

type healthReply struct {
	Status int
	Body   Health
}

func (a *API) healthRoutes() {
	for _, r := range []struct {
		path, id, summary string
		show              func(context.Context, *struct{}) (*healthReply, error)
		also              []int
	}{
		{"/health", "health.get", "Whether the orchestrator is well", a.health, nil},
		{"/health/live", "health.live", "Whether the process answers", a.healthLive, nil},
		{Base + "/health", "health.alias", "The same, for programs of the original", a.health, nil},
		{"/health/ready", "health.ready", "Whether the orchestrator takes requests (503 if not)", a.healthReady, []int{http.StatusServiceUnavailable}},
	} {
		route(a, operation{
			method: http.MethodGet, path: r.path, id: r.id, summary: r.summary, may: open().anyway(), rate: rateOpen, also: r.also,
		}, r.show)
	}
}

// well is an orchestrator of which nothing is known to be wrong.
func (a *API) well() Health {
	return Health{Status: "healthy", Service: "casare-fleet", At: float64(a.o.Now().UnixMilli()) / 1000}
}

// look asks the store, for a short while: a probe that hangs helps nobody.
func (a *API) look(ctx context.Context) Health {
	var fault error
	if a.o.Health != nil {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		fault = a.o.Health(ctx)
	}
	h := a.well()
	if fault != nil {
		h.Status = "degraded"
	}
	if auth.From(ctx).May(fleet.SystemRead) {
		h.Details = &HealthDetails{Version: a.o.Version, Uptime: int64(a.o.Now().Sub(a.started) / time.Second), Store: "ok", Kind: a.o.StoreKind, Breakers: []HealthBreaker{}}
		if fault != nil {
			h.Details.Store = fault.Error()
		}
		if a.o.Breakers != nil {
			for _, b := range a.o.Breakers() {
				h.Details.Breakers = append(h.Details.Breakers, HealthBreaker{
					Name: b.Name, State: b.State.String(), Failures: b.Failed, RetryIn: int64((b.RetryIn + time.Second - 1) / time.Second),
				})
			}
		}
	}
	return h
}

func (a *API) health(ctx context.Context, _ *struct{}) (*healthReply, error) {
	return &healthReply{Status: http.StatusOK, Body: a.look(ctx)}, nil
}

func (a *API) healthLive(context.Context, *struct{}) (*healthReply, error) {
	return &healthReply{Status: http.StatusOK, Body: a.well()}, nil
}

func (a *API) healthReady(ctx context.Context, _ *struct{}) (*healthReply, error) {
	reply := &healthReply{Status: http.StatusOK, Body: a.look(ctx)}
	ready := reply.Body.Status == "healthy"
	if reply.Body.Ready = &ready; ready {
		reply.Body.Status = "up"
	} else {
		reply.Status = http.StatusServiceUnavailable
	}
	if reply.Body.Details != nil {
		a.readyFigures(ctx, ready, &reply.Body)
	}
	return reply, nil
}

// readyFigures are read if the database answers. A fault of them makes nothing
// less ready.
func (a *API) readyFigures(ctx context.Context, ready bool, h *Health) {
	h.Database, h.Uptime, h.Version = "down", &h.Details.Uptime, h.Details.Version
	if !ready {
		return
	}
	h.Database = "up"
	who := auth.From(ctx)
	if list, err := a.o.Orchestrator.Robots.List(ctx, who, orchestrator.RobotFilter{Connected: true}, fleet.Page{Limit: 1}); err == nil {
		h.Connected = &list.Total
	}
	if q, err := a.o.Orchestrator.Numbers.Queue(ctx, who); err == nil {
		h.Pending = &q.Depth
	}
}

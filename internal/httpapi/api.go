package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// Base is the path below which the API lives.
const Base = "/api/v1"

// Options are what the API stands on.
type Options struct {
	Orchestrator *orchestrator.Orchestrator
	Keys         *auth.Keys
	// People sign in. Nil: nobody does, there are keys alone.
	People *auth.People
	// Issuer is by whom people may sign in besides. Nil: by nobody. PublicURL is
	// the address at which browsers reach this installation; empty: that of the
	// request.
	Issuer    Issuer
	PublicURL string
	// Auth finds whose request it is. Nil: keys alone count.
	Auth *auth.Resolver
	// Hooks finds whose a web call for a trigger is.
	Hooks *auth.Hooks
	// QueryTokens lets a credential in the address count, as programs of the
	// original send it.
	QueryTokens bool
	// QueryTokenSeen is called for each one that counts. Nil: nobody asks.
	QueryTokenSeen func()
	// Local makes a request without any credential the developer at this
	// machine. It is for listeners on loopback; host and origin are checked.
	Local  bool
	Demo   bool         // what is there is made up
	Robots http.Handler // serves /ws/v2/robot; nil: no robots
	// Polling are the robots that poll; nil: none are served.
	Polling Polling
	// Leaving says that the process is about to stop: every answer asks its
	// client to close the connection. Nil: it is not.
	Leaving func() bool
	Health  func(ctx context.Context) error // nil error: writes can be served
	// Writable is asked before each write and must answer at once; an error
	// refuses it. Nil: all are tried.
	Writable func() error
	// Proxies may speak for others.
	Proxies caller.Proxies
	// RobotCertificates lets a robot's key count only with the certificate of
	// that robot.
	RobotCertificates bool
	// Pressure is asked before each request and must answer at once. Nil: the
	// store is never pressed.
	Pressure func() Pressure
	// Live shows the fleet live. Nil: streams of events alone are served.
	Live Live
	// Breakers are those before outside systems. Nil: none are shown.
	Breakers func() []breaker.Status
	// Members are the orchestrators that share the store. Nil: none are shown.
	Members func() []fleet.Member
	// Here runs workflows on this very machine. Nil: nothing runs here.
	Here Here
	// Linked passes on what is not answered here, for a program without an
	// orchestrator of its own. Nil: there is one.
	Linked Linked

	Now    func() time.Time
	Logger *slog.Logger
	Limits config.Limits
	// Retention is told to those who ask for settings; it is kept elsewhere.
	Retention config.Retention
	Version   string // of the program, for health and the document
	StoreKind string // for health
}

func (o *Options) fill() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Limits == (config.Limits{}) {
		o.Limits = config.DefaultLimits()
	}
	if o.Auth == nil {
		kinds := []auth.Kind{o.Keys, auth.NewEnrolments(o.Keys)}
		if o.People != nil {
			kinds = append(kinds, o.People)
		}
		o.Auth = auth.NewResolver(kinds...)
	}
	if o.QueryTokenSeen == nil {
		o.QueryTokenSeen = func() {}
	}
	if o.Version == "" {
		o.Version = "dev"
	}
}

// API serves REST. It is safe for concurrent use.
type API struct {
	o        Options
	ids      *fleet.IDs // of requests
	started  time.Time
	mux      *http.ServeMux
	routes   map[string]*operation // by the mux's pattern
	faults   []error               // found while routes were declared
	huma     huma.API
	rates    *rates
	gate     gate
	streams  streams
	looks    looks
	unheard  unheard
	cross    *http.CrossOriginProtection
	submits  submissions
	document func() ([]byte, error) // written when it is first asked for

	enrolments *auth.Enrolments

	stopOnce sync.Once
	stopping chan struct{} // closed when streams must end
	hooked   sync.Map      // servers that tell us when they shut down
}

// New declares every route. It fails if one lacks its permission, its rate
// class, or stands twice.
func New(o Options) (http.Handler, error) { return newAPI(o) }

func newAPI(o Options) (*API, error) {
	o.fill()
	a := &API{
		o: o, ids: fleet.NewIDs(o.Now, rand.Reader), started: o.Now(), mux: http.NewServeMux(),
		routes: map[string]*operation{}, stopping: make(chan struct{}),
	}
	a.enrolments = auth.NewEnrolments(o.Keys)
	a.cross = http.NewCrossOriginProtection()
	a.rates, a.submits = newRates(o.Limits, o.Now), newSubmissions(o.Limits)
	a.huma = huma.NewAPI(humaConfig(o.Version), humago.NewAdapter((*guardedMux)(a), ""))
	a.healthRoutes()
	a.jobRoutes()
	a.stepRoutes()
	a.jobActionRoutes()
	a.robotRoutes()
	a.pollingRoutes()
	a.polledRobotRoutes()
	a.legacyRobotRoutes()
	a.numberRoutes()
	a.legacyJobRoutes()
	a.miningRoutes()
	a.robotHealthRoutes()
	a.expositionRoutes()
	a.robotFigureRoutes()
	a.robotModeRoutes()
	a.robotCommandRoutes()
	a.bulkRoutes()
	a.explainRoutes()
	a.graphRoutes()
	a.deadLetterRoutes()
	a.assignmentRoutes()
	a.overrideRoutes()
	a.reservationRoutes()
	a.environmentRoutes()
	a.tenantRoutes()
	a.auditRoutes()
	a.vaultRoutes()
	a.queueRoutes()
	a.scheduleRoutes()
	a.triggerRoutes()
	a.alertRoutes()
	a.webhookRoutes()
	a.searchRoutes()
	a.viewRoutes()
	a.itemRoutes()
	a.heldItemRoutes()
	a.workflowRoutes()
	a.legacySubmitRoutes()
	a.eventRoutes()
	a.liveRoutes()
	a.legacyViewRoutes()
	a.activityRoutes()
	a.attentionRoutes()
	a.jobBulkRoutes()
	a.jobExportRoutes()
	a.keyRoutes()
	a.enrolmentRoutes()
	a.robotKeyRoutes()
	a.signInRoutes()
	a.issuerRoutes()
	a.userRoutes()
	a.memberRoutes()
	a.settingRoutes()
	a.metaRoutes()
	a.nodeTypeRoutes()
	a.localRoutes()
	a.linkRoutes()
	a.laneRoutes()
	a.artifactRoutes()
	a.documentRoutes()
	if len(a.faults) > 0 {
		return nil, fmt.Errorf("declare routes: %w", errors.Join(a.faults...))
	}
	doc := a.huma.OpenAPI()
	finishDocument(doc)
	a.document = sync.OnceValues(func() ([]byte, error) { return writeDocument(doc) })
	return a, nil
}

// Stop ends open streams and long polls, so that a server can shut down
// without waiting for them. A server that serves this API need not call it:
// the first stream asks the server to say when it shuts down.
func (a *API) Stop() { a.stopOnce.Do(func() { close(a.stopping) }) }

// endWith makes streams end when the server that carries a request shuts down.
func (a *API) endWith(r *http.Request) {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return
	}
	if _, known := a.hooked.LoadOrStore(server, true); !known {
		server.RegisterOnShutdown(a.Stop)
	}
}

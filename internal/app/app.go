package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/cluster"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/courier"
	"github.com/casarerpa/fleet/internal/dispatch"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/gateway"
	"github.com/casarerpa/fleet/internal/httpapi"
	"github.com/casarerpa/fleet/internal/issuer"
	"github.com/casarerpa/fleet/internal/mailbox"
	"github.com/casarerpa/fleet/internal/notify"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/outbound"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/postgres"
	"github.com/casarerpa/fleet/internal/store/sqlite"
	"github.com/casarerpa/fleet/internal/stream"
	"github.com/casarerpa/fleet/internal/upkeep"
	"github.com/casarerpa/fleet/web"
	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// App is one orchestrator.
type App struct {
	o        Options
	store    store.Store
	members  *cluster.Membership
	reach    *cluster.Reach
	breakers *breaker.Set // before outside systems
	keys     *auth.Keys
	people   *auth.People
	issuer   *issuer.Issuer // nil: there is none
	auth     *auth.Resolver
	gateway  *gateway.Gateway
	live     *stream.Hub
	shed     func() map[string]int64 // what the API refused under pressure
	loops    []func(context.Context)
	server   *http.Server
	metrics  *http.Server
	listener net.Listener

	queryTokens atomic.Int64 // credentials that came in addresses and counted

	metricsListener net.Listener

	cleanups []cleanup // run in reverse order
	running  sync.WaitGroup
	stop     context.CancelFunc // ends the loops
	leaving  atomic.Bool        // it is about to stop
	stopOnce sync.Once
	stopErr  error
}

// cleanup is one named thing to undo.
type cleanup struct {
	name string
	do   func(ctx context.Context) error
}

// New opens the store, builds the rooms and binds the listener. Nothing is
// served before Start.
func New(ctx context.Context, o Options) (_ *App, err error) {
	o.fill()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := o.Timing.Validate(); err != nil {
		return nil, err
	}
	a := &App{o: o, stop: func() {}, breakers: breaker.NewSet(breaker.Options{Changed: func(name string, from, to breaker.State) {
		o.Logger.Warn("breaker changed", "system", name, "from", from.String(), "to", to.String())
	}})}
	defer func() {
		if err != nil {
			_ = a.Stop(context.WithoutCancel(ctx)) // what was built before the failure
		}
	}()
	cat, err := catalog.Load()
	if err != nil {
		return nil, fmt.Errorf("load the node catalog: %w", err)
	}
	ids := fleet.NewIDs(time.Now, rand.Reader)
	exclusive, err := a.openStore(ctx, ids)
	if err != nil {
		return nil, err
	}
	if err := a.credentials(ctx, ids); err != nil {
		return nil, err
	}
	timing := func(string) fleet.Timing { return o.Timing }
	limits := orchestrator.DefaultLimits()
	limits.BulkJobs, limits.Pending = o.Limits.BulkJobs, int64(o.Limits.Pending)
	limits.BulkItems, limits.Queues, limits.Pattern = o.Limits.BulkItems, o.Limits.Queues, o.Limits.Pattern
	limits.ExportJobs = o.Limits.ExportJobs
	limits.Triggers, limits.Webhooks = o.Limits.Triggers, o.Limits.Webhooks
	limits.Schedules, limits.Every = o.Limits.Schedules, time.Duration(o.Limits.ScheduleEvery)*time.Second
	limits.Parents, limits.Children, limits.Segments = o.Limits.Parents, o.Limits.Children, o.Limits.Segments
	limits.Result, limits.Logs = int(o.Limits.Result), int64(o.Limits.Logs)
	limits.Document = workflow.Limits{
		Bytes: int(o.Limits.Workflow), Depth: o.Limits.JSONDepth, Nodes: o.Limits.Nodes, Connections: o.Limits.Connections,
	}
	member := ids.New()
	signer, err := a.signer()
	if err != nil {
		return nil, err
	}
	sealer, err := a.sealer()
	if err != nil {
		return nil, err
	}
	core := orchestrator.New(orchestrator.Options{
		Notify: a.notifier(),
		Signer: signer, Sealer: sealer, Mail: mailbox.New(mailbox.Options{Dial: outbound.New(outbound.Strict(o.MailAllow...)).Dial}),
		Courier: courier.New(courier.Options{Allow: o.WebhookAllow, Version: o.Version, Now: time.Now, Breakers: a.breakers}), Address: o.address(),
		Store: a.store, IDs: ids, Now: time.Now, Chance: chance, Catalog: cat, Timing: timing,
		Policy: workflow.Policy{Limits: limits.Document}, Limits: limits, Logger: o.Logger,
	})
	if err := core.Secrets.SelfTest(ctx); err != nil {
		return nil, err
	}
	sockets := gateway.DefaultLimits()
	sockets.Sockets, sockets.Handshakes, sockets.All = o.Limits.Sockets, o.Limits.Handshakes, o.Limits.AllHandshakes
	sockets.ClaimHold = time.Duration(o.Limits.ClaimHold) * time.Second
	sockets.Frames, sockets.Burst, sockets.LogBytes = float64(o.Limits.RobotFrames), 2*o.Limits.RobotFrames, int64(o.Limits.Logs)
	a.gateway = gateway.New(gateway.Options{
		Member: member, Version: o.Version, Robots: core.Robots, Attempts: core.Attempts, Secrets: core.Secrets, Keys: a.keys, Auth: a.auth,
		Signals: a.store.Signals(), Timing: timing, Now: time.Now, Logger: o.Logger, Limits: sockets,
	})
	a.live = stream.New(stream.Options{Store: a.store, Timing: timing, Now: time.Now, Logger: o.Logger, Topics: o.Limits.Topics})
	a.push("streams", func(ctx context.Context) error { return a.within(ctx, func() error { a.live.Close(); return nil }) })
	if err := a.listen(ctx, core); err != nil {
		return nil, err
	}
	if err := a.join(ctx, member, ids, exclusive); err != nil {
		return nil, err
	}
	if err := a.build(core, timing); err != nil {
		return nil, err
	}
	return a, a.serveMetrics(ctx)
}

// openStore opens the store and says whether it is this process's alone.
func (a *App) openStore(ctx context.Context, ids *fleet.IDs) (exclusive bool, err error) {
	if a.store = a.o.Store; a.store != nil {
		return false, nil
	}
	if a.o.DatabaseURL != "" {
		db, err := postgres.Open(ctx, postgres.Options{
			URL: a.o.DatabaseURL, IDs: ids, Now: time.Now, Logger: a.o.Logger, Queue: committer.Options{GroupOps: a.o.GroupCommit},
			Migrate: a.o.Migrate, Unsafe: a.o.Unsafe,
		})
		if err != nil {
			return false, err
		}
		a.store = db
		// A database that does not answer is left: what it has not acknowledged,
		// nobody was promised.
		a.push("store", func(ctx context.Context) error { return a.within(ctx, db.Close) })
		return false, nil
	}
	db, err := sqlite.Open(ctx, sqlite.Options{
		Dir: a.o.DataDir, IDs: ids, Now: time.Now, Logger: a.o.Logger, Queue: committer.Options{GroupOps: a.o.GroupCommit},
	})
	if err != nil {
		return false, err
	}
	a.store = db
	a.push("store", func(context.Context) error { return db.Close() })
	return true, nil
}

// storeKind is what keeps the data, for people.
func (a *App) storeKind() string {
	switch {
	case a.o.Store != nil: // whoever gave it knows
		return ""
	case a.o.DatabaseURL != "":
		return "PostgreSQL"
	}
	return "SQLite"
}

// build makes the loops: dispatch, the chores, the gateway's own, and those
// that look at the store and at the other orchestrators.
func (a *App) build(core *orchestrator.Orchestrator, timing func(string) fleet.Timing) error {
	o := dispatch.Options{
		Store: a.store, Presence: presence{a.gateway}, Sender: a.gateway, Timing: timing, Now: time.Now, Logger: a.o.Logger,
	}
	if a.o.RecordRounds != "" {
		rounds, err := newRecorder(a.o.RecordRounds, a.o.Logger)
		if err != nil {
			return err
		}
		o.Record, a.loops = rounds.put, append(a.loops, rounds.run)
	}
	loop := dispatch.New(o)
	lead := a.members.Leader.Held
	timers := &upkeep.Timers{Store: a.store, Attempts: core.Attempts, Now: time.Now, Clock: time.Now, Logger: a.o.Logger, Lead: lead}
	reaper := &upkeep.Reaper{Store: a.store, Attempts: core.Attempts, Timing: timing, Logger: a.o.Logger, Lead: lead}
	modes := &upkeep.Modes{Robots: core.Robots, Logger: a.o.Logger, Lead: lead}
	recalls := &upkeep.Recalls{Reservations: core.Reservations, Signals: a.store.Signals(), Logger: a.o.Logger, Lead: lead}
	ends := &upkeep.KeyEnds{Keys: a.keys, Now: time.Now, Logger: a.o.Logger, Lead: lead}
	wholes := &upkeep.Wholes{Jobs: core.Jobs, Logger: a.o.Logger, Lead: lead}
	items := &upkeep.Items{Queues: core.Queues, Signals: a.store.Signals(), Logger: a.o.Logger, Lead: lead}
	schedules := &upkeep.Schedules{Schedules: core.Schedules, Signals: a.store.Signals(), Now: time.Now, Logger: a.o.Logger, Lead: lead}
	triggers := &upkeep.Triggers{Triggers: core.Triggers, Signals: a.store.Signals(), Logger: a.o.Logger, Lead: lead}
	mails := &upkeep.Mails{Triggers: core.Triggers, Now: time.Now, Logger: a.o.Logger, Lead: lead}
	alerts := &upkeep.Alerts{Alerts: core.Alerts, Signals: a.store.Signals(), Now: time.Now, Logger: a.o.Logger, Lead: lead}
	notices := &upkeep.Notices{Alerts: core.Alerts, Logger: a.o.Logger, Lead: lead}
	webhooks := &upkeep.Webhooks{Webhooks: core.Webhooks, Signals: a.store.Signals(), Now: time.Now, Logger: a.o.Logger, Lead: lead}
	retention := &upkeep.Retention{Store: a.store, Queues: core.Queues, Schedules: core.Schedules, Triggers: core.Triggers, Alerts: core.Alerts, Webhooks: core.Webhooks, Keep: keep(a.o.Retention), Now: time.Now, Logger: a.o.Logger, Lead: lead}
	audits := &upkeep.Audits{Audits: core.Audits, Logger: a.o.Logger, Lead: lead, Offer: a.offerCheckpoint}
	rollups := &upkeep.Rollups{Store: a.store, Now: time.Now, Timing: timing, Logger: a.o.Logger, Lead: lead}
	a.loops = append(a.loops, audits.Run, rollups.Run)
	echo := &cluster.Echo{Store: a.store, Logger: a.o.Logger}
	a.loops = append(a.loops,
		loop.Run, timers.Run, reaper.Run, a.gateway.Run, a.members.Run, a.members.Leader.Run, a.reach.Run, echo.Run, retention.Run, modes.Run, recalls.Run,
		wholes.Run, ends.Run, items.Run, schedules.Run, triggers.Run, mails.Run, alerts.Run, notices.Run, webhooks.Run,
	)
	return nil
}

func keep(r config.Retention) upkeep.Keep {
	const day = 24 * time.Hour
	return upkeep.Keep{
		Jobs: time.Duration(r.JobsDays) * day, Events: time.Duration(r.EventsDays) * day, Logs: time.Duration(r.LogsDays) * day,
		Bulks: time.Duration(r.BulksDays) * day, Audit: time.Duration(r.AuditDays) * day,
	}
}

func (a *App) listen(ctx context.Context, core *orchestrator.Orchestrator) error {
	a.reach = &cluster.Reach{
		Probe: a.store.Health, Clock: time.Now, Logger: a.o.Logger, CutOff: a.gateway.CutOff, Back: a.gateway.Back,
	}
	o := httpapi.Options{
		Orchestrator: core, People: a.people, Keys: a.keys, Auth: a.auth, Hooks: &auth.Hooks{Store: a.store}, Local: a.o.Local, Demo: a.o.Demo, Robots: a.gateway, Polling: a.gateway, Live: a.live, Leaving: a.leaving.Load, Health: a.health, Writable: a.reach.Fault, Breakers: a.breakerStatuses,
		QueryTokens: a.o.QueryTokens, QueryTokenSeen: func() { a.queryTokens.Add(1) },
		Proxies: a.o.Proxies, Pressure: a.pressure(), RobotCertificates: a.o.RobotCertificates,
		Members: func() []fleet.Member { return a.members.Live() }, Here: a.o.Here,
		Now: time.Now, Logger: a.o.Logger, Limits: a.o.Limits, Retention: a.o.Retention, Version: a.o.Version, StoreKind: a.storeKind(),
	}
	if a.issuer != nil {
		o.Issuer, o.PublicURL = a.issuer, a.o.OIDC.PublicURL
	}
	handler, err := httpapi.New(o)
	if err != nil {
		return err
	}
	a.shed = func() map[string]int64 { return nil }
	if s, ok := handler.(interface{ Shed() map[string]int64 }); ok {
		a.shed = s.Shed
	}
	pages, err := a.pages()
	if err != nil {
		return err
	}
	a.server = &http.Server{
		Handler: web.With(handler, pages), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second, MaxHeaderBytes: int(a.o.Limits.Header), TLSConfig: a.o.TLS,
		// Broken handshakes and the like: other people's faults, told in the form of all other lines.
		ErrorLog: slog.NewLogLogger(a.o.Logger.Handler(), slog.LevelWarn),
	}
	a.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.o.Listen)
	if err != nil {
		return fleet.Errorf(fleet.CodeUnavailable, "address_in_use", "The address %s cannot be listened on: %w.", a.o.Listen, err).
			WithFix("Choose another with --listen, or 127.0.0.1:0 for a free port.")
	}
	a.push("listener", func(context.Context) error { return ignoreClosed(a.listener.Close()) })
	return nil
}

// noticeLimit bounds a call that tells of an alert.
const noticeLimit = 15 * time.Second

// notifier tells others of alerts, at addresses that the policy allows.
func (a *App) notifier() *notify.Sender {
	calls := outbound.New(outbound.Strict(a.o.WebhookAllow...))
	a.push("notices", func(context.Context) error { calls.Close(); return nil })
	return notify.New(notify.Options{
		Client: calls.Client(outbound.Options{Timeout: noticeLimit, Redirects: -1, Breakers: a.breakers, Answered: true}),
		Dial:   outbound.New(outbound.Strict(a.o.MailAllow...)).Dial, Breakers: a.breakers,
	})
}

// pages is the interface: what is compiled in, or a folder that is being worked on.
func (a *App) pages() (http.Handler, error) {
	dist := a.o.Pages
	if dist == nil {
		var err error
		if dist, err = web.Dist(); err != nil {
			return nil, err
		}
	}
	return web.New(dist)
}

// pressure is how hard the store is pressed, where it can say so.
func (a *App) pressure() func() httpapi.Pressure {
	s, ok := a.store.(interface{ Load() committer.Load })
	if !ok {
		return nil
	}
	return func() httpapi.Pressure { return httpapi.Pressure(s.Load()) }
}

// Start serves until Stop. It does not block; a server that ends by itself is
// logged and reported on the channel.
func (a *App) Start(ctx context.Context) <-chan error {
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	for _, loop := range a.loops {
		a.running.Go(func() { loop(ctx) })
	}
	failed := make(chan error, 1)
	a.running.Go(func() {
		var err error
		if a.o.TLS != nil {
			err = a.server.ServeTLS(a.listener, "", "")
		} else {
			err = a.server.Serve(a.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	if a.metrics != nil {
		a.running.Go(func() {
			if err := a.metrics.Serve(a.metricsListener); !errors.Is(err, http.ErrServerClosed) {
				a.o.Logger.Error("metrics are not served any more", "error", err)
			}
		})
	}
	a.push("loops", func(ctx context.Context) error {
		a.stop()
		return a.within(ctx, func() error { a.running.Wait(); return nil })
	})
	if a.metrics != nil {
		a.push("metrics", func(context.Context) error { return a.metrics.Close() })
	}
	a.push("http", func(ctx context.Context) error {
		if err := a.server.Shutdown(ctx); err != nil {
			return errors.Join(err, a.server.Close())
		}
		return nil
	})
	a.push("robots", func(ctx context.Context) error {
		a.leaving.Store(true)
		a.gateway.Drain(ctx, "the orchestrator stops")
		a.linger(ctx)
		return nil
	})
	return failed
}

// Stop ends everything in the reverse order: robots are sent away first, then
// requests end, then the loops, then the store. It is bounded by StopTimeout, and
// a moment for each step that is left then: a loop, or a store, that waits for a
// database which does not answer is left behind, and the error says so.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, a.o.StopTimeout)
		defer cancel()
		var errs []error
		for _, c := range slices.Backward(a.cleanups) {
			if err := c.do(ctx); err != nil {
				errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
			}
			errs = append(errs, fail.At(fail.StopStep))
		}
		a.stopErr = errors.Join(errs...)
	})
	return a.stopErr
}

// linger keeps answering after robots have polled here: a connection that is
// closed at the moment of a result would lose it, and their clients keep idle
// ones for 15 seconds. Each answer asks them to close.
func (a *App) linger(ctx context.Context) {
	if !a.gateway.PolledWithin(a.o.Linger) {
		return
	}
	span := a.o.Linger
	if deadline, ok := ctx.Deadline(); ok {
		span = min(span, time.Until(deadline)-a.leaveTime())
	}
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// within waits for something that heeds no context: as long as ctx lasts, and a
// moment also when the steps before took all the time there was.
func (a *App) within(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	least := time.NewTimer(a.leaveTime())
	defer least.Stop()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-least.C:
		return ctx.Err()
	}
}

func (a *App) push(name string, do func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{name, do})
}

// Addr is where the API listens.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// URL is the address of the API for people and programs on this machine.
func (a *App) URL() string {
	scheme := "http"
	if a.o.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + a.Addr().String()
}

// Keys makes and revokes credentials of this orchestrator.
func (a *App) Keys() *auth.Keys { return a.keys }

// People looks after those who sign in.
func (a *App) People() *auth.People { return a.people }

// Connected is how many robots are connected.
func (a *App) Connected() int { return a.gateway.Connected() }

// presence shows the gateway to dispatch in dispatch's own words.
type presence struct{ g *gateway.Gateway }

// Present implements dispatch.Presence.
func (p presence) Present() []dispatch.Present {
	robots := p.g.Present()
	out := make([]dispatch.Present, len(robots))
	for i, r := range robots {
		out[i] = dispatch.Present(r)
	}
	return out
}

// chance draws a number in [0,1) for jitter.
func chance() float64 {
	const steps = 1 << 30
	n, err := rand.Int(rand.Reader, big.NewInt(steps))
	if err != nil {
		return 0.5 // crypto/rand never fails
	}
	return float64(n.Int64()) / steps
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

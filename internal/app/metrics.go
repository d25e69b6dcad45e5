package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
	"github.com/casarerpa/fleet/internal/telemetry"
	"github.com/casarerpa/fleet/internal/upkeep"
)

// serveMetrics binds the Prometheus listener, on loopback only.
func (a *App) serveMetrics(ctx context.Context) error {
	if a.o.MetricsListen == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.o.MetricsListen)
	if err != nil {
		return fleet.Errorf(fleet.CodeUnavailable, "address_in_use", "Metrics cannot be served on %s: %w.", a.o.MetricsListen, err)
	}
	metrics := telemetry.NewMetrics(a.o.Version)
	metrics.MustRegister(fleetCollector{a})
	a.metrics = &http.Server{Handler: metrics.Handler(), ReadHeaderTimeout: 5 * time.Second}
	a.metricsListener = listener
	a.push("metrics listener", func(context.Context) error { return ignoreClosed(listener.Close()) })
	return nil
}

// fleetCollector reads the figures of the fleet when it is scraped, so that
// they cost nothing otherwise.
type fleetCollector struct{ a *App }

var (
	jobsDesc   = prometheus.NewDesc("fleet_jobs", "Jobs that have not ended, by state.", []string{"state"}, nil)
	robotsDesc = prometheus.NewDesc("fleet_robots_connected", "Robots connected to this orchestrator.", nil, nil)
	leaderDesc = prometheus.NewDesc("fleet_is_leader", "1 while this orchestrator does the chores.", nil, nil)
	memberDesc = prometheus.NewDesc("fleet_members", "Orchestrators that share the database, as far as this one sees.", nil, nil)
	reachDesc  = prometheus.NewDesc("fleet_database_reachable", "1 while the last round trip to the database succeeded.", nil, nil)
	brokenDesc = prometheus.NewDesc("fleet_breaker_state", "The breaker before an outside system: 0 closed, 1 trial, 2 open.", []string{"system"}, nil)
	queryDesc  = prometheus.NewDesc("fleet_query_credentials_total", "Credentials that came in the address of a request and counted.", nil, nil)
	shedDesc   = prometheus.NewDesc("fleet_shed_total", "Requests refused under pressure, by what they were.", []string{"class"}, nil)
	readyDesc  = prometheus.NewDesc("fleet_store_ready", "1 while the store can commit.", nil, nil)
)

// Describe implements prometheus.Collector.
func (fleetCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- jobsDesc
	ch <- robotsDesc
	ch <- leaderDesc
	ch <- memberDesc
	ch <- reachDesc
	ch <- readyDesc
	ch <- queryDesc
	ch <- brokenDesc
	ch <- shedDesc
}

// Collect implements prometheus.Collector.
func (c fleetCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	ch <- prometheus.MustNewConstMetric(robotsDesc, prometheus.GaugeValue, float64(c.a.Connected()))
	_, leads := c.a.members.Leader.Held()
	ch <- gauge(leaderDesc, leads)
	ch <- prometheus.MustNewConstMetric(memberDesc, prometheus.GaugeValue, float64(len(c.a.members.Live())))
	for _, b := range c.a.breakerStatuses() {
		ch <- prometheus.MustNewConstMetric(brokenDesc, prometheus.GaugeValue, float64(b.State), b.Name)
	}
	for class, n := range c.a.shed() {
		ch <- prometheus.MustNewConstMetric(shedDesc, prometheus.CounterValue, float64(n), class)
	}
	ch <- gauge(reachDesc, c.a.reach.Fault() == nil)
	ch <- prometheus.MustNewConstMetric(queryDesc, prometheus.CounterValue, float64(c.a.queryTokens.Load()))
	ch <- gauge(readyDesc, c.a.health(ctx) == nil)
	counts, err := upkeep.Counts(ctx, c.a.store)
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			c.a.o.Logger.Warn("jobs not counted for the metrics", "error", err)
		}
		return
	}
	for _, s := range fleet.States() {
		if !s.Final() {
			ch <- prometheus.MustNewConstMetric(jobsDesc, prometheus.GaugeValue, float64(counts[s]), string(s))
		}
	}
}

// gauge is 1 for yes.
func gauge(d *prometheus.Desc, yes bool) prometheus.Metric {
	v := 0.0
	if yes {
		v = 1
	}
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
}

// breakerStatuses are the breakers of this orchestrator. The one before the
// database is the watch on it.
func (a *App) breakerStatuses() []breaker.Status {
	database := breaker.Status{Name: "database"}
	if a.reach.Fault() != nil {
		database.State, database.Failed = breaker.Open, 1
	}
	return append([]breaker.Status{database}, a.breakers.Statuses()...)
}

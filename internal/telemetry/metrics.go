package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is a registry of its own; nothing is registered by being imported.
// Rooms take it as a prometheus.Registerer.
type Metrics struct {
	*prometheus.Registry
}

// NewMetrics makes a registry with the readings of the Go runtime, of the
// process, and one line that says which version runs.
func NewMetrics(version string) *Metrics {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "fleet_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return &Metrics{r}
}

// Handler serves the metrics in the Prometheus text format. It belongs on a
// loopback address of its own: metrics name robots and workflows.
func (m *Metrics) Handler() http.Handler {
	return promhttp.InstrumentMetricHandler(m, promhttp.HandlerFor(m, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4,
		Timeout:             10 * time.Second,
	}))
}

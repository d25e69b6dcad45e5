package gateway_test

import (
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/wire"
)

// BenchmarkSubmitToStart measures, on an idle system over a real socket, the
// time from the call of Submit until the robot may begin: three commits.
func BenchmarkSubmitToStart(b *testing.B) {
	w := newWorld(b)
	r := w.connected("r1")
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		job := w.submit()
		ref := r.offered(job.ID)
		r.send(&wire.JobAccept{Ref: ref})
		expect[*wire.JobStart](r)
		took = append(took, time.Since(start))
		b.StopTimer()
		r.verdict(r.report(complete(ref)))
		b.StartTimer()
	}
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.50), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
}

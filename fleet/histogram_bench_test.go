package fleet

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkHistogramWeek adds 30 histograms of 10,000 durations each up and reads
// percentiles, as a window of a week does.
func BenchmarkHistogramWeek(b *testing.B) {
	chance := rand.New(rand.NewPCG(1, 2))
	var kept [][]byte
	for range 30 {
		h := Histogram{}
		for range 10_000 {
			h.Add(int64(chance.ExpFloat64() * 60_000))
		}
		kept = append(kept, h.Encode())
	}
	for b.Loop() {
		var sum Tally
		for _, k := range kept {
			sum.Add(&Tally{Runs: DecodeHistogram(k)})
		}
		sum.Runs.Percentiles(0.5, 0.9, 0.99)
	}
}

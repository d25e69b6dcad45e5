package fleet

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Histogram counts durations in whole milliseconds. Below 512 ms each value has
// a bin of its own; above, each doubling is cut into 256 bins of equal width, so
// that a value read back is off by at most HistogramError of itself. Histograms
// of parts add up to that of the whole, bin by bin and without a further error.
type Histogram map[uint32]int64

// HistogramError is how far a value may be off, as a share of it: half a bin.
const HistogramError = 1.0 / 512

const (
	histExact = 512 // values below have their own bin
	histSteps = 256 // bins of one doubling
	histShift = 9   // bits of histExact
)

func histBin(ms int64) uint32 {
	if ms < histExact {
		return uint32(max(ms, 0)) //nolint:gosec // below 512
	}
	e := bits.Len64(uint64(ms)) - histShift                           //nolint:gosec // not negative
	return uint32(histExact + (e-1)*histSteps + int(ms>>e-histSteps)) //nolint:gosec // below 15,000
}

// histValue is the middle of a bin.
func histValue(bin uint32) float64 {
	if bin < histExact {
		return float64(bin)
	}
	e := (int(bin)-histExact)/histSteps + 1
	low := int64((int(bin)-histExact)%histSteps+histSteps) << e
	return float64(low) + float64(int64(1)<<e-1)/2
}

// Add counts one duration; a negative one is 0.
func (h Histogram) Add(ms int64) { h[histBin(ms)]++ }

// Merge adds all that another one counted.
func (h Histogram) Merge(o Histogram) {
	for bin, n := range o {
		h[bin] += n
	}
}

// Count is how many durations are in it.
func (h Histogram) Count() (n int64) {
	for _, k := range h {
		n += k
	}
	return n
}

// Percentiles reads continuous percentiles: of n durations in order, that at rank
// p·(n-1), on a line between its neighbours. Shares must rise. Of none, all are 0.
func (h Histogram) Percentiles(shares ...float64) []float64 {
	out := make([]float64, len(shares))
	n := h.Count()
	if n == 0 {
		return out
	}
	bins := h.bins()
	at, below := 0, int64(0) // the bin, and how many lie before it
	value := func(rank int64) float64 {
		for below+h[bins[at]] <= rank {
			below += h[bins[at]]
			at++
		}
		return histValue(bins[at])
	}
	for i, p := range shares {
		rank := p * float64(n-1)
		low := int64(math.Floor(rank))
		v := value(low)
		if part := rank - float64(low); part > 0 {
			keepAt, keepBelow := at, below
			v += part * (value(low+1) - v)
			at, below = keepAt, keepBelow // the next share may begin in this bin
		}
		out[i] = v
	}
	return out
}

func (h Histogram) bins() []uint32 {
	bins := make([]uint32, 0, len(h))
	for bin := range h {
		bins = append(bins, bin)
	}
	slices.Sort(bins)
	return bins
}

// Encode writes the histogram as pairs of varints: the step from the bin before,
// and the count. Nothing counted is nil.
func (h Histogram) Encode() []byte {
	var out []byte
	last := uint32(0)
	for _, bin := range h.bins() {
		if h[bin] <= 0 {
			continue
		}
		out = binary.AppendUvarint(out, uint64(bin-last))
		out = binary.AppendUvarint(out, uint64(h[bin])) //nolint:gosec // positive
		last = bin
	}
	return out
}

// DecodeHistogram reads what Encode wrote; what is broken counts nothing from
// there on.
func DecodeHistogram(b []byte) Histogram {
	h := make(Histogram, len(b)/2) // a pair takes two bytes where bins lie close
	bin := uint64(0)
	for len(b) > 0 {
		step, k := binary.Uvarint(b)
		if k <= 0 {
			break
		}
		count, m := binary.Uvarint(b[k:])
		if m <= 0 || count > math.MaxInt64 || step > math.MaxUint32 {
			break
		}
		bin += step
		if bin > math.MaxUint32 {
			break
		}
		h[uint32(bin)] += int64(count)
		b = b[k+m:]
	}
	return h
}

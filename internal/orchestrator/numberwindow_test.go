package orchestrator

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Whatever the window, its buckets lie end to end, begin where the answer says,
// reach its end, and stay few.
func TestCoverHasNeitherHoleNorOverlap(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	now := time.Date(2026, 11, 27, 1, 37, 12, 0, time.UTC)
	for range 20_000 {
		from := now.Add(-time.Duration(chance.Int64N(int64(400 * 24 * time.Hour))))
		to := from.Add(time.Duration(1 + chance.Int64N(int64(now.Sub(from)))))
		if chance.IntN(2) == 0 {
			to = now
		}
		least := []fleet.RollupSpan{0, fleet.SpanHour, fleet.SpanDay}[chance.IntN(3)]
		parts, begin := cover(from, to, now, least)
		at, buckets := begin, int64(0)
		for _, p := range parts {
			if !p.from.Equal(at) || !p.from.Before(p.to) || !p.span.Floor(p.from).Equal(p.from) || !p.span.Floor(p.to).Equal(p.to) || p.span < least {
				t.Fatalf("%s to %s: %+v", from, to, parts)
			}
			at = p.to
			buckets += int64(p.to.Sub(p.from) / p.span.Std())
		}
		if span := finest(from, now, least); begin.After(from) || from.Sub(begin) >= span.Std() {
			t.Fatalf("it begins at %s for %s", begin, from)
		}
		if at.Before(to) || to.Before(now) && at.Sub(to) >= fleet.SpanDay.Std() {
			t.Fatalf("it ends at %s for %s", at, to)
		}
		if buckets > 400+2*24+2*24 {
			t.Fatalf("%d buckets for %s to %s", buckets, from, to)
		}
	}
}

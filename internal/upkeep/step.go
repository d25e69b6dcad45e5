package upkeep

import (
	"time"

	"github.com/casarerpa/fleet/internal/store"
)

// stepLeast is how far the wall clock may run away from the monotonic one
// between two looks before that is taken for a step. Clocks that are slewed
// stay far below.
const stepLeast = 2 * time.Second

// steps notices when the wall clock was set forward. The store keeps the end of
// a span, such as the time to accept an offer, as a time of the wall clock. When
// that clock is set forward, spans end at once that have hardly begun; steps says
// when they are really over.
//
// A span that reached beyond the step still ends early, by no more than the
// step. After a step backward spans end late; who is silent meanwhile loses the
// attempt by the monotonic clock of the Reaper.
type steps struct {
	wall, mono time.Time // of the last look; zero: none
	from, to   time.Time // the wall clock went from here to there; zero: it did not
}

// look compares the clocks. Both readings are of one moment.
func (s *steps) look(wall, mono time.Time) {
	wall = wall.Round(0) // the wall alone, also where it is the clock of the system
	if !s.wall.IsZero() {
		switch by := wall.Sub(s.wall) - mono.Sub(s.mono); {
		case by > stepLeast:
			s.from, s.to = wall.Add(-by), wall
		case by < -stepLeast:
			s.from, s.to = time.Time{}, time.Time{}
		}
	}
	s.wall, s.mono = wall, mono
}

// early says whether a timer that is due by the wall clock is not due yet: it is
// the end of a span that was under way when the clock was set forward.
func (s *steps) early(t store.Timer) bool {
	if t.Kind == store.TimerDue { // a time that somebody named
		return false
	}
	return t.At.After(s.from) && !t.At.After(s.to) && s.wall.Before(t.At.Add(s.to.Sub(s.from)))
}

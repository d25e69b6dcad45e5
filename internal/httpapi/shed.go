package httpapi

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Pressure is how hard the store is pressed.
type Pressure struct {
	Waiting, Capacity int           // changes that wait to be committed, and how many may
	Commit            time.Duration // the age of the commit under way, or what the last one took
}

// worth is what a request is worth under pressure: the lowest goes first.
type worth int

// In the order in which they go.
const (
	worthFigures worth = iota // analytics and exports
	worthList
	worthSubmit
	worthAct // what people do to keep things in order: cancel, pause, revoke
	worthRobot
	worthAll // health, and what is no work: always answered
)

// worthOf follows from what an operation is.
func worthOf(o *operation) worth {
	switch o.rate {
	case rateExport, rateFleet, rateRobots, rateOneRobot, rateJobs, rateOneJob, rateAnalytics, rateActivity:
		return worthFigures
	case rateSubmit:
		return worthSubmit
	case rateRobot:
		return worthRobot
	case rateOpen:
		return worthAll
	case rateWrite, rateSignIn, rateEnrol:
		return worthAct
	case rateRead, rateNone:
	}
	if o.method == http.MethodGet {
		return worthList
	}
	return worthAct
}

// stallTime is how long a commit may take before writes are refused.
const stallTime = 2 * time.Second

// The shares of pressure from which on something is refused.
const (
	shedFigures = 0.5
	shedList    = 0.65
	shedSubmit  = 0.8
	shedAct     = 0.9
)

// load is everything that pressure is read from.
type load struct {
	inFlight, maxInFlight int
	robots                int // requests of robots under way; they do not press on others
	store                 Pressure
}

// share is the greatest of the pressures, 1 being as much as there may be.
func (l load) share() float64 {
	share := float64(l.inFlight) / float64(max(l.maxInFlight, 1))
	share = max(share, float64(l.store.Waiting)/float64(max(l.store.Capacity, 1)))
	return max(share, float64(l.store.Commit)/float64(stallTime))
}

// admits decides whether a request of some worth is served now. Robots' work is
// refused last: when so much of it is under way that no more can be held.
func admits(l load, w worth) bool {
	share := l.share()
	switch w {
	case worthFigures:
		return share < shedFigures
	case worthList:
		return share < shedList
	case worthSubmit:
		return share < shedSubmit
	case worthAct:
		return share < shedAct
	case worthRobot:
		return l.robots < 4*max(l.maxInFlight, 1)
	case worthAll:
	}
	return true
}

// gate counts what is under way.
type gate struct {
	inFlight, robots atomic.Int64
	shed             [worthAll + 1]atomic.Int64
}

// enter lets a request in, or refuses it. leave must be called when it has ended.
func (a *API) enter(o *operation) (leave func(), err error) {
	w := worthOf(o)
	if w == worthAll || o.stream && w != worthFigures {
		return func() {}, nil // it waits more than it works, and has bounds of its own
	}
	count := &a.gate.inFlight
	if w == worthRobot {
		count = &a.gate.robots
	}
	now := load{inFlight: int(a.gate.inFlight.Load()), robots: int(a.gate.robots.Load()), maxInFlight: a.o.Limits.InFlight}
	if a.o.Pressure != nil {
		now.store = a.o.Pressure()
	}
	if !admits(now, w) {
		a.gate.shed[w].Add(1)
		e := fleet.Errorf(fleet.CodeUnavailable, "overloaded", "This orchestrator has more to do than it can; %s has to wait.", strings.ToLower(o.summary))
		e.RetryAfter = 2 * time.Second
		return nil, e.WithFix("Try again after a moment.")
	}
	if o.stream {
		return func() {}, nil // an export, which lasts for as long as its reader likes
	}
	count.Add(1)
	return func() { count.Add(-1) }, nil
}

// Shed counts what was refused under pressure, by what it was.
func (a *API) Shed() map[string]int64 {
	return map[string]int64{
		"figures": a.gate.shed[worthFigures].Load(), "list": a.gate.shed[worthList].Load(), "submit": a.gate.shed[worthSubmit].Load(),
		"act": a.gate.shed[worthAct].Load(), "robot": a.gate.shed[worthRobot].Load(),
	}
}

package protocol

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Instant is a point on a clock that rises also while the machine sleeps.
type Instant = time.Duration

// phase is how far an attempt is.
type phase int

const (
	considering phase = iota // offered; being looked at
	accepted                 // taken and written down; waits for its start
	running                  // begun
	finished                 // its end is in the journal, as a report or until its files are handed over
)

// attempt is what the robot knows of one hand-out.
type attempt struct {
	ref   wire.Ref
	offer *wire.JobAssign // nil for those found in the journal
	phase phase

	acceptedAt Instant // when the accept was sent
	startedAt  Instant
	fenceAt    Instant

	token     string
	progress  int
	node      string
	effect    string // node inside a step that must not run twice
	mayStart  bool   // told to start; an older epoch still runs
	forgotten bool   // fenced from outside: its end is of no interest

	end   *Report // of one that is finished, until its files are handed over
	asked int     // sessions in which they were to be

	stopBy fleet.StoppedBy // empty: not being stopped
	hard   bool            // told to stop inside the node
	hardAt Instant         // when it will be; 0: not known
}

// live says whether the attempt takes room on the robot.
func (a *attempt) live() bool { return a.phase != finished }

// begun says whether a run is, or may be, under way.
func (a *attempt) begun() bool { return a.phase == running }

// held is the attempt as hello tells it.
func (a *attempt) held() wire.HeldAttempt {
	h := wire.HeldAttempt{Ref: a.ref, Node: a.node}
	switch {
	case a.phase == finished:
		h.Phase = wire.PhaseFinished
	case a.phase == running && a.effect != "":
		h.Phase, h.Node = wire.PhaseEffectOpen, a.effect
	case a.phase == running:
		h.Phase = wire.PhaseRunning
	default:
		h.Phase = wire.PhaseAccepted
	}
	return h
}

// softTime is how long a stop waits for the node under way: what is left of
// the grace after the time that a kill and its report take.
func softTime(grace time.Duration) time.Duration {
	const reserve = 10 * time.Second
	return grace - min(reserve, grace/2)
}

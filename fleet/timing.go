package fleet

import "time"

// Timing is the set of durations that guard attempts in one environment. All
// are durations, never instants: neither side compares clocks with the other.
type Timing struct {
	Heartbeat  time.Duration
	Suspect    time.Duration // no new work, silent shown
	Lease      time.Duration // told to the robot
	Fence      time.Duration // the robot stops itself
	Lost       time.Duration // the attempt is taken away
	Accept     time.Duration // an offer lapses
	FirstFrame time.Duration // a connection without hello is closed
	StopGrace  time.Duration // from cancel or timeout to the end
	RunTimeout time.Duration // of an attempt, unless the job says
}

// NewTiming derives every figure from the time after which an attempt counts
// as lost, the way an environment sets it.
func NewTiming(lost time.Duration) Timing {
	lease := lost * 2 / 3
	return Timing{
		Heartbeat: lost / 9, Suspect: lost / 3, Lease: lease, Fence: lease * 5 / 6, Lost: lost,
		Accept: 10 * time.Second, FirstFrame: 5 * time.Second, StopGrace: 60 * time.Second,
		RunTimeout: 24 * time.Hour,
	}
}

// For is what holds for a robot of a transport. Robots of the original that poll,
// or speak the flat dialect, have rhythms of their own whatever they are told, so
// an environment may give them more time than the server does, and not less.
func (t Timing) For(transport string, server Timing) Timing {
	switch transport {
	case TransportPoll:
		t.Suspect, t.Lost = max(t.Suspect, server.Suspect), max(t.Lost, server.Lost)
	case TransportFlat: // a beat each third of the lost time: two may be late
		t.Suspect, t.Lost = max(t.Suspect, server.Lost*5/6), max(t.Lost, server.Lost)
	}
	return t
}

// DefaultTiming is what an environment has unless it is set apart.
func DefaultTiming() Timing { return NewTiming(90 * time.Second) }

// Validate refuses figures under which two robots could hold one job.
func (t Timing) Validate() error {
	switch {
	case t.Lost < 15*time.Second || t.Lost > 24*time.Hour:
		return Invalid("lost", "lost must be between 15s and 24h; got %s.", t.Lost)
	case t.Lost < t.Lease:
		return Invalid("lost", "lost (%s) must not be shorter than the lease (%s): the robot would still be working.", t.Lost, t.Lease)
	case t.Lease < 2*t.Heartbeat:
		return Invalid("lease", "lease (%s) must be at least twice the heartbeat (%s): one lost beat would end it.", t.Lease, t.Heartbeat)
	case t.Fence >= t.Lease:
		return Invalid("fence", "fence (%s) must be shorter than the lease (%s).", t.Fence, t.Lease)
	case t.Accept <= 0 || t.FirstFrame <= 0 || t.Heartbeat <= 0 || t.Suspect <= 0 || t.RunTimeout <= 0:
		return Invalid("timing", "heartbeat, suspect, accept, first_frame and run_timeout must be positive.")
	case t.StopGrace < 0 || t.StopGrace > time.Hour:
		return Invalid("stop_grace", "stop_grace must be between 0s and 1h; got %s.", t.StopGrace)
	}
	return nil
}

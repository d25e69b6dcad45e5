package protocol

import (
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// The robot's own durations.
const (
	KillAfter   = 5 * time.Second  // from a soft stop without a grace of its own to the hard one
	KeepAcked   = 15 * time.Minute // a report after its acknowledgement
	ResendAfter = 30 * time.Second // without an acknowledgement in a living session
	sendWindow  = 64               // reports on their way
)

// Config is what a robot is.
type Config struct {
	Instance string // this start of the process
	Hello    wire.Hello
	Slots    int
}

// Robot is the state machine. It is not safe for concurrent use; its driver
// holds a lock around each call.
type Robot struct {
	cfg      Config
	attempts map[wire.Ref]*attempt
	order    []wire.Ref         // of attempts, oldest first, so that answers are in one order
	messages int64              // counts the ids
	seen     map[fleet.ID]int64 // highest epoch offered; of the newest jobs
	seenJobs []fleet.ID

	session   *wire.Welcome // nil while there is none
	resume    *wire.Resume  // of the newest session
	helloAt   Instant
	fence     time.Duration
	beats     map[string]Instant // sending time of unanswered heartbeats
	beatOrder []string

	checkpoints bool // the orchestrator of the newest session knows them

	paused   bool
	draining bool
	closing  bool // being shut down

	reports journal
}

// New makes a robot from what its journal held.
func New(cfg Config, from Restored) *Robot {
	r := &Robot{cfg: cfg, attempts: map[wire.Ref]*attempt{}, seen: map[fleet.ID]int64{}, beats: map[string]Instant{}, reports: newJournal(from)}
	for _, e := range from.Reports {
		if ref, ok := wire.AttemptOf(e.Message); ok && wire.IsEnd(e.Message.Type()) {
			r.add(&attempt{ref: ref, phase: finished})
		}
	}
	for _, e := range from.Ends {
		if ref, ok := wire.AttemptOf(e.Message); ok && r.attempts[ref] == nil {
			r.add(&attempt{ref: ref, phase: finished, end: &Report{Message: e.Message, Body: e.Body}})
		}
	}
	return r
}

func (r *Robot) add(a *attempt) {
	if _, ok := r.attempts[a.ref]; !ok {
		r.order = append(r.order, a.ref)
	}
	r.attempts[a.ref] = a
}

func (r *Robot) remove(ref wire.Ref) {
	delete(r.attempts, ref)
	for i, o := range r.order {
		if o == ref {
			r.order = append(r.order[:i:i], r.order[i+1:]...)
			return
		}
	}
}

// each visits the attempts, oldest first. visit may remove the one it is given.
func (r *Robot) each(visit func(*attempt)) {
	for _, ref := range append([]wire.Ref(nil), r.order...) {
		if a := r.attempts[ref]; a != nil {
			visit(a)
		}
	}
}

// send makes the effect of sending a message, or none without a session.
func (r *Robot) send(m wire.Message, answers string) []Effect {
	if r.session == nil {
		return nil
	}
	return []Effect{Send{r.frame(m, answers)}}
}

func (r *Robot) frame(m wire.Message, answers string) wire.Frame {
	r.messages++
	f := wire.Frame{
		Type: m.Type(), ID: r.cfg.Instance + "-" + strconv.FormatInt(r.messages, 10), CorrelationID: answers, Payload: m,
	}
	if r.session != nil {
		f.Session = r.session.SessionEpoch
	}
	return f
}

// Max is how many attempts the robot takes at once.
func (r *Robot) Max() int {
	if r.session != nil && r.session.GrantedMax > 0 {
		return min(r.cfg.Slots, r.session.GrantedMax)
	}
	return r.cfg.Slots
}

// Taken counts the attempts that take room. One that is being replaced by a
// higher epoch of its job does not count: its place passes on.
func (r *Robot) Taken() int {
	n := 0
	for _, a := range r.attempts {
		if a.live() && r.newer(a) == nil {
			n++
		}
	}
	return n
}

// Running counts the runs under way, those being stopped included.
func (r *Robot) Running() int {
	n := 0
	for _, a := range r.attempts {
		if a.begun() {
			n++
		}
	}
	return n
}

// Idle says whether nothing is under way and nothing is left to deliver.
func (r *Robot) Idle() bool { return r.Taken() == 0 && r.Running() == 0 && r.Undelivered() == 0 }

// Undelivered counts the reports that wait for their acknowledgement, with those
// that become one.
func (r *Robot) Undelivered() int { return r.reports.waiting() + r.ends() }

// Welcomed returns the present session's welcome, or nil.
func (r *Robot) Welcomed() *wire.Welcome { return r.session }

// newer finds a higher epoch of the attempt's job.
func (r *Robot) newer(a *attempt) *attempt {
	for ref, b := range r.attempts {
		if ref.JobID == a.ref.JobID && ref.Epoch > a.ref.Epoch {
			return b
		}
	}
	return nil
}

// older finds a lower epoch of the job whose run has not ended.
func (r *Robot) older(a *attempt) *attempt {
	for ref, b := range r.attempts {
		if ref.JobID == a.ref.JobID && ref.Epoch < a.ref.Epoch && b.begun() {
			return b
		}
	}
	return nil
}

// Status is the robot's own word for its state.
func (r *Robot) Status() fleet.Reported {
	switch {
	case r.draining || r.closing:
		return fleet.ReportedDraining
	case r.paused:
		return fleet.ReportedPaused
	case r.Taken() >= r.Max():
		return fleet.ReportedBusy
	}
	return fleet.ReportedReady
}

// Drain takes no more offers from now on.
func (r *Robot) Drain(reason string) []Effect {
	if r.draining {
		return nil
	}
	r.draining = true
	return r.send(&wire.RobotDrain{Reason: reason}, "")
}

// Shutdown stops all that is under way and reports it as such; with force also
// inside nodes, at once.
func (r *Robot) Shutdown(force bool, now Instant) []Effect {
	out := r.Drain("shutdown")
	r.closing = true
	r.each(func(a *attempt) {
		switch a.phase {
		case considering:
			out = append(out, r.Reject(a.ref, fleet.RejectDraining, "the robot is shutting down", 0)...)
		case accepted:
			out = append(out, r.finish(a, &wire.JobCancelled{Ref: a.ref, By: fleet.ByShutdown, How: fleet.StoppedClean}, nil, now)...)
		case running:
			out = append(out, r.stop(a, fleet.ByShutdown, 2*KillAfter, force, now)...)
		case finished:
		}
	})
	return out
}

// Goodbye is the last message of a process that ends.
func (r *Robot) Goodbye(reason string) []Effect {
	return r.send(&wire.Disconnect{Reason: reason, Final: true}, "")
}

package protocol

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Hello opens a session: the first frame of a new connection.
func (r *Robot) Hello(now Instant) wire.Frame {
	r.Disconnected()
	h := r.cfg.Hello
	h.InstanceID, h.Protocols, h.MaxJobs = r.cfg.Instance, []int{wire.Version}, r.cfg.Slots
	h.Resume, h.ReportedStatus = r.resume, r.Status()
	h.LastReportID, h.AckedReportID = r.reports.next-1, r.ackedBelow()
	h.Attempts = nil
	r.each(func(a *attempt) {
		if !a.forgotten && a.phase != considering {
			h.Attempts = append(h.Attempts, a.held())
		}
	})
	r.helloAt = now
	return r.frame(&h, "")
}

// SecretGet asks for a secret on behalf of a run. The answer names the
// returned message; it is empty without a session.
func (r *Robot) SecretGet(ref wire.Ref, name string) (message string, out []Effect) {
	if r.session == nil {
		return "", nil
	}
	f := r.frame(&wire.SecretGet{Ref: ref, Name: name}, "")
	return f.ID, []Effect{Send{f}}
}

// SetResume gives the token of a session before this start of the process.
func (r *Robot) SetResume(to *wire.Resume) { r.resume = to }

// SetJournal names the journal anew, after it was found to be a copy.
func (r *Robot) SetJournal(id string) { r.cfg.Hello.JournalID = id }

// Disconnected says that the connection is gone. Nothing under way is touched;
// offers that were not taken yet are dropped, for they lapse with the session.
func (r *Robot) Disconnected() []Effect {
	r.session = nil
	clear(r.beats)
	r.beatOrder = nil
	var out []Effect
	r.each(func(a *attempt) {
		if a.phase == considering {
			r.remove(a.ref)
			out = append(out, Gone{a.ref})
		}
	})
	return out
}

// Handle takes a frame of the orchestrator. Log and secret answers are not the
// machine's; it ignores them.
func (r *Robot) Handle(f wire.Frame, now Instant) []Effect {
	if r.session == nil {
		switch m := f.Payload.(type) {
		case *wire.Welcome:
			return r.welcomed(m, now)
		case *wire.Goaway:
			return []Effect{Leave{Reason: m.Reason, After: m.ReconnectAfter.Std(), To: m.To}}
		}
		return nil
	}
	switch m := f.Payload.(type) {
	case *wire.HeartbeatAck:
		return r.renewed(m, now)
	case *wire.JobAssign:
		return r.offered(m, now)
	case *wire.JobStart:
		if a := r.attempts[m.Ref]; a != nil {
			return r.start(a, a.acceptedAt, m.AttemptToken, now)
		}
	case *wire.JobCancel:
		return r.cancelled(m.Ref, m.Cause, m.Grace.Std(), m.Force, now)
	case *wire.JobForget:
		if a := r.attempts[m.Ref]; a != nil {
			return r.forget(a, now)
		}
	case *wire.ReportAck:
		return r.acknowledged(m, now)
	case *wire.Config:
		r.configured(m)
	case *wire.Goaway:
		return []Effect{Leave{Reason: m.Reason, After: m.ReconnectAfter.Std(), To: m.To}}
	case *wire.Error:
		if m.Fatal {
			return []Effect{Leave{Reason: m.Message, After: m.RetryAfter.Std()}}
		}
	default:
		return r.commanded(f)
	}
	return nil
}

// commanded carries out what an operator asks for.
func (r *Robot) commanded(f wire.Frame) []Effect {
	done := func(id, text string) []Effect {
		return r.send(&wire.CommandResult{CommandID: id, OK: true, Message: text}, f.ID)
	}
	switch m := f.Payload.(type) {
	case *wire.Pause:
		r.paused = true
		return done(m.CommandID, "paused")
	case *wire.ResumeWork:
		r.paused, r.draining = false, r.closing
		return done(m.CommandID, "resumed")
	case *wire.Drain:
		r.draining = true
		return done(m.CommandID, "draining")
	case *wire.Restart:
		return append(done(m.CommandID, "restarting"), Quit{Graceful: true, Restart: true})
	case *wire.SelfTest:
		return []Effect{Test{CommandID: m.CommandID, Answers: f.ID}}
	case *wire.Shutdown:
		return append(done(m.CommandID, "shutting down"), Quit{Graceful: m.Graceful})
	}
	return nil
}

// Tested answers a Test. Without a session nothing is said: the orchestrator asks
// again.
func (r *Robot) Tested(t Test, passed bool, what string) []Effect {
	if r.session == nil {
		return nil
	}
	return r.send(&wire.CommandResult{CommandID: t.CommandID, OK: passed, Message: what}, t.Answers)
}

func (r *Robot) configured(m *wire.Config) {
	w := *r.session
	if m.Heartbeat > 0 {
		w.Heartbeat = m.Heartbeat
	}
	if m.Lease > 0 {
		w.Lease = m.Lease
	}
	if m.Fence > 0 {
		w.Fence, r.fence = m.Fence, m.Fence.Std()
	}
	if m.StopGrace > 0 {
		w.StopGrace = m.StopGrace
	}
	if m.GrantedMax > 0 {
		w.GrantedMax = m.GrantedMax
	}
	r.session = &w
}

// welcomed begins the session: what is wanted of each attempt, then the
// reports that are not committed.
func (r *Robot) welcomed(m *wire.Welcome, now Instant) []Effect {
	r.session = m
	r.checkpoints = slices.Contains(m.Features, wire.FeatureCheckpoint)
	r.resume = &wire.Resume{SessionID: m.SessionID, Token: m.ResumeToken}
	r.fence = m.Fence.Std()
	if r.fence <= 0 {
		t := fleet.DefaultTiming()
		r.fence = t.Fence
	}
	var out []Effect
	for _, d := range m.Desired {
		a := r.attempts[d.Ref]
		if a == nil {
			continue
		}
		switch d.Want {
		case wire.WantContinue:
			out = append(out, r.renew(a, r.helloAt, now)...)
			out = append(out, r.start(a, r.helloAt, d.AttemptToken, now)...)
		case wire.WantCancel:
			// The lease goes on while the attempt stops within its grace.
			out = append(out, r.renew(a, r.helloAt, now)...)
			out = append(out, r.cancelled(d.Ref, d.Cause, d.Grace.Std(), d.Force, now)...)
		case wire.WantForget:
			out = append(out, r.forget(a, now)...)
		case wire.WantReport: // reports that wait are sent below
		}
	}
	if r.draining {
		out = append(out, r.send(&wire.RobotDrain{Reason: "draining"}, "")...)
	}
	out = append(out, r.resumeReports(m.CommittedReportID, now)...)
	r.each(func(a *attempt) { out = append(out, r.handOver(a, now)...) })
	return out
}

// renew moves the fence of an attempt. One that is past it stays fenced.
func (r *Robot) renew(a *attempt, sent, now Instant) []Effect {
	if a.phase == running && !a.forgotten && a.stopBy != fleet.BySelfFence && now < a.fenceAt {
		a.fenceAt = max(a.fenceAt, sent+r.fence)
	}
	return nil
}

// maxBeats bounds what is remembered of unanswered heartbeats.
const maxBeats = 64

// Beat makes a heartbeat from readings of the machine; false without a session.
func (r *Robot) Beat(reading wire.Heartbeat, now Instant) (wire.Frame, bool) {
	if r.session == nil {
		return wire.Frame{}, false
	}
	reading.Attempts = nil
	r.each(func(a *attempt) {
		if a.forgotten || a.phase == considering {
			return
		}
		reading.Attempts = append(reading.Attempts, wire.BeatAttempt{Ref: a.ref, Progress: a.progress, Node: a.node})
	})
	if reading.Status == "" {
		reading.Status = r.Status()
	}
	f := r.frame(&reading, "")
	r.beats[f.ID] = now
	r.beatOrder = append(r.beatOrder, f.ID)
	if len(r.beatOrder) > maxBeats {
		delete(r.beats, r.beatOrder[0])
		r.beatOrder = r.beatOrder[1:]
	}
	return f, true
}

// renewed handles the answer to a heartbeat.
func (r *Robot) renewed(m *wire.HeartbeatAck, now Instant) []Effect {
	sent, known := r.beats[m.Echo]
	delete(r.beats, m.Echo)
	r.beatOrder = slices.DeleteFunc(r.beatOrder, func(id string) bool { return id == m.Echo })
	if m.Heartbeat > 0 && m.Heartbeat != r.session.Heartbeat {
		w := *r.session
		w.Heartbeat = m.Heartbeat
		r.session = &w
	}
	var out []Effect
	if known {
		stopping := map[wire.Ref]bool{}
		for _, c := range m.Cancel {
			stopping[c.Ref] = true
		}
		for _, ref := range m.Renewed {
			a := r.attempts[ref]
			if a == nil {
				continue
			}
			out = append(out, r.renew(a, sent, now)...)
			// Renewed means that it counts as running there: the accept was
			// committed, and only its job_start got lost.
			if a.phase == accepted && !a.mayStart && !stopping[ref] {
				out = append(out, r.start(a, sent, "", now)...)
			}
		}
	}
	for _, ref := range m.Stale {
		if a := r.attempts[ref]; a != nil {
			out = append(out, r.forget(a, now)...)
		}
	}
	for _, c := range m.Cancel {
		out = append(out, r.cancelled(c.Ref, c.Cause, c.Grace.Std(), c.Force, now)...)
	}
	return out
}

// Interval is the pause before the next heartbeat, ± 20 % by chance in [0,1).
func (r *Robot) Interval(chance float64) time.Duration {
	every := fleet.DefaultTiming().Heartbeat
	if r.session != nil && r.session.Heartbeat > 0 {
		every = r.session.Heartbeat.Std()
	}
	return time.Duration(float64(every) * (0.8 + 0.4*chance))
}

package protocol

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// offered looks at an offer: what the machine can decide it decides, the rest
// is considered outside.
func (r *Robot) offered(m *wire.JobAssign, now Instant) []Effect {
	if a := r.attempts[m.Ref]; a != nil {
		if a.phase == accepted && !a.forgotten {
			a.acceptedAt = now
			return r.send(&wire.JobAccept{Ref: m.Ref}, "")
		}
		return nil // heard before
	}
	if !r.news(m.Ref) {
		return nil // an offer of the past, or one that was answered
	}
	switch {
	case r.draining || r.closing || r.paused:
		return r.refuse(m.Ref, fleet.RejectDraining, "the robot takes no work now", 0)
	case r.Taken() >= r.Max() && !r.holds(m.JobID):
		return r.refuse(m.Ref, fleet.RejectAtCapacity, "all slots are taken", 5*time.Second)
	}
	var out []Effect
	r.each(func(old *attempt) {
		if old.ref.JobID == m.JobID && old.live() {
			out = append(out, r.forget(old, now)...)
		}
	})
	r.add(&attempt{ref: m.Ref, offer: m, phase: considering})
	return append(out, Consider{Offer: m})
}

// maxSeen bounds the jobs whose highest epoch is remembered.
const maxSeen = 1024

// news says whether an epoch was not heard of before, and remembers it.
func (r *Robot) news(ref wire.Ref) bool {
	before, known := r.seen[ref.JobID]
	if ref.Epoch <= before {
		return false
	}
	r.seen[ref.JobID] = ref.Epoch
	if known {
		return true
	}
	if r.seenJobs = append(r.seenJobs, ref.JobID); len(r.seenJobs) > maxSeen {
		delete(r.seen, r.seenJobs[0])
		r.seenJobs = r.seenJobs[1:]
	}
	return true
}

// holds says whether an attempt of the job takes a slot, which its next epoch
// may have.
func (r *Robot) holds(job fleet.ID) bool {
	for ref, a := range r.attempts {
		if ref.JobID == job && a.live() {
			return true
		}
	}
	return false
}

func (r *Robot) refuse(ref wire.Ref, reason fleet.RejectReason, detail string, after time.Duration) []Effect {
	return r.send(&wire.JobReject{Ref: ref, Reason: reason, Detail: detail, RetryAfter: fleet.Duration(after)}, "")
}

// Accept takes an offer that was considered. It is written down before it is
// said, and nothing begins yet.
func (r *Robot) Accept(ref wire.Ref, now Instant) []Effect {
	a := r.attempts[ref]
	if a == nil || a.phase != considering {
		return []Effect{Gone{ref}} // the session ended, or it was forgotten meanwhile
	}
	a.phase, a.acceptedAt = accepted, now
	out := []Effect{Write{Record: Record{Kind: RecordAccept, Ref: ref}}}
	return append(out, r.send(&wire.JobAccept{Ref: ref}, "")...)
}

// Reject refuses an offer that was considered.
func (r *Robot) Reject(ref wire.Ref, reason fleet.RejectReason, detail string, after time.Duration) []Effect {
	a := r.attempts[ref]
	if a == nil || a.phase != considering {
		return []Effect{Gone{ref}}
	}
	r.remove(ref)
	return append([]Effect{Gone{ref}}, r.refuse(ref, reason, detail, after)...)
}

// start lets an accepted attempt begin. sent is when the message that was
// answered left this robot: the fence counts from there.
func (r *Robot) start(a *attempt, sent Instant, token string, now Instant) []Effect {
	if a.phase != accepted || a.forgotten {
		return nil
	}
	if token != "" {
		a.token = token
	}
	a.fenceAt = max(a.fenceAt, sent+r.fence)
	a.mayStart = true
	if now >= a.fenceAt { // the answer took so long that the lease may be over
		return r.finish(a, &wire.JobCancelled{Ref: a.ref, By: fleet.BySelfFence, How: fleet.StoppedClean}, nil, now)
	}
	return r.begin(a, now)
}

// begin starts the run unless an older epoch of the job still runs here.
func (r *Robot) begin(a *attempt, now Instant) []Effect {
	if !a.mayStart || a.phase != accepted || r.older(a) != nil {
		return nil
	}
	a.phase, a.startedAt = running, now
	// Written before the first step: its absence proves that nothing ran.
	out := r.report(&wire.JobStarted{Ref: a.ref}, nil, now)
	return append(out, Start{Offer: a.offer, Token: a.token})
}

// forget fences an attempt from outside: final, no questions, no report.
func (r *Robot) forget(a *attempt, now Instant) []Effect {
	if a.forgotten {
		return nil
	}
	drop := Write{Record: Record{Kind: RecordDrop, Ref: a.ref}, Lazy: true}
	switch a.phase {
	case considering, accepted:
		r.remove(a.ref)
		return []Effect{drop, Gone{a.ref}}
	case finished: // its report stays in the sequence until it is acknowledged
		out := r.tell(a, now)
		r.remove(a.ref)
		return append(out, drop)
	case running:
	}
	a.forgotten, a.hard = true, true
	if a.stopBy == "" {
		a.stopBy = fleet.ByRequest
	}
	return []Effect{drop, Stop{Ref: a.ref, By: a.stopBy, Hard: true}}
}

// cancelled asks an attempt to stop.
func (r *Robot) cancelled(ref wire.Ref, cause fleet.StopReason, grace time.Duration, force bool, now Instant) []Effect {
	a := r.attempts[ref]
	if a == nil {
		return nil
	}
	by := fleet.ByRequest
	if cause == fleet.StopTimeout {
		by = fleet.ByTimeout
	}
	switch a.phase {
	case considering:
		return r.Reject(ref, fleet.RejectDraining, "the job was cancelled", 0)
	case accepted:
		return r.finish(a, &wire.JobCancelled{Ref: ref, By: by, How: fleet.StoppedClean}, nil, now)
	case running:
		return r.stop(a, by, grace, force, now)
	case finished: // nobody waits for its files
		return r.tell(a, now)
	}
	return nil
}

// stop begins or sharpens a stop.
func (r *Robot) stop(a *attempt, by fleet.StoppedBy, grace time.Duration, force bool, now Instant) []Effect {
	first := a.stopBy == ""
	if first {
		a.stopBy = by
	}
	at := now + softTime(max(grace, 0))
	if force {
		at = now
	}
	if a.hardAt == 0 || at < a.hardAt {
		a.hardAt = at
	}
	if a.hard {
		return nil
	}
	if now >= a.hardAt {
		a.hard = true
		return []Effect{Stop{Ref: a.ref, By: a.stopBy, Hard: true}}
	}
	if first {
		return []Effect{Stop{Ref: a.ref, By: a.stopBy}}
	}
	return nil
}

package protocol

import (
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// Stopped is why a run may not enter its next node.
type Stopped struct {
	By     fleet.StoppedBy
	Reason string
}

// Error says the reason.
func (s *Stopped) Error() string { return s.Reason }

// MayEnter says whether a run may enter a node: nil, or a [*Stopped].
func (r *Robot) MayEnter(ref wire.Ref, node string, now Instant) error {
	a := r.attempts[ref]
	switch {
	case a == nil || a.phase != running || a.forgotten:
		return &Stopped{fleet.ByRequest, "the attempt is no longer this robot's"}
	case a.stopBy != "":
		return &Stopped{a.stopBy, "the attempt is being stopped: " + string(a.stopBy)}
	case now >= a.fenceAt:
		return &Stopped{fleet.BySelfFence, "the lease of the attempt is about to end"}
	}
	a.node = node
	return nil
}

// Progress notes where a run stands; the effect sends it as a sample.
func (r *Robot) Progress(ref wire.Ref, percent int, node, text string) []Effect {
	a := r.attempts[ref]
	if a == nil || a.phase != running || a.forgotten {
		return nil
	}
	a.progress = min(max(a.progress, percent), 100)
	if node != "" {
		a.node = node
	}
	return r.send(&wire.JobProgress{Ref: ref, Progress: a.progress, CurrentNode: a.node, Message: wire.Cut(text, wire.MaxMessage)}, "")
}

// Tick looks at the clock: fences, run timeouts, stops that waited long
// enough, reports without an answer, reports that were kept long enough. Call
// it about once a second.
func (r *Robot) Tick(now Instant) []Effect {
	var out []Effect
	r.each(func(a *attempt) {
		if a.phase == running && !a.forgotten {
			out = append(out, r.watch(a, now)...)
		}
	})
	out = append(out, r.resend(now)...)
	return append(out, r.prune(now)...)
}

// watch looks at one running attempt.
func (r *Robot) watch(a *attempt, now Instant) []Effect {
	if now >= a.fenceAt {
		if a.stopBy == "" {
			a.stopBy = fleet.BySelfFence
		}
		if !a.hard {
			a.hard = true
			return []Effect{Stop{Ref: a.ref, By: a.stopBy, Hard: true}}
		}
		return nil
	}
	if a.stopBy == "" && a.offer != nil && a.offer.Timeout > 0 && now-a.startedAt >= a.offer.Timeout.Std() {
		return r.stop(a, fleet.ByTimeout, 2*KillAfter, false, now)
	}
	if a.stopBy != "" && !a.hard && a.hardAt > 0 && now >= a.hardAt {
		a.hard = true
		return []Effect{Stop{Ref: a.ref, By: a.stopBy, Hard: true}}
	}
	return nil
}

// resend repeats everything if the oldest report has waited too long.
func (r *Robot) resend(now Instant) []Effect {
	j := &r.reports
	if r.session == nil || len(j.entries) == 0 || !j.entries[0].onWire || now-j.entries[0].sent < ResendAfter {
		return nil
	}
	for _, e := range j.entries {
		e.onWire = false
	}
	return r.pump(now)
}

// prune lets go of reports that were kept long enough after their acknowledgement.
func (r *Robot) prune(now Instant) []Effect {
	j := &r.reports
	n := 0
	for n < len(j.kept) && now-j.kept[n].at >= KeepAcked {
		n++
	}
	if n == 0 {
		return nil
	}
	upto := j.kept[n-1].id
	j.kept = slices.Delete(j.kept, 0, n)
	return []Effect{Prune{Upto: upto}}
}

// NextFence is the earliest fence of a running attempt, for a driver that
// sleeps exactly; false if there is none.
func (r *Robot) NextFence() (at Instant, ok bool) {
	for _, a := range r.attempts {
		if a.phase == running && !a.hard && (!ok || a.fenceAt < at) {
			at, ok = a.fenceAt, true
		}
	}
	return at, ok
}

package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// Reaper watches the renewals of live attempts: it flags silence, takes away
// what was not renewed for the lost time, and stops what runs for too long.
type Reaper struct {
	Store    store.Store
	Attempts *orchestrator.Attempts
	Timing   func(environment string) fleet.Timing
	Logger   *slog.Logger
	Every    time.Duration // default: an eighteenth of the lost time, at most 5 s
	Lead     Lead          // nil: this process alone does the chores

	term   int64 // in which it watches
	seen   map[store.Ref]*watched
	last   time.Time // start of the last sweep that saw the store, monotonic
	braked time.Time // when the brake last held attempts; zero: it is off
	// shortest is the shortest time after which one of those seen would be lost.
	shortest time.Duration
}

// watched is what the sweeper remembers of one attempt.
type watched struct {
	seq     int64
	since   time.Time // when seq was first seen
	running time.Time // when it was first seen running
}

// The brake: more than this at once is more likely our fault than theirs.
const (
	brakeLeast = 5
	brakeShare = 0.2
)

// Run works until ctx ends.
func (r *Reaper) Run(ctx context.Context) {
	t := r.Timing(fleet.DefaultEnvironment)
	pause := func() time.Duration {
		if r.Every > 0 {
			return r.Every
		}
		if r.shortest > 0 {
			return min(t.Lost/18, r.shortest/6, 5*time.Second)
		}
		return min(t.Lost/18, 5*time.Second)
	}
	every(ctx, r.Logger, "reap", 0, pause, nil, func(ctx context.Context) error {
		if !r.leads() {
			return nil
		}
		return r.RunOnce(ctx, time.Now())
	})
}

// leads says whether this process does the chores. What it saw in an earlier
// term is forgotten: nobody here watched in between, so every lease gets its
// full time.
func (r *Reaper) leads() bool {
	term, ok := r.Lead.held()
	if !ok || term != r.term {
		r.term, r.seen, r.last, r.braked = term, nil, time.Time{}, time.Time{}
	}
	return ok
}

// RunOnce makes one sweep. now must come from one monotonic clock for all
// calls; only differences of it count.
func (r *Reaper) RunOnce(ctx context.Context, now time.Time) error {
	scope := store.System("reap")
	t := r.Timing(fleet.DefaultEnvironment)
	live, err := r.observe(ctx, scope, now)
	if err != nil {
		return err // while the store is away nobody can renew; see stalled
	}
	var away time.Duration // since the last sweep
	if !r.last.IsZero() {
		away = now.Sub(r.last)
	}
	r.last, r.shortest = now, 0
	late := 0
	var lost []store.LiveAttempt
	var faults []error // of single rows, which stop none of the others
	for i := range live {
		if live[i].LostAfter <= 0 { // welcomed by an older version
			live[i].LostAfter, live[i].SuspectAfter = t.Lost, t.Suspect
		}
		a := live[i]
		if r.shortest == 0 || a.LostAfter < r.shortest {
			r.shortest = a.LostAfter
		}
		w := r.seen[a.Ref]
		if away > a.LostAfter/3 { // we were away: its robot may have renewed all the time
			w.since, late = now, late+1
			continue
		}
		silent := now.Sub(w.since)
		switch {
		case silent >= a.LostAfter:
			lost = append(lost, a)
		case silent >= a.SuspectAfter && !a.Silent && a.State == fleet.Running:
			faults = append(faults, r.Attempts.Silence(ctx, scope, a.Ref, a.RenewSeq))
		}
		if a.State == fleet.Running && a.RunTimeout > 0 && now.Sub(w.running) > a.RunTimeout+t.Heartbeat {
			faults = append(faults, r.Attempts.RunLimit(ctx, scope, a.Ref))
		}
	}
	if late > 0 {
		r.Logger.Warn("sweep came late; leases are given their full time again", "attempts", late)
	}
	faults = append(faults, r.take(ctx, scope, lost, len(live), now), r.Attempts.FreeLostSlots(ctx, scope, away))
	return errors.Join(faults...)
}

// observe reads all live attempts and remembers when each renewal number was
// first seen.
func (r *Reaper) observe(ctx context.Context, scope store.Scope, now time.Time) ([]store.LiveAttempt, error) {
	if r.seen == nil {
		r.seen = map[store.Ref]*watched{}
	}
	var live []store.LiveAttempt
	var after store.Ref
	for {
		var page []store.LiveAttempt
		const size = 1000
		err := r.Store.View(ctx, scope, func(rd store.Reader) (err error) {
			page, err = rd.LiveAttempts(after, size)
			return err
		})
		if err != nil {
			return nil, err
		}
		live = append(live, page...)
		if len(page) < size {
			break
		}
		after = page[len(page)-1].Ref
	}
	next := make(map[store.Ref]*watched, len(live))
	for _, a := range live {
		w := r.seen[a.Ref]
		if w == nil {
			w = &watched{seq: a.RenewSeq, since: now}
		}
		if w.seq != a.RenewSeq {
			w.seq, w.since = a.RenewSeq, now
		}
		if w.running.IsZero() && a.State == fleet.Running {
			w.running = now
		}
		next[a.Ref] = w
	}
	r.seen = next
	return live, nil
}

// take takes attempts away, unless they are so many at once that the fault is
// more likely here: then nothing is taken, those concerned are told, and the full
// time is waited again. If they are silent still, at most a fifth goes in each
// sweep, so that every job comes to its end.
func (r *Reaper) take(ctx context.Context, scope store.Scope, lost []store.LiveAttempt, live int, now time.Time) error {
	limit := max(brakeLeast, int(math.Ceil(brakeShare*float64(live))))
	if len(lost) > limit {
		longest := r.Timing(fleet.DefaultEnvironment).Lost
		for i := range lost {
			longest = max(longest, lost[i].LostAfter)
		}
		if held := now.Sub(r.braked); r.braked.IsZero() || held > 3*longest {
			r.braked = now
			for _, a := range lost {
				r.seen[a.Ref].since = now
			}
			r.Logger.Error("brake: too many attempts fell silent at once; none is taken away yet", "silent", len(lost), "live", live)
			silent := map[fleet.TenantID]int{}
			for i := range lost {
				silent[lost[i].Tenant]++
			}
			return r.Attempts.Brake(ctx, scope, silent)
		}
		lost = lost[:limit]
	}
	var faults []error
	for _, a := range lost {
		if err := r.Attempts.Lose(ctx, scope, a.Ref, a.RenewSeq, "it was silent for too long"); err != nil {
			faults = append(faults, fmt.Errorf("take job %s away from robot %s: %w", a.JobID, a.RobotID, err))
			continue
		}
		r.Logger.Warn("attempt lost", "job_id", a.JobID, "epoch", a.Epoch, "robot_id", a.RobotID)
	}
	return errors.Join(faults...)
}

package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/placement"
	"github.com/casarerpa/fleet/internal/snapshot"
	"github.com/casarerpa/fleet/internal/store"
)

// plan reads a snapshot of the robots present here and plans it.
func (l *Loop) plan(ctx context.Context, now time.Time) (assigned []placement.Assignment, err error) {
	l.seed++
	l.next = time.Time{}
	present := l.o.Presence.Present()
	if len(present) == 0 {
		return nil, nil
	}
	avoid := l.avoid(now)
	err = l.o.Store.View(ctx, system(), func(r store.Reader) error {
		robots := func() ([]placement.Candidate, error) { return l.candidates(r, present, now) }
		s, err := snapshot.Read(r, robots, snapshot.Options{Now: now, Seed: l.seed, Window: l.o.Window, Avoid: avoid, Credit: l.credit.of})
		if err != nil {
			return err
		}
		if len(s.View.Robots) == 0 {
			return nil
		}
		decide := s.Assign
		if l.o.Record != nil {
			decide = s.Plan // what is recorded says why a job waits, too
		}
		out, err := decide()
		assigned, l.next = out.Assigned, out.Next
		if err == nil && l.o.Record != nil {
			l.o.Record(placement.Record{View: s.View, Outcome: out})
		}
		return err
	})
	if errors.Is(err, context.Canceled) {
		return nil, nil
	}
	return assigned, err
}

// candidates joins the robots present here with what the store knows of them.
func (l *Loop) candidates(r store.Reader, present []Present, now time.Time) ([]placement.Candidate, error) {
	refs := make([]store.RobotRef, len(present))
	for i, p := range present {
		refs[i] = store.RobotRef{Tenant: p.Tenant, RobotID: p.RobotID}
	}
	rooms, err := r.Rooms(refs)
	if err != nil {
		return nil, err
	}
	out := make([]placement.Candidate, 0, len(present))
	for i := range rooms {
		robot := &rooms[i]
		if robot.SessionEpoch != present[i].SessionEpoch {
			continue // superseded, or gone
		}
		robot.Derive(l.o.Timing(robot.Environment), now)
		c := placement.CandidateOf(robot)
		if n := present[i].Most; n > 0 {
			c.Max = min(c.Max, c.Taken+n)
		}
		c.Environment = narrowed(c.Environment, present[i].Environment)
		out = append(out, c)
	}
	return out, nil
}

// narrowed is where a robot takes jobs from that asks for those of one
// environment: they must fit that one and its own.
func narrowed(own, asked string) string {
	switch {
	case asked == "" || asked == own || asked == fleet.DefaultEnvironment:
		return own
	case own == fleet.DefaultEnvironment:
		return asked
	}
	return own + "\x00" + asked // no job names it, so that those for any remain
}

// avoid tells which robots the store would not have for a job a moment ago.
func (l *Loop) avoid(now time.Time) func(fleet.ID) []placement.Refused {
	byJob := map[fleet.ID][]placement.Refused{}
	for p, until := range l.failed {
		if now.Before(until) {
			byJob[p.job] = append(byJob[p.job], placement.Refused{RobotID: p.robot, Until: until})
		} else {
			delete(l.failed, p)
		}
	}
	return func(job fleet.ID) []placement.Refused { return byJob[job] }
}

package placement

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Check names one thing that a robot must pass.
type Check string

// The checks, in the order in which they are made: what the job demands, what
// has not opened yet, how the robot is, and whether it has room.
const (
	CheckEnvironment   Check = "environment"
	CheckPool          Check = "pool"
	CheckTarget        Check = "target"
	CheckAvoided       Check = "avoided"
	CheckCapability    Check = "capability"
	CheckTag           Check = "tag"
	CheckFact          Check = "fact"
	CheckFactUnknown   Check = "fact_unknown"
	CheckNotAssigned   Check = "not_assigned"
	CheckNoStep        Check = "no_fallback_step" // in no step of the fallback
	CheckFallbackLater Check = "fallback_later"
	CheckSticky        Check = "sticky"
	CheckMaintenance   Check = "maintenance"
	CheckOffline       Check = "offline"
	CheckSuspect       Check = "suspect"
	CheckError         Check = "error"
	CheckDraining      Check = "draining"
	CheckPaused        Check = "paused"
	CheckRejected      Check = "rejected"
	CheckNoSlot        Check = "no_slot"
	CheckReserved      Check = "reserved"
)

// away is the check that fails because of how the robot is, not of the job.
func (c *Candidate) away() Check {
	switch c.Status {
	case fleet.RobotMaintenance:
		return CheckMaintenance
	case fleet.RobotOffline:
		return CheckOffline
	case fleet.RobotError:
		return CheckError
	case fleet.RobotDraining:
		return CheckDraining
	case fleet.RobotPaused:
		return CheckPaused
	case fleet.RobotOnline, fleet.RobotBusy:
	}
	if c.Suspect {
		return CheckSuspect
	}
	return ""
}

// rules are a lane's demands and wishes made ready.
type rules struct {
	lane     *Lane
	facts    []condition
	avoid    *selector
	prefer   []*selector
	fallback []*selector
	named    []fleet.RobotID // robots that some rule calls by name
}

func rulesOf(l *Lane) *rules {
	p := &l.Placement
	r := &rules{lane: l, facts: conditions(p.Facts), avoid: ready(p.Avoid)}
	for i := range p.Prefer {
		r.prefer = append(r.prefer, ready(&p.Prefer[i].Match))
		r.named = append(r.named, p.Prefer[i].Match.Robots...)
	}
	open := p.Open()
	for i := range open {
		r.fallback = append(r.fallback, ready(&open[i].Match))
		r.named = append(r.named, open[i].Match.Robots...)
	}
	if p.Avoid != nil {
		r.named = append(r.named, p.Avoid.Robots...)
	}
	r.named = append(r.named, p.Usual...)
	if l.Target != "" {
		r.named = append(r.named, l.Target)
	}
	slices.Sort(r.named)
	r.named = slices.Compact(r.named)
	return r
}

// anyone is the id under which a class is judged: no rule calls it by name.
const anyone fleet.RobotID = ""

// judgement is what a lane's rules say of a robot, whatever it is doing.
type judgement struct {
	fails  Check // the first demand that it cannot meet; empty: it fits
	weight int   // the sum of the preferences
	usual  int   // rank among the usual robots; behind them all for the rest
	step   int   // the step of the fallback that opens it, from 0
}

// judge holds a lane's rules against a robot.
func (r *rules) judge(c *Candidate, now time.Time) judgement {
	j := judgement{fails: r.demand(c, now), usual: len(r.lane.Placement.Usual)}
	for i, s := range r.prefer {
		if s.selects(c, now) {
			j.weight += r.lane.Placement.Prefer[i].Weight
		}
	}
	if i := slices.Index(r.lane.Placement.Usual, c.ID); i >= 0 {
		j.usual = i
	}
	if len(r.fallback) > 0 {
		j.step = slices.IndexFunc(r.fallback, func(s *selector) bool { return s.selects(c, now) })
		if j.step < 0 && j.fails == "" {
			j.fails = CheckNoStep
		}
	}
	return j
}

// environmentFits says whether a robot lives where the lane's jobs may run.
func (l *Lane) environmentFits(c *Candidate) bool {
	if l.Strict || c.Strict {
		return l.Environment == c.Environment
	}
	return fleet.EnvironmentsMatch(l.Environment, c.Environment)
}

// demand is the first demand that the robot does not meet.
func (r *rules) demand(c *Candidate, now time.Time) Check {
	l, p := r.lane, &r.lane.Placement
	switch {
	case !l.environmentFits(c):
		return CheckEnvironment
	case p.Pool != "" && p.Pool != c.Pool:
		return CheckPool
	case l.Target != "" && l.Target != c.ID:
		return CheckTarget
	case r.avoid.selects(c, now):
		return CheckAvoided
	case !c.Capabilities.Covers(l.Requires):
		return CheckCapability
	case !c.Tags.Covers(p.Tags):
		return CheckTag
	}
	if len(r.facts) > 0 {
		switch all(r.facts, c.Facts, now) {
		case fails:
			return CheckFact
		case unknown:
			return CheckFactUnknown
		case matches:
		}
	}
	if p.OnlyUsual && l.Target == "" && !slices.Contains(p.Usual, c.ID) {
		return CheckNotAssigned
	}
	return ""
}

// opened is how many steps of the fallback are open for a job, and when the
// next one opens (zero: none is left).
func (r *rules) opened(j *Job, now time.Time) (steps int, next time.Time) {
	at := j.AvailableAt
	for steps = range r.fallback {
		if at.After(now) {
			return steps, at
		}
		at = at.Add(time.Duration(r.lane.Placement.Fallback[steps].WaitSeconds) * time.Second)
	}
	return len(r.fallback), time.Time{}
}

// only is the robot that a hard tie demands, and until when (zero: for good).
func (r *rules) only(j *Job, now time.Time) (robot fleet.RobotID, until time.Time) {
	s := r.lane.Placement.Sticky
	if s == nil || s.Mode != fleet.StickyHard || j.Tied == "" {
		return "", time.Time{}
	}
	if s.Then != fleet.StickyAny {
		return j.Tied, time.Time{}
	}
	if until = j.AvailableAt.Add(s.Wait()); !until.After(now) {
		return "", time.Time{}
	}
	return j.Tied, until
}

// later is the check that time will lift: a step that is not open yet, a tie.
func (r *rules) later(jd judgement, c *Candidate, j *Job, now time.Time) Check {
	if steps, _ := r.opened(j, now); len(r.fallback) > 0 && jd.step >= steps {
		return CheckFallbackLater
	}
	if only, _ := r.only(j, now); only != "" && only != c.ID {
		return CheckSticky
	}
	return ""
}

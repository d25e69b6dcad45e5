package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Explanation is the exact answer of Plan for one job of a view.
type Explanation struct {
	JobID      fleet.ID          `json:"job_id"`
	Assigned   *Assignment       `json:"assigned,omitempty"` // what Plan would do now; the rest then tells of the fleet only
	Code       fleet.WaitingCode `json:"waiting_code,omitempty"`
	Summary    string            `json:"waiting_summary,omitempty"`
	Ahead      Ahead             `json:"position"`
	Counts     Counts            `json:"counts"`
	ByAny      map[Check]int     `json:"by_any_reason"`
	Robots     []RobotAnswer     `json:"robots"`  // by id, each robot that the tenant may use
	Keepers    []Reservation     `json:"keepers"` // keep the slots of the robots that fail at CheckReserved
	Held       *Exclusive        `json:"held_secret,omitempty"`
	WouldRunIf []Change          `json:"would_run_if"`
}

// Ahead counts the jobs of the view that go before the job.
type Ahead struct {
	HigherPriority int `json:"ahead_higher_priority"`
	SamePriority   int `json:"ahead_same_priority"`
}

// RobotAnswer is what each check says of one robot.
type RobotAnswer struct {
	RobotID fleet.RobotID `json:"robot_id"`
	Fits    bool          `json:"fits"` // could take the job now
	First   Check         `json:"first_reason,omitempty"`
	Checks  []CheckAnswer `json:"checks"`
}

// CheckAnswer is one check: what was wanted and what was found.
type CheckAnswer struct {
	Code   Check  `json:"code"`
	OK     bool   `json:"ok"`
	Wanted string `json:"wanted"`
	Found  string `json:"found"`
}

// Explain plans the view and tells for one of its jobs why it was placed where
// it was, or why it was not, with the robots as the plan left them. A job that
// Plan leaves waiting finds no robot that fits. ok is false when the job is not
// in the view.
func Explain(v View, id fleet.ID) (e Explanation, ok bool) {
	lane, job := jobOf(&v, id)
	if job == nil {
		return e, false
	}
	p, out := plan(&v)
	e = Explanation{JobID: id, ByAny: map[Check]int{}, Robots: []RobotAnswer{}, WouldRunIf: []Change{}}
	l := p.lanes[slices.IndexFunc(p.lanes, func(l *laneState) bool { return l.lane == lane })]
	for i := range out.Assigned {
		if out.Assigned[i].JobID == id {
			e.Assigned = &out.Assigned[i]
		}
	}
	e.Counts = p.count(l, job)
	for i := range p.robots {
		r := &p.robots[i]
		if !r.c.serves(lane.Tenant) {
			continue
		}
		a := p.answer(l, r, job)
		for _, c := range a.Checks {
			if !c.OK {
				e.ByAny[c.Code]++
			}
		}
		if a.First == CheckReserved {
			for _, k := range p.holds.keeping(r.class.pocket) {
				if !slices.ContainsFunc(e.Keepers, func(x Reservation) bool { return x.ID == k.ID }) {
					e.Keepers = append(e.Keepers, *k)
				}
			}
		}
		e.Robots = append(e.Robots, a)
	}
	slices.SortFunc(e.Robots, func(a, b RobotAnswer) int { return strings.Compare(string(a.RobotID), string(b.RobotID)) })
	e.Ahead = ahead(&v, lane, job)
	if e.Assigned == nil {
		e.Held = l.held()
		e.Code, e.Summary = p.words(l, e.Counts)
		e.Summary += p.near(l, job)
		e.WouldRunIf = changes(&v, id, &e)
	}
	return e, true
}

// Summary is the one reason and the sentence of Explain, without the robots.
// Both are empty when the job would be assigned now, or is not in the view.
func Summary(v View, id fleet.ID) (fleet.WaitingCode, string) {
	lane, job := jobOf(&v, id)
	if job == nil {
		return "", ""
	}
	p, out := plan(&v)
	if slices.ContainsFunc(out.Assigned, func(a Assignment) bool { return a.JobID == id }) {
		return "", ""
	}
	l := p.lanes[slices.IndexFunc(p.lanes, func(l *laneState) bool { return l.lane == lane })]
	code, text := p.words(l, p.count(l, job))
	return code, text + p.near(l, job)
}

// maxNear is how many robots a sentence names; of more it names none.
const maxNear = 3

// near names the robots that meet every demand of a job and are there, with
// what keeps each from it, as further sentences; empty if there are too many.
func (p *planner) near(l *laneState, j *Job) string {
	if !p.mayStart(l) {
		return ""
	}
	holder := p.holds.holders(l.lane, j)
	said := map[fleet.RobotID]string{}
	for i := range p.robots {
		r := &p.robots[i]
		if !r.c.serves(l.lane.Tenant) {
			continue
		}
		x := namedRobot{r, l.rules.judge(&r.c, p.now)}
		if x.j.fails != "" {
			continue
		}
		switch check := p.check(l, x, j, holder); check {
		case CheckNoSlot:
			said[r.c.ID] = fmt.Sprintf("has %d of %d slots in use", r.c.Taken, r.c.Max)
		case CheckMaintenance:
			said[r.c.ID] = "is in maintenance"
		case CheckError:
			said[r.c.ID] = "is in error"
		case CheckDraining, CheckPaused, CheckSuspect:
			said[r.c.ID] = "is " + string(check)
		case CheckRejected:
			said[r.c.ID] = "refused it"
		case CheckReserved:
			said[r.c.ID] = "is kept for " + strings.Join(p.holds.keepers(r.class.pocket), ", ")
		default: // away altogether, or its time has not come
			continue
		}
		if len(said) > maxNear {
			return ""
		}
	}
	if len(said) == 0 {
		return ""
	}
	parts := make([]string, 0, len(said))
	for _, id := range slices.Sorted(maps.Keys(said)) {
		parts = append(parts, string(id)+" "+said[id])
	}
	return " " + strings.Join(parts, "; ") + "."
}

// jobOf finds a job and its lane.
func jobOf(v *View, id fleet.ID) (*Lane, *Job) {
	for i := range v.Lanes {
		for n := range v.Lanes[i].Jobs {
			if v.Lanes[i].Jobs[n].ID == id {
				return &v.Lanes[i], &v.Lanes[i].Jobs[n]
			}
		}
	}
	return nil, nil
}

// ahead counts the jobs of the tenant in the view that go before a job.
func ahead(v *View, lane *Lane, job *Job) (a Ahead) {
	mine := Urgency(job.Priority, v.Now.Sub(job.AvailableAt), lane.AgeStep)
	for i := range v.Lanes {
		l := &v.Lanes[i]
		if l.Tenant != lane.Tenant {
			continue
		}
		for n := range l.Jobs {
			j := &l.Jobs[n]
			switch other := Urgency(j.Priority, v.Now.Sub(j.AvailableAt), l.AgeStep); {
			case other < mine:
				a.HigherPriority++
			case other == mine && compareJobs(j, job) < 0:
				a.SamePriority++
			}
		}
	}
	return a
}

// words says why and until when the robot is left out.
func (x *Refused) words() string {
	why := "refused it a moment ago"
	if x.Other {
		why = "had it; its retry rule asks for another robot"
	}
	switch {
	case !x.Until.IsZero() && x.Other:
		return why + " until " + x.Until.UTC().Format(time.RFC3339)
	case !x.Until.IsZero():
		return "left out until " + x.Until.UTC().Format(time.RFC3339)
	}
	return why
}

// answer makes every check of one robot, in their order.
func (p *planner) answer(l *laneState, r *robotState, j *Job) RobotAnswer {
	a := RobotAnswer{RobotID: r.c.ID}
	add := func(code Check, ok bool, wanted, found string) {
		a.Checks = append(a.Checks, CheckAnswer{code, ok, wanted, found})
		if !ok && a.First == "" {
			a.First = code
		}
	}
	p.demandAnswers(l, r, j, add)
	c := &r.c
	if away := c.away(); away != "" {
		add(away, false, "at work", string(away))
	}
	if len(j.Avoid) > 0 {
		i, found := j.avoided(c.ID), "not refused"
		if i >= 0 {
			found = j.Avoid[i].words()
		}
		add(CheckRejected, i < 0, "did not refuse the job", found)
	}
	add(CheckNoSlot, c.Taken < c.Max, "a free slot", fmt.Sprintf("%d of %d in use", c.Taken, c.Max))
	if len(r.class.pocket.covered) > 0 && c.free() > 0 {
		ok := p.holds.may(r.class.pocket, p.holds.holders(l.lane, j))
		found := "free for it"
		if !ok {
			found = "kept for " + strings.Join(p.holds.keepers(r.class.pocket), ", ")
		}
		add(CheckReserved, ok, "a slot that is not reserved", found)
	}
	a.Fits = a.First == ""
	return a
}

// demandAnswers makes the checks of the job's demands and of what opens later.
func (p *planner) demandAnswers(l *laneState, r *robotState, j *Job, add func(Check, bool, string, string)) {
	c, lane, want, rules := &r.c, l.lane, &l.lane.Placement, l.rules
	add(CheckEnvironment, lane.environmentFits(c), strictly(lane.Strict)+lane.Environment, strictly(c.Strict)+c.Environment)
	if want.Pool != "" {
		add(CheckPool, want.Pool == c.Pool, want.Pool, c.Pool)
	}
	if lane.Target != "" {
		add(CheckTarget, lane.Target == c.ID, string(lane.Target), string(c.ID))
	}
	if rules.avoid != nil {
		ok := !rules.avoid.selects(c, p.now)
		add(CheckAvoided, ok, "not avoided", map[bool]string{true: "not avoided", false: "avoided"}[ok])
	}
	if len(lane.Requires) > 0 {
		add(CheckCapability, c.Capabilities.Covers(lane.Requires), lane.Requires.Key(), missing(c.Capabilities, lane.Requires))
	}
	if len(want.Tags) > 0 {
		add(CheckTag, c.Tags.Covers(want.Tags), want.Tags.Key(), missing(c.Tags, want.Tags))
	}
	if len(rules.facts) > 0 {
		code, text := CheckFact, make([]string, len(want.Facts))
		verdict := all(rules.facts, c.Facts, p.now)
		if verdict == unknown {
			code = CheckFactUnknown
		}
		for i := range want.Facts {
			text[i] = want.Facts[i].String()
		}
		add(code, verdict == matches, strings.Join(text, ", "), factsFound(want.Facts, c, p.now))
	}
	if want.OnlyUsual && lane.Target == "" { // else the target is the choice
		ok := slices.Contains(want.Usual, c.ID)
		add(CheckNotAssigned, ok, "one of the workflow's robots", map[bool]string{true: "is", false: "is not"}[ok])
	}
	jd := rules.judge(c, p.now)
	if len(rules.fallback) > 0 {
		steps, next := rules.opened(j, p.now)
		if jd.step < 0 {
			add(CheckNoStep, false, "in a step of the fallback", "in none")
		} else {
			found := fmt.Sprintf("step %d of %d", jd.step+1, len(rules.fallback))
			if jd.step >= steps {
				found += ", the next opens at " + next.UTC().Format(time.RFC3339)
			}
			add(CheckFallbackLater, jd.step < steps, "a step that is open", found)
		}
	}
	if only, until := rules.only(j, p.now); only != "" {
		found := "tied to " + string(only)
		if !until.IsZero() {
			found += " until " + until.UTC().Format(time.RFC3339)
		}
		add(CheckSticky, only == c.ID, "the robot of the sticky key", found)
	}
}

// strictly stands before the name of an environment that matches only itself.
func strictly(strict bool) string {
	if strict {
		return "only "
	}
	return ""
}

// Unfit says which demand of a lane a robot does not meet, whatever it is
// doing; ok is false when it meets them all.
func Unfit(l *Lane, c *Candidate, now time.Time) (why CheckAnswer, ok bool) {
	p := &planner{now: now}
	r := rulesOf(l)
	p.demandAnswers(&laneState{lane: l, rules: r, now: now}, &robotState{c: *c}, &Job{AvailableAt: now},
		func(code Check, fits bool, wanted, found string) {
			if !fits && !ok && code != CheckFallbackLater {
				why, ok = CheckAnswer{code, fits, wanted, found}, true
			}
		})
	return why, ok
}

// missing says in words which of the wanted a set lacks.
func missing(have, want fleet.Capabilities) string {
	if lacks := have.Missing(want); len(lacks) > 0 {
		return "lacks " + strings.Join(lacks, ", ")
	}
	return "has all"
}

// factsFound lists what is known of the facts that conditions ask for.
func factsFound(list []fleet.Comparison, c *Candidate, now time.Time) string {
	var names []string
	var walk func([]fleet.Comparison)
	walk = func(list []fleet.Comparison) {
		for i := range list {
			if list[i].Fact != "" {
				names = append(names, list[i].Fact)
			}
			walk(list[i].Any)
			if list[i].Not != nil {
				walk([]fleet.Comparison{*list[i].Not})
			}
		}
	}
	walk(list)
	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		if value, ok := c.Facts.Known(name, now); ok {
			names[i] = fmt.Sprintf("%s %v", name, value)
		} else {
			names[i] = name + " unknown"
		}
	}
	return strings.Join(names, ", ")
}

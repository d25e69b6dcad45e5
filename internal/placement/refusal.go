package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// refusals names a reason for every lane in which a job is left waiting.
func (p *planner) refusals() []Refusal {
	var refused []Refusal
	for _, l := range p.lanes {
		var job Job // the window was empty
		switch {
		case len(l.left) > 0:
			job = l.left[0]
		case l.lane.Waiting <= int64(len(l.lane.Jobs)):
			continue
		}
		r := Refusal{Lane: l.lane.ID, JobID: job.ID, Counts: p.count(l, &job)}
		r.Code, r.Text = p.words(l, r.Counts)
		refused = append(refused, r)
	}
	return refused
}

// count sorts the robots of the lane's tenant by the first check that each
// fails for a job. Robots of a class are counted at once; those that a rule or
// the job calls by name are looked at one by one.
func (p *planner) count(l *laneState, j *Job) Counts {
	n := Counts{First: map[Check]int{}}
	add := func(check Check, jd judgement, robots int) {
		if robots == 0 {
			return
		}
		n.Robots += robots
		if jd.fails == "" {
			n.Fit += robots
		}
		if check == "" {
			n.Free += robots
		} else {
			n.First[check] += robots
		}
	}
	holder := p.holds.holders(l.lane, j)
	alone := p.alone(l, j)
	for _, x := range alone {
		check := p.check(l, x, j, holder)
		add(check, x.j, 1)
		if check == CheckRejected && j.Avoid[j.avoided(x.r.c.ID)].Other {
			n.other++
		}
		if check == CheckNoSlot && x.r.given {
			n.passed++
		}
	}
	for i, cl := range p.classes {
		if !cl.kind.serves(l.lane.Tenant) {
			continue
		}
		jd, size, free, filled := l.classes[i], cl.size, len(cl.free), cl.filled
		away := maps.Clone(cl.away)
		for _, x := range alone {
			if x.r.class != cl {
				continue
			}
			size--
			if x.r.index >= 0 {
				free--
			} else if x.r.given {
				filled--
			}
			if check := x.r.c.away(); check != "" {
				away[check]--
			}
		}
		if check := jd.fails; check != "" {
			add(check, jd, size)
			continue
		}
		if check := l.rules.later(jd, &cl.kind, j, p.now); check != "" {
			add(check, jd, size)
			continue
		}
		for check, robots := range away {
			add(check, jd, robots)
			size -= robots
		}
		add(CheckNoSlot, jd, size-free)
		n.passed += filled
		if p.holds.may(cl.pocket, holder) {
			add("", jd, free)
		} else {
			add(CheckReserved, jd, free)
		}
	}
	return n
}

// alone lists the robots that a rule of the lane, or the job, calls by name.
func (p *planner) alone(l *laneState, j *Job) []namedRobot {
	names := j.names()
	if len(names) == 0 {
		return l.named
	}
	out := slices.Clone(l.named)
	for _, id := range names {
		for _, r := range p.byName[robotKey{l.lane.Tenant, id}] {
			if !slices.ContainsFunc(out, func(x namedRobot) bool { return x.r == r }) {
				out = append(out, namedRobot{r, l.rules.judge(&r.c, p.now)})
			}
		}
	}
	return out
}

// check is the first check that a robot fails for a job; empty when it could
// take the job now.
func (p *planner) check(l *laneState, x namedRobot, j *Job, holder []int) Check {
	if x.j.fails != "" {
		return x.j.fails
	}
	if check := l.rules.later(x.j, &x.r.c, j, p.now); check != "" {
		return check
	}
	if check := x.r.c.away(); check != "" {
		return check
	}
	switch {
	case j.avoids(x.r.c.ID):
		return CheckRejected
	case x.r.index < 0:
		return CheckNoSlot
	case !p.holds.may(x.r.class.pocket, holder):
		return CheckReserved
	}
	return ""
}

// words turns the counts into the one reason that holds, and a sentence.
func (p *planner) words(l *laneState, n Counts) (fleet.WaitingCode, string) {
	if q := p.quotas[l.lane.Tenant]; q != nil && q.left() == 0 {
		if q.Suspended {
			return fleet.CodeSuspended, "Held: the tenant is suspended, so nothing of it starts."
		}
		return fleet.CodeTenantQuota, fmt.Sprintf("Waits for a job of its tenant to end: %d may run at once, and as many do.", q.Most)
	}
	if x := l.held(); x != nil {
		return fleet.CodeSecretHeld, x.words()
	}
	what := demands(l.lane)
	later := n.First[CheckFallbackLater] + n.First[CheckSticky]
	switch {
	case n.Robots == 0:
		return fleet.CodeNoRobot, "Waits for " + what + ": no robot is registered yet."
	case n.Fit == 0:
		return fleet.CodeNoMatch, fmt.Sprintf("Waits for %s: none of %s fits (%s).", what, robots(n.Robots), n.reasons())
	case n.Free > 0:
		return fleet.CodeBehindOthers, fmt.Sprintf("Waits its turn: %s, %d free; placed next unless others go first.", fitting(n.Fit), n.Free)
	case n.First[CheckReserved] > 0:
		return fleet.CodeReserved, fmt.Sprintf("Waits for a slot that is not reserved: %s (%s).", fitting(n.Fit), n.reasons())
	case n.passed > 0:
		return fleet.CodeBehindOthers, fmt.Sprintf("Waits its turn: the slots that were free went to jobs before it; %s (%s).", fitting(n.Fit), n.reasons())
	case n.First[CheckNoSlot] > 0:
		return fleet.CodeNoSlot, fmt.Sprintf("Waits for a free slot: %s, none free (%s).", fitting(n.Fit), n.reasons())
	case n.First[CheckRejected] > 0:
		return fleet.CodeRejectedByAll, fmt.Sprintf("Waits: %s (%s).", n.refusers(), n.reasons())
	case later > 0:
		return fleet.CodeNoneAvailable, fmt.Sprintf("Waits: the robots that come first cannot take it, and %s later or not at all (%s).", may(later), n.reasons())
	}
	return fleet.CodeNoneAvailable, fmt.Sprintf("Waits for %s: %s, none available (%s).", what, fitting(n.Fit), n.reasons())
}

// refusers says in words why the fitting robots are left out.
func (n Counts) refusers() string {
	switch n.other {
	case 0:
		return "the fitting robots refused it a moment ago"
	case n.First[CheckRejected]:
		return "its retry rule asks for another robot than those that had it, and no other can take it now"
	}
	return "the fitting robots refused it a moment ago, or had it and its retry rule asks for another"
}

// demands says in words what a lane needs.
func demands(l *Lane) string {
	if l.Target != "" {
		return "robot " + string(l.Target)
	}
	p := &l.Placement
	var with []string
	if len(l.Requires) > 0 {
		with = append(with, strings.Join(l.Requires, ", "))
	}
	if len(p.Tags) > 0 {
		with = append(with, "tag "+strings.Join(p.Tags, ", "))
	}
	for i := range p.Facts {
		with = append(with, p.Facts[i].String())
	}
	switch {
	case p.Pool != "" && len(with) > 0:
		return "a robot of pool " + p.Pool + " with " + strings.Join(with, ", ")
	case p.Pool != "":
		return "a robot of pool " + p.Pool
	case len(with) > 0:
		return "a robot with " + strings.Join(with, ", ")
	}
	return "any robot"
}

func may(n int) string {
	if n == 1 {
		return "1 robot may"
	}
	return fmt.Sprintf("%d robots may", n)
}

// reasons lists the counts in the order of the checks' names.
func (n Counts) reasons() string {
	var parts []string
	for _, check := range slices.Sorted(maps.Keys(n.First)) {
		parts = append(parts, fmt.Sprintf("%d %s", n.First[check], strings.ReplaceAll(string(check), "_", " ")))
	}
	return strings.Join(parts, ", ")
}

// robots counts robots in words.
func robots(n int) string {
	if n == 1 {
		return "1 robot"
	}
	return fmt.Sprintf("%d robots", n)
}

// fitting counts the robots that meet every demand.
func fitting(n int) string {
	if n == 1 {
		return "1 robot fits"
	}
	return fmt.Sprintf("%d robots fit", n)
}

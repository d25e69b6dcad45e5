package placement

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// refusals names a reason for every lane in which a job is left waiting.
func (p *planner) refusals(assigned []Assignment) []Refusal {
	placed := map[int64]int64{}
	for _, a := range assigned {
		placed[a.Lane]++
	}
	byTenant := map[fleet.TenantID][]Candidate{}
	var refused []Refusal
	for _, l := range p.lanes {
		if l.lane.Waiting <= placed[l.lane.ID] && len(l.left) == 0 {
			continue
		}
		robots, ok := byTenant[l.lane.Tenant]
		if !ok {
			robots = p.robotsOf(l.lane.Tenant)
			byTenant[l.lane.Tenant] = robots
		}
		var job Job
		if len(l.left) > 0 {
			job = l.left[0]
		}
		refused = append(refused, Explain(*l.lane, job, robots))
	}
	return refused
}

// robotsOf returns the tenant's robots as the plan left them.
func (p *planner) robotsOf(tenant fleet.TenantID) []Candidate {
	var out []Candidate
	for i := range p.robots {
		if p.robots[i].c.Tenant == tenant {
			out = append(out, p.robots[i].c)
		}
	}
	return out
}

// Explain says why a job of a lane waits, given the robots of its tenant. When
// some robot could take it now, others go first in this round.
func Explain(l Lane, job Job, robots []Candidate) Refusal {
	r := Refusal{Lane: l.ID, JobID: job.ID, Counts: Counts{First: map[Check]int{}}}
	for i := range robots {
		c := &robots[i]
		if c.Tenant != l.Tenant {
			continue
		}
		r.Counts.Robots++
		check := first(&l, c, job.Avoid)
		if check == "" {
			r.Counts.Free++
			r.Counts.Fit++
			continue
		}
		r.Counts.First[check]++
		if demand(&l, c) == "" {
			r.Counts.Fit++
		}
	}
	r.Code, r.Text = words(&l, r.Counts)
	return r
}

// words turns the counts into the one reason that holds, and a sentence.
func words(l *Lane, n Counts) (fleet.WaitingCode, string) {
	what := "any robot"
	if l.Target != "" {
		what = "robot " + string(l.Target)
	} else if len(l.Requires) > 0 {
		what = "a robot with " + strings.Join(l.Requires, ", ")
	}
	switch {
	case n.Robots == 0:
		return fleet.CodeNoRobot, "Waits for " + what + ": no robot is registered yet."
	case n.Fit == 0:
		return fleet.CodeNoMatch, fmt.Sprintf("Waits for %s: none of %s fits (%s).", what, robots(n.Robots), n.reasons())
	case n.Free > 0:
		return fleet.CodeBehindOthers, fmt.Sprintf("Waits its turn: %s, %d free; placed next unless others go first.", fitting(n.Fit), n.Free)
	case n.First[CheckNoSlot] > 0:
		return fleet.CodeNoSlot, fmt.Sprintf("Waits for a free slot: %s, none free (%s).", fitting(n.Fit), n.reasons())
	case n.First[CheckRejected] > 0:
		return fleet.CodeRejectedByAll, fmt.Sprintf("Waits: the fitting robots refused it a moment ago (%s).", n.reasons())
	}
	return fleet.CodeNoneAvailable, fmt.Sprintf("Waits for %s: %s, none available (%s).", what, fitting(n.Fit), n.reasons())
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

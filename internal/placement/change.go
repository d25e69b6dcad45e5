package placement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Change is one thing that would let a waiting job start.
type Change struct {
	Change string          `json:"change"` // slot_frees, robot_returns, quota_raised, secret_freed, demand_dropped, priority_raised, robot_added
	Text   string          `json:"text"`
	Robots []fleet.RobotID `json:"robots"` // where it would then run, or may
}

// The most changes that are told, and the most robots that are tried for one.
const (
	maxChanges = 5
	maxTried   = 8
)

// changes tries single changes in a fixed order, each by planning the changed
// view, and tells those after which the job would be assigned.
func changes(v *View, id fleet.ID, e *Explanation) []Change {
	out := []Change{}
	add := func(kind, text string, robots ...fleet.RobotID) {
		if len(out) < maxChanges {
			out = append(out, Change{kind, text, robots})
		}
	}
	if robots := freed(v, id, e); len(robots) > 0 {
		add("slot_frees", "a slot frees on "+oneOf(robots), robots...)
	}
	for _, x := range returns {
		if robots := returned(v, id, e, x.check); len(robots) > 0 {
			add("robot_returns", fmt.Sprintf("%s %s", oneOf(robots), x.words), robots...)
		}
	}
	if raised(v, id) {
		add("quota_raised", "one more job of the tenant might run at once")
	}
	if text, ok := givenBack(v, id); ok {
		add("secret_freed", text)
	}
	for _, d := range dropped(v, id) {
		add("demand_dropped", d.text, d.robots...)
	}
	if robot := tryJob(v, id, func(_ *Lane, j *Job) { j.Priority, j.Seq = 0, -1 }); robot != "" {
		add("priority_raised", "it had priority 0 and went to the front", robot)
	}
	if added(v, id) {
		add("robot_added", "one more robot like the ones it asks for were there")
	}
	return out
}

// returns are the ways in which a robot is away, and how it comes back.
var returns = []struct {
	check Check
	words string
}{
	{CheckPaused, "is resumed"},
	{CheckMaintenance, "leaves maintenance"},
	{CheckDraining, "is taken back from draining"},
	{CheckOffline, "connects again"},
	{CheckSuspect, "is heard of again"},
	{CheckError, "is well again"},
}

// freed lists the robots on which one more free slot would let the job start.
func freed(v *View, id fleet.ID, e *Explanation) (out []fleet.RobotID) {
	for _, robot := range firstFailing(e, CheckNoSlot) {
		if tryRobot(v, id, robot, func(c *Candidate) { c.Max++ }) {
			out = append(out, robot)
		}
	}
	return out
}

// returned lists the robots whose return would let the job start.
func returned(v *View, id fleet.ID, e *Explanation, check Check) (out []fleet.RobotID) {
	for _, robot := range firstFailing(e, check) {
		if tryRobot(v, id, robot, func(c *Candidate) { c.Status, c.Suspect = fleet.RobotOnline, false }) {
			out = append(out, robot)
		}
	}
	return out
}

// firstFailing lists the first robots, by id, that fail at a check.
func firstFailing(e *Explanation, check Check) (out []fleet.RobotID) {
	for i := range e.Robots {
		if e.Robots[i].First == check && len(out) < maxTried {
			out = append(out, e.Robots[i].RobotID)
		}
	}
	return out
}

type drop struct {
	text   string
	robots []fleet.RobotID
}

// dropped tries the job without each of its demands.
func dropped(v *View, id fleet.ID) (out []drop) {
	lane, _ := jobOf(v, id)
	try := func(text string, change func(*Lane)) {
		if robot := tryJob(v, id, func(l *Lane, _ *Job) { change(l) }); robot != "" {
			out = append(out, drop{text, []fleet.RobotID{robot}})
		}
	}
	for _, word := range lane.Requires {
		try("it did not need "+word, func(l *Lane) { l.Requires = without(l.Requires, word) })
	}
	for _, tag := range lane.Placement.Tags {
		try("it did not ask for the tag "+tag, func(l *Lane) { l.Placement.Tags = without(l.Placement.Tags, tag) })
	}
	if lane.Target != "" {
		try("it did not ask for robot "+string(lane.Target), func(l *Lane) { l.Target = "" })
	}
	if lane.Placement.Pool != "" {
		try("it did not ask for pool "+lane.Placement.Pool, func(l *Lane) { l.Placement.Pool = "" })
	}
	if lane.Environment != fleet.DefaultEnvironment {
		try("it were not for environment "+lane.Environment, func(l *Lane) { l.Environment, l.Strict = fleet.DefaultEnvironment, false })
	}
	for i := range lane.Placement.Facts {
		try("it did not ask for "+lane.Placement.Facts[i].String(), func(l *Lane) {
			l.Placement.Facts = slices.Delete(slices.Clone(l.Placement.Facts), i, i+1)
		})
	}
	if lane.Placement.Avoid != nil {
		try("it avoided no robots", func(l *Lane) { l.Placement.Avoid = nil })
	}
	if lane.Placement.OnlyUsual {
		try("it might run elsewhere than on the workflow's own robots", func(l *Lane) { l.Placement.OnlyUsual = false })
	}
	return out
}

func without(set fleet.Capabilities, word string) fleet.Capabilities {
	return slices.DeleteFunc(slices.Clone(set), func(w string) bool { return w == word })
}

// added tries one more robot that has all that the job demands.
func added(v *View, id fleet.ID) bool {
	lane, _ := jobOf(v, id)
	if lane.Target != "" || lane.Placement.OnlyUsual || len(lane.Placement.Facts) > 0 {
		return false // not just any robot
	}
	w := *v
	w.Robots = append(slices.Clone(v.Robots), Candidate{
		ID: "(new)", Tenant: lane.Tenant, Environment: lane.Environment, Pool: lane.Placement.Pool, Tags: lane.Placement.Tags,
		Capabilities: lane.Requires, Status: fleet.RobotOnline, Max: 1,
	})
	return placedOn(&w, id) != ""
}

// raised tries a quota of the job's tenant that is larger by one.
func raised(v *View, id fleet.ID) bool {
	lane, _ := jobOf(v, id)
	w := *v
	w.Quotas = slices.Clone(v.Quotas)
	for i := range w.Quotas {
		if q := &w.Quotas[i]; q.Tenant == lane.Tenant && q.Most > 0 {
			q.Most++
			return placedOn(&w, id) != ""
		}
	}
	return false
}

// tryRobot says whether the job would be assigned with one robot changed.
func tryRobot(v *View, id fleet.ID, robot fleet.RobotID, change func(*Candidate)) bool {
	w := *v
	w.Robots = slices.Clone(v.Robots)
	for i := range w.Robots {
		if w.Robots[i].ID == robot {
			change(&w.Robots[i])
		}
	}
	return placedOn(&w, id) != ""
}

// tryJob returns the robot that the job would be assigned to with its lane or
// itself changed. The other jobs of the lane stay as they are.
func tryJob(v *View, id fleet.ID, change func(*Lane, *Job)) fleet.RobotID {
	lane, job := jobOf(v, id)
	alone, rest := *lane, *lane
	rest.Jobs = slices.DeleteFunc(slices.Clone(lane.Jobs), func(j Job) bool { return j.ID == id })
	alone.Jobs, alone.ID = []Job{*job}, -1
	alone.Waiting = 1
	change(&alone, &alone.Jobs[0])
	w := *v
	w.Lanes = nil
	for i := range v.Lanes {
		if &v.Lanes[i] == lane {
			w.Lanes = append(w.Lanes, rest, alone)
		} else {
			w.Lanes = append(w.Lanes, v.Lanes[i])
		}
	}
	return placedOn(&w, id)
}

// placedOn plans and returns the robot of a job; empty if it waits.
func placedOn(v *View, id fleet.ID) fleet.RobotID {
	_, out := plan(v)
	for i := range out.Assigned {
		if out.Assigned[i].JobID == id {
			return out.Assigned[i].RobotID
		}
	}
	return ""
}

// oneOf names robots in words.
func oneOf(robots []fleet.RobotID) string {
	if len(robots) == 1 {
		return "robot " + string(robots[0])
	}
	names := make([]string, len(robots))
	for i, r := range robots {
		names[i] = string(r)
	}
	return "one of " + strings.Join(names, ", ")
}

package placement

import "github.com/casarerpa/fleet/fleet"

// CandidateOf is a robot, with its status derived, as placement sees it.
func CandidateOf(r *fleet.Robot) Candidate {
	return Candidate{
		ID: r.ID, Tenant: r.Tenant, SessionEpoch: r.SessionEpoch, Environment: r.Environment,
		Capabilities: r.Capabilities, Pool: r.Pool, Tags: r.Tags, Facts: r.Facts, SharedWith: r.SharedWith, Status: r.Status, Suspect: r.Suspect,
		Taken: r.Taken, Max: r.Max(), LastAssigned: r.LastAssignedAt,
	}
}

// withRoom are the robots that could take more work.
func withRoom(list []Candidate) []Candidate {
	n := 0
	for i := range list {
		if list[i].free() > 0 {
			n++
		}
	}
	if n == len(list) {
		return list
	}
	out := make([]Candidate, 0, n)
	for i := range list {
		if list[i].free() > 0 {
			out = append(out, list[i])
		}
	}
	return out
}

// Rooms is how many free slots the robots have that meet the demands of each
// lane of a view.
func Rooms(v View) []int {
	v.Robots = withRoom(v.Robots)
	p := newPlanner(&v)
	rooms := make([]int, len(p.lanes))
	for i, l := range p.lanes {
		if !p.mayStart(l) {
			continue
		}
		for t := range l.tiers {
			for _, r := range l.tiers[t].robots {
				rooms[i] += r.c.free()
			}
			for _, cl := range l.tiers[t].classes {
				rooms[i] += cl.slots
			}
		}
	}
	return rooms
}

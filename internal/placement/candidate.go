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

// Rooms is how many free slots the robots have that meet the demands of each
// lane of a view.
func Rooms(v View) []int {
	p := newPlanner(&v)
	rooms := make([]int, len(p.lanes))
	for i, l := range p.lanes {
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

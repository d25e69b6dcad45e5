package placement

import "slices"

import "github.com/casarerpa/fleet/fleet"

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

// demand is the first demand of the lane that the robot cannot meet, whatever
// it is doing; empty when it fits.
func demand(l *Lane, c *Candidate) Check {
	switch {
	case !fleet.EnvironmentsMatch(l.Environment, c.Environment):
		return CheckEnvironment
	case l.Target != "" && l.Target != c.ID:
		return CheckTarget
	}
	if !c.Capabilities.Covers(l.Requires) {
		return CheckCapability
	}
	return ""
}

// first is the first check that the robot fails for a job of the lane.
func first(l *Lane, c *Candidate, avoid []fleet.RobotID) Check {
	if check := demand(l, c); check != "" {
		return check
	}
	if check := c.away(); check != "" {
		return check
	}
	if slices.Contains(avoid, c.ID) {
		return CheckRejected
	}
	if c.Taken >= c.Max {
		return CheckNoSlot
	}
	return ""
}

// Room is how many free slots the robots have that meet the demands of a lane.
func Room(l Lane, robots []Candidate) int {
	room := 0
	for i := range robots {
		c := &robots[i]
		if c.Tenant == l.Tenant && demand(&l, c) == "" {
			room += c.free()
		}
	}
	return room
}

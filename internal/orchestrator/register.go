package orchestrator

import (
	"slices"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// registered writes what a registration says into the robot's row. A name or a
// host that another robot has already gets the end of the id, since people tell
// robots by them.
func registered(tx store.Tx, robot *fleet.Robot, in fleet.Robot, own bool) error {
	free := func(field string) bool { return !own || !slices.Contains(robot.Pinned, field) }
	if robot.Name != in.Name && free(pinName) || robot.Hostname != in.Hostname && in.Hostname != "" {
		names, hosts, err := others(tx, robot.ID)
		if err != nil {
			return err
		}
		id := string(robot.ID)
		end := id[max(0, len(id)-8):]
		if names[in.Name] {
			in.Name = strings.TrimSpace(cut(in.Name, 128-len(end)-3)) + " (" + end + ")"
		}
		if hosts[in.Hostname] {
			in.Hostname = cut(in.Hostname, 255-len(end)-1) + "-" + end
		}
	}
	if free(pinName) {
		robot.Name = in.Name
	}
	if in.Hostname != "" {
		robot.Hostname = in.Hostname
	}
	if in.Tags != nil && free(pinTags) {
		robot.Tags = in.Tags
	}
	if in.Hostname != "" && in.Capabilities != nil && free(pinCapabilities) { // the robot itself will not say them when it polls
		robot.Capabilities = keepsCheckpoints(robot.Capabilities, in.Capabilities)
	}
	if in.WishedSlots > 0 {
		robot.WishedSlots = in.WishedSlots
	}
	if !own {
		robot.Environment, robot.SlotLimit = in.Environment, in.SlotLimit
	}
	return nil
}

// others lists the names and hosts of all other robots of the tenant.
func others(tx store.Tx, but fleet.RobotID) (names, hosts map[string]bool, err error) {
	names, hosts = map[string]bool{}, map[string]bool{}
	page := fleet.Page{Limit: 500}
	for {
		list, err := tx.Robots(store.RobotFilter{}, page)
		if err != nil {
			return nil, nil, err
		}
		for i := range list.Robots {
			if r := &list.Robots[i]; r.ID != but {
				names[r.Name], hosts[r.Hostname] = true, true
			}
		}
		if page.Cursor = list.Next; list.Next == "" {
			delete(hosts, "")
			return names, hosts, nil
		}
	}
}

package stream

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// robotUpdate is a robot as the original's live view shows it.
type robotUpdate struct {
	Type        string            `json:"type"`
	RobotID     fleet.RobotID     `json:"robot_id"`
	Status      string            `json:"status"`
	CPU         float64           `json:"cpu_percent"`
	MemoryMB    float64           `json:"memory_mb"`
	CurrentJob  *fleet.ID         `json:"current_job"`
	Name        string            `json:"name"`
	At          time.Time         `json:"timestamp"`
	FleetStatus fleet.RobotStatus `json:"fleet_status"`
}

// dashboardRobot is the same for the dashboard.
type dashboardRobot struct {
	RobotID     fleet.RobotID      `json:"robot_id"`
	Status      string             `json:"status"`
	FleetStatus fleet.RobotStatus  `json:"fleet_status"`
	Metrics     fleet.RobotMetrics `json:"metrics"`
}

// toldRobot is what a reader knows of a robot.
type toldRobot struct {
	status  fleet.RobotStatus
	taken   int
	job     fleet.ID
	name    string
	metrics fleet.RobotMetrics
	at      time.Time
	owed    bool // newer readings wait for their time
}

func toldOf(r *fleet.Robot) toldRobot {
	told := toldRobot{status: r.Status, taken: r.Taken, name: r.Name, metrics: r.Metrics}
	if len(r.CurrentJobIDs) > 0 {
		told.job = r.CurrentJobIDs[0]
	}
	if told.name == "" {
		told.name = string(r.ID)
	}
	return told
}

// robot tells of a robot whose status or load is not what the reader knows, or
// whose readings are due.
func (v *viewer) robot(ctx context.Context, r *fleet.Robot, first bool) error {
	now, next := v.h.o.Now(), toldOf(r)
	kind := "robot_status"
	if known := v.robots[r.ID]; known != nil && !first {
		before, after := *known, next
		before.at, before.owed, before.metrics, after.metrics = time.Time{}, false, fleet.RobotMetrics{}, fleet.RobotMetrics{}
		if before == after {
			if known.metrics == next.metrics {
				known.owed = false
				return nil
			}
			if now.Sub(known.at) < legacyNumbers {
				known.owed = true
				return nil
			}
			kind = "robot_heartbeat"
		}
	}
	next.at = now
	v.robots[r.ID] = &next
	if v.dashboard {
		return v.wrap(ctx, kind, dashboardRobot{r.ID, fleet.LegacyStatus(r.Status), r.Status, r.Metrics})
	}
	u := robotUpdate{
		Type: "robot_status", RobotID: r.ID, Status: fleet.LegacyStatus(r.Status), CPU: r.Metrics.CPUPercent, MemoryMB: r.Metrics.MemoryMB,
		Name: next.name, At: moment(now), FleetStatus: r.Status,
	}
	if next.job != "" {
		u.CurrentJob = &next.job
	}
	return v.send(ctx, u)
}

// robotGone tells of a robot that was deleted. These readers have no word for it:
// it is offline.
func (v *viewer) robotGone(ctx context.Context, id fleet.RobotID) error {
	if v.robots[id] == nil {
		return nil
	}
	r := fleet.Robot{ID: id, Name: v.robots[id].name, Status: fleet.RobotOffline}
	err := v.robot(ctx, &r, true)
	delete(v.robots, id)
	return err
}

// robot is a robot as it is known now, if that is not older than a fact; nil
// otherwise, or if it is not there.
func (t *tail) robot(id fleet.RobotID, seq int64) *fleet.Robot {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.robots[id]
	if s == nil || s.shown == nil || t.base+int64(len(t.facts)) < seq {
		return nil
	}
	return s.shown.robot
}

// name is what a robot is called.
func (t *tail) name(id fleet.RobotID) string {
	if r := t.robot(id, 0); r != nil && r.Name != "" {
		return r.Name
	}
	return string(id)
}

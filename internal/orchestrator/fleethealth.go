package orchestrator

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// The bounds of what is read for means of waiting.
const (
	waitsOfLane = 100
	waitsOfAll  = 2000
)

// FleetState tells of the fleet what the rows of its robots do not. With success
// it tells of each robot how its jobs ended.
func (r *Robots) FleetState(ctx context.Context, p auth.Principal, success bool) (out fleet.FleetHealth, err error) {
	if err := cmp.Or(p.Require(fleet.RobotsRead), p.WholeTenant()); err != nil {
		return out, err
	}
	now := r.Now()
	out = fleet.FleetHealth{At: now.UTC(), Flapping: []fleet.FlappingRobot{}}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		var room fleet.Room
		names := map[fleet.RobotID]string{}
		err := eachRobot(rd, store.RobotFilter{}, func(robot *fleet.Robot) {
			robot.Derive(r.Timing(robot.Environment), now)
			names[robot.ID] = robot.Name
			room.Robot(robot)
		})
		if err != nil {
			return err
		}
		if err := waits(rd, &room, now); err != nil {
			return err
		}
		out.Capacity = room.List()
		hour, _ := cover(now.Add(-time.Hour), now, now, 0)
		ends, err := sumsOf(rd, hour, fleet.DimRobot)
		if err != nil {
			return err
		}
		for key, sum := range ends {
			id := fleet.RobotID(key)
			if name, there := names[id]; there && sum.Disconnects >= fleet.FlappingAt {
				out.Flapping = append(out.Flapping, fleet.FlappingRobot{RobotID: id, Name: name, Disconnects: sum.Disconnects})
			}
		}
		slices.SortFunc(out.Flapping, func(a, b fleet.FlappingRobot) int {
			return cmp.Or(cmp.Compare(b.Disconnects, a.Disconnects), cmp.Compare(a.RobotID, b.RobotID))
		})
		if !success {
			return nil
		}
		day, _ := cover(now.Add(-24*time.Hour), now, now, 0)
		sums, err := sumsOf(rd, day, fleet.DimRobot)
		if err != nil {
			return err
		}
		out.Success = map[fleet.RobotID]float64{}
		for key, sum := range sums {
			if _, there := names[fleet.RobotID(key)]; there && sum.Completed+sum.Failed+sum.TimedOut > 0 {
				out.Success[fleet.RobotID(key)] = sum.SuccessRate()
			}
		}
		return nil
	})
	return out, err
}

// waits counts the jobs that could run now by what they need of a robot.
func waits(rd store.Reader, room *fleet.Room, now time.Time) error {
	lanes, err := rd.Lanes()
	if err != nil {
		return err
	}
	left := waitsOfAll
	for i := range lanes {
		if len(lanes[i].Requires) == 0 {
			continue
		}
		var read []time.Duration
		if left > 0 {
			jobs, err := rd.Ready(lanes[i], min(left, waitsOfLane))
			if err != nil {
				return err
			}
			left -= len(jobs)
			for k := range jobs {
				read = append(read, max(now.Sub(jobs[k].Since), 0))
			}
		}
		room.Wait(lanes[i].Requires, lanes[i].Waiting, read)
	}
	return nil
}

// healthNamed is how many robots one question about health may name.
const healthNamed = 100

// HealthOf judges the named robots, with what they run. One that is not there is
// left out.
func (r *Robots) HealthOf(ctx context.Context, p auth.Principal, ids []fleet.RobotID) (out HealthPage, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return out, err
	}
	if len(ids) > healthNamed {
		return out, fleet.Invalid("robot_id", "At most %d robots may be named; got %d.", healthNamed, len(ids))
	}
	out.Robots = []fleet.RobotHealth{}
	now := r.Now()
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		for _, id := range distinct(ids) {
			robot, err := rd.Robot(id)
			if errors.Is(err, fleet.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			h, err := r.healthOf(rd, robot, now)
			if err != nil {
				return err
			}
			for _, job := range robot.CurrentJobIDs {
				j, err := rd.Job(job)
				if errors.Is(err, fleet.ErrNotFound) {
					continue // it lives in an environment of which the caller sees nothing
				}
				if err != nil {
					return err
				}
				h.Jobs = append(h.Jobs, fleet.RunningJob{ID: j.ID, Workflow: j.Workflow.Name, Status: j.State, Progress: j.Progress, StartedAt: j.StartedAt})
			}
			out.Robots = append(out.Robots, h)
		}
		return nil
	})
	out.Total = int64(len(out.Robots))
	return out, err
}

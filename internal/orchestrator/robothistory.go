package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// robotRanges are the windows of a robot's history; up to a day it is told by the
// minute.
var robotRanges = map[string]time.Duration{
	"15m": 15 * time.Minute, "1h": time.Hour, "6h": 6 * time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "90d": 90 * 24 * time.Hour,
}

// History tells how a robot was.
func (r *Robots) History(ctx context.Context, p auth.Principal, id fleet.RobotID, span string) (out fleet.RobotHistory, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return out, err
	}
	length, known := robotRanges[span]
	if !known {
		return out, fleet.Invalid("range", "range must be 15m, 1h, 6h, 24h, 7d, 30d or 90d; got %q.", shortText(span))
	}
	now := r.Now()
	byMinute := length <= 24*time.Hour
	out = fleet.RobotHistory{Range: span, From: now.Add(-length).UTC(), To: now.UTC(), Step: 3600, Points: []fleet.RobotPoint{}}
	if byMinute {
		out.Step = 60
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		robot, err := rd.Robot(id)
		if err != nil {
			return err
		}
		hours, err := rd.RobotHours(id, fleet.SpanHour.Floor(out.From), now.Add(time.Hour), byMinute)
		if err != nil {
			return err
		}
		for i := range hours {
			out.Points = appendPoints(out.Points, &hours[i], out.From, byMinute)
		}
		parts, begin := cover(out.From, now, now, fleet.SpanHour)
		sum, err := sumOf(rd, parts, fleet.DimRobot, string(id), false)
		if err != nil {
			return err
		}
		out.Utilization = min(sum.Utilization(), 100)
		if robot.CreatedAt.After(begin) {
			begin = robot.CreatedAt
		}
		if minutes := now.Sub(begin).Minutes(); minutes >= 1 {
			out.Uptime = min(100*float64(sum.OnlineSum)/minutes, 100)
		}
		return nil
	})
	return out, err
}

func appendPoints(out []fleet.RobotPoint, h *fleet.RobotHour, from time.Time, byMinute bool) []fleet.RobotPoint {
	if !byMinute {
		return append(out, fleet.RobotPoint{
			At: h.At, Samples: h.Samples, CPU: h.Mean.CPU, CPUMax: h.Peak.CPU, Memory: h.Mean.Memory, MemMax: h.Peak.Memory, MemoryMB: h.Mean.MemoryMB, Disk: h.Mean.Disk,
			Slots: h.Peak.Slots, Taken: h.Peak.Taken,
		})
	}
	for _, m := range h.Minutes {
		at := h.At.Add(time.Duration(m.Minute) * time.Minute)
		if at.Before(from.Add(-time.Minute)) {
			continue
		}
		out = append(out, fleet.RobotPoint{
			At: at, Samples: 1, CPU: m.CPU, CPUMax: m.CPU, Memory: m.Memory, MemMax: m.Memory, MemoryMB: m.MemoryMB, Disk: m.Disk, Slots: m.Slots, Taken: m.Taken,
		})
	}
	return out
}

// Did is what a robot did in the last days, with the share of the time in which
// it was online.
func (r *Robots) Did(ctx context.Context, p auth.Principal, id fleet.RobotID, days int) (robot fleet.Robot, sum fleet.Tally, uptime float64, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return robot, sum, 0, err
	}
	if days < 1 || days > 90 {
		return robot, sum, 0, fleet.Invalid("days", "days must be between 1 and 90; got %d.", days)
	}
	now := r.Now()
	parts, begin := cover(now.Add(-time.Duration(days)*24*time.Hour), now, now, fleet.SpanHour)
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		if robot, err = rd.Robot(id); err != nil {
			return err
		}
		sum, err = sumOf(rd, parts, fleet.DimRobot, string(id), false)
		return err
	})
	if robot.CreatedAt.After(begin) {
		begin = robot.CreatedAt
	}
	if minutes := now.Sub(begin).Minutes(); minutes >= 1 {
		uptime = min(100*float64(sum.OnlineSum)/minutes, 100)
	}
	return robot, sum, uptime, err
}

// healthJobs is how many of a robot's newest jobs its health looks at.
const healthJobs = 20

// Health judges one robot.
func (r *Robots) Health(ctx context.Context, p auth.Principal, id fleet.RobotID) (out fleet.RobotHealth, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return out, err
	}
	now := r.Now()
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		robot, err := rd.Robot(id)
		if err != nil {
			return err
		}
		out, err = r.healthOf(rd, robot, now)
		return err
	})
	return out, err
}

// HealthPage is a part of the fleet with the health of each robot.
type HealthPage struct {
	Robots []fleet.RobotHealth
	Next   string
	Total  int64
}

// FleetHealth judges robots page by page, by id.
func (r *Robots) FleetHealth(ctx context.Context, p auth.Principal, page fleet.Page) (out HealthPage, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return out, err
	}
	if page, err = page.Normalize(); err != nil {
		return out, err
	}
	now := r.Now()
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		list, err := rd.Robots(store.RobotFilter{}, page)
		if err != nil {
			return err
		}
		out = HealthPage{Next: list.Next, Total: list.Total, Robots: make([]fleet.RobotHealth, 0, len(list.Robots))}
		for i := range list.Robots {
			h, err := r.healthOf(rd, list.Robots[i], now)
			if err != nil {
				return err
			}
			out.Robots = append(out.Robots, h)
		}
		return nil
	})
	return out, err
}

func (r *Robots) healthOf(rd store.Reader, robot fleet.Robot, now time.Time) (fleet.RobotHealth, error) {
	f := fleet.HealthFacts{Robot: robot, Timing: r.Timing(robot.Environment)}
	f.Robot.Derive(f.Timing, now)
	since := now.Add(-5 * time.Minute)
	hours, err := rd.RobotHours(robot.ID, fleet.SpanHour.Floor(since), now.Add(time.Hour), true)
	if err != nil {
		return fleet.RobotHealth{}, err
	}
	for i := range hours {
		for _, m := range hours[i].Minutes {
			if hours[i].At.Add(time.Duration(m.Minute) * time.Minute).After(since) {
				f.Minutes = append(f.Minutes, m)
			}
		}
	}
	list, err := rd.Jobs(store.JobFilter{Robot: robot.ID, States: []fleet.State{fleet.Completed, fleet.Failed, fleet.TimedOut}}, fleet.Page{Limit: healthJobs})
	if err != nil {
		return fleet.RobotHealth{}, err
	}
	f.Ended = list.Jobs
	day, _ := cover(now.Add(-24*time.Hour), now, now, 0)
	sum, err := sumOf(rd, day, fleet.DimRobot, string(robot.ID), false)
	if err != nil {
		return fleet.RobotHealth{}, err
	}
	hour, _ := cover(now.Add(-time.Hour), now, now, 0)
	last, err := sumOf(rd, hour, fleet.DimRobot, string(robot.ID), false)
	f.Lost, f.Disconnects = sum.Lost, last.Disconnects
	return fleet.Health(&f, now), err
}

package orchestrator

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// figureJobs is how many of a robot's newest jobs its figures are made from.
const figureJobs = 500

// RobotFigures is a robot with what its newest jobs tell of it.
type RobotFigures struct {
	Robot     fleet.Robot
	Session   fleet.Session // zero: none is open
	Completed int
	Failed    int // failed and timed out
	Jobs      int
	Average   time.Duration // of the completed ones
	Current   []fleet.Job
}

// Figures reads how a robot does.
func (r *Robots) Figures(ctx context.Context, p auth.Principal, id fleet.RobotID) (f RobotFigures, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return f, err
	}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		if f.Robot, err = rd.Robot(id); err != nil {
			return err
		}
		if f.Session, err = rd.OpenSession(id); err != nil && !lostRace(err) {
			return err
		}
		list, err := rd.Jobs(store.JobFilter{Robot: id}, fleet.Page{Limit: figureJobs})
		if err != nil {
			return err
		}
		var sum time.Duration
		for i := range list.Jobs {
			j := &list.Jobs[i]
			f.Jobs++
			switch j.State { //nolint:exhaustive // the others have no end to count
			case fleet.Completed:
				f.Completed++
				sum += j.EndedAt.Sub(j.StartedAt)
			case fleet.Failed, fleet.TimedOut:
				f.Failed++
			}
		}
		if f.Completed > 0 {
			f.Average = sum / time.Duration(f.Completed)
		}
		for _, job := range f.Robot.CurrentJobIDs {
			j, err := rd.Job(job)
			if errors.Is(err, fleet.ErrNotFound) {
				continue // it lives in an environment of which the caller sees nothing
			}
			if err != nil {
				return err
			}
			f.Current = append(f.Current, j)
		}
		return nil
	})
	f.Robot.Derive(r.Timing(f.Robot.Environment), r.Now())
	return f, err
}

// logJobs is in how many of a robot's newest jobs its lines are looked for.
const logJobs = 20

// RobotLine is a line that a robot wrote in a job.
type RobotLine struct {
	fleet.LogLine
	Job fleet.Job
}

// Logs returns the newest lines of a robot, the oldest of them first.
func (r *Robots) Logs(ctx context.Context, p auth.Principal, id fleet.RobotID, since time.Time, limit int) (out []RobotLine, err error) {
	if err := p.Require(fleet.RobotsRead); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 1000 {
		return nil, fleet.Invalid("limit", "limit must be between 1 and 1000; got %d.", limit)
	}
	var jobs []fleet.Job
	epochs := map[fleet.ID][]int64{}
	err = r.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		if _, err := rd.Robot(id); err != nil {
			return err
		}
		list, err := rd.Jobs(store.JobFilter{Robot: id}, fleet.Page{Limit: logJobs})
		jobs = list.Jobs
		for i := range jobs {
			attempts, err := rd.Attempts(jobs[i].ID)
			if err != nil {
				return err
			}
			for _, a := range attempts {
				if a.RobotID == id {
					epochs[jobs[i].ID] = append(epochs[jobs[i].ID], a.Epoch)
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range jobs {
		lines, err := r.Store.ReadLogs(ctx, p.Scope(), jobs[i].ID, store.LogQuery{Limit: 5000})
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			if l.At.After(since) && slices.Contains(epochs[jobs[i].ID], l.Epoch) {
				out = append(out, RobotLine{l, jobs[i]})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b RobotLine) int { return a.At.Compare(b.At) })
	return out[max(0, len(out)-limit):], nil
}

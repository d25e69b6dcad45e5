package orchestrator

import (
	"context"
	"errors"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// JobRow is a job with what a list of the original shows beside it.
type JobRow struct {
	Job       fleet.Job
	Error     *fleet.JobError // of one that failed
	RobotName string
}

// Rows lists jobs, the newest first, with the errors of those that failed and the
// names of their robots.
func (j *Jobs) Rows(ctx context.Context, p auth.Principal, f store.JobFilter, limit int) (out []JobRow, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, err
	}
	page, err := fleet.Page{Limit: limit}.Normalize()
	if err != nil {
		return nil, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		list, err := r.Jobs(f, page)
		if err != nil {
			return err
		}
		names := map[fleet.RobotID]string{}
		out = make([]JobRow, 0, len(list.Jobs))
		for i := range list.Jobs {
			row, err := jobRow(r, list.Jobs[i], names)
			if err != nil {
				return err
			}
			out = append(out, row)
		}
		return nil
	})
	return out, err
}

// Row is one job as Rows lists it.
func (j *Jobs) Row(ctx context.Context, p auth.Principal, id fleet.ID) (out JobRow, attempts int, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, 0, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		job, err := r.Job(id)
		if err != nil {
			return err
		}
		list, err := r.Attempts(id)
		if err != nil {
			return err
		}
		attempts = 0
		for i := range list {
			if !list[i].StartedAt.IsZero() {
				attempts++
			}
		}
		out, err = jobRow(r, job, map[fleet.RobotID]string{})
		return err
	})
	return out, attempts, err
}

func jobRow(r store.Reader, job fleet.Job, names map[fleet.RobotID]string) (JobRow, error) {
	row := JobRow{Job: job}
	if job.State == fleet.Failed || job.State == fleet.TimedOut {
		data, err := r.JobData(job.ID)
		if err != nil {
			return row, err
		}
		row.Error = data.Error
	}
	if job.RobotID == "" {
		return row, nil
	}
	name, known := names[job.RobotID]
	if !known {
		robot, err := r.Robot(job.RobotID)
		switch {
		case err == nil:
			name = robot.Name
		case errors.Is(err, fleet.ErrNotFound): // it was deleted, or the caller does not see it
			name = string(job.RobotID)
		default:
			return row, err
		}
		names[job.RobotID] = name
	}
	row.RobotName = name
	return row, nil
}

// Dashboard lists jobs as the original's dashboard shows them, newest first; total
// is -1 where counting would cost too much.
func (j *Jobs) Dashboard(ctx context.Context, p auth.Principal, f store.JobFilter, environment string, offset, limit int) (out []fleet.DashboardJob, total int64, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, 0, err
	}
	scope := p.Reach()
	if environment != "" {
		if !scope.Sees(environment) {
			return []fleet.DashboardJob{}, 0, nil
		}
		scope = scope.Within([]string{environment})
	}
	err = j.Store.View(ctx, scope, func(r store.Reader) error {
		out = []fleet.DashboardJob{}
		for page, skip := (fleet.Page{Limit: min(offset+limit, fleet.PageMax)}), offset; len(out) < limit; {
			list, err := r.Jobs(f, page)
			if err != nil {
				return err
			}
			total = list.Total
			for i := range list.Jobs {
				if skip > 0 {
					skip--
					continue
				}
				if len(out) == limit {
					break
				}
				d, err := r.JobData(list.Jobs[i].ID)
				if err != nil {
					return err
				}
				out = append(out, fleet.NewDashboardJob(&list.Jobs[i], list.Jobs[i].State, &d))
			}
			if page.Cursor = list.Next; page.Cursor == "" {
				return nil
			}
		}
		return nil
	})
	return out, total, err
}

package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// maxExportIDs bounds how many jobs one export may name.
const maxExportIDs = 100

// exportLooks bounds how many pages are looked through for jobs that match, beyond
// those that the jobs themselves fill.
const exportLooks = 200

// JobExport selects the jobs of an export: those that it names, or all of a query.
type JobExport struct {
	Jobs  []fleet.ID
	Query JobQuery
}

// Export hands over jobs with what a list shows beside each, in parts: those that are
// named as they are named, those of a query the newest first. Whether there are more
// than may be exported at once is known before the first part. What is newer than the
// first row does not come: no clock says where the end is, since several make jobs.
func (j *Jobs) Export(ctx context.Context, p auth.Principal, in JobExport, each func([]JobLine) error) error {
	if err := p.Require(fleet.JobsRead); err != nil {
		return err
	}
	if len(in.Jobs) > 0 {
		lines, err := j.exported(ctx, p, distinctIDs(in.Jobs))
		if err != nil {
			return err
		}
		return each(lines)
	}
	q := in.Query
	if err := q.check(); err != nil {
		return err
	}
	if err := j.countExport(ctx, p, q); err != nil {
		return err
	}
	for page := (fleet.Page{Limit: fleet.PageMax}); ; {
		part, err := j.Lines(ctx, p, q, page)
		if err != nil {
			return err
		}
		if err := each(part.Lines); err != nil {
			return err
		}
		if page.Cursor = part.Next; page.Cursor == "" {
			return nil
		}
	}
}

// exported are jobs by their ids.
func (j *Jobs) exported(ctx context.Context, p auth.Principal, ids []fleet.ID) (out []JobLine, err error) {
	if len(ids) > maxExportIDs {
		return nil, fleet.Invalid("job_id", "At most %d jobs can be named; got %d. Ask for those of a filter instead.", maxExportIDs, len(ids))
	}
	now, scope := j.Now(), p.Reach()
	err = j.Store.View(ctx, scope, func(r store.Reader) error {
		list := make([]fleet.Job, len(ids))
		for i, id := range ids {
			if list[i], err = r.Job(id); err != nil {
				return err
			}
		}
		out, err = j.lines(r, scope, list, now)
		return err
	})
	return out, err
}

// countExport refuses a query that more jobs match than may be exported at once, or
// that would look at too many to find them. Each page is a look of its own, so that
// nobody else waits.
func (j *Jobs) countExport(ctx context.Context, p auth.Principal, q JobQuery) error {
	most, found := j.Limits.ExportJobs, 0
	now, scope := j.Now(), p.Reach()
	page := fleet.Page{Limit: fleet.PageMax}
	for looks := most/fleet.PageMax + exportLooks; looks > 0; looks-- {
		err := j.Store.View(ctx, scope, func(r store.Reader) error {
			f, err := j.filter(r, scope, q, now)
			if err != nil {
				return err
			}
			list, err := r.Jobs(f, page)
			if err != nil {
				return err
			}
			if found, page.Cursor = found+len(list.Jobs), list.Next; list.Total > int64(most) {
				found = most + 1
			}
			return nil
		})
		switch {
		case err != nil:
			return err
		case found > most:
			return fleet.Invalid("limit", "At most %d jobs can be exported at once, and more match.", most).WithFix("Narrow the time or the filter, and export in parts.")
		case page.Cursor == "":
			return nil
		}
	}
	return fleet.Invalid("limit", "Too many jobs would have to be looked at for those that match.").WithFix("Narrow the time.")
}

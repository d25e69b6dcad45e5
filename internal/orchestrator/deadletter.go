package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// DeadLetters lists the jobs that failed for good, the newest first; all also
// those that somebody has looked after.
func (j *Jobs) DeadLetters(ctx context.Context, p auth.Principal, all bool, page fleet.Page) (out store.DeadLetterPage, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return out, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out, err = r.DeadLetters(all, page); err != nil {
			return err
		}
		size := 0
		for i := range out.Letters {
			d := &out.Letters[i]
			if d.Data, err = r.JobData(d.Job.ID); err != nil {
				return err
			}
			d.Data.Result = nil // a list does not show it
			if size += deadBytes(&d.Data); size > maxDeadBytes && i > 0 {
				return shortened(r, all, page, i, &out)
			}
		}
		return nil
	})
	return out, err
}

// maxDeadBytes bounds a page of dead letters, whose inputs and errors may be
// large: it ends earlier then, and the next one goes on from there.
const maxDeadBytes = 8 << 20

func deadBytes(d *fleet.JobData) int {
	n := len(d.Variables)
	if d.Error != nil {
		n += 2 * (len(d.Error.Message) + len(d.Error.Stack)) // they are shown by themselves too
	}
	return n
}

// shortened leaves the first n letters of a page.
func shortened(r store.Reader, all bool, page fleet.Page, n int, out *store.DeadLetterPage) error {
	page.Limit = n
	short, err := r.DeadLetters(all, page)
	out.Letters, out.Next = out.Letters[:n], short.Next
	return err
}

// DeadLetter returns one with the error of its job.
func (j *Jobs) DeadLetter(ctx context.Context, p auth.Principal, id fleet.ID) (d fleet.DeadLetter, data fleet.JobData, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return d, data, err
	}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if d, err = r.DeadLetter(id); err != nil {
			return err
		}
		data, err = r.JobData(id)
		return err
	})
	return d, data, err
}

// RetryDeadLetter repeats the job of a dead letter, once.
func (j *Jobs) RetryDeadLetter(ctx context.Context, p auth.Principal, id fleet.ID) (fleet.Job, error) {
	if _, _, err := j.DeadLetter(ctx, p, id); err != nil {
		return fleet.Job{}, err
	}
	return j.retry(ctx, p, id, RetryHow{}, func(tx store.Tx) error {
		ok, err := tx.MarkReprocessed(id, p.Name, j.Now())
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeConflict, "already_reprocessed", "The dead letter %s was looked after already.", id)
		}
		return err
	})
}

// DeleteDeadLetter takes one from the list; the job stays.
func (j *Jobs) DeleteDeadLetter(ctx context.Context, p auth.Principal, id fleet.ID) error {
	if err := p.Require(fleet.JobsPurge); err != nil {
		return err
	}
	return j.act(ctx, p, "dead_letter.delete", fleet.SubjectJob, string(id), func(tx store.Tx, _ *fleet.AuditDraft) error { return tx.DeleteDeadLetter(id) })
}

// PurgeDeadLetters takes those from the list that were looked after so long ago.
func (j *Jobs) PurgeDeadLetters(ctx context.Context, p auth.Principal, days int) (n int, err error) {
	if err := p.Require(fleet.JobsPurge); err != nil {
		return 0, err
	}
	if days < 1 || days > 365 {
		return 0, fleet.Invalid("older_than_days", "older_than_days must be between 1 and 365; got %d.", days)
	}
	err = j.act(ctx, p, "dead_letter.purge", fleet.SubjectJob, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		defer func() { d.After = map[string]any{"older_than_days": days, "purged": n} }()
		n, err = tx.PurgeDeadLetters(j.Now().Add(-time.Duration(days) * 24 * time.Hour))
		return err
	})
	return n, err
}

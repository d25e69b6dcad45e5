package orchestrator

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// DeadGroup is dead letters that are alike: those of one workflow and node whose
// messages differ in numbers and names alone.
type DeadGroup struct {
	Fingerprint string
	fleet.Failure
	Jobs        []fleet.ID // the newest first
	First, Last time.Time
}

// Figures of groups.
const (
	deadLooked  = 2000 // letters that are looked at for groups, the newest ones
	deadRetried = 500  // jobs that one retry of a group makes anew
)

// DeadGroups puts the open dead letters that are alike together, the largest
// group first. more says that there are further ones than were looked at.
func (j *Jobs) DeadGroups(ctx context.Context, p auth.Principal) (out []DeadGroup, more bool, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return nil, false, err
	}
	groups := map[string]*DeadGroup{}
	page := fleet.Page{Limit: fleet.PageMax}
	for looked := 0; looked < deadLooked; {
		var list store.DeadLetterPage
		err := j.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) {
			if list, err = r.DeadLetters(false, page); err != nil {
				return err
			}
			for i := range list.Letters {
				d := &list.Letters[i]
				data, err := r.JobData(d.Job.ID)
				if err != nil {
					return err
				}
				d.Data = fleet.JobData{Error: data.Error} // inputs may be large, and are not looked at
			}
			return nil
		})
		if err != nil {
			return nil, false, err
		}
		for i := range list.Letters {
			d := &list.Letters[i]
			facts := fleet.JobFacts{Job: d.Job, Error: d.Data.Error}
			mark, failure := facts.Failure()
			g := groups[mark]
			if g == nil {
				g = &DeadGroup{Fingerprint: mark, Failure: failure, Last: d.At}
				groups[mark] = g
			}
			g.Jobs, g.First = append(g.Jobs, d.Job.ID), d.At
		}
		looked += len(list.Letters)
		if page.Cursor = list.Next; page.Cursor == "" {
			break
		}
	}
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b DeadGroup) int {
		return cmp.Or(cmp.Compare(len(b.Jobs), len(a.Jobs)), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	return out, page.Cursor != "", nil
}

// GroupRetry is what became of a retry of a group.
type GroupRetry struct {
	Made    []fleet.ID
	Refused []RefusedRetry // those that were not made anew
	Left    int            // of the group that were not looked at: the next retry takes them
}

// RefusedRetry is a dead letter whose job was not made anew.
type RefusedRetry struct {
	Job fleet.ID
	Err error
}

// RetryDeadGroup repeats the jobs of the dead letters that are alike, at most so
// many at once, each by itself: one that cannot be repeated stops no other.
// admit is asked before with how many jobs that makes.
func (j *Jobs) RetryDeadGroup(ctx context.Context, p auth.Principal, fingerprint string, admit func(jobs int) error) (out GroupRetry, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return out, err
	}
	groups, _, err := j.DeadGroups(ctx, p)
	if err != nil {
		return out, err
	}
	at := slices.IndexFunc(groups, func(g DeadGroup) bool { return g.Fingerprint == fingerprint })
	if at < 0 {
		return out, fleet.NotFound("dead_letter_group", fingerprint)
	}
	jobs := groups[at].Jobs
	if len(jobs) > deadRetried {
		jobs, out.Left = jobs[:deadRetried], len(jobs)-deadRetried
	}
	if err := admit(len(jobs)); err != nil {
		return out, err
	}
	for _, id := range jobs {
		made, err := j.RetryDeadLetter(ctx, p, id)
		switch e := fleet.AsError(err); {
		case err == nil:
			out.Made = append(out.Made, made.ID)
		case ctx.Err() != nil || e.Code == fleet.CodeUnavailable || e.Code == fleet.CodeInternal:
			return out, err
		default:
			out.Refused = append(out.Refused, RefusedRetry{id, err})
		}
	}
	return out, nil
}

package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

func (w *world) jobBulk(in JobBulk) (fleet.Bulk, map[fleet.ID]fleet.BulkTarget) {
	w.Helper()
	b, err := w.Jobs.StartBulk(w.Context(), w.admin, in)
	w.must(err)
	return w.bulkOf(b.ID)
}

func (w *world) bulkOf(id fleet.ID) (fleet.Bulk, map[fleet.ID]fleet.BulkTarget) {
	w.Helper()
	b, targets, err := w.Robots.Bulk(w.Context(), w.admin, id)
	w.must(err)
	by := map[fleet.ID]fleet.BulkTarget{}
	for _, t := range targets {
		by[t.JobID] = t
	}
	return b, by
}

// One operation asks each job as it would be asked alone, and has a result for each.
func TestJobBulk(t *testing.T) {
	w := newWorld(t)
	w.connect()
	waits, runs, ended := w.submit(), w.submit(), w.submit()
	w.start(runs)
	w.complete(w.start(ended))
	b, by := w.jobBulk(JobBulk{Kind: fleet.BulkCancelJobs, Jobs: []fleet.ID{waits.ID, runs.ID, ended.ID, waits.ID}})
	if b.State != fleet.BulkCompleted || b.Total != 3 || b.Done != 2 || b.Skipped != 1 || b.EndedAt.IsZero() {
		t.Errorf("%+v", b)
	}
	if by[ended.ID].State != fleet.TargetSkipped || by[ended.ID].Reason != "It had ended before: completed." || !strings.Contains(by[runs.ID].Reason, "told to stop") {
		t.Errorf("%+v", by)
	}
	if a, c := w.get(waits.ID).Job.State, w.get(runs.ID).Job.State; a != fleet.Cancelled || c != fleet.Cancelling {
		t.Errorf("%s %s", a, c)
	}
	// A retry makes a job for each that failed; what cannot be repeated says why.
	b, by = w.jobBulk(JobBulk{Kind: fleet.BulkRetryJobs, Jobs: []fleet.ID{waits.ID, runs.ID, ended.ID}})
	if b.State != fleet.BulkCompleted || b.Done != 1 || b.Failed != 2 {
		t.Errorf("%+v", b)
	}
	again := by[waits.ID].MadeID
	if v := w.get(again); v.Job.RetryOf != waits.ID || by[runs.ID].State != fleet.TargetFailed || by[runs.ID].MadeID != "" || by[runs.ID].Reason == "" {
		t.Errorf("%+v %+v", v.Job, by)
	}
	retried, err := w.Robots.RetryBulk(t.Context(), w.admin, b.ID)
	w.must(err)
	if retried.RetryOf != b.ID || retried.Total != 2 || retried.Failed != 2 {
		t.Errorf("%+v", retried)
	}
	rows, err := w.store.QueryText(t.Context(), "select id from jobs where retry_of is not null")
	w.must(err)
	if len(rows) != 1 {
		t.Errorf("%d jobs were made", len(rows))
	}
	w.is(second(w.Jobs.StartBulk(t.Context(), w.admin, JobBulk{Kind: fleet.BulkRetryJobs})), fleet.CodeInvalid, "empty_selection")
	w.is(second(w.Jobs.StartBulk(t.Context(), w.admin, JobBulk{Kind: fleet.CommandPause, Jobs: []fleet.ID{waits.ID}})), fleet.CodeInvalid, "invalid_field")
	w.is(second(w.Jobs.StartBulk(t.Context(), w.admin, JobBulk{Kind: fleet.BulkCancelJobs, Jobs: []fleet.ID{"01939c3e-7b1a-7c3d-8e4f-0123456789ab"}})), fleet.CodeNotFound, "job_not_found")
	globex := w.admin.In("globex")
	w.is(second(w.Jobs.StartBulk(t.Context(), globex, JobBulk{Kind: fleet.BulkCancelJobs, Jobs: []fleet.ID{waits.ID}})), fleet.CodeNotFound, "job_not_found")
	w.is(second(w.Jobs.StartBulk(t.Context(), w.robot, JobBulk{Kind: fleet.BulkCancelJobs, Jobs: []fleet.ID{waits.ID}})), fleet.CodeForbidden, "forbidden")
}

func second[T any](_ T, err error) error { return err }

// All that match are fixed when it is asked, more than are done at once are gone on
// with by the chores, and nothing begins after a cancel.
func TestJobBulkOfAllThatMatch(t *testing.T) {
	w := newWorld(t)
	var ids []fleet.ID
	for i := range bulkAtOnce + 50 {
		priority := fleet.Priority(i % 2 * 5)
		job := w.submit(func(r *SubmitRequest) { r.Priority = &priority })
		if priority == 5 {
			ids = append(ids, job.ID)
		}
	}
	b, by := w.jobBulk(JobBulk{Kind: fleet.BulkCancelJobs, Query: &JobQuery{Priorities: []fleet.Priority{5}}})
	if b.State != fleet.BulkCompleted || b.Done != len(ids) || len(by) != len(ids) {
		t.Errorf("%+v", b)
	}
	b, _ = w.jobBulk(JobBulk{Kind: fleet.BulkRetryJobs, Query: &JobQuery{JobFilter: store.JobFilter{Workflows: []fleet.ID{w.get(ids[0]).Job.Workflow.ID}}}})
	if b.State != fleet.BulkCompleted || b.Total != len(ids) || b.Done != len(ids) {
		t.Errorf("retries: %+v", b)
	}
	all := JobBulk{Kind: fleet.BulkCancelJobs, Query: &JobQuery{}, Change: fleet.JobChange{Reason: "clean up"}}
	b, _ = w.jobBulk(all)
	if b.State != fleet.BulkRunning || b.Total != bulkAtOnce+50 || b.Done != bulkAtOnce {
		t.Fatalf("more than at once: %+v", b)
	}
	w.must(w.Robots.KeepBulks(t.Context(), store.System("test")))
	if b, _ = w.bulkOf(b.ID); b.State != fleet.BulkCompleted || b.Done != b.Total {
		t.Errorf("gone on with: %+v", b)
	}
	for range bulkAtOnce + 1 {
		w.submit()
	}
	b, _ = w.jobBulk(all)
	_, err := w.Robots.CancelBulk(t.Context(), w.admin, b.ID)
	w.must(err)
	b, by = w.bulkOf(b.ID)
	var skipped []string
	for _, x := range by {
		if x.State == fleet.TargetSkipped {
			skipped = append(skipped, x.Reason)
		}
	}
	if b.State != fleet.BulkCancelled || b.Done != bulkAtOnce || b.Skipped != 1 || !slices.Equal(skipped, []string{"The operation was cancelled."}) {
		t.Errorf("cancelled: %+v %s", b, fmt.Sprint(skipped))
	}
}

// meeting is a store in which something else happens right after a target was refused.
type meeting struct {
	store.Store
	then func()
}

func (m *meeting) Update(ctx context.Context, s store.Scope, fn func(store.Tx) error) error {
	err := m.Store.Update(ctx, s, fn)
	if _, ok := errors.AsType[*refusedTarget](err); ok && m.then != nil {
		then := m.then
		m.then = nil
		then()
	}
	return err
}

// dying is a store for a process that makes so many changes and no more.
type dying struct {
	store.Store
	left int
}

func (d *dying) Update(ctx context.Context, s store.Scope, fn func(store.Tx) error) error {
	if d.left--; d.left < 0 {
		return errors.New("the process is dead")
	}
	return d.Store.Update(ctx, s, fn)
}

// Two go on with an operation, and both are refused the same job: it is counted once,
// and the job after it is asked.
func TestRefusedTargetIsSettledOnce(t *testing.T) {
	w := newWorld(t)
	w.connect()
	runs, ended := w.submit(), w.submit()
	w.start(runs)
	w.must(second(w.Jobs.Cancel(t.Context(), w.admin, ended.ID, fleet.CancelRequest{})))
	db := w.store
	defer func() { w.Jobs.Store = db }()
	w.Jobs.Store = &meeting{db, func() {
		var open []fleet.Bulk
		w.must(db.View(t.Context(), store.System("bulk"), func(r store.Reader) (err error) { open, err = r.OpenBulks(); return err }))
		met := w.Jobs.Store
		w.Jobs.Store = &dying{db, 2} // the refusal, and its note
		if err := w.Jobs.keepBulk(t.Context(), w.admin.Scope(), open[0].ID); err == nil {
			t.Error("the other one did not die")
		}
		w.Jobs.Store = met
	}}
	b, by := w.jobBulk(JobBulk{Kind: fleet.BulkRetryJobs, Jobs: []fleet.ID{runs.ID, ended.ID}})
	if w.Jobs.Store.(*meeting).then != nil { //nolint:forcetypeassert // it is one
		t.Fatal("nobody was met")
	}
	if b.State != fleet.BulkCompleted || b.Failed != 1 || b.Done != 1 || by[ended.ID].State != fleet.TargetDone || by[runs.ID].State != fleet.TargetFailed {
		t.Errorf("%+v %+v", b, by)
	}
}

// A retry of many goes on from the failed node where that can be; the others begin anew.
func TestJobBulkOnward(t *testing.T) {
	w := newWorld(t)
	w.sign([]string{FeatureCheckpoint}, nil)
	kept, none := w.onceOnly(), w.onceOnly()
	w.fails(kept, storetest.Checkpoint(kept.Workflow.Hash, "s", "a"), "")
	w.fails(none, nil, "node p holds a page")
	b, by := w.jobBulk(JobBulk{Kind: fleet.BulkRetryJobs, Jobs: []fleet.ID{kept.ID, none.ID}, Change: fleet.JobChange{Onward: true}})
	if b.State != fleet.BulkCompleted || b.Done != 2 || !b.Jobs.Onward {
		t.Errorf("%+v", b)
	}
	if r := w.get(by[kept.ID].MadeID).Resumed; r == nil || r.Node != "s" || r.From != kept.ID {
		t.Errorf("the first goes on from %+v", r)
	}
	if v := w.get(by[none.ID].MadeID); v.Resumed != nil || len(v.Job.Requires) != 0 {
		t.Errorf("the second goes on from %+v and needs %v", v.Resumed, v.Job.Requires)
	}
	// Without that word all begin anew.
	third := w.onceOnly()
	w.fails(third, storetest.Checkpoint(third.Workflow.Hash, "s", "a"), "")
	_, by = w.jobBulk(JobBulk{Kind: fleet.BulkRetryJobs, Jobs: []fleet.ID{third.ID}})
	if v := w.get(by[third.ID].MadeID); v.Resumed != nil {
		t.Errorf("the third goes on from %+v", v.Resumed)
	}
}

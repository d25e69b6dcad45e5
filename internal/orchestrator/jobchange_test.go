package orchestrator

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// What a job asks for changes in place while it waits, once, with who asked; it
// is refused in words when it no longer waits.
func TestWaitingJobIsChangedInPlace(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job, other := w.submit(), w.submit()
	got, err := w.Jobs.Prioritize(t.Context(), w.admin, job.ID, 2)
	w.must(err)
	if got.Priority != 2 || got.State != fleet.Pending || got.Version != job.Version+1 {
		t.Errorf("%+v", got)
	}
	again, err := w.Jobs.Prioritize(t.Context(), w.admin, job.ID, 2)
	if err != nil || again.Version != got.Version {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	got, err = w.Jobs.Retarget(t.Context(), w.admin, job.ID, "r1")
	w.must(err)
	again, err = w.Jobs.Retarget(t.Context(), w.admin, job.ID, "r1")
	if err != nil || got.Target != "r1" || again.Version != got.Version {
		t.Errorf("%+v, then %+v, %v", got, again, err)
	}
	var told []string
	w.must(w.store.View(t.Context(), w.admin.Scope(), func(r store.Reader) error {
		events, err := r.Events(store.EventFilter{Limit: 100, Subject: fleet.SubjectJob, SubjectID: string(job.ID)})
		for _, e := range events {
			told = append(told, string(e.Kind)+" "+string(e.Data))
		}
		return err
	}))
	for _, want := range []string{`job.priority_changed {"by":`, `"from":10`, `"to":2`, `job.moved {"by":`, `"to_robot_id":"r1"`} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("no event says %s: %v", want, told)
		}
	}
	var audited []string
	for _, row := range w.rows(AuditFilter{}) {
		if row.Object.ID == string(job.ID) && strings.HasPrefix(row.Action, "job.") {
			audited = append(audited, row.Action+" "+string(row.Before)+" "+string(row.After))
		}
	}
	if all := strings.Join(audited, "\n"); strings.Count(all, "job.priority ") != 1 || strings.Count(all, "job.move ") != 1 || !strings.Contains(all, `{"priority":10} {"priority":2}`) {
		t.Errorf("audited: %s", all)
	}
	w.is(second(w.Jobs.Prioritize(t.Context(), w.admin, job.ID, 21)), fleet.CodeInvalid, "invalid_field")
	w.is(second(w.Jobs.Retarget(t.Context(), w.admin, job.ID, "nobody")), fleet.CodeInvalid, "robot_not_found")
	w.is(second(w.Jobs.Prioritize(t.Context(), w.robot, job.ID, 1)), fleet.CodeForbidden, "forbidden")
	w.is(second(w.Jobs.Retarget(t.Context(), w.robot, job.ID, "")), fleet.CodeForbidden, "forbidden")
	w.is(second(w.Jobs.Prioritize(t.Context(), w.admin.In("globex"), job.ID, 1)), fleet.CodeNotFound, "job_not_found")
	w.is(second(w.Jobs.Retarget(t.Context(), w.admin.In("globex"), job.ID, "")), fleet.CodeNotFound, "job_not_found")

	ref := w.start(w.get(job.ID).Job)
	for range 2 { // while it runs, and once it has ended
		w.is(second(w.Jobs.Prioritize(t.Context(), w.admin, job.ID, 1)), fleet.CodeConflict, "invalid_state")
		w.is(second(w.Jobs.Retarget(t.Context(), w.admin, job.ID, "")), fleet.CodeConflict, "invalid_state")
		if w.get(job.ID).Job.State == fleet.Running {
			w.complete(ref)
		}
	}
	if v := w.get(other.ID).Job; v.Priority != 10 || v.Target != "" || v.Version != other.Version {
		t.Errorf("another job: %+v", v)
	}
	needs := w.submit(func(r *SubmitRequest) { r.Requires = []string{"gpu"} })
	w.is(second(w.Jobs.Retarget(t.Context(), w.admin, needs.ID, "r1")), fleet.CodeInvalid, "target_cannot_run")
}

// The parts of a job are as urgent as the whole, whichever is named; where they
// run is said by the nodes.
func TestPartsFollowTheUrgencyOfTheirWhole(t *testing.T) {
	w := newWorld(t)
	w.connect("browser")
	job := w.whole()
	parts := w.segments(job.ID)
	got, err := w.Jobs.Prioritize(t.Context(), w.admin, parts[1].ID, 1)
	w.must(err)
	if got.ID != parts[1].ID || got.Priority != 1 || w.get(job.ID).Job.Priority != 1 {
		t.Errorf("%+v", got)
	}
	for _, s := range w.segments(job.ID) {
		if s.Priority != 1 {
			t.Errorf("part %d has priority %d", s.Segment, s.Priority)
		}
	}
	w.is(second(w.Jobs.Retarget(t.Context(), w.admin, job.ID, "r1")), fleet.CodeInvalid, "invalid_field")
	w.is(second(w.Jobs.Retarget(t.Context(), w.admin, parts[0].ID, "r1")), fleet.CodeInvalid, "invalid_field")
	w.finish(w.segments(job.ID)[0], `{}`)
	w.is(second(w.Jobs.Prioritize(t.Context(), w.admin, job.ID, 5)), fleet.CodeConflict, "invalid_state")
}

// Many waiting jobs are changed in one operation: of all that match, those that wait.
func TestJobBulkChanges(t *testing.T) {
	w := newWorld(t)
	w.connect()
	waits, urgent, runs := w.submit(), w.submit(), w.submit()
	w.start(runs)
	w.must(second(w.Jobs.Prioritize(t.Context(), w.admin, urgent.ID, 3)))
	b, by := w.jobBulk(JobBulk{Kind: fleet.BulkPriorityJobs, Jobs: []fleet.ID{waits.ID, urgent.ID, runs.ID}, Change: fleet.JobChange{Priority: 3}})
	if b.State != fleet.BulkCompleted || b.Done != 1 || b.Skipped != 1 || b.Failed != 1 {
		t.Errorf("%+v", b)
	}
	if by[waits.ID].Reason != "Its priority is 3." || by[urgent.ID].State != fleet.TargetSkipped || !strings.Contains(by[runs.ID].Reason, "is running. Only a job that waits") {
		t.Errorf("%+v", by)
	}
	b, by = w.jobBulk(JobBulk{Kind: fleet.BulkMoveJobs, Query: &JobQuery{}, Change: fleet.JobChange{Target: "r1"}})
	if b.State != fleet.BulkCompleted || b.Total != 2 || b.Done != 2 || by[waits.ID].Reason != "It waits for robot r1." {
		t.Errorf("%+v %+v", b, by)
	}
	if a, c := w.get(waits.ID).Job, w.get(urgent.ID).Job; a.Priority != 3 || a.Target != "r1" || c.Target != "r1" {
		t.Errorf("%+v %+v", a, c)
	}
	b, by = w.jobBulk(JobBulk{Kind: fleet.BulkMoveJobs, Jobs: []fleet.ID{waits.ID}, Change: fleet.JobChange{Target: "nobody"}})
	if b.Failed != 1 || !strings.HasPrefix(by[waits.ID].Reason, "There is no robot nobody.") {
		t.Errorf("%+v %+v", b, by)
	}
	moves := 0
	for _, row := range w.rows(AuditFilter{}) {
		if row.Action == "job.move" && row.Reason == "bulk operation "+string(b.ID) {
			t.Errorf("a refused move is told: %+v", row)
		}
		if row.Action == "job.move" {
			moves++
		}
	}
	if moves != 2 {
		t.Errorf("%d moves are audited", moves)
	}
}

// Who may start an operation may cancel it: of jobs by the right to run jobs, of
// robots by that to operate them.
func TestBulkIsCancelledByWhoMayStartIt(t *testing.T) {
	w := newWorld(t)
	keys := auth.NewKeys(w.store, fleet.NewIDs(func() time.Time { return w.now }, zeros{}), counter(), func() time.Time { return w.now })
	developer := w.caller(keys, "default", fleet.RoleDeveloper)
	for range bulkAtOnce + 1 {
		w.submit()
	}
	b, err := w.Jobs.StartBulk(t.Context(), developer, JobBulk{Kind: fleet.BulkPriorityJobs, Query: &JobQuery{}, Change: fleet.JobChange{Priority: 1}})
	w.must(err)
	if b, err = w.Robots.CancelBulk(t.Context(), developer, b.ID); err != nil || b.State != fleet.BulkCancelled || b.Skipped != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	w.connect()
	robots, err := w.Robots.StartBulk(t.Context(), w.admin, BulkRequest{Bulk: fleet.Bulk{Kind: fleet.CommandPause, Change: fleet.ModeChange{Mode: fleet.ModePaused}, Size: 1, StopPercent: 20}, Robots: []fleet.RobotID{"r1"}})
	w.must(err)
	w.is(second(w.Robots.CancelBulk(t.Context(), developer, robots.ID)), fleet.CodeForbidden, "forbidden")
	w.is(second(w.Robots.RetryBulk(t.Context(), developer, robots.ID)), fleet.CodeForbidden, "forbidden")
}

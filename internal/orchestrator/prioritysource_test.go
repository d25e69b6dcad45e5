package orchestrator

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// A job says who made it as urgent as it is, whatever became of that since.
func TestPrioritySource(t *testing.T) {
	w := newWorld(t)
	w.connect()
	seven := fleet.Priority(7)
	said := func(job fleet.Job, want PrioritySource) {
		t.Helper()
		if got := w.get(job.ID).Source; got != want {
			t.Errorf("the priority %d of job %s is from %+v, not %+v", job.Priority, job.ID, got, want)
		}
	}
	usual := w.submit()
	said(usual, PrioritySource{From: fleet.PriorityOfTenant})
	asked := w.submit(func(r *SubmitRequest) { r.Priority = &seven })
	said(asked, PrioritySource{From: fleet.PriorityOfRequest})
	w.must(second(w.Jobs.Prioritize(t.Context(), w.admin, usual.ID, 3)))
	said(usual, PrioritySource{fleet.PriorityOfChange, w.admin.Name})

	w.fail(w.start(asked), fleet.ClassBusiness)
	again, _, err := w.Jobs.Retry(t.Context(), w.admin, asked.ID, RetryHow{})
	w.must(err)
	said(again, PrioritySource{From: fleet.PriorityOfRetry})
	w.must(second(w.Jobs.Prioritize(t.Context(), w.admin, again.ID, 0)))
	said(again, PrioritySource{fleet.PriorityOfChange, w.admin.Name})

	for name, c := range map[string]struct {
		request SubmitRequest
		want    fleet.PrioritySource
	}{
		"of a schedule that says":          {request(&fleet.Schedule{JobTemplate: fleet.JobTemplate{Priority: &seven}}, nil), fleet.PriorityOfSchedule},
		"of a schedule that does not say":  {request(&fleet.Schedule{}, nil), fleet.PriorityOfTenant},
		"of a trigger that says":           {requestOf(&fleet.Trigger{JobTemplate: fleet.JobTemplate{Priority: &seven}}, nil), fleet.PriorityOfTrigger},
		"of a trigger that does not say":   {requestOf(&fleet.Trigger{}, nil), fleet.PriorityOfTenant},
		"of a schedule, but for one of it": {SubmitRequest{Priority: &seven, Schedule: "x"}, fleet.PriorityOfRequest},
	} {
		if got := c.request.prioritySource(); got != c.want {
			t.Errorf("%s: %s, not %s", name, got, c.want)
		}
	}
}

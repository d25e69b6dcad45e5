package original

import (
	"testing"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// TestRows holds rows that belong to no single route.
func TestRows(t *testing.T) {
	beside(t)
	w := newWorld(t)
	once := func(r *client.SubmitRequest) {
		r.RetrySafety, r.Retry = "always", &client.RetryChange{Max: new(0)}
	}

	t.Run("C16 both names of an error", func(t *testing.T) {
		for id, p := range map[string]*program{"rc": w.robotClient("rc"), "at": w.tunnel("at")} {
			p.connect(1)
			job := w.submit(once, func(r *client.SubmitRequest) { r.Target = fleet.RobotID(id) })
			p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": job})
			w.reaches(job, fleet.Running)
			fields := map[string]any{"job_id": job, "error_message": "no such invoice", "error_type": "ValueError"}
			if p.flat {
				fields = map[string]any{"job_id": job, "error": "no such invoice", "details": nil}
			}
			p.say("job_failed", fields)
			w.reaches(job, fleet.Failed)
			if got := w.job(job); got.Error == nil || got.Error.Message != "no such invoice" {
				t.Errorf("%s: %+v", id, got.Error)
			}
		}
	})

	t.Run("P13 P14 a breaker that swallows the job calls", func(t *testing.T) {
		a := w.registered("r1", 1)
		a.start()
		job := w.submit(func(r *client.SubmitRequest) { r.Target = "r1" })
		a.work()
		at := w.app.Addr().String()
		w.must(w.app.Stop(t.Context()))
		for range 5 { // each attempt counts; now nothing is sent for a minute
			if _, err := a.jobs.try(t.Context(), "POST", "/api/v1/jobs/"+string(job)+"/extend-lease", `{"extension_seconds":30}`); err == nil {
				t.Fatal("nobody should have answered")
			}
		}
		w.start(at)
		w.dial()
		for range 4 { // presence goes on, and says that the job runs
			a.beat(1)
		}
		if j := w.job(job); j.State != fleet.Running || j.LostUsed != 0 || j.Epoch != 1 {
			t.Errorf("%s, lost %d, attempt %d", j.State, j.LostUsed, j.Epoch)
		}
		if r := a.extend(string(job)); r.status != 200 {
			t.Errorf("%d %s", r.status, r.text)
		}
		if r := a.complete(string(job)); r.status != 200 {
			t.Errorf("%d %s", r.status, r.text)
		}
		w.reaches(job, fleet.Completed)
	})
}

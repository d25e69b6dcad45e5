package original

import (
	"context"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// P19: a stop goes on answering robots that poll, and asks them to close their
// connections, so that none is closed at the moment of a result. A claim that is
// held is answered at once.
func TestStop(t *testing.T) {
	w := newWorld(t, func(w *world) { w.hold, w.linger = 20, 3*time.Second })
	a, b := w.registered("r1", 1), w.registered("r2", 1)
	job := w.submit()
	c := a.work()
	idle := make(chan *claimed, 1)
	go func() { idle <- b.claim() }()
	w.eventually(func() bool { return w.row("r2")["status"] == "idle" })
	stopped := make(chan error, 1)
	go func() { stopped <- w.app.Stop(context.Background()) }()
	if got := <-idle; got != nil {
		t.Errorf("claimed %s", got.Raw)
	}
	r, err := a.jobs.try(t.Context(), "POST", "/api/v1/jobs/"+c.JobID+"/complete", result)
	if err != nil || r.status != 200 || !r.close {
		t.Errorf("%v, %d %s, asked to close: %v", err, r.status, r.text, r.close)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	w.start(w.app.Addr().String())
	w.dial()
	if s := w.state(job); s != fleet.Completed {
		t.Errorf("the job is %s", s)
	}
}

package original

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// TestStop holds P19 and the end of M17: a stop goes on answering robots that poll, and asks them to close their
// connections, so that none is closed at the moment of a result. A claim that is
// held is answered at once.
func TestStop(t *testing.T) {
	w := newWorld(t, func(w *world) { w.hold, w.linger = 20, 3*time.Second })
	a, b := w.registered("r1", 1), w.registered("r2", 1)
	job := w.submit()
	c := a.work()
	key := w.key("rc")
	open := w.watch("/ws/monitoring/live-jobs", w.admin)
	idle := make(chan *claimed, 1)
	go func() { idle <- b.claim() }()
	w.eventually(func() bool { return w.row("r2")["status"] == "idle" })
	stopped := make(chan error, 1)
	go func() { stopped <- w.app.Stop(context.Background()) }()
	if got := <-idle; got != nil {
		t.Errorf("claimed %s", got.Raw)
	}
	// M17: it lets no reader in before it sends the others away, but a robot of the
	// original must not be refused: its program gives up for good on anything but 101.
	reader, robot := &program{world: w}, w.robotClientOf("rc", key)
	if status, err := reader.dial("/ws/monitoring/live-jobs", http.Header{"Authorization": {"Bearer " + w.admin}}); err == nil || status != 503 {
		t.Errorf("a reader while stopping: %d %v", status, err)
	}
	if status, err := robot.dial("/ws/robot/rc", nil); err != nil {
		t.Errorf("RobotClient while stopping: %d %v", status, err)
	} else {
		robot.say("register", map[string]any{"robot_name": "Client", "max_concurrent_jobs": 1, "auth_token": key})
		robot.endsWith(0)
	}
	r, err := a.jobs.try(t.Context(), "POST", "/api/v1/jobs/"+c.JobID+"/complete", result)
	if err != nil || r.status != 200 || !r.close {
		t.Errorf("%v, %d %s, asked to close: %v", err, r.status, r.text, r.close)
	}
	open.endsWith(1012)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	w.start(w.app.Addr().String())
	w.dial()
	if s := w.state(job); s != fleet.Completed {
		t.Errorf("the job is %s", s)
	}
}

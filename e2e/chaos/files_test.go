package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestFilesKill drops files into a folder that a robot watches and kills that
// robot and the orchestrator all the while: in the end each file has started one
// job.
func TestFilesKill(t *testing.T) {
	const n = 60
	w := startFleet(t, 1, 4)
	w.robotsKilled = true
	t.Logf("seed %d", *seed)
	call := func(method, path string, body, out any) {
		t.Helper()
		if _, err := w.api.call(t.Context(), method, path, nil, body, out); err != nil {
			t.Fatal(err)
		}
	}
	in := filepath.Join(w.truthDir(), "in")
	if err := os.MkdirAll(in, 0o755); err != nil { //nolint:gosec // a folder of the test
		t.Fatal(err)
	}
	var flow struct {
		ID string `json:"workflow_id"`
	}
	var trigger struct {
		ID    string `json:"trigger_id"`
		Fired int    `json:"fired_count"`
		Fault string `json:"fault"`
	}
	call("PUT", "/api/v1/workflows", map[string]any{"workflow_json": jsonText(nothing)}, &flow)
	await(t, time.Minute, "the robot is not there", func() bool {
		_, err := w.api.call(t.Context(), "GET", "/api/v1/robots/r1", nil, nil, nil)
		return err == nil
	})
	call("POST", "/api/v1/triggers", map[string]any{
		"name": "files", "workflow_id": flow.ID, "inputs": map[string]any{"file": map[string]string{"pointer": "/name"}},
		"file": map[string]any{"robot_id": "r1", "path": in + "/*.txt", "settle_seconds": 1, "existing": true},
	}, &trigger)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	kills := map[string]int{}
	for i, p := range []*process{w.robots[0], w.members[0]} {
		rng := chance(uint64(i + 1)) //nolint:gosec // small
		all.Go(func() {
			for ctx.Err() == nil {
				pause(ctx, time.Duration(1500+rng.IntN(2000))*time.Millisecond)
				p.kill()
				p.start()
				if i == 0 {
					kills["robot"]++
				}
			}
		})
	}
	for i := range n {
		// Under another name until it is whole, as whoever drops files should.
		part, name := filepath.Join(in, fmt.Sprintf("%d.part", i)), filepath.Join(in, fmt.Sprintf("%d.txt", i))
		if err := os.WriteFile(part, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(part, name); err != nil {
			t.Fatal(err)
		}
		pause(t.Context(), 150*time.Millisecond)
	}
	stop()
	all.Wait()
	w.ready()
	await(t, 90*time.Second, "files have started no job", func() bool {
		_, err := w.api.call(t.Context(), "GET", "/api/v1/triggers/files", nil, nil, &trigger)
		return err == nil && trigger.Fired >= n
	})
	w.settle(time.Minute)
	w.halt()
	q, done := w.db.open(t)
	defer done()
	if err := storetest.Invariants(t.Context(), q); err != nil {
		t.Error(err)
	}
	files := map[string]int{}
	for _, row := range w.query(q, fmt.Sprintf(`select %s, j.target_robot_id from jobs j join job_data d on d.job_id = j.id`, w.db.text("d.variables"))) {
		files[row[0]]++
		if row[1] != "r1" {
			t.Errorf("the job of %s is for robot %q", row[0], row[1])
		}
	}
	for i := range n {
		if got := files[fmt.Sprintf(`{"file":"%d.txt"}`, i)]; got != 1 {
			t.Errorf("file %d started %d jobs", i, got)
		}
	}
	if len(files) != n || kills["robot"] == 0 {
		t.Errorf("jobs for %d files, want %d; the robot was killed %d times", len(files), n, kills["robot"])
	}
	t.Logf("%d files, the robot was killed %d times", n, kills["robot"])
}

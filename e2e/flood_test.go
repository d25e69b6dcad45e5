package e2e

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// gigabyte prints 1 GiB, and then says what became of it.
const gigabyte = `{"nodes": {
	"s": {"node_id": "s", "node_type": "StartNode"},
	"c": {"node_id": "c", "node_type": "RunCommandNode", "config": {"command": "head -c 1073741824 /dev/zero | tr '\\0' x", "shell": true, "allow_dangerous": true}},
	"l": {"node_id": "l", "node_type": "LogNode", "config": {"message": "{{c.stdout}}", "include_node_id": false}}
}, "connections": [
	{"source_node": "s", "source_port": "exec_out", "target_node": "c", "target_port": "exec_in"},
	{"source_node": "c", "source_port": "exec_out", "target_node": "l", "target_port": "exec_in"}
]}`

// TestGigabyteOfOutput runs a program that prints far more than anybody keeps.
// The job ends, its reader learns that something was cut, the robot and the
// orchestrator (both in this process) keep their size, and go on working.
func TestGigabyteOfOutput(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("head and tr are not there")
	}
	if testing.Short() {
		t.Skip("a gigabyte takes seconds")
	}
	w := newWorld(t)
	w.robot("loud")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	none := 0
	submit := client.SubmitRequest{Workflow: []byte(gigabyte), Retry: &client.RetryChange{Max: &none}}
	job, err := w.api.SubmitJob(ctx, submit)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.api.WaitJob(ctx, job.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.State != fleet.Completed {
		t.Errorf("the job is %s: %+v", got.State, got.Error)
	}
	var text, told bool
	for line, err := range w.api.FollowLog(ctx, job.ID) {
		if err != nil {
			t.Fatal(err)
		}
		text = text || strings.HasPrefix(line.Message, strings.Repeat("x", 1000))
		told = told || strings.Contains(line.Message, "longer than what is kept")
	}
	if !text || !told {
		t.Errorf("the log shows the beginning of the output: %t, and says that it was cut: %t", text, told)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 512<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}

	// Nothing is left of it in the way of the next job.
	submit.Workflow = []byte(`{"nodes": {"l": {"node_id": "l", "node_type": "LogNode", "config": {"message": "hi"}}}}`)
	if job, err = w.api.SubmitJob(ctx, submit); err != nil {
		t.Fatal(err)
	}
	if got, err = w.api.WaitJob(ctx, job.ID, nil); err != nil || got.State != fleet.Completed {
		t.Errorf("the next job is %s, %v", got.State, err)
	}
}

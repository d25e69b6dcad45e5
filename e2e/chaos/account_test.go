package chaos

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestAccount lets ten jobs that need one exclusive account run on two robots
// with room for all of them, kills the robot that has it, and asks the file in
// which they say what they do whether two ever had it at once.
func TestAccount(t *testing.T) {
	const jobs = 10
	w := startFleet(t, 2, jobs)
	w.robotsKilled = true
	ctx := t.Context()
	call := func(method, path string, body, out any) {
		t.Helper()
		if _, err := w.api.call(ctx, method, path, nil, body, out); err != nil {
			t.Fatal(err)
		}
	}
	call("PUT", "/api/v1/secrets/erp", map[string]any{"fields": map[string]string{"password": "canary"}, "exclusive": true}, nil)
	f := w.truthFile()
	doc := fmt.Sprintf(work, f, 0.05, f, 0.05, f)
	doc = doc[:len(doc)-1] + `,"settings":{"fleet":{"secrets":["erp"],"retry_safety":"always"}}}`
	for range jobs {
		call("POST", "/api/v1/jobs", map[string]any{"workflow_json": jsonText(doc)}, nil)
	}
	var secret struct {
		HeldBy []string `json:"held_by"`
	}
	before := ""
	for kill := range 2 {
		var job struct {
			State string `json:"status"`
			Robot string `json:"robot_id"`
			Epoch int    `json:"epoch"`
		}
		await(t, 20*time.Second, "nobody has the account", func() bool {
			call("GET", "/api/v1/secrets/erp", nil, &secret)
			if len(secret.HeldBy) != 1 {
				return false
			}
			call("GET", "/api/v1/jobs/"+secret.HeldBy[0], nil, &job)
			return job.State == "running" && fmt.Sprint(secret.HeldBy, job.Epoch) != before
		})
		before = fmt.Sprint(secret.HeldBy, job.Epoch)
		at := slices.IndexFunc(w.robots, func(p *process) bool { return p.name == job.Robot })
		w.robots[at].kill()
		t.Logf("kill %d: %s, which had job %s", kill, job.Robot, secret.HeldBy[0])
		w.robots[at].start()
	}
	w.settle(time.Minute)
	w.halt()
	q, done := w.db.open(t)
	defer done()
	if err := storetest.Invariants(ctx, q); err != nil {
		t.Error(err)
	}
	if left := w.query(q, `select name from secret_uses union all select id from jobs where state <> 'completed'`); len(left) > 0 {
		t.Errorf("held after the end, or not completed: %v", left)
	}
	text, err := os.ReadFile(f)
	if err != nil {
		t.Fatal(err)
	}
	ran, err := executions(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []*execution
	for _, list := range ran {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b *execution) int { return a.first - b.first })
	if len(ran) != jobs || len(all) < jobs {
		t.Errorf("%d jobs in %d executions", len(ran), len(all))
	}
	for _, o := range overlaps(map[string][]*execution{"with the account": all}) {
		t.Error(o)
	}
}

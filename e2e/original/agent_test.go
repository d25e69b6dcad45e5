package original

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

// agent is the robot of the original that polls. It has two clients: presence
// sends the key twice, the job calls send it in X-Api-Key only.
type agent struct {
	*world
	id, key  string
	presence *caller
	jobs     *caller
	linked   bool
}

// claimed is what the agent makes of a job; it raises on a missing member.
type claimed struct {
	JobID     string          `json:"job_id"`
	Document  *string         `json:"workflow_json"`
	Variables map[string]any  `json:"variables"`
	CreatedAt string          `json:"created_at"`
	ClaimedAt string          `json:"claimed_at"`
	Raw       json.RawMessage `json:"-"`
}

// registered is an agent whose id and key an admin has made, as the fleet dialog
// does it.
func (w *world) registered(id string, slots int) *agent {
	w.Helper()
	w.dialog().want(200, "POST", "/api/v1/robots/register", fmt.Sprintf(
		`{"robot_id":%q,"name":"Robot %s","hostname":"host-%s","capabilities":["browser"],"environment":"production","max_concurrent_jobs":%d,"tags":[]}`, id, id, id, slots))
	return w.agent(id, w.key(id))
}

func (w *world) agent(id, key string) *agent {
	return &agent{
		world: w, id: id, key: key, linked: true,
		presence: w.python("Authorization", "Bearer "+key, "X-Api-Key", key), jobs: w.python("X-Api-Key", key),
	}
}

// dialog is the fleet dialog: an admin's key in both headers.
func (w *world) dialog() *caller {
	return w.python("Authorization", "Bearer "+w.admin, "X-Api-Key", w.admin)
}

func (a *agent) path(rest string) string { return "/api/v1/robots/" + a.id + rest }

// start is the agent's start: health, look-up, register if it is not known,
// status.
func (a *agent) start() {
	a.Helper()
	a.presence.want(200, "GET", "/health", "")
	switch r := a.presence.call("GET", "/api/v1/metrics/robots/"+a.id, ""); r.status {
	case 200:
	case 404:
		a.presence.want(200, "POST", "/api/v1/robots/register", fmt.Sprintf(
			`{"robot_id":%q,"name":"%s","hostname":"box","capabilities":["browser"],"environment":"default","max_concurrent_jobs":1,"tags":[]}`, a.id, a.id))
	default:
		a.Fatalf("look-up: %d %s", r.status, r.text)
	}
	a.status("idle")
}

// status and beat are what the agent unlinks by: 404 is for ever.
func (a *agent) status(word string) {
	a.Helper()
	a.heard(a.presence.call("PUT", a.path("/status"), fmt.Sprintf(`{"status":%q}`, word)))
}

func (a *agent) beat(running any) {
	a.Helper()
	n, _ := json.Marshal(running)
	a.heard(a.presence.call("POST", a.path("/heartbeat"), fmt.Sprintf(
		`{"cpu_percent":12.5,"memory_percent":null,"current_job_count":%s,"max_concurrent_jobs":1}`, n)))
}

func (a *agent) heard(r reply) {
	a.Helper()
	switch r.status {
	case 200:
	case 404:
		a.linked = false
	default:
		a.Errorf("presence: %d %s", r.status, r.text)
	}
}

const claimBody = `{"environment":"default","limit":1,"visibility_timeout_seconds":30}`

// claim asks once; nil is none.
func (a *agent) claim() *claimed {
	a.Helper()
	return a.parse(a.jobs.want(200, "POST", "/api/v1/jobs/claim", claimBody))
}

func (a *agent) parse(r reply) *claimed {
	a.Helper()
	if r.text == "null" {
		return nil
	}
	c := &claimed{Raw: json.RawMessage(r.text)}
	if err := json.Unmarshal([]byte(r.text), c); err != nil {
		a.Fatalf("the agent cannot read its job: %v in %s", err, r.text)
	}
	if c.JobID == "" || c.Document == nil || c.Variables == nil {
		a.Fatalf("the agent raises on %s", r.text)
	}
	for _, at := range []string{c.CreatedAt, c.ClaimedAt} {
		if _, err := time.Parse("2006-01-02T15:04:05.999999Z07:00", at); err != nil {
			a.Fatalf("the agent cannot read the time %q", at)
		}
	}
	return c
}

// work claims until there is a job.
func (a *agent) work() *claimed {
	a.Helper()
	for range 15 {
		if c := a.claim(); c != nil {
			return c
		}
	}
	a.Fatal("there was no job")
	return nil
}

const result = `{"result":{"executed_nodes":3,"duration_ms":1200,"recovered":false}}`

func (a *agent) complete(job string) reply {
	a.Helper()
	return a.jobs.call("POST", "/api/v1/jobs/"+job+"/complete", result)
}

func (a *agent) fail(job, message string) reply {
	a.Helper()
	text, _ := json.Marshal(message)
	return a.jobs.call("POST", "/api/v1/jobs/"+job+"/fail", `{"error_message":`+string(text)+`}`)
}

func (a *agent) extend(job string) reply {
	a.Helper()
	return a.jobs.call("POST", "/api/v1/jobs/"+job+"/extend-lease", `{"extension_seconds":30}`)
}

// TestAgentRunsJobs is the whole of an agent's day.
func TestAgentRunsJobs(t *testing.T) {
	w := newWorld(t)
	a := w.registered("robot-box-0a1b2c3d", 1)
	a.start()
	job := w.submit()
	c := a.work()
	if c.JobID != string(job) {
		t.Fatalf("claimed %s", c.Raw)
	}
	a.status("busy")
	if r := a.extend(c.JobID); r.status != 200 || r.object(t)["extended"] != true {
		t.Errorf("extend: %d %s", r.status, r.text)
	}
	a.beat(1)
	if r := a.complete(c.JobID); r.status != 200 || r.object(t)["completed"] != true {
		t.Errorf("complete: %d %s", r.status, r.text)
	}
	a.status("idle")
	w.reaches(job, "completed")
	got, err := w.api.GetJob(context.Background(), job)
	w.must(err)
	var kept map[string]any
	w.must(json.Unmarshal(got.Result, &kept))
	if kept["success"] != true || kept["nodes_executed"] != 3.0 || kept["executed_nodes"] != 3.0 || kept["variables"] != nil || got.DurationMS != 1200 {
		t.Errorf("kept %s, %d ms", got.Result, got.DurationMS)
	}
}

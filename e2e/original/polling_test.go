package original

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// row reads a robot as the fleet client lists it.
func (w *world) row(id string) map[string]any {
	w.Helper()
	return w.dialog().want(200, "GET", "/api/v1/metrics/robots/"+id, "").object(w)
}

func document(doc string, safety string) func(*client.SubmitRequest) {
	return func(r *client.SubmitRequest) {
		r.Workflow = json.RawMessage(doc)
		r.RetrySafety = fleet.RetrySafety(safety)
	}
}

func (w *world) job(id fleet.ID) client.JobDetail {
	w.Helper()
	j, err := w.api.GetJob(w.Context(), id)
	w.must(err)
	return j
}

// TestPolling holds the rows about the agent that polls.
func TestPolling(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"P1 any call is a sign of life": func(t *testing.T) {
			w := newWorld(t)
			w.dialog().want(200, "POST", "/api/v1/robots/register", `{"robot_id":"r1","name":"R","hostname":"h","max_concurrent_jobs":1}`)
			w.must(w.api.DeleteRobot(t.Context(), "r1"))
			a := w.agent("r2", w.key("r2")) // never registered: its own key may do it
			a.start()
			if !a.linked || w.row("r2")["status"] != "idle" {
				t.Errorf("%v", w.row("r2"))
			}
		},
		"P2 what an admin edits stays": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			_, err := w.api.UpdateRobot(t.Context(), "r1", client.RobotChange{Name: new("Desk 4"), Tags: &[]string{"vip"}, Slots: new(3)})
			w.must(err)
			a.presence.want(200, "POST", "/api/v1/robots/register",
				`{"robot_id":"r1","name":"box","hostname":"new-host","capabilities":["browser","desktop"],"environment":"default","max_concurrent_jobs":9,"tags":["mine"]}`)
			r := w.row("r1")
			if r["name"] != "Desk 4" || r["hostname"] != "new-host" || r["max_concurrent_jobs"] != 3.0 || strings.Join(texts(r["tags"]), ",") != "vip" || strings.Join(texts(r["capabilities"]), ",") != "browser,desktop" {
				t.Errorf("%v", r)
			}
		},
		"P3 what it does not say is unknown": func(t *testing.T) {
			w := newWorld(t)
			w.registered("r1", 1).start()
			r, err := w.api.GetRobot(t.Context(), "r1")
			w.must(err)
			if r.OS != "" || r.AgentVersion != "" || len(r.Facts) != 0 {
				t.Errorf("%+v", r)
			}
		},
		"P4 claims alone keep it online": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 2)
			w.restart() // its session is over
			if s := w.row("r1")["status"]; s != "offline" {
				t.Errorf("before: %v", s)
			}
			a.claim()
			if r := w.row("r1"); r["status"] != "idle" || r["max_concurrent_jobs"] != 2.0 {
				t.Errorf("%v", r)
			}
		},
		"P5 the lower of wish and limit holds": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 5)
			a.beat(0) // wishes for 1
			if r := w.row("r1"); r["max_concurrent_jobs"] != 1.0 || r["cpu_percent"] != 12.5 {
				t.Errorf("%v", r)
			}
		},
		"P6 P7 a claim waits for a job": func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.hold = 20 })
			a := w.registered("r1", 1)
			got := make(chan *claimed, 1)
			go func() { got <- a.claim() }()
			w.eventually(func() bool { return w.row("r1")["status"] == "idle" })
			job := w.submit()
			select {
			case c := <-got:
				if c == nil || c.JobID != string(job) {
					t.Errorf("got %+v", c)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("the held claim did not get the job")
			}
		},
		"P7 a claim whose caller is gone starts nothing": func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.hold = 20 })
			a := w.registered("r1", 1)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); _, _ = a.jobs.try(ctx, "POST", "/api/v1/jobs/claim", claimBody) }()
			w.eventually(func() bool { return w.row("r1")["status"] == "idle" })
			cancel()
			<-ended
			job := w.submit()
			if c := a.work(); c.JobID != string(job) {
				t.Errorf("claimed %s", c.Raw)
			}
			if j := w.job(job); j.State != fleet.Running || j.LostUsed != 0 {
				t.Errorf("%s, lost %d", j.State, j.LostUsed)
			}
		},
		"P8 M22 never beyond the limit": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			w.submit()
			second := w.submit()
			first := a.work()
			if c := a.claim(); c != nil { // 3 ms after it got a job
				t.Fatalf("a second job: %s", c.Raw)
			}
			var next *claimed
			var wg sync.WaitGroup
			wg.Go(func() { next = a.work() }) // held while full, served the moment the first completes
			a.complete(first.JobID)
			wg.Wait()
			if next.JobID != string(second) {
				t.Errorf("then %s", next.Raw)
			}
		},
		"P10 M7 status words are reports": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			a.status("busy")
			a.status("paused") // M7
			if s := w.row("r1"); s["status"] != "maintenance" || s["fleet_status"] != "paused" {
				t.Errorf("%v", s)
			}
			a.status("idle")
			if s := w.row("r1")["status"]; s != "idle" {
				t.Errorf("resumed: %v", s)
			}
			_, err := w.api.PauseRobot(t.Context(), "r1", 0, "")
			w.must(err)
			a.status("idle")
			if s := w.row("r1")["fleet_status"]; s != "paused" {
				t.Errorf("a report ended an admin's pause: %v", s)
			}
		},
		"P12 R28 R29 the same result once more": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			w.submit()
			c := a.work()
			for range 3 {
				if r := a.complete(c.JobID); r.status != 200 {
					t.Errorf("%d %s", r.status, r.text)
				}
			}
			if r := a.jobs.call("POST", "/api/v1/jobs/"+c.JobID+"/complete", `{"result":{"executed_nodes":9}}`); r.status != 409 {
				t.Errorf("another result: %d", r.status)
			}
			if r := a.fail(c.JobID, "late"); r.status != 409 {
				t.Errorf("a failure after it: %d", r.status)
			}
			w.submit(func(r *client.SubmitRequest) { r.Retry = nil })
			c = a.work()
			for range 2 {
				if r := a.fail(c.JobID, "ValueError: no"); r.status != 200 || r.object(t)["status"] != "pending" {
					t.Errorf("%d %s", r.status, r.text)
				}
			}
		},
		"P14 after a restart": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			job := w.submit()
			c := a.work()
			w.restart()
			a.beat(1)
			if r := a.extend(c.JobID); r.status != 200 {
				t.Errorf("extend: %d %s", r.status, r.text)
			}
			if r := a.complete(c.JobID); r.status != 200 {
				t.Errorf("complete: %d %s", r.status, r.text)
			}
			if j := w.job(job); j.State != fleet.Completed || j.Epoch != 1 { // M21
				t.Errorf("%s in epoch %d", j.State, j.Epoch)
			}
		},
		"P16 P17 P20 P27 a claim whose answer was lost": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			job := w.submit()
			a.work() // and never hears of it
			for i := range 3 {
				if s := w.state(job); s != fleet.Running {
					t.Fatalf("after %d zeros: %s", i, s)
				}
				a.beat(0)
			}
			if j := w.job(job); j.State != fleet.Pending || j.LostUsed != 0 {
				t.Errorf("%s, lost %d", j.State, j.LostUsed)
			}
			if c := a.work(); c.JobID != string(job) {
				t.Errorf("the robot may have it again: %s", c.Raw)
			}
		},
		"P18 a job that began and is not held": func(t *testing.T) {
			w := newWorld(t)
			for _, c := range []struct {
				doc, safety string
				want        fleet.State
			}{{idle, "", fleet.Pending}, {writes, "", fleet.NeedsDecision}, {writes, "always", fleet.Pending}, {idle, "never", fleet.Failed}} {
				a := w.registered("r-"+c.safety+string(c.want), 1)
				job := w.submit(document(c.doc, c.safety))
				a.work()
				a.status("busy")
				for range 3 {
					a.beat(0)
				}
				if got := w.job(job); got.State != c.want {
					t.Errorf("%s: %s, want %s", c.safety, got.State, c.want)
				}
				_, err := w.api.CancelJob(t.Context(), job, client.CancelRequest{})
				w.must(err)
				a.status("offline")
			}
		},
		"P21 goodbye": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			a.start()
			a.status("offline")
			if s := w.row("r1")["status"]; s != "offline" {
				t.Errorf("%v", s)
			}
			a.status("idle")
			if s := w.row("r1")["status"]; s != "idle" {
				t.Errorf("%v", s)
			}
		},
		"P22 an end that nobody asked for": func(t *testing.T) {
			w := newWorld(t)
			a, b := w.registered("r1", 1), w.registered("r2", 1)
			job := w.submit()
			c := a.work()
			if r := a.fail(c.JobID, "Job cancelled"); r.status != 200 || r.object(t)["status"] != "pending" {
				t.Errorf("%d %s", r.status, r.text)
			}
			a.status("idle") // then the process is gone
			j := w.job(job)
			if j.State != fleet.Pending || j.RetriesUsed != 0 || j.LostUsed != 1 {
				t.Errorf("%s, retries %d, lost %d", j.State, j.RetriesUsed, j.LostUsed)
			}
			if c := b.work(); c.JobID != string(job) {
				t.Errorf("another robot gets it: %s", c.Raw)
			}
			pay := w.submit(document(writes, ""))
			c = a.work()
			a.fail(c.JobID, "Job cancelled")
			if s := w.state(pay); s != fleet.NeedsDecision {
				t.Errorf("with a step that must not run twice: %s", s)
			}
		},
		"P24 R31 a job that is being stopped": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			job := w.submit()
			c := a.work()
			_, err := w.api.CancelJob(t.Context(), job, client.CancelRequest{})
			w.must(err)
			if r := a.extend(c.JobID); r.status != 409 {
				t.Errorf("extend: %d %s", r.status, r.text)
			}
			r := a.presence.want(200, "POST", a.path("/heartbeat"), `{"current_job_count":1}`)
			if !strings.Contains(r.text, `"cancel_requested":["`+c.JobID) {
				t.Errorf("the wish is not carried: %s", r.text)
			}
			if r := a.complete(c.JobID); r.status != 200 {
				t.Errorf("%d %s", r.status, r.text)
			}
			if j := w.job(job); j.State != fleet.Completed || !j.CancelTooLate {
				t.Errorf("%s, too late %v", j.State, j.CancelTooLate)
			}
			// A pending job is never handed out.
			gone := w.submit()
			_, err = w.api.CancelJob(t.Context(), gone, client.CancelRequest{})
			w.must(err)
			if c := a.claim(); c != nil {
				t.Errorf("claimed %s", c.Raw)
			}
			// A robot that heeds it is told.
			job = w.submit()
			a.parse(a.jobs.want(200, "POST", "/api/v1/jobs/claim", `{"features":["poll_cancel"]}`))
			_, err = w.api.CancelJob(t.Context(), job, client.CancelRequest{})
			w.must(err)
			if r := a.extend(string(job)); r.status != 200 || r.object(t)["cancel_requested"] != true {
				t.Errorf("extend: %d %s", r.status, r.text)
			}
			if r := a.fail(string(job), "Job cancelled"); r.status != 200 || w.state(job) != fleet.Cancelled {
				t.Errorf("%d %s: %s", r.status, r.text, w.state(job))
			}
		},
		"P25 a pause of its own": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			a.status("paused")
			w.submit()
			if c := a.claim(); c != nil {
				t.Errorf("a paused robot got %s", c.Raw)
			}
			a.status("idle")
			a.work()
		},
		"P26 R30 release": func(t *testing.T) {
			w := newWorld(t)
			a, b := w.registered("r1", 1), w.registered("r2", 1)
			job := w.submit()
			c := a.work()
			for range 2 {
				if r := a.jobs.call("POST", "/api/v1/jobs/"+c.JobID+"/release", ""); r.status != 200 || r.object(t)["released"] != true {
					t.Errorf("%d %s", r.status, r.text)
				}
			}
			j := w.job(job)
			if j.State != fleet.Pending || j.RetriesUsed+j.LostUsed != 0 {
				t.Errorf("%s, retries %d, lost %d", j.State, j.RetriesUsed, j.LostUsed)
			}
			if c := a.claim(); c != nil {
				t.Errorf("it had it back at once: %s", c.Raw)
			}
			b.work()
		},
		"P28 C11 linked to another id": func(t *testing.T) {
			w := newWorld(t)
			w.registered("r2", 1)
			a := w.registered("r1", 1)
			for _, id := range []string{"r2", "unknown"} {
				a.presence.want(403, "GET", "/api/v1/metrics/robots/"+id, "")
				a.presence.want(403, "PUT", "/api/v1/robots/"+id+"/status", `{"status":"idle"}`)
				a.presence.want(403, "POST", "/api/v1/robots/"+id+"/heartbeat", `{}`)
			}
			a.presence.want(403, "POST", "/api/v1/robots/register", `{"robot_id":"r2","name":"x","hostname":"x"}`)
		},
		"P29 D3 one job whatever limit says": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 10)
			first, second := w.submit(), w.submit()
			a.parse(a.jobs.want(200, "POST", "/api/v1/jobs/claim", `{"limit":10}`))
			if w.state(first) != fleet.Running || w.state(second) != fleet.Pending {
				t.Errorf("%s, %s", w.state(first), w.state(second))
			}
		},
		"P30 R9 the load file": func(t *testing.T) {
			w := newWorld(t)
			a := w.registered("r1", 1)
			r := a.presence.want(200, "POST", "/api/v1/robots/heartbeat", `{"robot_id":"r1","status":"idle"}`).object(t)
			if r["ok"] != true || r["timestamp"] == nil {
				t.Errorf("%v", r)
			}
			w.submit()
			if c := a.parse(a.presence.want(200, "POST", "/api/v1/jobs/claim", `{"robot_id":"r1","capabilities":["browser"]}`)); c == nil {
				t.Error("no job")
			}
			w.python("Authorization", "Bearer test-api-key").want(401, "POST", "/api/v1/robots/heartbeat", `{"robot_id":"r1"}`)
		},
	} {
		t.Run(name, test)
	}
}

// restart stops the orchestrator and starts it again at the same address.
func (w *world) restart() {
	w.Helper()
	at := w.app.Addr().String()
	w.must(w.app.Stop(context.Background()))
	w.start(at)
	w.dial()
}

func texts(v any) (out []string) {
	list, _ := v.([]any)
	for _, x := range list {
		s, _ := x.(string)
		out = append(out, s)
	}
	return out
}

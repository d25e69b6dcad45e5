package original

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// program is a robot of the original on a socket.
type program struct {
	*world
	id, key string
	flat    bool // AgentTunnel; otherwise RobotClient
	ws      *websocket.Conn
	inbox   chan map[string]any
	ended   chan error
}

// dial opens the socket; the status is that of the handshake.
func (p *program) dial(path string, header http.Header) (status int, err error) {
	p.Helper()
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	ws, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(p.app.URL(), "http")+path, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library closes it
	if resp != nil {
		status = resp.StatusCode
	}
	if err != nil {
		return status, err
	}
	ws.SetReadLimit(64 << 20)
	p.ws, p.inbox, p.ended = ws, make(chan map[string]any, 100), make(chan error, 1)
	inbox, ended := p.inbox, p.ended
	go func() {
		for {
			_, data, err := ws.Read(context.Background())
			if err != nil {
				ended <- err
				return
			}
			m := map[string]any{}
			if json.Unmarshal(data, &m) == nil {
				inbox <- m
			} else {
				inbox <- map[string]any{"type": string(data)}
			}
		}
	}()
	p.Cleanup(func() { _ = ws.CloseNow() })
	return status, nil
}

// say sends a frame in the program's own dialect.
func (p *program) say(kind string, fields map[string]any) {
	p.Helper()
	fields["robot_id"] = p.id
	frame := map[string]any{"type": kind, "id": "f-" + kind, "timestamp": time.Now().Format("2006-01-02T15:04:05.999999")}
	if p.flat {
		maps.Copy(frame, fields)
	} else {
		frame["payload"] = fields
	}
	text, err := json.Marshal(frame)
	p.must(err)
	p.raw(string(text))
}

func (p *program) raw(text string) {
	p.Helper()
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	p.must(p.ws.Write(ctx, websocket.MessageText, []byte(text)))
}

// hear waits for a frame of a kind, and gives its fields as the program finds
// them: at the top, or in payload.
func (p *program) hear(kind string) map[string]any {
	p.Helper()
	late := time.NewTimer(10 * time.Second)
	defer late.Stop()
	for {
		select {
		case m := <-p.inbox:
			if m["type"] != kind {
				continue
			}
			inner, _ := m["payload"].(map[string]any)
			for name, v := range inner { // M18: both places say the same
				a, _ := json.Marshal(v)
				b, _ := json.Marshal(m[name])
				if string(a) != string(b) {
					p.Errorf("%s.%s: %s in payload, %s at the top", kind, name, a, b)
				}
			}
			if p.flat {
				return m
			}
			return inner
		case err := <-p.ended:
			p.ended <- err
			p.Fatalf("the socket ended (%v) before %s came", err, kind)
		case <-late.C:
			p.Fatalf("no %s came", kind)
		}
	}
}

// endsWith waits for the end of the socket.
func (p *program) endsWith(code websocket.StatusCode) {
	p.Helper()
	select {
	case err := <-p.ended:
		var closed websocket.CloseError
		if code != 0 && (!errors.As(err, &closed) || closed.Code != code) {
			p.Errorf("ended with %v, want %d", err, code)
		}
	case <-time.After(10 * time.Second):
		p.Errorf("the socket is still open")
	}
}

// robotClient is the program with the enveloped dialect: no key in the handshake,
// the token in the first frame.
func (w *world) robotClient(id string) *program { return w.robotClientOf(id, w.key(id)) }

func (w *world) robotClientOf(id, key string) *program {
	return &program{world: w, id: id, key: key}
}

func (p *program) register(slots int) map[string]any {
	p.Helper()
	if p.flat {
		p.say("register", map[string]any{"robot_name": "Tunnel", "capabilities": map[string]any{
			"robot_type": "desktop", "browser_types": []string{"chromium"}, "desktop_supported": true, "max_concurrent_jobs": slots,
			"tags": []string{"a"}, "os_info": "Windows 11", "memory_mb": 32768, "cpu_cores": 8,
		}, "tenant_id": "globex"})
	} else {
		p.say("register", map[string]any{
			"robot_name": "Client", "environment": "production", "max_concurrent_jobs": slots, "tags": []string{"browser", "front office"},
			"capabilities": map[string]any{"platform": "Windows", "python_version": "3.12", "cpu_count": 8, "memory_total_gb": 32.0}, "auth_token": p.key,
		})
	}
	return p.hear("register_ack")
}

func (p *program) connect(slots int) *program {
	p.Helper()
	header := http.Header{}
	if p.flat {
		header.Set("Authorization", "Bearer "+p.key) // a proxy adds it
	}
	_, err := p.dial("/ws/robot/"+p.id, header)
	p.must(err)
	p.register(slots)
	return p
}

func (w *world) tunnel(id string) *program {
	return &program{world: w, id: id, key: w.key(id), flat: true}
}

// TestSockets holds the rows about robots on the original's channel.
func TestSockets(t *testing.T) {
	for name, test := range map[string]func(t *testing.T){
		"W1 M18 M35 C15 RobotClient": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1")
			_, err := p.dial("/ws/robot", nil) // no credential: the first frame is awaited
			w.must(err)
			ack := p.register(2)
			if ack["success"] != true || ack["robot_id"] != "r1" || ack["config"].(map[string]any)["heartbeat_interval"] != 10.0 {
				t.Errorf("%v", ack)
			}
			r, err := w.api.GetRobot(t.Context(), "r1")
			w.must(err)
			if r.Status != "online" || r.Name != "Client" || r.WishedSlots != 2 || !r.Capabilities.Covers(fleet.Capabilities{"browser"}) || r.Environment != "default" {
				t.Errorf("%+v", r)
			}
			p.say("heartbeat", map[string]any{"status": "online", "current_jobs": 0, "cpu_percent": 7.5, "memory_percent": 50, "disk_percent": 1, "active_job_ids": []string{}})
			p.hear("heartbeat_ack")
			job := w.submit(func(r *client.SubmitRequest) { r.Variables = map[string]any{"n": 1} })
			a := p.hear("job_assign")
			has(t, a, "job_id", "workflow_id", "workflow_name", "workflow_data", "workflow_json", "variables", "parameters", "timeout", "timeout_seconds", "priority", "epoch", "lease_seconds")
			if _, text := a["workflow_json"].(string); !text || a["workflow_data"].(map[string]any)["nodes"] == nil || a["parameters"].(map[string]any)["n"] != 1.0 {
				t.Errorf("%v", a)
			}
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Running)
			p.say("job_progress", map[string]any{"job_id": a["job_id"], "progress": 50, "current_node": "n1", "message": "half"})
			if !w.eventually(func() bool { j := w.job(job); return j.Progress == 50 && j.CurrentNode == "n1" }) {
				t.Errorf("progress is not shown")
			}
			p.say("job_complete", map[string]any{"job_id": a["job_id"], "result": map[string]any{"ok": true}, "duration_ms": 1234})
			if ack := p.hear("job_ack"); ack["job_id"] != a["job_id"] {
				t.Errorf("%v", ack)
			}
			if j := w.job(job); j.State != fleet.Completed || j.DurationMS != 1234 || !strings.Contains(string(j.Result), `"ok":true`) {
				t.Errorf("%s %d %s", j.State, j.DurationMS, j.Result)
			}
		},
		"W1 AgentTunnel": func(t *testing.T) {
			w := newWorld(t)
			p := w.tunnel("r1").connect(1)
			r, err := w.api.GetRobot(t.Context(), "r1")
			w.must(err)
			if r.Tenant != "default" || !r.Capabilities.Covers(fleet.Capabilities{"browser", "desktop", "high_memory"}) {
				t.Errorf("%+v", r)
			}
			p.say("heartbeat", map[string]any{})
			p.hear("heartbeat_ack")
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			p.say("job_failed", map[string]any{"job_id": a["job_id"], "error": "ValueError: no such invoice", "details": nil}) // C16
			w.reaches(job, fleet.Pending)
			if j := w.job(job); j.RetriesUsed != 1 || j.Error == nil || j.Error.Type != "ValueError" {
				t.Errorf("%d %+v", j.RetriesUsed, j.Error)
			}
		},
		"C17 AgentTunnel by a key in the address": func(t *testing.T) {
			w := newWorld(t)
			p := w.tunnel("r1")
			_, err := p.dial("/ws/robot/r1?api_key="+p.key, nil) // does not count here: the first frame has 5 s, and brings none
			w.must(err)
			p.say("register", map[string]any{"robot_name": "x"})
			if ack := p.hear("register_ack"); ack["success"] != false {
				t.Errorf("%v", ack)
			}
			p.endsWith(4001)
		},
		"M17 D19 who may come in": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1")
			other := w.key("r2")
			for _, c := range []struct {
				path, key string
				want      int
			}{
				{"/ws/robot/r1", "crpa_" + strings.Repeat("0", 60), 401},
				{"/ws/robot", "nonsense", 401},
				{"/ws/robot/r1", other, 403},
				{"/ws/robot/r1", w.admin, 403},
			} {
				if status, err := p.dial(c.path, http.Header{"X-Api-Key": {c.key}}); err == nil || status != c.want {
					t.Errorf("%s: %d %v, want %d", c.path, status, err, c.want)
				}
			}
			for token, code := range map[string]websocket.StatusCode{"wrong": 4001, other: 4003} {
				_, err := p.dial("/ws/robot/r1", nil)
				w.must(err)
				p.say("register", map[string]any{"auth_token": token})
				if ack := p.hear("register_ack"); ack["success"] != false || ack["message"] == "" {
					t.Errorf("%v", ack)
				}
				p.endsWith(code)
			}
			_, err := p.dial("/ws/robot", nil) // another robot's name in the frame
			w.must(err)
			p.id = "r9"
			p.say("register", map[string]any{"auth_token": p.key})
			p.hear("register_ack")
			p.endsWith(4003)
		},
		"D10 B1 the end of an old socket": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Running)
			old, ended := p.ws, p.ended
			p.connect(1) // before the old socket is dead
			_ = old.CloseNow()
			if err := <-ended; err == nil {
				t.Error("the old socket ended without an error")
			}
			p.say("heartbeat", map[string]any{"status": "busy", "active_job_ids": []any{a["job_id"]}})
			p.hear("heartbeat_ack")
			p.say("job_complete", map[string]any{"job_id": a["job_id"], "result": map[string]any{}}) // the robot's live attempt of that job
			w.reaches(job, fleet.Completed)
			if j := w.job(job); j.Epoch != 1 || j.LostUsed != 0 {
				t.Errorf("epoch %d, lost %d", j.Epoch, j.LostUsed)
			}
		},
		"T16 an accept that never came": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_complete", map[string]any{"job_id": a["job_id"], "result": nil})
			w.reaches(job, fleet.Completed)
			job = w.submit()
			a = p.hear("job_assign")
			p.say("job_progress", map[string]any{"job_id": a["job_id"], "progress": 1})
			w.reaches(job, fleet.Running)
		},
		"D11 reject": func(t *testing.T) {
			w := newWorld(t)
			p, q := w.robotClient("r1").connect(1), w.tunnel("r2")
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_reject", map[string]any{"job_id": a["job_id"], "reason": "Robot is paused"})
			w.reaches(job, fleet.Pending)
			q.connect(1) // a robot comes, and is looked at
			if got := q.hear("job_assign"); got["job_id"] != string(job) {
				t.Errorf("%v", got)
			}
			if j := w.job(job); j.RejectedBy != 1 || j.RetriesUsed+j.LostUsed != 0 {
				t.Errorf("%+v", j.Job)
			}
		},
		"T19 T23 T25 cancel": func(t *testing.T) {
			w := newWorld(t)
			p, q := w.robotClient("r1").connect(1), w.tunnel("r2")
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Running)
			_, err := w.api.CancelJob(t.Context(), job, client.CancelRequest{})
			w.must(err)
			if c := p.hear("job_cancel"); c["job_id"] != a["job_id"] || c["reason"] == nil {
				t.Errorf("%v", c)
			}
			p.say("job_cancelled", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Cancelled)
			p.say("disconnect", map[string]any{"reason": "bye"})
			p.endsWith(0)
			// The flat dialect has no word for it: the deadline ends the job.
			q.connect(1)
			job = w.submit()
			a = q.hear("job_assign")
			q.say("job_accept", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Running)
			_, err = w.api.CancelJob(t.Context(), job, client.CancelRequest{Force: true})
			w.must(err)
			w.reaches(job, fleet.Cancelled)
			if j := w.job(job); j.CancelOutcome != fleet.StoppedUnconfirmed {
				t.Errorf("%s", j.CancelOutcome)
			}
			r, err := w.api.GetRobot(t.Context(), "r2")
			w.must(err)
			if r.Taken != 1 { // it goes on there
				t.Errorf("%d slots are taken", r.Taken)
			}
		},
		"R11 commands": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			d := w.python("Authorization", "Bearer "+w.admin)
			d.want(200, "POST", "/api/v1/robots/r1/restart", "")
			if !w.eventually(func() bool {
				list, err := w.api.RobotCommands(t.Context(), "r1", fleet.Page{})
				return err == nil && len(list.Commands) == 1 && list.Commands[0].Status == "failed"
			}) {
				t.Error("a restart that cannot be delivered is not refused")
			}
			d.want(200, "POST", "/api/v1/robots/r1/shutdown", "")
			if s := p.hear("shutdown"); s["graceful"] != true {
				t.Errorf("%v", s)
			}
			p.say("disconnect", map[string]any{"reason": "shutdown"})
			p.endsWith(0)
			if !w.eventually(func() bool {
				list, err := w.api.RobotCommands(t.Context(), "r1", fleet.Page{})
				return err == nil && list.Commands[0].Status == "done"
			}) {
				t.Error("the shutdown is not done")
			}
		},
		"W3 log lines": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			w.submit()
			a := p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			p.say("log_entry", map[string]any{"job_id": a["job_id"], "level": "INFO", "message": "one", "node_id": "n1"})
			line := func(text string) map[string]any {
				return map[string]any{"timestamp": "2026-11-26T10:00:00", "level": "WARNING", "message": text, "source": "engine"}
			}
			batch := map[string]any{"sequence": 1, "logs": []any{line("two"), line("three")}}
			p.say("log_batch", batch)
			p.say("log_batch", batch) // once more: dropped
			p.say("log_batch", map[string]any{"job_id": a["job_id"], "entries": []any{line("four")}})
			var got []string
			if !w.eventually(func() bool {
				logs := w.python("Authorization", "Bearer "+w.admin).want(200, "GET", "/api/v1/robots/r1/logs?limit=100", "").object(t)["logs"].([]any)
				got = nil
				for _, l := range logs {
					has(t, l.(map[string]any), "timestamp", "level", "message", "source")
					got = append(got, l.(map[string]any)["message"].(string))
				}
				return len(got) >= 4
			}) || len(got) != 4 {
				t.Errorf("%v", got)
			}
		},
		"7.2 what else is said": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			p.raw("ping")
			p.hear("pong")
			p.raw("{")
			if e := p.hear("error"); e["error_message"] == nil || e["message"] == nil {
				t.Errorf("%v", e)
			}
			p.say("unknown_thing", map[string]any{})
			p.say("error", map[string]any{"error_code": "x"})
			p.say("status_response", map[string]any{"status": "paused", "current_jobs": 0, "active_job_ids": []string{}, "uptime_seconds": 1, "system_info": map[string]any{}})
			if !w.eventually(func() bool { return w.row("r1")["fleet_status"] == "paused" }) {
				t.Errorf("%v", w.row("r1"))
			}
			p.say("job_complete", map[string]any{"job_id": "01939c3e-7b1a-7c3d-8e4f-0123456789ab", "result": nil})
			p.say("heartbeat", map[string]any{"status": "online", "active_job_ids": []string{"01939c3e-7b1a-7c3d-8e4f-0123456789ab"}})
			if c := p.hear("job_cancel"); c["job_id"] != "01939c3e-7b1a-7c3d-8e4f-0123456789ab" { // nobody gave it that
				t.Errorf("%v", c)
			}
		},
		"7.2 not offered again to the same program": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1").connect(1)
			job := w.submit()
			a := p.hear("job_assign")
			p.say("job_accept", map[string]any{"job_id": a["job_id"]})
			w.reaches(job, fleet.Running)
			for range 3 { // it says that it does not run it
				p.say("heartbeat", map[string]any{"status": "online", "active_job_ids": []string{}})
				p.hear("heartbeat_ack")
			}
			w.reaches(job, fleet.Pending)
			p.say("heartbeat", map[string]any{"status": "online", "active_job_ids": []any{a["job_id"]}}) // and yet it does: T27
			w.reaches(job, fleet.Running)
			if j := w.job(job); j.Epoch != 2 || j.LostUsed != 0 {
				t.Errorf("epoch %d, lost %d", j.Epoch, j.LostUsed)
			}
			p.say("job_complete", map[string]any{"job_id": a["job_id"], "result": nil})
			w.reaches(job, fleet.Completed)
		},
		"v2 on the original's path": func(t *testing.T) {
			w := newWorld(t)
			p := w.robotClient("r1")
			ctx, done := context.WithTimeout(t.Context(), 10*time.Second)
			defer done()
			_, resp, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.app.URL(), "http")+"/ws/robot/r2", &websocket.DialOptions{ //nolint:bodyclose // the library closes it
				HTTPHeader: http.Header{"Authorization": {"Bearer " + p.key}}, Subprotocols: []string{"fleet.v2"},
			})
			if err == nil || resp.StatusCode != 403 {
				t.Errorf("%v", err)
			}
		},
	} {
		t.Run(name, test)
	}
}

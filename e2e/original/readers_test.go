package original

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
)

// reader is a program of the original that only reads a socket: it connects,
// takes every frame as it comes, and connects again when its socket ends. It has
// its key in the address and sends no header.
type reader struct {
	*world
	path  string
	quiet time.Duration // of silence, after which it says ping; 0: it never speaks
	wait  func(refused bool) time.Duration

	mu       sync.Mutex
	frames   []map[string]any
	faults   []string // of frames that it cannot read
	connects int
	refused  int
	pings    int
}

// subscriber is the fleet client's live view: at once again after an open socket
// ended, 5 s after one that was refused.
func (w *world) subscriber(key string) *reader {
	return &reader{world: w, path: "/ws/monitoring/live-jobs?token=" + url.QueryEscape(key), wait: func(refused bool) time.Duration {
		if refused {
			return 5 * time.Second
		}
		return 0
	}}
}

// logViewer is the log viewer: 5 s after whatever happened. Its secret is not
// encoded.
func (w *world) logViewer(robot, secret string) *reader {
	path := "/ws/logs"
	if robot != "" {
		path += "/" + robot
	}
	return &reader{
		world: w, path: path + "?api_secret=" + secret + "&min_level=DEBUG&tenant_id=default", quiet: 300 * time.Millisecond, // 30 s in earnest
		wait: func(bool) time.Duration { return 5 * time.Second },
	}
}

// run reads until ctx ends. Pauses of 5 s are as long as they are in earnest.
func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		refused := r.once(ctx)
		pause(ctx, r.wait(refused))
	}
}

func (r *reader) once(ctx context.Context) (refused bool) {
	r.count(func() { r.connects++ })
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(r.url, "http")+r.path, nil) //nolint:bodyclose // the library closes it
	if err != nil {
		r.count(func() { r.refused++ })
		return true
	}
	defer ws.CloseNow() //nolint:errcheck // it may be gone already
	ws.SetReadLimit(64 << 20)
	frames := make(chan []byte)
	go func() {
		defer close(frames)
		for {
			_, data, err := ws.Read(ctx)
			if err != nil {
				return
			}
			frames <- data
		}
	}()
	for {
		var silence <-chan time.Time
		if r.quiet > 0 {
			silence = time.After(r.quiet)
		}
		select {
		case data, open := <-frames:
			if !open {
				return false
			}
			m := map[string]any{}
			err := json.Unmarshal(data, &m)
			r.count(func() {
				if err != nil {
					r.faults = append(r.faults, string(data))
				} else {
					r.frames = append(r.frames, m)
				}
			})
			if err != nil && r.quiet > 0 { // the viewer gives the socket up
				return false
			}
		case <-silence:
			r.count(func() { r.pings++ })
			if ws.Write(ctx, websocket.MessageText, []byte("ping")) != nil {
				return false
			}
		}
	}
}

func (r *reader) count(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}

// saw waits for a frame.
func (r *reader) saw(ok func(m map[string]any) bool) bool {
	r.Helper()
	return r.eventually(func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return slices.ContainsFunc(r.frames, ok)
	})
}

// TestReaders plays the programs that only read sockets, with their keys in their
// addresses.
func TestReaders(t *testing.T) {
	beside(t)
	w := newWorld(t, func(w *world) { w.queryTokens = true })
	a := w.registered("r1", 1)
	a.start()
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer running.Wait()
	defer stop()

	t.Run("M34 W3 A6 log viewer", func(t *testing.T) {
		all, one, wrong := w.logViewer("", w.admin), w.logViewer("r8", w.admin), w.logViewer("", "wrong")
		rc := w.robotClient("r8").connect(1)
		for _, r := range []*reader{all, one, wrong} {
			running.Go(func() { r.run(ctx) })
		}
		// Through silence it stays on its one socket: nothing that it cannot read answers its pings.
		for _, r := range []*reader{all, one} {
			if !r.eventually(func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.pings >= 3 }) {
				t.Error("it never said ping")
			}
		}
		job := string(w.submit(func(r *client.SubmitRequest) { r.Target = "r8" }))
		rc.hear("job_assign")
		rc.say("job_accept", map[string]any{"job_id": job})
		w.reaches(fleet.ID(job), fleet.Running)
		rc.say("log_entry", map[string]any{"job_id": job, "level": "INFO", "message": "the invoice", "node_id": "s"})
		for _, r := range []*reader{all, one} {
			if !r.saw(func(m map[string]any) bool { return m["type"] == "log_entry" && m["message"] == "the invoice" }) {
				t.Error("the line was not shown")
			}
			r.count(func() {
				for _, m := range r.frames {
					has(t, m, "type", "robot_id", "timestamp", "level", "message", "source")
				}
				if len(r.faults) != 0 || r.connects != 1 {
					t.Errorf("%d connects, cannot read %v", r.connects, r.faults)
				}
			})
		}
		wrong.count(func() {
			if wrong.refused != wrong.connects || wrong.connects > 4 || len(wrong.frames) != 0 { // one in 5 s
				t.Errorf("%d connects, %d refused", wrong.connects, wrong.refused)
			}
		})
		rc.say("job_complete", map[string]any{"job_id": job, "result": map[string]any{}, "duration_ms": 5})
		w.reaches(fleet.ID(job), fleet.Completed)
	})

	t.Run("M16 M17 W4 A1 live view of the fleet client", func(t *testing.T) {
		live, wrong := w.subscriber(w.admin), w.subscriber("wrong")
		for _, r := range []*reader{live, wrong} {
			running.Go(func() { r.run(ctx) })
		}
		is := func(job, status string) func(m map[string]any) bool {
			return func(m map[string]any) bool {
				return m["type"] == "job_update" && m["job_id"] == job && m["status"] == status
			}
		}
		if !live.saw(is2("robot_status", "robot_id", "r1")) || !live.saw(is2("queue_metrics", "", nil)) {
			t.Error("it does not begin with what there is")
		}
		before := string(w.submit(func(r *client.SubmitRequest) { r.Target = "r1" }))
		if !live.saw(is(before, "pending")) {
			t.Error("the job was not told of")
		}
		w.restart() // its socket ends; what happens meanwhile is told of when it is back
		a.complete(a.work().JobID)
		after := string(w.submit(func(r *client.SubmitRequest) { r.Target = "r1" }))
		if !live.saw(is(before, "completed")) || !live.saw(is(after, "pending")) {
			t.Error("what happened around the restart was not told of")
		}
		a.complete(a.work().JobID)
		live.count(func() {
			for _, m := range live.frames {
				if kind := m["type"]; kind != "job_update" && kind != "robot_status" && kind != "queue_metrics" {
					t.Errorf("it drops %v", m)
				}
			}
			if len(live.faults) != 0 || live.connects < 2 || live.connects-live.refused > 3 { // an open socket that ends is no storm
				t.Errorf("%d connects, %d refused, cannot read %v", live.connects, live.refused, live.faults)
			}
		})
		wrong.count(func() {
			if wrong.refused != wrong.connects || wrong.connects > 8 || len(wrong.frames) != 0 {
				t.Errorf("%d connects, %d refused", wrong.connects, wrong.refused)
			}
		})
		if strings.Contains(w.said(), url.QueryEscape(w.admin)) { // D20
			t.Error("a key of an address is in the log")
		}
	})

	t.Run("W3 A10 log handler", func(t *testing.T) {
		rc := w.robotClient("r9").connect(1)
		h := &logHandler{program: rc}
		job := string(w.submit(func(r *client.SubmitRequest) { r.Target = "r9" }))
		rc.hear("job_assign")
		rc.say("job_accept", map[string]any{"job_id": job})
		w.reaches(fleet.ID(job), fleet.Running)
		for i := range 120 {
			h.log(fmt.Sprint("line ", i))
		}
		h.flush()
		h.again() // it does not know whether the last batch came
		lines := func() (out []string) {
			for _, l := range w.dialog().want(200, "GET", "/api/v1/robots/r9/logs?limit=500", "").object(t)["logs"].([]any) {
				out = append(out, fmt.Sprint(l.(map[string]any)["message"]))
			}
			return out
		}
		if !w.eventually(func() bool { return len(lines()) >= 120 }) || len(lines()) != 120 {
			t.Errorf("%d lines", len(lines()))
		}
		_ = rc.ws.CloseNow()
		if err := h.try("while it was away"); err == nil {
			t.Error("a line went into a dead socket")
		}
		rc.connect(1)
		rc.say("heartbeat", map[string]any{"status": "busy", "current_jobs": 1, "active_job_ids": []any{job}})
		h.flush()
		if !w.eventually(func() bool { return strings.Contains(strings.Join(lines(), "\n"), "while it was away") }) {
			t.Errorf("what waited did not come: %v", lines()[:1])
		}
		rc.say("job_complete", map[string]any{"job_id": job, "result": map[string]any{}, "duration_ms": 5})
		w.reaches(fleet.ID(job), fleet.Completed)
	})
}

func is2(kind, name string, value any) func(m map[string]any) bool {
	return func(m map[string]any) bool { return m["type"] == kind && (name == "" || m[name] == value) }
}

// logHandler is the original's handler inside a robot with a socket: batches of 50
// lines, numbered for the life of its process; what could not be sent is put back.
type logHandler struct {
	*program
	waiting  []any
	sequence int
	last     map[string]any
}

func (h *logHandler) log(text string) {
	h.waiting = append(h.waiting, map[string]any{"timestamp": "2026-11-27T10:00:00", "level": "INFO", "message": text, "source": "engine", "extra": nil})
	if len(h.waiting) >= 50 {
		h.flush()
	}
}

func (h *logHandler) flush() {
	h.Helper()
	if err := h.send(); err != nil {
		h.Errorf("the batch was not sent: %v", err)
	}
}

func (h *logHandler) send() error {
	lines := h.waiting
	h.waiting = nil
	h.sequence++
	h.last = map[string]any{"robot_id": h.id, "sequence": h.sequence, "logs": lines}
	if err := h.write(); err != nil {
		h.waiting = append(lines, h.waiting...)
		return err
	}
	return nil
}

func (h *logHandler) write() error {
	text, err := json.Marshal(map[string]any{"type": "log_batch", "payload": h.last})
	if err != nil {
		return err
	}
	ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
	defer done()
	return h.ws.Write(ctx, websocket.MessageText, text)
}

func (h *logHandler) again() {
	h.Helper()
	h.must(h.write())
}

func (h *logHandler) try(text string) error {
	h.log(text)
	return h.send()
}

package original

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/robot"
	"github.com/casarerpa/fleet/internal/runner"

	"github.com/casarerpa/fleet/internal/nodes"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// soak is what the programs did, kept apart from the orchestrator.
type soak struct {
	*world
	mu   sync.Mutex
	runs map[string]int // jobs that a program of the original ran to their end
	by   map[string]int // by kind of program
}

func (s *soak) ran(kind, job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[job]++
	s.by[kind]++
}

// pause waits, or says that the test is over.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// layer is the HTTP layer of the original: three attempts where the line or the
// server has a fault.
func layer(ctx context.Context, c *caller, method, path, body string) (reply, error) {
	for try := 0; ; try++ {
		r, err := c.try(ctx, method, path, body)
		again := err != nil || r.status == 429 || r.status >= 502
		if !again || try == 2 || !pause(ctx, time.Duration(try+1)*200*time.Millisecond) {
			return r, err
		}
	}
}

// poller is the agent's two loops, faster than in earnest.
func (s *soak) poller(ctx context.Context, a *agent) {
	var busy atomic.Int64
	var loops sync.WaitGroup
	loops.Go(func() {
		for pause(ctx, 500*time.Millisecond) {
			_, _ = layer(ctx, a.presence, "POST", a.path("/heartbeat"), fmt.Sprintf(`{"current_job_count":%d,"max_concurrent_jobs":1}`, busy.Load()))
		}
	})
	for ctx.Err() == nil {
		r, err := layer(ctx, a.jobs, "POST", "/api/v1/jobs/claim", claimBody)
		var c claimed
		if err != nil || r.status != 200 || r.text == "null" || json.Unmarshal([]byte(r.text), &c) != nil || c.JobID == "" {
			pause(ctx, 50*time.Millisecond)
			continue
		}
		busy.Store(1)
		_, _ = layer(ctx, a.presence, "PUT", a.path("/status"), `{"status":"busy"}`)
		s.ran("agent", c.JobID)
		_, _ = layer(ctx, a.jobs, "POST", "/api/v1/jobs/"+c.JobID+"/complete", result) // never again
		busy.Store(0)
	}
	loops.Wait()
}

// socket is a program with a socket, which its owner starts anew when it ended.
func (s *soak) socket(ctx context.Context, kind, id, key string) {
	flat := kind == "tunnel"
	for ctx.Err() == nil {
		s.connection(ctx, kind, id, key, flat)
		pause(ctx, 200*time.Millisecond)
	}
}

func (s *soak) connection(ctx context.Context, kind, id, key string, flat bool) {
	header := http.Header{}
	if flat {
		header.Set("Authorization", "Bearer "+key)
	}
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.url, "http")+"/ws/robot/"+id, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // the library closes it
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck // it may be gone already
	say := func(kind string, fields map[string]any) error {
		frame := map[string]any{"type": kind, "payload": fields}
		if flat {
			frame = fields
			frame["type"] = kind
		}
		text, err := json.Marshal(frame)
		if err != nil {
			return err
		}
		return ws.Write(ctx, websocket.MessageText, text)
	}
	if say("register", map[string]any{"robot_id": id, "robot_name": id, "max_concurrent_jobs": 1, "auth_token": key, "capabilities": []string{"browser"}}) != nil {
		return
	}
	beats, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for pause(beats, 500*time.Millisecond) {
			beat := map[string]any{"robot_id": id, "status": "online"}
			if !flat {
				beat["active_job_ids"] = []string{} // jobs take no time here
			}
			if say("heartbeat", beat) != nil {
				return
			}
		}
	}()
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		var m struct {
			Type  string `json:"type"`
			JobID string `json:"job_id"`
		}
		if json.Unmarshal(data, &m) != nil || m.Type != "job_assign" {
			continue
		}
		if say("job_accept", map[string]any{"job_id": m.JobID, "robot_id": id}) != nil {
			return
		}
		s.ran(kind, m.JobID)
		if say("job_complete", map[string]any{"job_id": m.JobID, "robot_id": id, "result": map[string]any{}}) != nil {
			return
		}
	}
}

// ours starts a robot of ours.
func (s *soak) ours(ctx context.Context, id string, running *sync.WaitGroup) {
	cat, err := catalog.Load()
	s.must(err)
	lib, err := nodes.Standard()
	s.must(err)
	run, err := runner.New(runner.Config{Catalog: cat, Library: lib, WorkDir: s.TempDir()})
	s.must(err)
	r, err := robot.New(robot.Options{URLs: []string{s.url}, Key: s.key(id), DataDir: s.TempDir(), Name: id, Runner: run, Slots: 1, DrainFor: time.Second})
	s.must(err)
	running.Go(func() { _ = r.Run(ctx) })
}

// TestBesideOurs lets programs of the original of all three kinds run jobs
// beside robots of ours, through restarts of the orchestrator: nothing is lost,
// nothing runs twice that was not lost first, and each job has one result.
// FLEET_SOAK_JOBS sets how many jobs; of 1000 and more there are 20 robots of ours
// and 5 restarts.
func TestBesideOurs(t *testing.T) {
	jobs, restarts, robots := 150, 2, 3
	if n, err := strconv.Atoi(os.Getenv("FLEET_SOAK_JOBS")); err == nil {
		jobs = n
	}
	if jobs >= 1000 {
		restarts, robots = 5, 20
	}
	w := newWorld(t, func(w *world) { w.timing = fleet.NewTiming(15 * time.Second); w.timing.StopGrace = 5 * time.Second })
	s := &soak{world: w, runs: map[string]int{}, by: map[string]int{}}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for i := range 3 {
		a := w.registered(fmt.Sprintf("agent-%d", i), 1)
		running.Go(func() { s.poller(ctx, a) })
	}
	for i, kind := range []string{"client", "tunnel", "client", "tunnel"} {
		id := fmt.Sprintf("%s-%d", kind, i)
		key := w.key(id)
		running.Go(func() { s.socket(ctx, kind, id, key) })
	}
	for i := range robots {
		s.ours(ctx, fmt.Sprintf("ours-%d", i), &running)
	}
	ids := make([]fleet.ID, 0, jobs)
	for i := range jobs {
		if i > 0 && i%(jobs/(restarts+1)) == 0 && i/(jobs/(restarts+1)) <= restarts {
			w.restart()
		}
		ids = append(ids, w.submit(func(r *client.SubmitRequest) { r.RetrySafety = "always" }))
	}
	for _, id := range ids {
		var j client.JobDetail
		deadline := time.Now().Add(time.Minute)
		for j = w.job(id); !j.State.Final() && time.Now().Before(deadline); j = w.job(id) {
			pause(ctx, 20*time.Millisecond)
		}
		s.mu.Lock()
		n := s.runs[string(id)]
		s.mu.Unlock()
		if j.State != fleet.Completed {
			t.Errorf("job %s is %s (waits for %s), epoch %d, lost %d, ran %d times", id, j.State, j.WaitingOn, j.Epoch, j.LostUsed, n)
		}
		if n > 1 && j.LostUsed == 0 {
			t.Errorf("job %s ran %d times and was never lost: epoch %d", id, n, j.Epoch)
		}
	}
	results, lost := s.attempts(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Logf("%d attempts of them were lost; %d jobs have their one result", lost, results)
	t.Logf("%d jobs, %d restarts; run by %v, the rest by %d robots of ours", jobs, restarts, s.by, robots)
	for _, kind := range []string{"agent", "client", "tunnel"} {
		if s.by[kind] == 0 {
			t.Errorf("%s ran nothing", kind)
		}
	}
}

// attempts looks at all attempts of jobs: one of each has the result, and the ones
// before it did not end well.
func (s *soak) attempts(ids []fleet.ID) (results, lost int) {
	s.Helper()
	for _, id := range ids {
		list, err := s.api.JobAttempts(s.Context(), id)
		s.must(err)
		done := 0
		for i := range list {
			if list[i].Outcome == fleet.OutcomeLost {
				lost++
			}
			if list[i].Outcome == fleet.OutcomeCompleted {
				done++
				if i != len(list)-1 {
					s.Errorf("job %s was given out after it had a result", id)
				}
			}
		}
		if done != 1 {
			s.Errorf("job %s has %d results in %d attempts", id, done, len(list))
			continue
		}
		results++
	}
	return results, lost
}

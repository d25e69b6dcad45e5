package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/stream"
)

// views serves the views of the original on the hubs of a world.
func (w *world) views() (urls []string) {
	for _, h := range w.hubs {
		s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			err := h.View(rw, r, strings.TrimPrefix(r.URL.Path, "/"), nil, w.who(), func() (auth.Principal, bool) { return w.who(), true }, w.stopped)
			if err != nil {
				http.Error(rw, err.Error(), status(err))
			}
		}))
		urls = append(urls, strings.Replace(s.URL, "http", "ws", 1))
		w.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	}
	return urls
}

// dialog is the original's reader: it has no cursor, takes every frame as it
// comes, and connects again at once when its socket ends.
type dialog struct {
	jobs, robots map[string]string
	frames       int
}

// read applies frames until done says so, or until so many have come. Within one
// connection nothing that has ended goes on.
func (d *dialog) read(t *testing.T, url string, cut int, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url+"/live-jobs", nil) //nolint:bodyclose // the library closes it
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(c)
	c.SetReadLimit(1 << 20)
	ended := map[string]bool{}
	for n := 0; !done() && (cut == 0 || n < cut); n++ {
		_, data, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Type   string
			Job    string `json:"job_id"`
			Robot  string `json:"robot_id"`
			Status fleet.State
			Name   string
		}
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		d.frames++
		switch f.Type {
		case "job_update":
			if ended[f.Job] && !f.Status.Final() {
				t.Fatalf("job %s had ended and is %s", f.Job, f.Status)
			}
			ended[f.Job] = f.Status.Final()
			d.jobs[f.Job] = string(f.Status)
		case "robot_status":
			d.robots[f.Robot] = f.Name
		}
	}
}

// updates changes jobs and robots: a third of the steps submits a job, a third
// ends one, a third renames a robot.
func (w *world) updates(n int, jobs map[string]string, robots map[string]string) {
	open := []fleet.ID{}
	for i := 0; i < n; i += 3 {
		spec := fleet.JobSpec{
			ID: w.ids.New(), Tenant: "default", Priority: fleet.PriorityDefault, RunTimeout: time.Hour, Retry: fleet.DefaultRetry(),
			Workflow: fleet.JobWorkflow{ID: "w-1", Name: "invoices", Version: 1, Hash: "abc"}, Requires: fleet.Capabilities{}, SubmittedBy: "u",
		}
		bot := fleet.Robot{ID: fleet.RobotID(fmt.Sprint("bot-", rand.IntN(20))), Tenant: "default", Name: fmt.Sprint("name ", i), Environment: fleet.DefaultEnvironment} //nolint:gosec // a test
		over := fleet.ID("")
		if open = append(open, spec.ID); len(open) > 5 {
			k := rand.IntN(len(open)) //nolint:gosec // a test
			over = open[k]
			open = append(open[:k], open[k+1:]...)
		}
		w.must(w.store.Update(w.Context(), store.Tenant("default"), func(tx store.Tx) error {
			if _, err := tx.Insert(fleet.NewJob(spec, time.Now()), fleet.JobData{}, "u"); err != nil {
				return err
			}
			if err := tx.PutRobot(bot); err != nil {
				return err
			}
			if err := tx.Append("default", fleet.EventDraft{Kind: fleet.EventRobotUpdated, Subject: fleet.SubjectRobot, SubjectID: string(bot.ID)}); err != nil {
				return err
			}
			if over == "" {
				return nil
			}
			s, err := tx.Subject(over)
			if err != nil {
				return err
			}
			m, err := s.Cancel(fleet.CancelRequest{By: "u"}, time.Now())
			return errors.Join(err, tx.Apply(m))
		}))
		jobs[string(spec.ID)], robots[string(bot.ID)] = "pending", bot.Name
		if over != "" {
			jobs[string(over)] = "cancelled"
		}
	}
}

// TestViewsCut100Times: a reader of the original's view that is cut off 100 times
// at random during the updates, and comes back to another orchestrator each time,
// ends with the state of one that was never cut. FLEET_VIEW_UPDATES=10000 is the
// whole of it; the short form has 300 and 30 cuts.
func TestViewsCut100Times(t *testing.T) {
	updates, cuts := 300, 30
	if text := os.Getenv("FLEET_VIEW_UPDATES"); text != "" {
		w := &world{TB: t}
		w.must(json.Unmarshal([]byte(text), &updates))
		cuts = 100
	}
	w := newWorld(t, 2)
	urls := w.views()
	jobs, robots := map[string]string{}, map[string]string{}
	w.updates(60, jobs, robots)
	var over atomic.Bool
	go func() {
		w.updates(updates, jobs, robots)
		over.Store(true)
	}()
	whole := &dialog{jobs: map[string]string{}, robots: map[string]string{}}
	cut := &dialog{jobs: map[string]string{}, robots: map[string]string{}}
	same := func(d *dialog) func() bool {
		return func() bool { return over.Load() && maps.Equal(d.jobs, jobs) && maps.Equal(d.robots, robots) }
	}
	t.Run("readers", func(t *testing.T) {
		t.Run("whole", func(t *testing.T) { t.Parallel(); whole.read(t, urls[0], 0, same(whole)) })
		t.Run("cut", func(t *testing.T) {
			t.Parallel()
			for i := range cuts {
				cut.read(t, urls[i%2], 1+rand.IntN(20+updates/20), func() bool { return false }) //nolint:gosec // a test
			}
			cut.read(t, urls[0], 0, same(cut))
		})
	})
	if !maps.Equal(whole.jobs, cut.jobs) || !maps.Equal(whole.robots, cut.robots) {
		t.Errorf("one that was cut has %d jobs and %v, one that was not %d and %v", len(cut.jobs), cut.robots, len(whole.jobs), whole.robots)
	}
	t.Logf("%d frames for one that was not cut, %d for one that was", whole.frames, cut.frames)
}

// TestViewsBeginWithABound: a view begins with all that is under way, and of what
// waits with the newest jobs, however many there are; what changes later is told
// of all.
func TestViewsBeginWithABound(t *testing.T) {
	w := newWorld(t, 1)
	h := stream.New(stream.Options{Store: w.store, Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Waiting: 3})
	t.Cleanup(h.Close)
	w.hubs = []*stream.Hub{h}
	url := w.views()[0]
	jobs := map[string]string{}
	w.updates(24, jobs, map[string]string{})
	var open []string
	for id, state := range jobs {
		if state == "pending" {
			open = append(open, id)
		}
	}
	slices.Sort(open) // the newest last
	for _, name := range []string{"live-jobs", "jobs"} {
		c, _, err := websocket.Dial(t.Context(), url+"/"+name, nil) //nolint:bodyclose // the library closes it
		w.must(err)
		defer closeNow(c)
		told := map[string]string{}
		next := func() {
			t.Helper()
			_, data, err := c.Read(t.Context())
			w.must(err)
			var f struct {
				JobID  string `json:"job_id"`
				Status string
				Data   struct {
					JobID  string `json:"job_id"`
					Status string
				}
			}
			w.must(json.Unmarshal(data, &f))
			if id := f.JobID + f.Data.JobID; id != "" {
				told[id] = f.Status + f.Data.Status
			}
		}
		for told[open[len(open)-3]] == "" { // the last frame of the beginning
			next()
		}
		for i, id := range open {
			if is := told[id] != ""; is != (i >= len(open)-3) {
				t.Errorf("%s: the job %d of %d that wait was told of: %v", name, i, len(open), is)
			}
		}
		w.must(w.store.Update(w.Context(), store.Tenant("default"), func(tx store.Tx) error {
			s, err := tx.Subject(fleet.ID(open[0]))
			if err != nil {
				return err
			}
			m, err := s.Cancel(fleet.CancelRequest{By: "u"}, time.Now())
			return errors.Join(err, tx.Apply(m))
		}))
		for told[open[0]] != "cancelled" {
			next()
		}
		open = open[1:]
	}
}

// TestViewRefuses: the key of a robot opens no view.
func TestViewRefuses(t *testing.T) {
	w := newWorld(t, 1)
	url := w.views()[0]
	w.who = func() auth.Principal { return auth.Robot("default", "bot-1", "default") }
	for _, name := range []string{"live-jobs", "robot-status", "queue-metrics", "admin", "logs", "jobs", "robots", "queue-depth", "metrics"} {
		_, resp, err := websocket.Dial(t.Context(), url+"/"+name, nil) //nolint:bodyclose // the library closes it
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v %v", name, resp, err)
		}
	}
}

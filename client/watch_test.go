package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// TestWatchOverRestarts reads every event once while the server dies and comes
// back again and again.
func TestWatchOverRestarts(t *testing.T) {
	w := newWorld(t)
	const jobs, restarts = 60, 5
	w.aside(func() {
		for i := range jobs {
			_, err := w.core.Jobs.Submit(context.WithoutCancel(t.Context()), auth.Local(), orchestrator.SubmitRequest{Document: []byte(document)})
			if err != nil {
				t.Error(err)
			}
			if i%(jobs/restarts) == jobs/restarts-1 {
				w.restart()
			}
			w.pause(5 * time.Millisecond)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	want := int64(1)
	for e, err := range w.client().WatchEvents(ctx, 0) {
		w.must(err)
		if e.Seq != want {
			t.Fatalf("event %d, want %d", e.Seq, want)
		}
		if want++; e.Seq == jobs+1 { // the workflow was one more
			break
		}
	}
	if want != jobs+2 {
		t.Errorf("the watch ended before event %d", want)
	}
}

// TestWatchEnds shows when a watch does not go on.
func TestWatchEnds(t *testing.T) {
	w := newWorld(t)
	count := func(c *client.Client, after int64) (n int, last error) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, err := range c.WatchEvents(ctx, after) {
			n, last = n+1, err
		}
		if ctx.Err() != nil {
			t.Error("it went on until the time was up")
		}
		return n, last
	}
	if n, err := count(w.client(func(o *client.Options) { o.Key = "wrong" }), 0); n != 1 || !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a wrong key: %d, %v", n, err)
	}
	if n, err := count(w.client(), 1000); n != 1 || !errors.Is(err, fleet.ErrGone) {
		t.Errorf("a cursor of another store: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for e, err := range w.client().WatchEvents(ctx, 0) {
		t.Errorf("after the end: %+v %v", e, err)
	}
}

// TestFollowOverRestarts reads every line of two attempts once.
func TestFollowOverRestarts(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	job, err := c.SubmitJob(t.Context(), client.SubmitRequest{Workflow: json.RawMessage(document)})
	w.must(err)
	const lines = 40
	w.aside(func() {
		for attempt := range 2 {
			ref := w.begin2(job.ID, int64(attempt))
			for n := range int64(lines) {
				w.line(ref, n+1, fmt.Sprintf("%d.%d", ref.Epoch, n+1))
				if n%15 == 14 {
					w.restart()
				}
				w.pause(3 * time.Millisecond)
			}
			if attempt == 0 {
				if err := w.core.Attempts.Release(context.WithoutCancel(t.Context()), w.robot, ref); err != nil {
					t.Error(err)
				}
				continue
			}
			w.report(ref, fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{}`)})
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var got []string
	for line, err := range c.FollowLog(ctx, job.ID) {
		w.must(err)
		got = append(got, line.Message)
	}
	if ctx.Err() != nil || len(got) != 2*lines {
		t.Fatalf("%d lines, %v", len(got), ctx.Err())
	}
	for i, text := range got {
		if want := fmt.Sprintf("%d.%d", i/lines+1, i%lines+1); text != want {
			t.Fatalf("line %d is %s, want %s", i, text, want)
		}
	}
	for _, err := range c.FollowLog(ctx, "01939c3e-7b1a-7c3d-8e4f-0123456789ab") {
		if !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("an absent job: %v", err)
		}
	}
}

// TestWaitOverRestarts waits for a job whose server restarts meanwhile.
func TestWaitOverRestarts(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	job, err := c.SubmitJob(t.Context(), client.SubmitRequest{Workflow: json.RawMessage(document)})
	w.must(err)
	seen := make(chan struct{})
	w.aside(func() {
		select {
		case <-seen:
		case <-t.Context().Done():
			return
		}
		w.restart()
		ref := w.begin(job.ID)
		w.pause(50 * time.Millisecond)
		w.restart()
		w.report(ref, fleet.Report{Kind: fleet.ReportComplete, Result: json.RawMessage(`{"ok":true}`)})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var states []fleet.State
	done, err := c.WaitJob(ctx, job.ID, func(j client.JobDetail) {
		if states = append(states, j.State); len(states) == 1 {
			close(seen)
		}
	})
	if err != nil || done.State != fleet.Completed || string(done.Result) != `{"ok":true}` {
		t.Errorf("%+v %v", done, err)
	}
	if len(states) < 2 || states[0] != fleet.Pending || states[len(states)-1] != fleet.Completed {
		t.Errorf("states %v", states)
	}
	if done, err := c.WaitJob(ctx, job.ID, nil); err != nil || done.State != fleet.Completed {
		t.Errorf("a job that has ended: %+v %v", done, err)
	}
	short, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	waiting, err := c.SubmitJob(t.Context(), client.SubmitRequest{Workflow: json.RawMessage(document)})
	w.must(err)
	if _, err := c.WaitJob(short, waiting.ID, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("giving up: %v", err)
	}
}

package chaos

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/pgtest"
)

func nothingToDo() map[string]any { return map[string]any{"workflow_json": jsonText(nothing)} }

// TestDatabaseRestart crashes PostgreSQL again and again under three members
// without work. While it is away each says so and when to come again; when it is
// back each writes again soon: in 2 seconds on a machine of its own, and the
// test, which shares its machine, gives 10.
func TestDatabaseRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("processes: make test and make chaos run it")
	}
	t.Parallel() // it waits most of the time
	const limit = 10 * time.Second
	crashes := max(3, *seconds/6) // 50 in the long form
	w, db := startCluster(t, size{members: 3})
	r := newRecord()
	var worst time.Duration
	for n := range crashes {
		if err := db.cluster.Stop(pgtest.Immediate); err != nil {
			t.Fatal(err)
		}
		var asked sync.WaitGroup
		for i, a := range w.direct {
			asked.Go(func() {
				if status, after := refusal(t, a); status != http.StatusServiceUnavailable || after == "" {
					t.Errorf("member%d without its database answers a submit with %d and Retry-After %q, want 503 and a number", i+1, status, after)
				}
			})
		}
		asked.Wait()
		if err := db.cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		for i, a := range w.direct {
			c := &client{record: r, members: []*api{a}, rng: chance(1), truth: w.truthFile()}
			within, stop := context.WithTimeout(t.Context(), time.Minute)
			taken := c.submit(within, &order{key: fmt.Sprintf("k-%d-%d", n, i)}, nothingToDo())
			stop()
			took := time.Since(back)
			worst = max(worst, took)
			if !taken || took > limit {
				t.Errorf("member%d writes again %s after the database is back (taken: %v), want %s at most", i+1, took, taken, limit)
			}
		}
	}
	t.Logf("%d crashes; after the slowest all members wrote again within %s; answers by status %v", crashes, worst.Round(time.Millisecond), r.answers)
	for _, p := range r.problems {
		t.Errorf("an answer that no fault excuses: %s", p)
	}
}

// refusal asks for a job and tells the status and when to come again.
func refusal(t *testing.T, a *api) (status int, after string) {
	t.Helper()
	watch := &http.Client{Timeout: 30 * time.Second, Transport: watcher(func(resp *http.Response) { after = resp.Header.Get("Retry-After") })}
	b := &api{url: a.url, key: a.key, client: watch}
	status, _ = b.call(t.Context(), "POST", "/api/v1/jobs", nil, nothingToDo(), nil) // the refusal is what is wanted
	return status, after
}

// watcher shows each answer to somebody.
type watcher func(*http.Response)

func (f watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		f(resp)
	}
	return resp, err
}

// TestHalfOpen leaves a member with connections to the database that both ends
// believe in and over which nothing passes, while new ones work. It must find
// out, write again within 30 seconds, and be able to stop.
func TestHalfOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("processes: make test and make chaos run it")
	}
	t.Parallel() // it waits most of the time
	w, db := startCluster(t, size{members: 1})
	r := newRecord()
	c := &client{record: r, members: w.direct, rng: chance(1), truth: w.truthFile()}
	if !c.submit(t.Context(), &order{key: "before"}, nothingToDo()) {
		t.Fatal("a job was not taken in peace")
	}
	if n := db.ways[0].hang(1, false); n == 0 {
		t.Fatal("the member has no connection to the database")
	}
	start := time.Now()
	within, giveUp := context.WithTimeout(t.Context(), time.Minute)
	defer giveUp()
	taken := c.submit(within, &order{key: "after"}, nothingToDo())
	took := time.Since(start)
	t.Logf("it wrote again after %s", took.Round(time.Millisecond))
	if !taken || took > 30*time.Second {
		t.Errorf("a member with half-open connections to the database wrote again after %s (taken: %v), want 30s at most", took, taken)
	}
	db.ways[0].hang(1, false)
	start = time.Now()
	if err := w.members[0].stop(40 * time.Second); err != nil {
		t.Error(err)
	}
	t.Logf("it stopped in %s", time.Since(start).Round(time.Millisecond))
}

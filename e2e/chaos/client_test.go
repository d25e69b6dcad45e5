package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// order is what a client remembers of one job that was accepted.
type order struct {
	key, kind string
	id        string
	asked     time.Time // when its cancel was accepted
}

// record is what the clients of a world asked and what they were told. It is
// kept apart from the store, which is judged by it.
type record struct {
	mu       sync.Mutex
	tried    map[string]bool   // every key that was sent at least once
	orders   map[string]*order // by job id
	answers  map[int]int       // by status; 0: none
	problems []string          // answers that no fault excuses
}

func newRecord() *record {
	return &record{tried: map[string]bool{}, orders: map[string]*order{}, answers: map[int]int{}}
}

func (r *record) accepted() []order {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []order
	for _, o := range r.orders {
		out = append(out, *o)
	}
	return out
}

func (r *record) problem(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.problems) < 20 {
		r.problems = append(r.problems, fmt.Sprintf(format, args...))
	}
}

// serve runs clients until ctx ends. Each has its own chance and asks any member.
func (r *record) clients(ctx context.Context, w *world, n int, between time.Duration) *sync.WaitGroup {
	var all sync.WaitGroup
	for c := range n {
		all.Go(func() {
			client := &client{record: r, members: w.direct, rng: chance(uint64(c)), truth: w.truthFile()} //nolint:gosec // small
			for i := 0; ctx.Err() == nil; i++ {
				client.order(ctx, fmt.Sprintf("k-%d-%d", c, i))
				pause(ctx, time.Duration(client.rng.Int64N(int64(between))))
			}
		})
	}
	return &all
}

type client struct {
	*record
	members []*api
	rng     *rand.Rand
	truth   string
	last    string // the job that was accepted before
}

// call asks any member and remembers how it answered.
func (c *client) call(ctx context.Context, method, path string, headers map[string]string, body, out any) (int, error) {
	a := c.members[c.rng.IntN(len(c.members))]
	status, err := a.call(ctx, method, path, headers, body, out)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	c.mu.Lock()
	c.answers[status]++
	c.mu.Unlock()
	switch {
	case status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusConflict,
		status == http.StatusInternalServerError:
		c.problem("%v", err)
	}
	return status, err
}

// order asks for one job until it is accepted: the outcome of a request whose
// answer was lost is unknown, and the key makes asking again safe.
func (c *client) order(ctx context.Context, key string) {
	o := &order{key: key, kind: "short"}
	wait, body := c.rng.Float64()*0.2, map[string]any{}
	switch dice := c.rng.IntN(100); {
	case dice < 7:
		o.kind, wait = "timeout", 4
		body["run_timeout_seconds"] = 1
	case dice < 15:
		o.kind, wait = "cancel", 4
	case dice < 28:
		o.kind, wait = "long", 1+c.rng.Float64()*3
	case dice < 40 && c.last != "":
		o.kind = "child" // of the job before, however that ends
		body["depends_on"], body["dependency_rule"] = []any{map[string]any{"job": c.last}}, "all_finished"
	}
	body["workflow_json"] = jsonText(fmt.Sprintf(work, c.truth, wait/2, c.truth, wait/2, c.truth))
	body["variables"] = map[string]any{"n": key}
	c.mu.Lock()
	c.tried[key] = true
	c.mu.Unlock()
	again := 1
	if c.rng.IntN(10) == 0 {
		again = 2 // asking once more must find the same job
	}
	for range again {
		if !c.submit(ctx, o, body) {
			return
		}
	}
	c.last = o.id
	// Whoever was told of a job finds it on every member.
	var seen struct {
		ID string `json:"job_id"`
	}
	if status, err := c.call(ctx, "GET", "/api/v1/jobs/"+o.id, nil, nil, &seen); status == http.StatusOK && seen.ID != o.id {
		c.problem("job %s was read as %s (%v)", o.id, seen.ID, err)
	}
	if o.kind == "cancel" {
		pause(ctx, time.Duration(c.rng.IntN(1500))*time.Millisecond)
		c.cancel(ctx, o)
	}
}

func (c *client) submit(ctx context.Context, o *order, body map[string]any) bool {
	for ctx.Err() == nil {
		var job struct {
			ID string `json:"job_id"`
		}
		status, err := c.call(ctx, "POST", "/api/v1/jobs", map[string]string{"Idempotency-Key": o.key}, body, &job)
		if err == nil {
			c.mu.Lock()
			first := o.id == ""
			other := c.orders[job.ID]
			if first {
				o.id = job.ID
				c.orders[job.ID] = o
			}
			c.mu.Unlock()
			switch {
			case first && other != nil:
				c.problem("job %s was given to the keys %s and %s", job.ID, other.key, o.key)
			case !first && o.id != job.ID:
				c.problem("the key %s was given the jobs %s and %s", o.key, o.id, job.ID)
			}
			return true
		}
		if status == http.StatusBadRequest || status == http.StatusUnprocessableEntity {
			return false
		}
		pause(ctx, 50*time.Millisecond)
	}
	return false
}

// cancel asks for the end of a job until somebody takes the wish. 409 is an
// answer as well: the job had ended.
func (c *client) cancel(ctx context.Context, o *order) {
	for ctx.Err() == nil {
		status, err := c.call(ctx, "POST", "/api/v1/jobs/"+o.id+"/cancel", nil, map[string]any{"reason": "chaos"}, nil)
		if err == nil {
			c.mu.Lock()
			o.asked = time.Now()
			c.mu.Unlock()
		}
		if err == nil || status == http.StatusConflict {
			return
		}
		pause(ctx, 50*time.Millisecond)
	}
}

func (r *record) summary() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := map[string]int{}
	for _, o := range r.orders {
		kinds[o.kind]++
	}
	return fmt.Sprintf("%d jobs accepted %v; answers by status %v", len(r.orders), maps.Collect(maps.All(kinds)), r.answers)
}

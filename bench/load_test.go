package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/load"
)

// The programs that make load are driven through their standard input, a word a
// line, and answer with a line of JSON each.

// robotsPlan is what a process of robots is told.
type robotsPlan struct {
	URLs   []string
	Keys   []string
	Slots  int // of each robot
	Starts bool
}

// starts is when jobs began, in nanoseconds of the machine's clock.
type starts struct {
	mu sync.Mutex
	at map[string]int64
}

func (s *starts) put(id fleet.ID) {
	now := time.Now().UnixNano()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at[string(id)] == 0 {
		s.at[string(id)] = now
	}
}

// robotsMain connects robots; each that loses its orchestrator goes to the next.
func robotsMain() error {
	var plan robotsPlan
	if err := json.Unmarshal([]byte(os.Getenv("FLEET_BENCH_PLAN")), &plan); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	began := &starts{at: map[string]int64{}}
	all := make([]*load.Robot, len(plan.Keys))
	var ready sync.WaitGroup
	for i, key := range plan.Keys {
		r := &load.Robot{Key: key, Name: fmt.Sprintf("bench-%d", i), Slots: plan.Slots}
		if plan.Starts {
			r.Started = began.put
		}
		all[i] = r
		ready.Add(1)
		go func() {
			first := sync.OnceFunc(ready.Done)
			for turn := i; ctx.Err() == nil; turn++ {
				r.URL = plan.URLs[turn%len(plan.URLs)]
				err := r.Run(ctx, first)
				if len(plan.URLs) == 1 && ctx.Err() == nil {
					if err == nil {
						err = errors.New("it closed the connection")
					}
					end(fmt.Errorf("robot %s lost its orchestrator: %w", r.Name, err))
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	ready.Wait()
	return obey(func(word string) any {
		switch word {
		case "done":
			var n int64
			for _, r := range all {
				n += r.Done.Load()
			}
			return n
		case "starts":
			began.mu.Lock()
			defer began.mu.Unlock()
			return began.at
		}
		return nil
	})
}

// obey says that it is ready and answers until its input ends.
func obey(answer func(word string) any) error {
	enc := json.NewEncoder(os.Stdout)
	if err := enc.Encode("ready"); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if err := enc.Encode(answer(in.Text())); err != nil {
			return err
		}
	}
	return nil
}

// clientsPlan is what a process of clients is told.
type clientsPlan struct {
	URLs    []string
	Key     string
	Clients int
	Bulk    int     // jobs a request; 0: one, to /jobs
	Known   bool    // all jobs share one workflow, by its content
	Rate    float64 // jobs a second in all; 0: as fast as they are answered
	Times   bool    // remember when each job was asked for
	Retry   bool    // ask again, elsewhere, when an orchestrator is gone
}

// clientsAnswer is what it answers to "run DURATION".
type clientsAnswer struct {
	Jobs  int64
	Took  time.Duration
	Asked map[string]int64
	Err   string
}

func clientsMain() error {
	var plan clientsPlan
	if err := json.Unmarshal([]byte(os.Getenv("FLEET_BENCH_PLAN")), &plan); err != nil {
		return err
	}
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: plan.Clients, MaxConnsPerHost: plan.Clients}, Timeout: 30 * time.Second}
	return obey(func(word string) any {
		_, text, _ := strings.Cut(word, " ")
		d, err := time.ParseDuration(text)
		if err != nil {
			return clientsAnswer{Err: err.Error()}
		}
		return plan.run(c, d)
	})
}

func (p *clientsPlan) run(c *http.Client, d time.Duration) clientsAnswer {
	a := clientsAnswer{Asked: map[string]int64{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var n, turn atomic.Int64
	start := time.Now()
	for i := range p.Clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
			for k := i; time.Since(start) < d; k++ {
				if p.Rate > 0 { // an open loop: the next moment does not wait for the last answer
					next := start.Add(time.Duration(float64(turn.Add(1)) / p.Rate * float64(time.Second)))
					if next.Sub(start) > d {
						return
					}
					time.Sleep(time.Until(next))
				}
				asked := time.Now().UnixNano()
				id, err := p.submit(c, p.URLs[k%len(p.URLs)], rng)
				switch {
				case err != nil && p.Retry:
					continue
				case err != nil:
					mu.Lock()
					a.Err = err.Error()
					mu.Unlock()
					return
				}
				n.Add(int64(max(p.Bulk, 1)))
				if p.Times {
					mu.Lock()
					a.Asked[id] = asked
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	a.Jobs, a.Took = n.Load(), time.Since(start)
	return a
}

// submit asks for one job, or for many at once.
func (p *clientsPlan) submit(c *http.Client, url string, rng *rand.Rand) (string, error) {
	var b strings.Builder
	path := "/api/v1/jobs"
	if p.Bulk > 0 {
		path = "/api/v1/jobs/bulk"
		b.WriteString(`{"jobs":[`)
	}
	for i := range max(p.Bulk, 1) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"workflow_json":` + workflow(rng, p.Known) + `,"variables":{"invoice":"` + noise(rng, 150) + `"}}`)
	}
	if p.Bulk > 0 {
		b.WriteString(`]}`)
	}
	req, err := http.NewRequest("POST", url+path, strings.NewReader(b.String()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.Key)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(resp.Body) // the status says it already
		return "", fmt.Errorf("%s: %s %s", path, resp.Status, text)
	}
	if !p.Times {
		_, err = io.Copy(io.Discard, resp.Body)
		return "", err
	}
	var got struct {
		ID string `json:"job_id"`
	}
	return got.ID, json.NewDecoder(resp.Body).Decode(&got)
}

// workflow is a document of about 2 KB that does nothing. Half of it is noise,
// so that compression does not flatter.
func workflow(rng *rand.Rand, known bool) string {
	text := strings.Repeat("the quick brown fox pays invoices ", 27)
	if known {
		rng = rand.New(rand.NewPCG(1, 1))
	}
	return `{"metadata":{"name":"nothing","description":"` + text + noise(rng, 950) + `"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func noise(rng *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := 0; i < n; {
		for v, k := rng.Uint64(), 0; k < 10 && i < n; k, i = k+1, i+1 {
			b[i] = letters[v&63]
			v >>= 6
		}
	}
	return string(b)
}

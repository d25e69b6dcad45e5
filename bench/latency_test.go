package bench

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/pgtest"
)

// latency is how long it takes from a submit until the job may begin, at a
// steady hundred jobs a second.
func latency(t *testing.T, r *report) {
	const rate = 100
	c := server(t, r)
	d := max(*period, 3*time.Second)
	var ours50, ours99, theirs50, theirs99 series
	for range *rounds {
		list := fleetLatency(t, c, rate, d)
		ours50, ours99 = append(ours50, quantile(list, 0.5)), append(ours99, quantile(list, 0.99))
		list = riverLatency(t, c, rate, d)
		theirs50, theirs99 = append(theirs50, quantile(list, 0.5)), append(theirs99, quantile(list, 0.99))
	}
	r.ratio(row{Number: "6", What: "submit → started at 100 jobs/s, p50 ÷ River", Unit: "ms", Floor: 0.6, Target: 0.3, Less: true}, ours50, theirs50)
	r.ratio(row{Number: "6", What: "submit → started at 100 jobs/s, p99 ÷ River", Unit: "ms", Floor: 1, Target: 0.3, Less: true}, ours99, theirs99)
}

// quantile is in milliseconds.
func quantile(list []time.Duration, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return float64(list[min(len(list)-1, int(q*float64(len(list))))].Microseconds()) / 1000
}

func fleetLatency(t *testing.T, c *pgtest.Cluster, rate float64, d time.Duration) []time.Duration {
	t.Helper()
	n := newNode(t, c.Database(t).OwnerURL, "")
	defer n.stop()
	workers := newChild(t, "robots", robotsPlan{URLs: []string{n.url}, Keys: n.robotKeys(robots), Slots: slots, Starts: true})
	defer workers.stop()
	clients := newChild(t, "clients", clientsPlan{URLs: []string{n.url}, Key: n.key, Clients: 16, Rate: rate, Times: true})
	defer clients.stop()
	clients.submit(time.Second) // warm
	asked := clients.submit(d).Asked
	return waits(t, asked, workers, 20*time.Second)
}

// waits joins what clients asked for with what robots began.
func waits(t *testing.T, asked map[string]int64, workers *child, limit time.Duration) []time.Duration {
	t.Helper()
	var list []time.Duration
	for end := time.Now().Add(limit); ; time.Sleep(50 * time.Millisecond) {
		var began map[string]int64
		workers.ask("starts", &began)
		list = list[:0]
		for id, at := range asked {
			if began[id] != 0 {
				list = append(list, time.Duration(began[id]-at))
			}
		}
		if len(list) == len(asked) {
			return list
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d jobs never began", len(asked)-len(list), len(asked))
		}
	}
}

func riverLatency(t *testing.T, c *pgtest.Cluster, rate float64, d time.Duration) []time.Duration {
	t.Helper()
	n := int(rate * d.Seconds())
	var mu sync.Mutex
	began := make(map[int64]time.Time, n)
	q := newRiver(t, c, func(number int64) {
		mu.Lock()
		defer mu.Unlock()
		began[number] = time.Now()
	})
	defer q.stop()
	asked := make([]time.Time, n)
	insert := func(number int64, at *time.Time) {
		rng := rand.New(rand.NewPCG(uint64(number), 7))
		*at = time.Now()
		if _, err := q.client.Insert(context.Background(), newErrand(rng, number), nil); err != nil {
			t.Error(err)
		}
	}
	for range 100 { // warm
		insert(-1, new(time.Time))
	}
	start := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		time.Sleep(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		wg.Go(func() { insert(int64(i), &asked[i]) })
	}
	wg.Wait()
	for limit := time.Now().Add(20 * time.Second); q.done.Load() < int64(n+100); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("River did not complete its jobs")
		}
	}
	list := make([]time.Duration, n)
	for i := range n {
		list[i] = began[int64(i)].Sub(asked[i])
	}
	return list
}

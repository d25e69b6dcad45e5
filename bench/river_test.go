package bench

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/casarerpa/fleet/internal/pgtest"
)

// errand carries to River what our clients submit.
type errand struct {
	Number    int64  `json:"number"`
	Workflow  string `json:"workflow"`
	Variables string `json:"variables"`
}

// Kind names the errand.
func (errand) Kind() string { return "errand" }

type worker struct {
	river.WorkerDefaults[errand]
	began func(number int64)
}

// Work does nothing.
func (w *worker) Work(_ context.Context, j *river.Job[errand]) error {
	w.began(j.Args.Number)
	return nil
}

// queue is River with the settings of its own benchmark: those that its authors
// found fastest (2,000 workers, 2 ms between fetches, 20 ms between polls).
type queue struct {
	client *river.Client[pgx.Tx]
	done   atomic.Int64
	stop   func()
}

func newRiver(t *testing.T, c *pgtest.Cluster, began func(int64)) *queue {
	t.Helper()
	ctx := context.Background()
	config, err := pgxpool.ParseConfig(c.Database(t).OwnerURL)
	must(t, err)
	config.MaxConns = 40
	pool, err := pgxpool.NewWithConfig(ctx, config)
	must(t, err)
	driver := riverpgxv5.New(pool)
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	must(t, err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	must(t, err)
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{began: began})
	q := &queue{}
	q.client, err = river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}}, Workers: workers, Logger: quiet,
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond,
	})
	must(t, err)
	events, cancel := q.client.SubscribeConfig(&river.SubscribeConfig{Kinds: []river.EventKind{river.EventKindJobCompleted}, ChanSize: 100_000})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range events {
			q.done.Add(1)
		}
	})
	must(t, q.client.Start(ctx))
	q.stop = sync.OnceFunc(func() {
		_ = q.client.StopAndCancel(ctx) // the round is over
		cancel()
		wg.Wait()
		pool.Close()
	})
	t.Cleanup(q.stop)
	return q
}

func newErrand(rng *rand.Rand, number int64) errand {
	return errand{number, workflow(rng, false), noise(rng, 150)}
}

// riverCycles is how many jobs a second River inserts and completes; a job
// counts when River has told that its completion is in the database.
func riverCycles(t *testing.T, c *pgtest.Cluster, d time.Duration, callers, bulk int) float64 {
	t.Helper()
	q := newRiver(t, c, func(int64) {})
	defer q.stop()
	round := func(d time.Duration) float64 {
		before, start := q.done.Load(), time.Now()
		var wg sync.WaitGroup
		var n atomic.Int64
		for i := range callers {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), uint64(start.UnixNano())))
				for time.Since(start) < d {
					var err error
					if bulk == 0 {
						_, err = q.client.Insert(context.Background(), newErrand(rng, 0), nil)
					} else {
						many := make([]river.InsertManyParams, bulk)
						for k := range many {
							many[k].Args = newErrand(rng, 0)
						}
						_, err = q.client.InsertManyFast(context.Background(), many)
					}
					if err != nil {
						t.Error(err)
						return
					}
					n.Add(int64(max(bulk, 1)))
				}
			})
		}
		wg.Wait()
		for limit := time.Now().Add(3 * time.Minute); q.done.Load() < before+n.Load(); time.Sleep(2 * time.Millisecond) {
			if time.Now().After(limit) {
				t.Fatalf("River completed %d of %d jobs", q.done.Load()-before, n.Load())
			}
		}
		return float64(n.Load()) / time.Since(start).Seconds()
	}
	round(d / 4)
	return round(d)
}

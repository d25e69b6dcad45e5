package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// TestQueueStorm lets robots work off a queue while their attempts are taken away
// from them at random, which they do not know: in the end each item is in one
// final state, with every retry in its chain, and nothing was done twice.
// FLEET_QUEUE_ITEMS=50000 is the full size.
func TestQueueStorm(t *testing.T) {
	n := 600
	if text := os.Getenv("FLEET_QUEUE_ITEMS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const workers = 16
	w := newWorld(t, func(o *Options) {
		o.Now = time.Now
		o.Store = o.Store.(twice).Store //nolint:forcetypeassert // the one of this package
	})
	w.now = time.Now()
	name, delay := "storm", 0
	_, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name, RetryDelaySeconds: &delay})
	w.must(err)
	for from := 0; from < n; from += 5000 {
		specs := make([]fleet.ItemSpec, min(5000, n-from))
		for k := range specs {
			specs[k].Reference = fmt.Sprintf("item-%d", from+k)
		}
		added, err := w.Queues.BulkAdd(t.Context(), w.admin, name, specs, false)
		w.must(err)
		for _, a := range added {
			w.must(a.Err)
		}
	}
	s := &storm{world: w, queue: name, settled: map[fleet.ID]int{}}
	began := time.Now()
	ctx, stop := context.WithCancel(t.Context())
	var chores, fleetOf sync.WaitGroup
	chores.Go(func() {
		for ctx.Err() == nil {
			if err := w.Queues.Upkeep(ctx, store.System("test")); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			<-time.After(5 * time.Millisecond) // as the loop of the chore rests
		}
	})
	for k := range workers {
		fleetOf.Go(func() { s.work(t.Context(), k, rand.New(rand.NewPCG(uint64(k), 7))) }) //nolint:gosec // chance of a test
	}
	fleetOf.Wait()
	stop()
	chores.Wait()
	took := time.Since(began)
	s.check(n)
	t.Logf("%d items, %d attempts lost, %d words refused, in %s", n, s.lost.Load(), s.refused.Load(), took.Round(time.Millisecond))
}

// storm is the fleet of the test.
type storm struct {
	*world
	queue         string
	lost, refused atomic.Int64

	mu      sync.Mutex
	settled map[fleet.ID]int // words that were taken
}

// work is one robot that goes on until nothing is left to do.
func (s *storm) work(ctx context.Context, k int, r *rand.Rand) {
	robot := auth.Robot("default", fleet.RobotID(fmt.Sprintf("w%d", k)), "default")
	got, err := s.Robots.Connect(ctx, robot, Hello{Member: "m", Transport: "ws2", InstanceID: "i", JournalID: "j", Slots: 100}, "token")
	if err != nil {
		s.Error(err)
		return
	}
	for {
		ref, err := s.begin(ctx, robot, got.Session.Epoch)
		if err != nil {
			s.Error(err)
			return
		}
		if !s.attempt(ctx, robot, ref, r) {
			return
		}
	}
}

func (s *storm) begin(ctx context.Context, robot auth.Principal, session int64) (ref store.Ref, err error) {
	out, err := s.Jobs.Submit(ctx, s.admin, SubmitRequest{Document: []byte(document)})
	if err != nil {
		return ref, err
	}
	won, lost, err := s.store.Assign(ctx, s.admin.Scope(), []store.Assignment{{
		Tenant: "default", JobID: out.Job.ID, RobotID: robot.RobotID, SessionEpoch: session, AcceptWithin: 10 * time.Second,
	}}, time.Now())
	if err != nil || len(won) == 0 {
		return ref, errors.Join(err, fmt.Errorf("not assigned: %+v", lost))
	}
	ref = store.Ref{JobID: out.Job.ID, Epoch: won[0].Attempt.Epoch}
	return ref, s.Attempts.Accept(ctx, robot, ref)
}

// attempt works until its attempt is gone, or false: until nothing is left.
func (s *storm) attempt(ctx context.Context, robot auth.Principal, ref store.Ref, r *rand.Rand) bool {
	for {
		list, err := s.Queues.Claim(ctx, robot, ClaimRequest{Queue: s.queue, Ref: ref, Count: 1 + r.IntN(10)})
		if errors.Is(err, fleet.ErrConflict) {
			return true // lost before; the robot learns it now
		}
		if err != nil {
			s.Error(err)
			return false
		}
		if len(list) == 0 {
			v, err := s.Queues.Get(ctx, s.admin, s.queue)
			if err != nil || v.Counts.Open() == 0 {
				return false
			}
			<-time.After(10 * time.Millisecond) // what others hold may come back
			continue
		}
		at := -1 // the item at which the attempt is lost
		if r.IntN(20) == 0 {
			at = r.IntN(len(list))
		}
		for k := range list {
			if k == at {
				s.lose(ctx, ref)
			}
			s.settle(ctx, robot, ref, list[k].ID, r)
		}
		if at >= 0 {
			return true
		}
	}
}

// lose takes the attempt away, as a lease does that nobody renewed.
func (s *storm) lose(ctx context.Context, ref store.Ref) {
	err := s.store.Update(ctx, s.admin.Scope(), func(tx store.Tx) error {
		sub, err := tx.Subject(ref.JobID)
		if err != nil {
			return err
		}
		m, err := sub.Lose(fleet.Loss{Epoch: ref.Epoch, Reason: "silent"}, time.Now())
		if err != nil {
			return err
		}
		return tx.Apply(m)
	})
	if err != nil {
		s.Error(err)
	}
	s.lost.Add(1)
}

func (s *storm) settle(ctx context.Context, robot auth.Principal, ref store.Ref, id fleet.ID, r *rand.Rand) {
	word := ItemWord{Item: id, Ref: ref}
	var err error
	switch n := r.IntN(100); {
	case n < 84:
		_, err = s.Queues.Complete(ctx, robot, word)
	case n < 92:
		word.Fault = fleet.ItemFault{Type: fleet.ApplicationItemType, Message: "away"}
		_, err = s.Queues.Fail(ctx, robot, word)
	case n < 97:
		word.Fault = fleet.ItemFault{Type: fleet.BusinessItemType, Message: "wrong"}
		_, err = s.Queues.Fail(ctx, robot, word)
	default:
		_, err = s.Queues.Release(ctx, robot, word)
		if err == nil {
			return
		}
	}
	switch {
	case err == nil:
		s.mu.Lock()
		s.settled[id]++
		s.mu.Unlock()
	case errors.Is(err, fleet.ErrConflict):
		s.refused.Add(1)
	default:
		s.Error(err)
	}
}

// check reads every item and follows every chain.
func (s *storm) check(n int) {
	var items []fleet.QueueItem
	counts := fleet.QueueCounts{}
	err := s.Queues.Export(s.Context(), s.admin, s.queue, "", func(list []fleet.QueueItem) error {
		for k := range list {
			counts.Add(list[k].Status, list[k].Postponed, 1)
		}
		items = append(items, list...)
		return nil
	})
	s.must(err)
	if err := storetest.Chains(items, n, s.settled); err != nil {
		s.Error(err)
	}
	v, err := s.Queues.Get(s.Context(), s.admin, s.queue)
	s.must(err)
	if v.Counts != counts {
		s.Errorf("counted %+v, are %+v", v.Counts, counts)
	}
	s.Logf("%+v", counts)
}

package committer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// gate is a committer that waits for permission and remembers its groups.
type gate struct {
	open   chan struct{}
	groups [][]int
}

func (g *gate) commit(group []*Op[int]) []error {
	<-g.open
	out := make([]error, len(group))
	var ran []int
	for i, op := range group {
		if op.Begin() {
			ran = append(ran, op.Work)
		}
		if op.Work < 0 {
			out[i] = errors.New("negative")
		}
	}
	g.groups = append(g.groups, ran)
	return out
}

func TestGroupsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := New(Options{GroupOps: 3}, g.commit)
		answers := make(chan error, 10)
		send := func(ctx context.Context, n int) {
			go func() { answers <- q.Do(ctx, 10, false, n) }()
			synctest.Wait()
		}
		send(t.Context(), 0)
		for _, n := range []int{1, -2, 3, 4} {
			send(t.Context(), n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		send(ctx, 5)
		cancel()
		synctest.Wait()
		if err := <-answers; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while waiting: %v", err)
		}
		close(g.open)
		failed := 0
		for range 5 {
			if err := <-answers; err != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d answers are errors, want the one of the bad operation", failed)
		}
		q.Close()
		q.Close()
		if err := q.Do(t.Context(), 1, true, 1); !errors.Is(err, fleet.ErrUnavailable) {
			t.Errorf("after Close: %v", err)
		}
		want := [][]int{{0}, {1, -2, 3}, {4}}
		for i, group := range want {
			if len(g.groups) != len(want) || len(g.groups[i]) != len(group) {
				t.Fatalf("groups %v, want %v", g.groups, want)
			}
		}
		if groups, ops := q.Stats(); groups != 3 || ops != 6 {
			t.Errorf("stats %d, %d", groups, ops)
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	for what, o := range map[string]Options{"operations": {MaxOps: 4}, "bytes": {MaxBytes: 40}} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{open: make(chan struct{})}
				q := New(o, g.commit)
				do := func(urgent bool) error {
					done := make(chan error, 1)
					go func() { done <- q.Do(t.Context(), 10, urgent, 1) }()
					synctest.Wait()
					select {
					case err := <-done:
						return err
					default:
						return nil // it waits
					}
				}
				for range 4 { // one is being committed, three wait
					if err := do(false); err != nil {
						t.Fatal(err)
					}
				}
				err := do(false)
				var e *fleet.Error
				if !errors.As(err, &e) || e.Code != fleet.CodeExhausted || e.RetryAfter == 0 {
					t.Errorf("beyond the bound: %v", err)
				}
				if err := do(true); err != nil {
					t.Errorf("urgent work has the rest of the queue: %v", err)
				}
				if err := do(true); !errors.Is(err, fleet.ErrExhausted) {
					t.Errorf("full: %v", err)
				}
				close(g.open)
				q.Close()
			})
		})
	}
}

// TestLoad: what waits, how long the commit under way has lasted, and what the
// last one took while there is more to do.
func TestLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		q := New(Options{MaxOps: 8, MaxBytes: 1000, GroupOps: 1}, g.commit)
		if l := q.Load(); l != (Load{Capacity: 6}) {
			t.Errorf("idle: %+v", l)
		}
		for range 4 {
			go func() { _ = q.Do(t.Context(), 10, false, 1) }()
		}
		time.Sleep(3 * time.Second)
		if l := q.Load(); l.Waiting != 3 || l.Commit != 3*time.Second {
			t.Errorf("three wait for one: %+v", l)
		}
		go func() { _ = q.Do(t.Context(), 700, false, 1) }()
		synctest.Wait()
		if l := q.Load(); l.Waiting != 5 { // 730 of 750 bytes are nearer to the end than 4 of 6
			t.Errorf("by bytes: %+v", l)
		}
		g.open <- struct{}{}
		synctest.Wait()
		if l := q.Load(); l.Commit != 3*time.Second {
			t.Errorf("after a slow one: %+v", l)
		}
		close(g.open)
		synctest.Wait()
		if l := q.Load(); l.Waiting != 0 || l.Commit != 0 {
			t.Errorf("idle again: %+v", l)
		}
		q.Close()
	})
}

package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// counting is a store that has lines and counts how often it is asked for them.
type counting struct {
	store.Store
	mu    sync.Mutex
	reads int
	fails bool
}

func (c *counting) ReadLogs(_ context.Context, _ store.Scope, _ fleet.ID, q store.LogQuery) ([]fleet.LogLine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.fails {
		return nil, errors.New("away")
	}
	return []fleet.LogLine{{Epoch: q.Epoch, Line: q.From, Message: fmt.Sprint("line ", q.From)}}, nil
}

// TestLinesAreReadOnceForAll: a hundred who follow an attempt cost what one does.
func TestLinesAreReadOnceForAll(t *testing.T) {
	now := time.Unix(1000, 0)
	s := &counting{}
	h := New(Options{Store: s, Now: func() time.Time { return now }})
	t.Cleanup(h.Close)
	tail := newTail(h, fleet.DefaultTenant)
	read := func(line int64) {
		t.Helper()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				lines, err := tail.lines(t.Context(), "j", logPlace{1, line}, linesPage)
				if err != nil || len(lines) != 1 || lines[0].Line != line {
					t.Errorf("%v %v", lines, err)
				}
			})
		}
		all.Wait()
	}
	want := func(n int) {
		t.Helper()
		if s.reads != n {
			t.Errorf("%d reads, want %d", s.reads, n)
		}
	}
	read(1)
	want(1)
	read(2) // those who are further on
	want(2)
	now = now.Add(look) // whoever comes again reads anew
	read(2)
	want(3)
	if n := len(tail.reads.of); n != 1 {
		t.Errorf("%d readings are kept", n)
	}
	s.fails = true
	for range 2 { // a fault is nobody else's
		if _, err := tail.lines(t.Context(), "k", logPlace{1, 1}, linesPage); err == nil {
			t.Error("a fault was hidden")
		}
	}
	want(5)
}

package engine

import (
	"context"
	"errors"
	"sync"
	"time"
)

// lazyContext is the context of one visit. Most nodes only compute and never
// ask for its end, so the timer behind the node's time limit is made when
// somebody first does. It counts from then, which for a node that waits for
// the outside is where its wait begins; a node that computes without end is
// seen by the watch.
type lazyContext struct {
	parent  context.Context //nolint:containedctx // it is a context itself
	timeout time.Duration

	mu     sync.Mutex
	real   context.Context //nolint:containedctx // made on demand
	cancel context.CancelFunc
}

func (c *lazyContext) open() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real == nil {
		if c.timeout > 0 {
			c.real, c.cancel = context.WithTimeout(c.parent, c.timeout)
		} else {
			c.real, c.cancel = context.WithCancel(c.parent)
		}
	}
	return c.real
}

// Deadline is when the node must have ended.
func (c *lazyContext) Deadline() (time.Time, bool) { return c.open().Deadline() }

// Done ends with the run or with the node's time.
func (c *lazyContext) Done() <-chan struct{} { return c.open().Done() }

// Err says why Done ended.
func (c *lazyContext) Err() error { return c.open().Err() }

// Value passes through; package context finds the real one by it.
func (c *lazyContext) Value(key any) any {
	c.mu.Lock()
	in := c.real
	c.mu.Unlock()
	if in == nil {
		in = c.parent
	}
	return in.Value(key)
}

func (c *lazyContext) expired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.real != nil && errors.Is(c.real.Err(), context.DeadlineExceeded)
}

// lazySlot keeps one lazyContext for reuse. One that was opened is thrown
// away, since what the node started may still hold it.
type lazySlot struct{ spare *lazyContext }

func (s *lazySlot) enter(parent context.Context, timeout time.Duration) *lazyContext {
	c := s.spare
	s.spare = nil
	if c == nil {
		c = &lazyContext{}
	}
	c.parent, c.timeout = parent, timeout
	return c
}

func (s *lazySlot) leave(c *lazyContext) {
	c.mu.Lock()
	opened := c.real != nil
	if opened {
		c.cancel()
	}
	c.mu.Unlock()
	if !opened {
		s.spare = c
	}
}

package breaker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

var errDown = errors.New("down")

// system is something outside that fails or not.
type system struct {
	fails bool
	calls int
}

func (s *system) call(context.Context) error {
	s.calls++
	if s.fails {
		return errDown
	}
	return nil
}

// A system that always fails is called five times and then once a minute, and
// the first call that succeeds ends that.
func TestOncePerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []string
		b := New("receiver", Options{Changed: func(name string, from, to State) {
			changes = append(changes, fmt.Sprintf("%s %s-%s", name, from, to))
		}})
		s := &system{fails: true}
		for range 10 {
			err := b.Do(t.Context(), s.call)
			if s.calls == 5 && !errors.Is(err, errDown) && !Refused(err) {
				t.Fatalf("after %d calls: %v", s.calls, err)
			}
		}
		if s.calls != 5 || b.State() != Open {
			t.Fatalf("%d calls, %s", s.calls, b.State())
		}
		err := b.Do(t.Context(), s.call)
		if e := fleet.AsError(err); !Refused(err) || e.RetryAfter != DefaultOpenFor || !strings.Contains(e.Message, "receiver") {
			t.Errorf("refused with %+v", e)
		}
		for range 3 * 60 { // three minutes, a try each second
			time.Sleep(time.Second)
			_ = b.Do(t.Context(), s.call)
		}
		if s.calls < 7 || s.calls > 8 {
			t.Errorf("%d calls in three minutes, want 5 and one a minute", s.calls)
		}
		if st := b.Status(); st.State != Open || st.RetryIn <= 0 || st.RetryIn > DefaultOpenFor {
			t.Errorf("status %+v", st)
		}
		s.fails = false
		time.Sleep(DefaultOpenFor + time.Millisecond)
		if err := b.Do(t.Context(), s.call); err != nil || b.State() != Closed {
			t.Errorf("a trial that succeeds: %v, %s", err, b.State())
		}
		if st := b.Status(); st.Failed != 0 || st.RetryIn != 0 {
			t.Errorf("status %+v", st)
		}
		if got := changes[0] + " " + changes[len(changes)-1]; got != "receiver closed-open receiver trial-closed" {
			t.Errorf("changes %v", changes)
		}
	})
}

// Of many calls that wait for the trial just one is it.
func TestOneTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New("x", Options{Failures: 1, OpenFor: time.Second})
		_ = b.Do(t.Context(), func(context.Context) error { return errDown })
		time.Sleep(2 * time.Second)
		hold := make(chan struct{})
		var mu sync.Mutex
		var called, refused int
		for range 20 {
			go func() {
				err := b.Do(t.Context(), func(context.Context) error {
					mu.Lock()
					called++
					mu.Unlock()
					<-hold
					return nil
				})
				if Refused(err) {
					mu.Lock()
					refused++
					mu.Unlock()
				}
			}()
		}
		synctest.Wait()
		if called != 1 || refused != 19 || b.State() != Trial {
			t.Errorf("%d called, %d refused, %s", called, refused, b.State())
		}
		close(hold)
		synctest.Wait()
		if b.State() != Closed {
			t.Errorf("after the trial: %s", b.State())
		}
	})
}

// What its own caller gave up says nothing about a system; what ran out of time
// does.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New("x", Options{Failures: 2, OpenFor: time.Second})
		hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		for range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			_ = b.Do(ctx, hang)
		}
		if b.State() != Closed {
			t.Fatal("calls that were given up opened the breaker")
		}
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_ = b.Do(ctx, hang)
			cancel()
		}
		if b.State() != Open {
			t.Fatal("calls that ran out of time did not open it")
		}
		time.Sleep(2 * time.Second)
		done, err := b.Allow()
		if err != nil {
			t.Fatal(err)
		}
		done(GivenUp())
		if err := b.Do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Errorf("the trial after one that was given up: %v", err)
		}
	})
}

// A fault that is the caller's does not count, and a panic does.
func TestFault(t *testing.T) {
	b := New("x", Options{Failures: 2, Fault: func(err error) bool { return !errors.Is(err, fleet.ErrInvalid) }})
	for range 5 {
		if err := b.Do(t.Context(), func(context.Context) error { return fleet.Invalid("url", "wrong") }); !errors.Is(err, fleet.ErrInvalid) {
			t.Fatal(err)
		}
	}
	for range 2 {
		func() {
			defer func() { _ = recover() }()
			_ = b.Do(t.Context(), func(context.Context) error { panic("boom") })
		}()
	}
	if b.State() != Open {
		t.Errorf("%s after two panics", b.State())
	}
}

func TestSet(t *testing.T) {
	s := NewSet(Options{Failures: 1})
	bad := s.Get("bad")
	_ = bad.Do(t.Context(), func(context.Context) error { return errDown })
	for i := range 3 * maxSet {
		s.Get(fmt.Sprintf("n%05d", i))
	}
	if s.Get("bad") != bad {
		t.Error("an open breaker was forgotten for harmless ones")
	}
	all := s.Statuses()
	if len(all) > maxSet || all[0].Name != "bad" || all[0].State != Open {
		t.Errorf("%d breakers, first %+v", len(all), all[0])
	}
}

package breaker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/casarerpa/fleet/fleet"
)

// The figures unless Options say otherwise.
const (
	DefaultFailures = 5
	DefaultOpenFor  = 60 * time.Second
)

// State is what a breaker does with calls. Its number is what metrics show.
type State int

// The states.
const (
	Closed State = iota // calls go through
	Trial               // one call goes through; it decides
	Open                // calls are refused
)

// String names the state.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Trial:
		return "trial"
	case Open:
		return "open"
	}
	return "unknown"
}

// Options are the figures of a breaker. Zero values mean the defaults above.
type Options struct {
	Failures int           // in a row until it opens
	OpenFor  time.Duration // until the trial
	// Fault says which errors speak against the system. Nil: all but those of a
	// caller who gave up.
	Fault func(error) bool
	// Changed is told of each change of state, under the breaker's lock: it logs
	// or counts, and asks nothing of the breaker.
	Changed func(name string, from, to State)
}

// Status is what can be seen of a breaker.
type Status struct {
	Name    string
	State   State
	Failed  int           // in a row
	RetryIn time.Duration // until the trial; 0 unless it is open
}

// Breaker stands before one outside system.
type Breaker struct {
	name    string
	openFor time.Duration
	inner   *gobreaker.TwoStepCircuitBreaker[struct{}]

	mu     sync.Mutex // never held while inner is asked
	opened time.Time
}

// errGivenUp stands for calls that count neither way.
var errGivenUp = errors.New("given up by the caller")

// New makes a closed breaker.
func New(name string, o Options) *Breaker {
	if o.Failures <= 0 {
		o.Failures = DefaultFailures
	}
	if o.OpenFor <= 0 {
		o.OpenFor = DefaultOpenFor
	}
	if o.Fault == nil {
		o.Fault = func(err error) bool { return err != nil }
	}
	b := &Breaker{name: name, openFor: o.OpenFor}
	b.inner = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: name, Timeout: o.OpenFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return int64(c.ConsecutiveFailures) >= int64(o.Failures) },
		IsSuccessful: func(err error) bool { return err == nil || !o.Fault(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, errGivenUp) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				b.mu.Lock()
				b.opened = time.Now()
				b.mu.Unlock()
			}
			if o.Changed != nil {
				o.Changed(name, stateOf(from), stateOf(to))
			}
		},
	})
	return b
}

// Name is the system's.
func (b *Breaker) Name() string { return b.name }

// Do makes a call unless the breaker refuses it. An error after the end of ctx
// is the caller's own and counts neither way; a deadline that passed does, for
// a system that does not answer in time is what breakers are for.
func (b *Breaker) Do(ctx context.Context, call func(ctx context.Context) error) error {
	done, err := b.Allow()
	if err != nil {
		return err
	}
	finished := false
	defer func() {
		if !finished { // a panic goes on; it is nobody's proof of life
			done(fleet.Internal(nil))
		}
	}()
	err = call(ctx)
	finished = true
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		done(errGivenUp)
		return err
	}
	done(err)
	return err
}

// Allow asks for one call. done must be called with its outcome, once.
func (b *Breaker) Allow() (done func(error), err error) {
	done, err = b.inner.Allow()
	if err == nil {
		return done, nil
	}
	e := fleet.Errorf(fleet.CodeUnavailable, "breaker_open", "%s has failed several times in a row and is left alone for a while.", b.name)
	if e.RetryAfter = b.retryIn(); e.RetryAfter == 0 {
		e.RetryAfter = time.Second // a trial is under way
	}
	return nil, e.WithFix("It is tried again by itself.")
}

// GivenUp is what a caller tells done when the call says nothing about the
// system.
func GivenUp() error { return errGivenUp }

// Refused says whether an error comes from a breaker and not from a call.
func Refused(err error) bool {
	return errors.Is(err, &fleet.Error{Code: fleet.CodeUnavailable, Reason: "breaker_open"})
}

// State is what the breaker does now.
func (b *Breaker) State() State { return stateOf(b.inner.State()) }

// Status shows the breaker.
func (b *Breaker) Status() Status {
	s := b.State()
	out := Status{Name: b.name, State: s, Failed: int(b.inner.Counts().ConsecutiveFailures)}
	if s == Open {
		out.RetryIn = b.retryIn()
	}
	return out
}

func (b *Breaker) retryIn() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.opened.IsZero() {
		return 0
	}
	return max(b.openFor-time.Since(b.opened), 0)
}

func stateOf(s gobreaker.State) State {
	switch s {
	case gobreaker.StateClosed:
		return Closed
	case gobreaker.StateHalfOpen:
		return Trial
	case gobreaker.StateOpen:
		return Open
	}
	return Open
}

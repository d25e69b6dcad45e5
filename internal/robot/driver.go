package robot

import (
	"maps"
	"sync"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

// driver holds the state machine, the runs, and the effects that wait to be
// carried out.
type driver struct {
	clock func() protocol.Instant

	mu      sync.Mutex
	machine *protocol.Robot
	queue   []protocol.Effect
	runs    map[wire.Ref]*run
	answers map[int64]chan protocol.Answer // effects that wait, by report number
	secrets map[*secretWait]struct{}
	wake    chan struct{}
}

func newDriver(m *protocol.Robot, clock func() protocol.Instant) *driver {
	return &driver{
		clock: clock, machine: m, runs: map[wire.Ref]*run{}, answers: map[int64]chan protocol.Answer{},
		secrets: map[*secretWait]struct{}{}, wake: make(chan struct{}, 1),
	}
}

// do asks the machine and queues what follows. Stops are carried out at once:
// they must not wait for a slow disk.
func (d *driver) do(ask func(m *protocol.Robot, now protocol.Instant) []protocol.Effect) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.take(ask(d.machine, d.clock()))
}

// take queues effects; the lock is held.
func (d *driver) take(effects []protocol.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case protocol.Stop:
			if run := d.runs[e.Ref]; run != nil {
				run.stop(e)
			}
		case protocol.Answer:
			if ch := d.answers[e.ReportID]; ch != nil {
				delete(d.answers, e.ReportID)
				ch <- e // has room for its one answer
			}
		case protocol.Consider:
			// Made here, so that a stop finds it from the beginning.
			d.runs[e.Offer.Ref] = newRun(e.Offer)
			d.queue = append(d.queue, e)
		default:
			d.queue = append(d.queue, e)
		}
	}
	select {
	case d.wake <- struct{}{}:
	default: // it is awake already
	}
}

// next takes what has to be done.
func (d *driver) next() []protocol.Effect {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue
	d.queue = nil
	return q
}

// ask reads something of the machine.
func ask[T any](d *driver, read func(m *protocol.Robot) T) T {
	d.mu.Lock()
	defer d.mu.Unlock()
	return read(d.machine)
}

// run finds the run of an attempt.
func (d *driver) run(ref wire.Ref) *run {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs[ref]
}

func (d *driver) drop(ref wire.Ref) *run {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.runs[ref]
	delete(d.runs, ref)
	return r
}

// enter asks the fence before a node.
func (d *driver) enter(ref wire.Ref, node string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.machine.MayEnter(ref, node, d.clock())
}

// beat makes a heartbeat.
func (d *driver) beat(reading wire.Heartbeat) (wire.Frame, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.machine.Beat(reading, d.clock())
}

// interval is the pause before the next heartbeat.
func (d *driver) interval(chance float64) time.Duration {
	return ask(d, func(m *protocol.Robot) time.Duration { return m.Interval(chance) })
}

// all returns the attempts at hand.
func (d *driver) all() map[wire.Ref]*run {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.runs)
}

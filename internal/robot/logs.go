package robot

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/casarerpa/fleet/internal/protocol"
	"github.com/casarerpa/fleet/wire"
)

const (
	logBytes   = 4 << 20 // kept per attempt for the socket; beyond it lines are left out and counted
	logBatch   = 96 << 10
	logWindow  = 1000 // lines on their way, unless the orchestrator says
	logResend  = 10 * time.Second
	logPulse   = 200 * time.Millisecond
	logTails   = 64 // ended attempts whose last lines are not acknowledged
	logEndWait = 500 * time.Millisecond
)

// logs holds the lines that have not been acknowledged, bounded per attempt.
type logs struct {
	clock func() protocol.Instant

	mu     sync.Mutex
	steps  bool // the orchestrator takes records of steps
	window int64
	count  int64 // of batches, for their ids
	by     map[wire.Ref]*logTail
	ended  []wire.Ref
}

// logTail is the unacknowledged end of one attempt's log. lines[0] has the
// number base; lines before sent are on their way.
type logTail struct {
	base, sent int64
	lines      []wire.LogLine
	bytes      int
	dropped    int64 // of all time
	gap        int64 // dropped since the last line that was kept
	refused    bool  // the orchestrator wants no more lines
	ended      bool
	sentAt     protocol.Instant
	steps      stepTail
}

func newLogs(clock func() protocol.Instant) *logs {
	return &logs{clock: clock, window: logWindow, by: map[wire.Ref]*logTail{}}
}

// add keeps a line, or counts it if there is no room.
func (l *logs) add(ref wire.Ref, line wire.LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tail(ref)
	cost := len(line.Message) + 128
	if t.refused || t.bytes+cost > logBytes {
		t.dropped++
		t.gap++
		return
	}
	t.mark()
	t.put(line)
}

func (l *logs) tail(ref wire.Ref) *logTail {
	t := l.by[ref]
	if t == nil {
		t = &logTail{base: 1, sent: 1, steps: stepTail{base: 1, sent: 1}}
		l.by[ref] = t
	}
	return t
}

// step keeps a record of a step.
func (l *logs) step(ref wire.Ref, s wire.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail(ref).steps.put(s)
}

// empty says whether nothing waits for the orchestrator.
func (t *logTail) empty() bool { return len(t.lines) == 0 && len(t.steps.kept) == 0 }

func (t *logTail) put(line wire.LogLine) {
	t.lines = append(t.lines, line)
	t.bytes += len(line.Message) + 128
}

// mark says in the log itself where lines are missing.
func (t *logTail) mark() {
	if t.gap == 0 || t.refused {
		return
	}
	t.put(wire.LogLine{
		At: wire.At(time.Now()), Level: "warning",
		Message: fmt.Sprintf("%d lines were left out here: the connection could not take them in time", t.gap),
	})
	t.gap = 0
}

// batch takes the next lines to send, if any may be sent now.
func (l *logs) batch(ref wire.Ref) (*wire.LogBatch, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.by[ref]
	if t == nil {
		return nil, ""
	}
	now := l.clock()
	if (t.sent > t.base || t.steps.sent > t.steps.base) && now-t.sentAt > logResend {
		t.sent, t.steps.sent = t.base, t.steps.base
	}
	from := int(t.sent - t.base)
	room := min(int(l.window)-from, wire.MaxBatch)
	to, size := from, 0
	for to < len(t.lines) && to-from < room && (to == from || size+len(t.lines[to].Message) < logBatch) {
		size += len(t.lines[to].Message) + 64
		to++
	}
	var first int64
	var steps []wire.Step
	if l.steps {
		first, steps = t.steps.next(logBatch - size)
	}
	if to == from && len(steps) == 0 {
		return nil, ""
	}
	b := &wire.LogBatch{
		Ref: ref, FirstLine: t.sent, Lines: append([]wire.LogLine{}, t.lines[from:to]...), Dropped: t.dropped, FirstStep: first, Steps: steps,
	}
	t.sent += int64(to - from)
	t.sentAt = now
	l.count++
	return b, "log-" + strconv.FormatInt(l.count, 10)
}

// acknowledged lets go of what has arrived.
func (l *logs) acknowledged(m *wire.LogAck) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.by[m.Ref]
	if t == nil {
		return
	}
	n := min(max(m.NextLine-t.base, 0), int64(len(t.lines)))
	for _, line := range t.lines[:n] {
		t.bytes -= len(line.Message) + 128
	}
	t.lines = append([]wire.LogLine(nil), t.lines[n:]...)
	t.base += n
	t.sent = max(t.sent, t.base)
	t.sentAt = l.clock()
	if m.Window <= 0 {
		t.refused = true
		t.dropped += int64(len(t.lines))
		t.lines, t.bytes = nil, 0
	} else {
		l.window = m.Window
	}
	t.steps.acknowledged(m.NextStep)
	if t.ended && t.empty() {
		delete(l.by, m.Ref)
	}
}

// reset begins a session: what was on its way is sent again.
func (l *logs) reset(limits wire.Limits, steps bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = steps
	l.window = logWindow
	if limits.LogWindow > 0 {
		l.window = limits.LogWindow
	}
	for _, t := range l.by {
		t.sent, t.steps.sent = t.base, t.steps.base
	}
}

// finished says that no more lines will come. Those that are left are kept a
// while for the orchestrator, for a bounded number of attempts.
func (l *logs) finished(ref wire.Ref) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.by[ref]
	if t == nil {
		return
	}
	t.ended = true
	if t.empty() {
		delete(l.by, ref)
		return
	}
	if l.ended = append(l.ended, ref); len(l.ended) > logTails {
		delete(l.by, l.ended[0])
		l.ended = l.ended[1:]
	}
}

// waiting counts what is not acknowledged of an attempt.
func (l *logs) waiting(ref wire.Ref) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.by[ref]
	if t == nil {
		return 0
	}
	if !l.steps {
		return len(t.lines)
	}
	return len(t.lines) + len(t.steps.kept)
}

func (l *logs) refs() []wire.Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]wire.Ref, 0, len(l.by))
	for ref := range l.by {
		out = append(out, ref)
	}
	return out
}

// pulse sends samples and lines that have gathered.
func (r *Robot) pulse(ctx context.Context) {
	t := time.NewTicker(logPulse)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for ref, u := range r.d.all() {
			r.flushProgress(ref, u)
		}
		for _, ref := range r.logs.refs() {
			r.sendLogs(ref)
		}
	}
}

// sendLogs sends what the window lets through.
func (r *Robot) sendLogs(ref wire.Ref) {
	c := r.current()
	if c == nil {
		return
	}
	for {
		b, id := r.logs.batch(ref)
		if b == nil {
			return
		}
		c.send(wire.Frame{ID: id, Session: c.session, Payload: b})
	}
}

// finishLogs brings the last lines on their way before the end of the attempt
// is told, and gives them a moment, so that whoever follows a log and stops at
// the end has seen all of it.
func (r *Robot) finishLogs(ref wire.Ref) {
	r.logs.mu.Lock()
	if t := r.logs.by[ref]; t != nil {
		t.mark()
	}
	r.logs.mu.Unlock()
	if r.current() == nil {
		return
	}
	r.sendLogs(ref)
	ctx, cancel := context.WithTimeout(r.base, logEndWait)
	defer cancel()
	t := time.NewTicker(2 * time.Millisecond)
	defer t.Stop()
	for r.logs.waiting(ref) > 0 && r.current() != nil {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.sendLogs(ref)
		}
	}
}

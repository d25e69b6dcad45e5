package runner

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/workflow/value"
)

// defaultLogQuota is what one attempt may write to its log.
const defaultLogQuota = 50 << 20

// lineOverhead is what a line costs beside its text, so that empty lines
// without end reach the quota too.
const lineOverhead = 64

// sink stands between the engine and whoever listens: known secrets are
// replaced, and the log is bounded. What is over the quota is counted, and a
// last line says how much it was.
type sink struct {
	to     engine.Sink
	hide   *redact.Redactor
	mu     sync.Mutex
	room   int64
	lines  int64 // dropped
	bytes  int64 // dropped
	last   engine.Line
	closed bool
}

func newSink(to engine.Sink, hide *redact.Redactor, quota int64) *sink {
	if quota <= 0 {
		quota = defaultLogQuota
	}
	return &sink{to: to, hide: hide, room: quota}
}

// Log passes a line on while the quota lasts.
func (s *sink) Log(l engine.Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cost := int64(len(l.Message)) + lineOverhead
	if s.closed || s.lines > 0 || cost > s.room {
		s.lines++
		s.bytes += int64(len(l.Message))
		s.last = engine.Line{At: l.At, NodeID: l.NodeID}
		return
	}
	s.room -= cost
	l.Message = clean(s.text(l.Message))
	s.to.Log(l)
}

// clean makes a line fit for any terminal and store: valid text without
// control characters except tab and newline.
func clean(text string) string {
	if utf8.ValidString(text) && strings.IndexFunc(text, unwanted) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unwanted(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

func unwanted(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f }

// Step passes a record on without secrets.
func (s *sink) Step(st engine.Step) {
	st.Error = s.text(st.Error)
	for i, n := range st.Notes {
		st.Notes[i] = s.hide.Text(n)
	}
	for k, v := range st.Outputs {
		st.Outputs[k] = s.value(v)
	}
	s.to.Step(st)
}

// Progress passes on.
func (s *sink) Progress(p engine.Progress) {
	p.Message = s.hide.Text(p.Message)
	s.to.Progress(p)
}

// finish says how much of the log was dropped.
func (s *sink) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if s.lines == 0 {
		return
	}
	s.last.Level = engine.LevelWarning
	s.last.Message = fmt.Sprintf("dropped %d log lines (%d bytes) over the quota of this attempt", s.lines, s.bytes)
	s.to.Log(s.last)
}

// dropped tells how many lines did not fit.
func (s *sink) dropped() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines
}

// text replaces secrets. Where the engine has cut a text, its last bytes may be
// the beginning of a secret whose rest is gone; they are left out.
func (s *sink) text(text string) string {
	body, cut := strings.CutSuffix(text, engine.CutMark)
	if !cut {
		return s.hide.Text(text)
	}
	var kept strings.Builder
	_, _ = s.hide.Writer(&kept).Write([]byte(body)) // not closed: that would let out what it holds back
	return kept.String() + engine.CutMark
}

// value replaces secrets in a copy that the engine has given away.
func (s *sink) value(v any) any {
	switch t := v.(type) {
	case string:
		return s.text(t)
	case int64, float64:
		// A secret of digits that a node has turned into a number.
		if text := value.Str(v); len(text) >= redact.MinLength && s.hide.Contains(text) {
			return redact.Mask
		}
	case []byte:
		return []byte(s.hide.Text(string(t)))
	case []any:
		for i, e := range t {
			t[i] = s.value(e)
		}
		return t
	case *value.Map:
		return s.object(t)
	}
	return v
}

func (s *sink) object(m *value.Map) *value.Map {
	out := value.NewMap()
	for k, v := range m.All() {
		out.Set(s.hide.Text(k), s.value(v))
	}
	return out
}

// outcome replaces secrets in what the run reports at its end.
func (s *sink) outcome(out *engine.Outcome) {
	out.Error, out.Stack = s.hide.Text(out.Error), s.hide.Text(out.Stack)
	for i, n := range out.Notes {
		out.Notes[i] = s.hide.Text(n)
	}
	out.Variables = s.object(out.Variables)
}

// deaf hears nothing.
type deaf struct{}

// Log drops the line.
func (deaf) Log(engine.Line) {}

// Step drops the record.
func (deaf) Step(engine.Step) {}

// Progress drops the reading.
func (deaf) Progress(engine.Progress) {}

var (
	_ engine.Sink = (*sink)(nil)
	_ engine.Sink = deaf{}
)

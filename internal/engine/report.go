package engine

import (
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// reporter hands everything to the sink, one call at a time, and nothing any
// more once the run is over.
type reporter struct {
	mu      sync.Mutex
	sink    Sink
	percent int
}

func (r *reporter) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sink = nil
}

func (r *reporter) step(s *Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sink != nil {
		r.sink.Step(*s)
	}
}

func (r *reporter) log(l Line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sink != nil {
		r.sink.Log(l)
	}
}

// progress never lets the percentage fall.
func (r *reporter) progress(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.percent = max(r.percent, p.Percent)
	p.Percent = r.percent
	if r.sink != nil {
		r.sink.Progress(p)
	}
}

// silent says whether a node was left behind in this run or in one that called
// it. What such a node still does is not for the sink; the workflows around it
// go on telling.
func (r *run) silent() bool {
	for ; r != nil; r = r.caller {
		if r.left.Load() {
			return true
		}
	}
	return false
}

func (r *run) step(s *Step) {
	if !r.silent() {
		r.shared.out.step(s)
	}
}

func (r *run) log(l Line) {
	if !r.silent() {
		r.shared.out.log(l)
	}
}

func (r *run) progress(p Progress) {
	if !r.silent() {
		r.shared.out.progress(p)
	}
}

// record is the step record of a visit while the visit goes on.
type record struct {
	wanted  bool
	step    Step
	outputs map[string]any
}

func (b *branch) iteration(f *frame) string {
	it := f.iteration()
	switch {
	case b.base == "":
		return it
	case it == "":
		return b.base
	}
	return b.base + "." + it
}

// begin reports that a step starts.
func (b *branch) begin(v *visiting) record {
	r := b.run
	if r.opts.Sink == nil {
		return record{}
	}
	rec := record{wanted: true, step: Step{
		Seq: r.shared.steps.Add(1), NodeID: r.prefix + v.n.id, NodeType: v.n.typ,
		Iteration: b.iteration(v.frame), Branch: b.name,
		Status: StepRunning, StartedAt: r.opts.Host.Now(),
	}}
	r.step(&rec.step)
	r.tell(v.n.running, v.n.id)
	return rec
}

// end reports how a step ended.
func (b *branch) end(v *visiting, rec *record, err error) {
	r := b.run
	if !rec.wanted {
		return
	}
	s := &rec.step
	s.Duration = r.opts.Host.Now().Sub(s.StartedAt)
	s.Notes = append([]string(nil), v.call.notes...)
	s.Outputs = rec.outputs
	switch {
	case err == nil && v.n.disabled:
		s.Status = StepSkipped
	case err == nil:
		s.Status = StepCompleted
	case isHalt(err):
		s.Status, s.Error = StepCancelled, err.Error()
	default:
		s.Status, s.Error = StepFailed, err.Error()
	}
	r.step(s)
	if err == nil {
		r.tell(v.n.completed, v.n.id)
	} else {
		r.tell("Error in "+v.n.id+": "+err.Error(), v.n.id)
	}
}

// tell reports progress: the share of the nodes that have run at least once.
func (r *run) tell(message, id string) {
	r.mu.Lock()
	percent := min(95, 5+90*r.distinct/max(1, len(r.prog.nodes)))
	r.mu.Unlock()
	if r.prefix != "" { // a called workflow does not move the caller's bar
		percent = 0
	}
	r.progress(Progress{Percent: percent, NodeID: r.prefix + id, Message: message})
}

// line writes to the job's log.
func (r *run) line(nodeID string, level Level, text string) {
	if r.opts.Sink == nil {
		return
	}
	r.log(Line{
		At: r.opts.Host.Now(), Level: level, NodeID: r.prefix + nodeID,
		Message: cutText(text, r.limits.LogLine),
	})
}

// CutMark stands at the end of a text that was cut.
const CutMark = "… (cut)"

// cutText cuts at a rune border and says so.
func cutText(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len(CutMark))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.Clone(s[:end]) + CutMark
}

// capped copies outputs for a step record. Together they take no more than the
// limit; what is larger is cut, and says so.
func (r *run) capped(outputs *value.Map) map[string]any {
	if outputs.Len() == 0 {
		return nil
	}
	room := r.limits.StepBytes
	out := make(map[string]any, outputs.Len())
	for k, v := range outputs.All() {
		if v == nil {
			continue
		}
		size := value.Size(v, room)
		if size <= room {
			out[k] = present(v)
			room -= size
			continue
		}
		text, isText := v.(string)
		if !isText {
			text = "(" + value.TypeName(v) + ")"
		}
		out[k] = cutText(text, max(room, len(CutMark)))
		room = max(0, room-len(out[k].(string)))
	}
	return out
}

// present copies a value for those outside of the run; live handles become text.
func present(v any) any {
	switch t := v.(type) {
	case nil, bool, int64, float64, string:
		return v
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = present(e)
		}
		return out
	case *value.Map:
		m := value.NewMap()
		for k, e := range t.All() {
			m.Set(k, present(e))
		}
		return m
	case []byte:
		return append([]byte(nil), t...)
	case time.Time:
		return t
	case value.Tuple, *value.Set:
		return present(value.Plain(v))
	}
	return value.Str(v)
}

// public copies variables without internals.
func public(vars *value.Map) *value.Map {
	m := value.NewMap()
	for k, v := range vars.All() {
		if !workflow.Private(k) {
			m.Set(k, present(v))
		}
	}
	return m
}

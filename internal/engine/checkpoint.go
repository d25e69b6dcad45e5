package engine

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// Keeping asks a run for a checkpoint when it ends as failed: what a later run
// of the same document needs to go on with the node that failed. A run that
// ends otherwise does nothing for it.
type Keeping struct {
	// Workflow names the document and goes into the checkpoint.
	Workflow string
	// Secret says which secret a text is, if it is one; the text itself then
	// stays out, and the later run asks for the secret again. nil: there are none.
	Secret func(text string) (id string, ok bool)
	// Tells says whether a JSON text shows a secret or a part of one.
	Tells func(text []byte) bool
	// Stays says what of the outside a later run would miss; "" means nothing.
	Stays func() string
}

const (
	// CheckpointFormat is what [Run] writes and the only format that it reads.
	CheckpointFormat = 1
	// MaxCheckpoint bounds the bytes of a checkpoint.
	MaxCheckpoint = 64 << 10
	// maxExpanded bounds what its values are without the parts that they share.
	maxExpanded = 16 << 20
)

// failing is the visit that failed last.
type failing struct {
	node  int
	ports *value.Map // what was on the ports before
	deep  string     // why the node cannot simply run again
}

// keep notes where the run stands when a failure will end it: before the node
// that failed, which is then the next one to run. Only the main branch of the
// outermost run has a state that can be told in full.
func (b *branch) keep(e entry, f *Failure, again []*frame) {
	k := b.run.opts.Keeping
	if k == nil || b.run.caller != nil || b.outer != nil || b.run.opts.ContinueOnError {
		return
	}
	b.kept, b.why = nil, b.prevents(e, f)
	if b.why != "" {
		return
	}
	w := stateWriter{b: b, k: k, again: again, heap: newHeap(k.Secret)}
	text, err := w.write(e)
	if err != nil {
		b.why = err.Error()
		return
	}
	b.kept = text
}

// prevents says in words what makes a checkpoint impossible.
func (b *branch) prevents(e entry, f *Failure) string {
	n := &b.prog.nodes[b.failed.node]
	switch {
	case b.failed.deep != "":
		return b.failed.deep
	case n.typ == "CatchNode":
		return "the failure has left the try that node " + n.id + " belongs to"
	case n.special != nil && f.Stack != "":
		return "node " + n.id + " broke in the middle of its work"
	}
	if why := b.run.alive(); why != "" {
		return why
	}
	return b.run.opts.Keeping.Stays()
}

// Kept is a value of [Call.State] that says whether it holds anything; others
// always do.
type Kept interface{ Live() bool }

// alive names a node that keeps something beside the variables.
func (r *run) alive() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var nodes []string
	for key, v := range r.states {
		if k, ok := v.(Kept); key != warnedState && (!ok || k.Live()) {
			nodes = append(nodes, r.owners[key])
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	return "node " + least(nodes) + " keeps something that lives in its robot only"
}

func least(names []string) string {
	first := names[0]
	for _, n := range names[1:] {
		first = min(first, n)
	}
	return first
}

// ends says whether nobody will deal with a failure below a frame, so that it
// ends the run. again are retries that give up because of it and start anew
// with their first attempt when the run goes on.
func (b *branch) ends(from *frame) (again []*frame, yes bool) {
	for g := from; g != nil; g = g.parent {
		if g.dead || g.closed {
			continue
		}
		switch g.kind {
		case frameRoot, frameLoop:
		case frameTry:
			pair := &b.prog.nodes[g.owner].pair
			if g.phase == inBody && pair.catch != none || pair.finally != none && !g.cleaned {
				return nil, false
			}
		case frameOnError:
			if g.phase == inBody && b.linked(g.owner, "on_error") || !g.cleaned && b.linked(g.owner, "finally") {
				return nil, false
			}
		case frameRetry:
			if g.phase != inBody {
				continue
			}
			if g.pass < g.limit || b.linked(g.owner, "failed") {
				return nil, false
			}
			again = append(again, g)
		}
	}
	return again, true
}

// checkpoint puts the checkpoint of a failed run, or why there is none, into
// its outcome.
func (r *run) checkpoint(b *branch, out *Outcome, err error) {
	if r.opts.Keeping == nil || r.caller != nil || out.Success {
		return
	}
	var left *leftBehind
	switch {
	case errors.As(err, &left):
		out.NoCheckpoint = "node " + left.nodes + " did not stop, and nobody knows what it still does"
	case isHalt(err):
		out.NoCheckpoint = "the run was stopped and did not fail at a node"
	case b.kept != nil:
		out.Checkpoint, out.CheckpointNode = b.kept, out.FailedNode
	default:
		out.NoCheckpoint = cmp.Or(b.why, "the failure has left the try or retry around node "+out.FailedNode)
	}
}

// stateWriter tells the state of a branch as one JSON object.
type stateWriter struct {
	b     *branch
	k     *Keeping
	again []*frame
	heap  *heap

	frames []*frame
	number map[*frame]int
}

func (w *stateWriter) write(e entry) ([]byte, error) {
	b := w.b
	w.number = map[*frame]int{b.root: 0}
	w.frames = []*frame{b.root}
	if value.Size(b.vars, maxExpanded) > maxExpanded {
		return nil, w.tooLarge()
	}
	queue := []any{w.entry(e)}
	for i := range b.queue.len {
		queue = append(queue, w.entry(b.queue.ring[(b.queue.head+i)&(len(b.queue.ring)-1)]))
	}
	vars, err := w.variables()
	if err != nil {
		return nil, err
	}
	ports := value.NewMap()
	for i, m := range b.ports {
		if i == b.failed.node {
			m = b.failed.ports
		}
		if m == nil {
			continue
		}
		ref, err := w.part("node "+b.id(i), m)
		if err != nil {
			return nil, err
		}
		ports.Set(b.id(i), ref)
	}
	loops, err := w.loops()
	if err != nil {
		return nil, err
	}
	joined := value.NewMap()
	for i := range b.prog.nodes {
		if m := b.joined[i]; m.Len() > 0 {
			ref, err := w.part("node "+b.id(i), m)
			if err != nil {
				return nil, err
			}
			joined.Set(b.id(i), ref)
		}
	}
	frames := []any{}
	for _, f := range w.frames[1:] {
		frames = append(frames, w.frame(f))
	}
	whole := value.MapOf(
		"format", int64(CheckpointFormat), "workflow", w.k.Workflow, "node", b.id(b.failed.node),
		"before", b.marks(b.ever), "done", b.marks(b.done), "queue", queue, "frames", frames,
		"variables", vars, "ports", ports, "loops", loops, "joined", joined, "values", w.heap.values,
	)
	text, err := value.Marshal(whole)
	if err != nil {
		return nil, err
	}
	var escaped bytes.Buffer // as it will be inside of a frame
	json.HTMLEscape(&escaped, text)
	text = escaped.Bytes()
	switch {
	case len(text) > MaxCheckpoint:
		return nil, w.tooLarge()
	case w.k.Tells != nil && w.k.Tells(text):
		return nil, errors.New("what the run holds shows a secret")
	}
	return text, nil
}

func (b *branch) id(n int) string { return b.prog.nodes[n].id }

func (b *branch) marks(set []bool) []any {
	ids := []any{}
	for i, in := range set {
		if in {
			ids = append(ids, b.id(i))
		}
	}
	return ids
}

// variables writes all but those that each run gives itself.
func (w *stateWriter) variables() (*value.Map, error) {
	out := value.NewMap()
	for name, v := range w.b.vars.All() {
		if name == "_job_id" || name == "_job_priority" {
			continue
		}
		part, err := w.part(w.named(name), v)
		if err != nil {
			return nil, err
		}
		if w.k.Tells != nil && w.k.Tells([]byte(strconv.Quote(name))) {
			return nil, errors.New("the name of a variable shows a secret")
		}
		out.Set(name, part)
	}
	return out, nil
}

// named says what a variable is called: many carry the name of their node.
func (w *stateWriter) named(variable string) string {
	if _, ok := w.b.prog.byID[variable]; ok {
		return "node " + variable
	}
	return "variable " + cutText(variable, 100)
}

// part writes one value, and says whose it is if that cannot be done.
func (w *stateWriter) part(of string, v any) (any, error) {
	from := len(w.heap.values)
	out, err := w.heap.put(v, 0)
	if err != nil {
		if errors.Is(err, errTooLarge) {
			return nil, w.tooLarge()
		}
		return nil, fmt.Errorf("%s %w", of, err)
	}
	if w.k.Tells != nil {
		text, err := value.Marshal([]any{out, w.heap.values[from:]})
		if err != nil || w.k.Tells(text) {
			return nil, fmt.Errorf("%s holds a value that was made of a secret", of)
		}
	}
	return out, nil
}

func (w *stateWriter) tooLarge() error {
	largest, size := "", -1
	for name, v := range w.b.vars.All() {
		if n := value.Size(v, 10*MaxCheckpoint); n > size {
			largest, size = name, n
		}
	}
	text := fmt.Sprintf("its variables take more than %d KiB", MaxCheckpoint>>10)
	if largest != "" {
		text += ", most of all " + w.named(largest)
	}
	return errors.New(text)
}

func (w *stateWriter) loops() (*value.Map, error) {
	out := value.NewMap()
	for i := range w.b.prog.nodes {
		st := w.b.loops[i]
		if st == nil {
			continue
		}
		m := value.MapOf("next", st.next, "count", st.count)
		if st.step != 0 {
			m.Set("from", st.from)
			m.Set("step", st.step)
		}
		if st.items != nil {
			items, err := w.part("node "+w.b.id(i), st.items)
			if err != nil {
				return nil, err
			}
			m.Set("items", items)
		}
		if st.keys != nil {
			keys := make([]any, len(st.keys))
			for i, k := range st.keys {
				keys[i] = k
			}
			ref, err := w.part("node "+w.b.id(i), keys)
			if err != nil {
				return nil, err
			}
			m.Set("keys", ref)
		}
		if st.broken {
			m.Set("broken", true)
		}
		out.Set(w.b.id(i), m)
	}
	return out, nil
}

func (w *stateWriter) entry(e entry) any { return []any{w.b.id(e.node), int64(w.of(e.frame))} }

// of numbers a frame; the frames around it have lower numbers.
func (w *stateWriter) of(f *frame) int {
	if n, ok := w.number[f]; ok {
		return n
	}
	w.of(f.parent)
	w.number[f] = len(w.frames)
	w.frames = append(w.frames, f)
	return w.number[f]
}

func (w *stateWriter) frame(f *frame) *value.Map {
	pass, failure := f.pass, f.err
	for _, g := range w.again {
		if g == f {
			pass, failure = 1, nil
		}
	}
	m := value.MapOf("kind", f.kind.word(), "owner", w.b.id(f.owner), "parent", int64(w.number[f.parent]))
	set := func(name string, v any, wanted bool) {
		if wanted {
			m.Set(name, v)
		}
	}
	set("phase", int64(f.phase), f.phase != inBody)
	set("pass", pass, pass != 0)
	set("limit", f.limit, f.limit != 0)
	set("jumped", true, f.jumped)
	set("ended", true, f.ended)
	set("closed", true, f.closed)
	set("dead", true, f.dead)
	set("cleaned", true, f.cleaned)
	if f.reached != none {
		m.Set("reached", w.b.id(f.reached))
	}
	set("origin", f.origin, f.origin != "")
	set("error", told(failure), failure != nil)
	set("again", told(f.again), f.again != nil)
	return m
}

func told(f *Failure) *value.Map {
	if f == nil {
		return nil
	}
	return value.MapOf(
		"type", valid(f.Type), "message", valid(f.Message), "class", string(f.Class), "stack", valid(f.Stack), "node", f.node,
	)
}

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func (k frameKind) word() string {
	switch k {
	case frameRoot:
		return "root"
	case frameLoop:
		return "loop"
	case frameTry:
		return "try"
	case frameOnError:
		return "on_error"
	case frameRetry:
		return "retry"
	}
	return ""
}

// deepen notes why the node of a visit cannot simply run again: others have run
// inside of it.
func (v *visiting) deepen(format string) { v.deep = fmt.Sprintf(format, v.n.id) }

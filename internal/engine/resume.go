package engine

import (
	"context"
	"fmt"

	"github.com/casarerpa/fleet/workflow/value"
)

// refused says why a run does not go on from a checkpoint. It is no use to try
// the same again.
func refused(format string, args ...any) error {
	return &Failure{
		Type: "CheckpointError", Class: ClassInvalid,
		Message: "The run cannot go on from its checkpoint: " + fmt.Sprintf(format, args...),
	}
}

// stateReader brings a branch to where a checkpoint stands.
type stateReader struct {
	b      *branch
	m      *value.Map
	heap   *heapReader
	frames []*frame
}

// restore fills a fresh branch from a checkpoint and returns the node that is
// the next to run.
func (b *branch) restore(ctx context.Context, text []byte) (next string, err error) {
	if len(text) > MaxCheckpoint {
		return "", refused("it has %d bytes, and at most %d are allowed", len(text), MaxCheckpoint)
	}
	v, err := value.ParseLimited(text, value.Limits{Depth: 8})
	if err != nil {
		return "", refused("%s", err)
	}
	m, ok := v.(*value.Map)
	if !ok {
		return "", refused("it is no object")
	}
	if f, _ := m.Get("format"); f != int64(CheckpointFormat) {
		return "", refused("this robot does not know its format")
	}
	if w, _ := m.Get("workflow"); w != b.run.opts.Workflow {
		return "", refused("it was made with another version of the workflow")
	}
	r := &stateReader{b: b, m: m, heap: &heapReader{limit: min(maxExpanded, b.run.limits.TotalBytes), secret: b.run.opts.Host.Secret}}
	for _, step := range []func(context.Context) error{
		r.values, r.variables, r.ports, r.marks, r.loops, r.joined, r.tree, r.queue,
	} {
		if err := step(ctx); err != nil {
			return "", refused("%s", err)
		}
	}
	name, _ := m.Get("node")
	n, err := r.node(name)
	if err != nil {
		return "", refused("%s", err)
	}
	return b.id(n), nil
}

func (r *stateReader) list(name string) ([]any, error) {
	v, _ := r.m.Get(name)
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is no list", name)
	}
	return list, nil
}

func (r *stateReader) object(name string) (*value.Map, error) {
	v, _ := r.m.Get(name)
	m, ok := v.(*value.Map)
	if !ok {
		return nil, fmt.Errorf("%s is no object", name)
	}
	return m, nil
}

func (r *stateReader) node(id any) (int, error) {
	name, _ := id.(string)
	n, ok := r.b.prog.byID[name]
	if !ok {
		return none, fmt.Errorf("the workflow has no node %q", cutText(name, 100))
	}
	return n, nil
}

func (r *stateReader) values(ctx context.Context) error {
	raw, err := r.list("values")
	if err != nil {
		return err
	}
	return r.heap.read(ctx, raw)
}

func (r *stateReader) variables(ctx context.Context) error {
	m, err := r.object("variables")
	if err != nil {
		return err
	}
	size := 0
	for name, e := range m.All() {
		v, n, err := r.heap.use(ctx, e)
		if err != nil {
			return fmt.Errorf("variable %s %w", cutText(name, 100), err)
		}
		if size += n; size > 2*r.heap.limit {
			return fmt.Errorf("its variables take more than %d bytes", 2*r.heap.limit)
		}
		r.b.vars.Set(name, v)
	}
	return nil
}

// objects reads a set of objects, each of a node.
func (r *stateReader) objects(ctx context.Context, name string, keep func(n int, m *value.Map)) error {
	all, err := r.object(name)
	if err != nil {
		return err
	}
	for id, e := range all.All() {
		n, err := r.node(id)
		if err != nil {
			return err
		}
		v, _, err := r.heap.use(ctx, e)
		if err != nil {
			return fmt.Errorf("%s of node %s %w", name, id, err)
		}
		m, ok := v.(*value.Map)
		if !ok {
			return fmt.Errorf("%s of node %s are no object", name, id)
		}
		keep(n, m)
	}
	return nil
}

func (r *stateReader) ports(ctx context.Context) error {
	return r.objects(ctx, "ports", func(n int, m *value.Map) { r.b.ports[n] = m })
}

func (r *stateReader) joined(ctx context.Context) error {
	r.b.joined = map[int]*value.Map{}
	return r.objects(ctx, "joined", func(n int, m *value.Map) { r.b.joined[n] = m })
}

func (r *stateReader) marks(context.Context) error {
	for name, set := range map[string][]bool{"done": r.b.done, "before": r.b.ever} {
		ids, err := r.list(name)
		if err != nil {
			return err
		}
		for _, id := range ids {
			n, err := r.node(id)
			if err != nil {
				return err
			}
			set[n] = true
		}
	}
	for n, ran := range r.b.ever {
		if ran {
			r.b.run.executed(n)
		}
	}
	return nil
}

func (r *stateReader) loops(ctx context.Context) error {
	all, err := r.object("loops")
	if err != nil {
		return err
	}
	for id, e := range all.All() {
		n, err := r.node(id)
		if err != nil {
			return err
		}
		m, ok := e.(*value.Map)
		if !ok || !r.b.prog.nodes[n].loopStart() {
			return fmt.Errorf("node %s has the state of a loop and is none", id)
		}
		st, err := r.loop(ctx, m, r.b.prog.nodes[n].typ == "ForLoopStartNode")
		if err != nil {
			return fmt.Errorf("loop %s: %w", id, err)
		}
		r.b.loops[n] = st
	}
	return nil
}

func (r *stateReader) loop(ctx context.Context, m *value.Map, counted bool) (*loopState, error) {
	st := &loopState{}
	for name, to := range map[string]*int64{"next": &st.next, "count": &st.count, "from": &st.from, "step": &st.step} {
		if err := number(m, name, to); err != nil {
			return nil, err
		}
	}
	_, st.broken = m.Get("broken")
	items, err := r.listed(ctx, m, "items")
	if err != nil {
		return nil, err
	}
	keys, err := r.listed(ctx, m, "keys")
	if err != nil {
		return nil, err
	}
	st.items = items
	for _, k := range keys {
		text, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a key is no text")
		}
		st.keys = append(st.keys, text)
	}
	switch {
	case st.next < 0 || st.count < 0 || st.count > maxRange:
		return nil, fmt.Errorf("its passes are counted wrongly")
	case counted && st.step == 0 && st.count != int64(len(st.items)):
		return nil, fmt.Errorf("it has %d passes and %d items", st.count, len(st.items))
	case st.keys != nil && len(st.keys) != len(st.items):
		return nil, fmt.Errorf("it has %d keys and %d items", len(st.keys), len(st.items))
	}
	return st, nil
}

// number reads a whole number; one that is left out is zero.
func number(m *value.Map, name string, to *int64) error {
	v, ok := m.Get(name)
	if !ok {
		return nil
	}
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("%s is no whole number", name)
	}
	*to = n
	return nil
}

func (r *stateReader) listed(ctx context.Context, m *value.Map, name string) ([]any, error) {
	e, ok := m.Get(name)
	if !ok {
		return nil, nil
	}
	v, _, err := r.heap.use(ctx, e)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is no list", name)
	}
	return list, nil
}

// tree reads the frames. Each hangs in one that comes before it.
func (r *stateReader) tree(context.Context) error {
	raw, err := r.list("frames")
	if err != nil {
		return err
	}
	r.frames = []*frame{r.b.root}
	for i, e := range raw {
		m, ok := e.(*value.Map)
		if !ok {
			return fmt.Errorf("frame %d is no object", i+1)
		}
		f, err := r.frame(m)
		if err != nil {
			return fmt.Errorf("frame %d: %w", i+1, err)
		}
		r.frames = append(r.frames, f)
	}
	return nil
}

func (r *stateReader) frame(m *value.Map) (*frame, error) {
	var parent, phases int64
	f := &frame{reached: none}
	for name, to := range map[string]*int64{"parent": &parent, "phase": &phases, "pass": &f.pass, "limit": &f.limit} {
		if err := number(m, name, to); err != nil {
			return nil, err
		}
	}
	if parent < 0 || parent >= int64(len(r.frames)) {
		return nil, fmt.Errorf("it hangs in none that comes before it")
	}
	owner, _ := m.Get("owner")
	n, err := r.node(owner)
	if err != nil {
		return nil, err
	}
	kind, _ := m.Get("kind")
	for _, k := range []frameKind{frameLoop, frameTry, frameOnError, frameRetry} {
		if kind == k.word() {
			f.kind = k
		}
	}
	if !r.b.prog.nodes[n].owns(f.kind) {
		return nil, fmt.Errorf("node %s has none of its kind", r.b.id(n))
	}
	if phases < 0 || phases > int64(inFailed) || f.pass < 0 || f.limit < 0 {
		return nil, fmt.Errorf("it stands nowhere")
	}
	f.owner, f.phase = n, phase(phases)
	for name, flag := range map[string]*bool{
		"jumped": &f.jumped, "ended": &f.ended, "closed": &f.closed, "dead": &f.dead, "cleaned": &f.cleaned,
	} {
		_, *flag = m.Get(name)
	}
	if at, ok := m.Get("reached"); ok {
		if f.reached, err = r.node(at); err != nil {
			return nil, err
		}
	}
	origin, _ := m.Get("origin")
	f.origin, _ = origin.(string)
	f.err, f.again = untold(m, "error"), untold(m, "again")
	if f.phase != inBody && f.phase != inFinally && f.err == nil {
		return nil, fmt.Errorf("it has caught nothing")
	}
	f.parent = r.frames[parent]
	f.parent.pending++
	return f, nil
}

// owns says whether frames of a kind belong to a node.
func (n *pnode) owns(kind frameKind) bool {
	switch kind {
	case frameRoot:
		return false
	case frameLoop:
		return n.loopStart()
	case frameTry:
		return n.typ == "TryNode"
	case frameOnError:
		return n.typ == "OnErrorNode"
	case frameRetry:
		return n.typ == "RetryNode"
	}
	return false
}

// untold reads a failure.
func untold(m *value.Map, name string) *Failure {
	v, _ := m.Get(name)
	e, ok := v.(*value.Map)
	if !ok {
		return nil
	}
	text := func(key string) string {
		v, _ := e.Get(key)
		s, _ := v.(string)
		return s
	}
	return &Failure{
		Type: text("type"), Message: text("message"), Class: Class(text("class")), Stack: text("stack"), node: text("node"),
	}
}

// queue reads what waits. Every frame must have something that waits in it, or
// its owner would never go on.
func (r *stateReader) queue(context.Context) error {
	raw, err := r.list("queue")
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		return fmt.Errorf("nothing is to be run")
	}
	for _, e := range raw {
		pair, ok := e.([]any)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("an entry of its queue is no pair")
		}
		n, err := r.node(pair[0])
		if err != nil {
			return err
		}
		at, ok := pair[1].(int64)
		if !ok || at < 0 || at >= int64(len(r.frames)) {
			return fmt.Errorf("node %s waits in a frame that is not there", r.b.id(n))
		}
		r.b.add(n, r.frames[at])
	}
	for i, f := range r.frames {
		if f.pending == 0 {
			return fmt.Errorf("nothing waits in frame %d", i)
		}
	}
	return nil
}

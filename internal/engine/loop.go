package engine

import (
	"context"

	"github.com/casarerpa/fleet/workflow/value"
)

// loopState is where a loop stands between two visits of its start.
type loopState struct {
	items  []any
	keys   []string // of an object, beside its values
	next   int64
	broken bool
}

// defaultPasses is what a while loop may run when it says nothing.
const defaultPasses = 1000

// maxRange bounds the list that a counting loop makes on entry.
const maxRange = 10_000_000

func runFor(_ context.Context, b *branch, v *visiting) (flow, error) {
	st := b.loops[v.node]
	if st == nil {
		var err error
		if st, err = forItems(v.call); err != nil {
			return flow{}, err
		}
		b.loops[v.node] = st
	}
	if st.broken || st.next >= int64(len(st.items)) {
		return b.loopOver(v)
	}
	i := st.next
	st.next++
	item := st.items[i]
	name := v.call.Text("item_var")
	if name == "" {
		name = "item"
	}
	v.call.Set("current_item", item)
	v.call.Set("current_index", i)
	v.call.SetVar(name, item)
	v.call.SetVar(name+"_index", i)
	if st.keys != nil {
		v.call.Set("current_key", st.keys[i])
		v.call.SetVar(name+"_key", st.keys[i])
	}
	return b.nextPass(v, i), nil
}

// forItems fixes the list of a loop on its first visit.
func forItems(c *Call) (*loopState, error) {
	if c.Text("mode") == "range" {
		return forRange(c)
	}
	items := c.Param("items")
	if items == nil || items == "" {
		items = c.Param("list_var")
		if name, ok := items.(string); ok && name != "" {
			v, found := c.Var(name)
			if !found { // a path such as order.lines
				v = c.Resolve("{{" + name + "}}")
			}
			items = v
		}
	}
	switch t := items.(type) {
	case nil:
		return forRange(c)
	case []any:
		return &loopState{items: append([]any(nil), t...)}, nil
	case *value.Map:
		return &loopState{items: t.Values(), keys: t.Keys()}, nil
	case string:
		if t == "" {
			return forRange(c)
		}
		st := &loopState{}
		for _, r := range t {
			st.items = append(st.items, string(r))
		}
		return st, nil
	}
	if t, ok := value.Plain(items).([]any); ok {
		return &loopState{items: t}, nil
	}
	return &loopState{items: []any{items}}, nil
}

func forRange(c *Call) (*loopState, error) {
	start, err := c.Int("start", 0)
	if err != nil {
		return nil, err
	}
	end, err := c.Int("end", 10)
	if err != nil {
		return nil, err
	}
	step, err := c.Int("step", 1)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		return nil, Fail("ValueError", "range() arg 3 must not be zero")
	}
	st := &loopState{}
	for i := start; (step > 0 && i < end) || (step < 0 && i > end); i += step {
		if len(st.items) >= maxRange {
			return nil, Fail("ValueError", "The loop would run more than %d times", maxRange)
		}
		st.items = append(st.items, i)
	}
	return st, nil
}

func runWhile(_ context.Context, b *branch, v *visiting) (flow, error) {
	st := b.loops[v.node]
	if st == nil {
		st = &loopState{}
		b.loops[v.node] = st
	}
	limit, err := v.call.Int("max_iterations", defaultPasses)
	if err != nil {
		return flow{}, err
	}
	if !st.broken && st.next >= limit {
		v.call.Note("the loop ended after max_iterations passes")
		st.broken = true
	}
	if st.broken || !v.call.Condition(whileCondition(v.call)) {
		return b.loopOver(v)
	}
	i := st.next
	st.next++
	v.call.Set("current_iteration", i)
	return b.nextPass(v, i), nil
}

// whileCondition is the port, else the expression, else the setting that many
// files write instead (rule C4). References stay in it: Condition binds them.
func whileCondition(c *Call) any {
	if v, ok := c.Port("condition"); ok {
		return v
	}
	if v, ok := c.Setting("expression"); ok && v != "" {
		return v
	}
	v, _ := c.Setting("condition")
	return v
}

// nextPass opens the frame of a pass and sends the flow into the body.
func (b *branch) nextPass(v *visiting, i int64) flow {
	var f *frame
	for _, out := range v.n.flow {
		if out.port != "body" {
			continue
		}
		if f == nil {
			f = v.frame.push(frameLoop, v.node)
			f.pass = i
		}
		b.add(out.to, f)
	}
	if f == nil { // an empty body: only the passes count
		v.call.Note("nothing is linked to body")
		b.clear(v.node)
		b.addFront(v.node, v.frame)
	}
	return flow{moved: true}
}

// loopOver ends a loop: on at completed, or behind the end node (rule C12).
func (b *branch) loopOver(v *visiting) (flow, error) {
	delete(b.loops, v.node)
	for _, out := range v.n.flow {
		if out.port == "completed" {
			return flow{res: Goto("completed")}, nil
		}
	}
	if v.n.pair.end == none {
		return flow{res: Result{End: true}}, nil
	}
	for _, out := range b.prog.nodes[v.n.pair.end].flow {
		if out.port == "exec_out" {
			b.add(out.to, v.frame)
			v.call.Note("C12: completed has no link, so the flow goes on behind the loop's end")
		}
	}
	return flow{moved: true}, nil
}

// runLoopEnd takes the flow back to the start while the loop goes on.
func runLoopEnd(_ context.Context, b *branch, v *visiting) (flow, error) {
	if s := v.n.pair.start; s != none && b.loops[s] != nil {
		return b.jump(v, s, false)
	}
	return flow{res: Goto("exec_out")}, nil
}

func runBreak(_ context.Context, b *branch, v *visiting) (flow, error) {
	s := v.n.pair.start
	if s == none || b.loops[s] == nil {
		return flow{res: Goto("exec_out")}, nil
	}
	b.loops[s].broken = true
	return b.jump(v, s, true)
}

func runContinue(_ context.Context, b *branch, v *visiting) (flow, error) {
	if s := v.n.pair.start; s != none && b.loops[s] != nil {
		return b.jump(v, s, true)
	}
	return flow{res: Goto("exec_out")}, nil
}

// jump leaves whatever encloses v and goes back to the start of a loop. With
// drop, what still waits in the parts that it leaves is given up.
func (b *branch) jump(v *visiting, start int, drop bool) (flow, error) {
	f := v.frame.enclosing(frameLoop, start)
	if f == nil { // reached from outside of the body
		b.clear(start)
		b.addFront(start, v.frame)
		return flow{moved: true}, nil
	}
	for g := v.frame; g != f; g = g.parent {
		if g.again != nil { // a finally part must not swallow its error
			err := g.again
			g.again = nil
			return flow{}, &raised{from: g.parent, cause: err}
		}
	}
	b.leave(f, v.frame, drop)
	b.jumpBack(f)
	return flow{moved: true}, nil
}

// leave gives up the frames from at up to, but without, f.
func (b *branch) leave(f, at *frame, drop bool) {
	var top *frame // the one right below f
	for g := at; g != f; g = g.parent {
		g.closed, g.jumped = true, true
		top = g
	}
	if drop && top != nil {
		b.abandon(top, at)
		b.bury(top)
	}
}

// jumpBack starts the next pass of the loop that f is a pass of.
func (b *branch) jumpBack(f *frame) {
	f.jumped = true
	b.clear(f.owner)
	b.addFront(f.owner, f.parent)
}

// passDrained goes on with a loop whose body came to an end without reaching
// the loop's end node, unless the author ended the flow there.
func (b *branch) passDrained(f *frame) {
	if !f.jumped && !f.ended && b.loops[f.owner] != nil {
		b.jumpBack(f)
	}
}

// clear un-marks the body of a loop so that it can run again; loops inside
// start anew.
func (b *branch) clear(start int) {
	for _, n := range b.prog.nodes[start].region {
		b.done[n] = false
		if n != start && b.prog.nodes[n].loopable {
			delete(b.loops, n)
		}
	}
	b.done[start] = false
}

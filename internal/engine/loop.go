package engine

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine/template"
	"github.com/casarerpa/fleet/workflow/value"
)

// loopState is where a loop stands between two visits of its start.
type loopState struct {
	items  []any
	keys   []string // of an object, beside its values
	from   int64    // of a counting loop, which makes no list
	step   int64    // not 0 for a counting loop
	count  int64    // passes at most; of a while loop unused
	next   int64
	broken bool
}

// item is what pass i gets.
func (st *loopState) item(i int64) any {
	if st.step != 0 {
		return st.from + i*st.step
	}
	return st.items[i]
}

// listOf is the state of a loop over a list.
func listOf(items []any, keys []string) *loopState {
	return &loopState{items: items, keys: keys, count: int64(len(items))}
}

// defaultPasses is what a while loop may run when it says nothing.
const defaultPasses = 1000

// maxRange bounds a counting loop. More passes than that no run is allowed.
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
	if st.broken || st.next >= st.count {
		return b.loopOver(v)
	}
	i := st.next
	st.next++
	item := st.item(i)
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

// forItems fixes the list of a loop on its first visit: the port or setting
// items, else the variable that list_var names, else the numbers of the range.
// A reference to nothing counts as not given, as in the original; taken as a
// text, the loop would go through its letters.
func forItems(c *Call) (*loopState, error) {
	if c.Text("mode") == "range" {
		return forRange(c)
	}
	items := given(c, "items")
	if items == nil || items == "" {
		items = given(c, "list_var")
		if name, ok := items.(string); ok && name != "" {
			items = byName(c, name)
		}
	}
	if items == nil || items == "" {
		return forRange(c)
	}
	return overItems(items), nil
}

// given reads a parameter and leaves out a reference that found nothing.
func given(c *Call, name string) any {
	v := c.Param(name)
	text, isText := v.(string)
	if !isText || !template.IsReference(text) {
		return v
	}
	if written, _ := c.Setting(name); written != v {
		return v // a value that only looks like one
	}
	c.Warn(name + " counts as not given: there is no value " + text)
	return nil
}

// byName reads the variable, or the path such as order.lines, that a setting
// names.
func byName(c *Call, name string) any {
	if v, ok := c.Var(name); ok {
		return v
	}
	path := "{{" + name + "}}"
	if v := c.Resolve(path); v != path {
		return v
	}
	c.Warn("there is no variable " + name + " to go through")
	return nil
}

// overItems makes a loop over whatever there is: the values of an object, the
// letters of a text, a single value.
func overItems(items any) *loopState {
	switch t := items.(type) {
	case []any:
		return listOf(append([]any(nil), t...), nil)
	case *value.Map:
		return listOf(t.Values(), t.Keys())
	case string:
		var letters []any
		for _, r := range t {
			letters = append(letters, string(r))
		}
		return listOf(letters, nil)
	}
	if t, ok := value.Plain(items).([]any); ok {
		return listOf(t, nil)
	}
	return listOf([]any{items}, nil)
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
	count := passes(start, end, step)
	if count > maxRange {
		return nil, Fail("ValueError", "The loop would run more than %d times", maxRange)
	}
	return &loopState{from: start, step: step, count: int64(count)}, nil
}

// passes counts the numbers of a range. The distance between two int64 needs
// all bits of an uint64.
func passes(start, end, step int64) uint64 {
	switch {
	case step > 0 && start < end:
		return (uint64(end)-uint64(start)-1)/uint64(step) + 1
	case step < 0 && start > end:
		return (uint64(start)-uint64(end)-1)/(-uint64(step)) + 1
	}
	return 0
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

// runLoopEnd ends a pass while the loop goes on.
func runLoopEnd(_ context.Context, b *branch, v *visiting) (flow, error) {
	s := v.n.pair.start
	if s == none || b.loops[s] == nil {
		return flow{res: Goto("exec_out")}, nil
	}
	f := v.frame.enclosing(frameLoop, s)
	if f == nil || !v.frame.endsWith(f) {
		return b.jump(v, s, false)
	}
	f.reached = v.node
	return flow{moved: true}, nil
}

// endsWith says whether the end of pass g may wait for f: what else the body
// still has to do belongs to this pass and sees its item, and a try on the way
// comes to its finally. The end of an outer loop inside an inner one is a jump
// out of that.
func (f *frame) endsWith(g *frame) bool {
	for ; f != g; f = f.parent {
		if f.kind == frameLoop {
			return false
		}
	}
	return true
}

func runBreak(_ context.Context, b *branch, v *visiting) (flow, error) {
	return b.leaveLoop(v, true)
}

func runContinue(_ context.Context, b *branch, v *visiting) (flow, error) {
	return b.leaveLoop(v, false)
}

// leaveLoop ends the pass, or the whole loop, that a break or continue belongs to.
func (b *branch) leaveLoop(v *visiting, broken bool) (flow, error) {
	s := v.n.pair.start
	switch {
	case s == none:
		v.call.Note("no loop belongs to this node, so the flow just goes on")
		return flow{res: Goto("exec_out")}, nil
	case b.loops[s] != nil:
		b.loops[s].broken = b.loops[s].broken || broken
		return b.jump(v, s, true)
	case b.outer.runs(s):
		b.asks(&departure{loop: s, broken: broken})
		return flow{res: Result{End: true}}, nil
	}
	return flow{res: Goto("exec_out")}, nil
}

// departure is the wish of an arm to leave a loop around its fork. The fork
// fulfils it when all its arms have ended, since a loop cannot go on without
// them.
type departure struct {
	loop   int
	broken bool // the loop, not only the pass
}

// runs says whether a loop is going on in the branch or one around it. The
// branches around wait for this one, so nobody changes their loops meanwhile.
func (b *branch) runs(loop int) bool {
	for ; b != nil; b = b.outer {
		if b.loops[loop] != nil {
			return true
		}
	}
	return false
}

// asks keeps the wish that leads further: a break goes before a continue.
func (b *branch) asks(d *departure) {
	if d != nil && (b.away == nil || d.broken && !b.away.broken) {
		b.away = d
	}
}

// depart fulfils the wishes of arms that have ended, or hands them on to the
// fork around. left says whether there were any.
func (b *branch) depart(v *visiting, arms []*arm) (where flow, left bool, err error) {
	var wish branch
	for _, a := range arms {
		wish.asks(a.b.away)
	}
	d := wish.away
	if d == nil {
		return flow{}, false, nil
	}
	if st := b.loops[d.loop]; st != nil {
		st.broken = st.broken || d.broken
		where, err = b.jump(v, d.loop, true)
		return where, true, err
	}
	b.asks(d)
	return flow{res: Result{End: true}}, true, nil
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
	if f.reached != none {
		b.done[f.reached] = true // the end node counts as executed, as in the original
	}
	b.addFront(f.owner, f.parent)
}

// passDrained goes on with a loop when nothing of the pass waits any more. A
// body may end without reaching the loop's end node, unless the author ended
// the flow there.
func (b *branch) passDrained(f *frame) {
	if !f.jumped && (f.reached != none || !f.ended) && b.loops[f.owner] != nil {
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

package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/workflow/value"
)

// raised is a failure that counts for a frame other than the one of the node
// that returned it.
type raised struct {
	from  *frame
	cause *Failure
}

func (r *raised) Error() string { return r.cause.Message }
func (r *raised) Unwrap() error { return r.cause }

// halt ends the run from outside: no try catches it.
type halt struct{ cause error }

func (h *halt) Error() string { return h.cause.Error() }
func (h *halt) Unwrap() error { return h.cause }

func stopped(cause error) error { return &halt{cause} }

// visit runs one entry of the queue: the node, and where the flow goes from it.
func (b *branch) visit(ctx context.Context, e entry) error {
	v := b.take(e.node, e.frame)
	where, err := b.perform(ctx, v)
	if err == nil && !where.moved {
		b.follow(v, where)
	}
	b.give(v)
	if err != nil {
		return b.fails(e, err)
	}
	return nil
}

// fails routes the error of a visit: to who stopped the run, to who catches
// it, or out.
func (b *branch) fails(e entry, err error) error {
	if _, ok := errors.AsType[*halt](err); ok {
		return err
	}
	from := e.frame
	r, passedOn := errors.AsType[*raised](err)
	if passedOn {
		from, err = r.from, r.cause
	}
	f := AsFailure(err)
	if again, ends := b.ends(from); !ends {
		b.kept = nil
	} else if !passedOn { // what is passed on was kept where it happened
		b.keep(e, f, again)
	}
	if b.catch(f, from, e.frame) {
		return nil
	}
	if b.run.opts.ContinueOnError {
		b.run.note("continued after " + b.prog.nodes[e.node].id + ": " + f.Message)
		return nil
	}
	return f
}

// perform is one step: evaluation of what the node needs, the node itself, its
// record, and the storing of what it put out.
func (b *branch) perform(ctx context.Context, v *visiting) (where flow, err error) {
	r, n := b.run, v.n
	v.scope.ctx = ctx
	secrets := haveSecrets(ctx, n, r.opts.Host) // before the gate: a run may be stopped while it waits for one
	if g := r.opts.Gate; g != nil {
		if err := g.Enter(ctx, r.prefix+n.id); err != nil {
			return flow{}, stopped(err)
		}
	}
	if r.shared.visits.Add(1) > r.limits.Visits {
		return flow{}, stopped(&Failure{
			Type: "LimitExceeded", Class: ClassBusiness,
			Message: fmt.Sprintf("The run was stopped after %d node executions", r.limits.Visits),
		})
	}
	if len(n.data) > 0 {
		if err := b.evaluate(ctx, v); err != nil {
			return flow{}, err
		}
	}
	b.visited(v.node)
	rec := b.begin(v)
	err = b.fill(v)
	if err == nil {
		err = secrets
	}
	if err != nil {
		b.failed = failing{node: v.node, ports: b.ports[v.node]}
		err = blame(err, v.n.id)
		b.end(v, &rec, err)
		return flow{}, err
	}
	where, err = b.act(ctx, v)
	if err == nil {
		if err = v.call.broken; err != nil && v.n.special != nil {
			v.deepen("node %s went over a limit in the middle of its work")
		}
	}
	if rec.wanted {
		rec.outputs = b.run.capped(v.call.outputs)
	}
	if err == nil {
		err = b.store(v)
	} else {
		b.failed = failing{node: v.node, ports: b.ports[v.node], deep: v.deep}
		b.keepPorts(v)
		err = blame(err, v.n.id)
	}
	b.end(v, &rec, err)
	return where, err
}

// blame makes the error of a node a Failure that knows where it happened. One
// that is only passed on keeps the place where it happened first.
func blame(err error, id string) error {
	var h *halt
	var r *raised
	if errors.As(err, &h) || errors.As(err, &r) {
		return err
	}
	f := AsFailure(err)
	if f.node == "" {
		own := *f // the node may hand out the same error many times
		f = &own
		f.node = id
	}
	return f
}

// fill puts the values of incoming links on the node's ports.
func (b *branch) fill(v *visiting) error {
	c := v.call
	for i := range v.n.data {
		d := &v.n.data[i]
		val, synonym := b.read(d)
		if val == nil {
			continue
		}
		if synonym != "" {
			c.Note("C11: " + b.prog.nodes[d.from].id + " has no output " + d.output + ", so " + synonym + " was read")
		}
		if !d.known {
			return Fail("ValueError", "Node %s has no input port '%s'", v.n.id, d.input)
		}
		c.setInput(d.input, val)
	}
	return nil
}

// read returns the value at the source of a link, and the output it really
// came from if that is another one.
func (b *branch) read(d *dataIn) (any, string) {
	out := b.ports[d.from]
	if val, ok := out.Get(d.output); ok {
		return val, ""
	}
	for _, name := range d.synonyms {
		if val, ok := out.Get(name); ok && val != nil {
			return val, name
		}
	}
	return nil, ""
}

// act runs the node, or what stands for it.
func (b *branch) act(ctx context.Context, v *visiting) (flow, error) {
	n, c := v.n, v.call
	if n.disabled {
		return flow{res: b.bypass(v)}, nil
	}
	for _, name := range n.required {
		if _, ok := c.Port(name); ok {
			continue
		}
		if _, ok := n.config.Get(name); ok {
			if val, _ := n.config.Get(name); val != nil {
				continue
			}
		}
		return flow{}, Fail("ExecutionError", "Required input port '%s' has no value", name)
	}
	if n.once {
		return b.actOnce(ctx, v)
	}
	return b.actNow(ctx, v)
}

func (b *branch) actNow(ctx context.Context, v *visiting) (where flow, err error) {
	b.now.node.Store(int64(v.node))
	b.now.visit.Store(b.run.shared.visits.Load())
	if v.n.special != nil {
		where, err = guardedSpecial(ctx, v, b)
	} else {
		lazy := b.lazy.enter(ctx, v.n.timeout)
		where.res, err = guarded(lazy, v.n.impl, v.call)
		if err != nil && lazy.expired() && ctx.Err() == nil {
			err = timedOut(v.n)
		}
		b.lazy.leave(lazy)
	}
	b.now.visit.Store(0)
	if err != nil && ctx.Err() != nil {
		err = stopped(context.Cause(ctx))
	}
	return where, err
}

func timedOut(n *pnode) *Failure {
	return &Failure{
		Type: "TimeoutError", Class: ClassTimeout,
		Message: "Node " + n.id + " timed out after " + seconds(n.timeout) + "s",
	}
}

// seconds writes a duration as Python writes a float.
func seconds(d time.Duration) string { return value.Str(d.Seconds()) }

// bypass copies inputs to the outputs of the same name. A node without exec_out
// is stepped over where its own flow would have gone on without it: behind a
// loop, or into the body of a try that no longer protects.
func (b *branch) bypass(v *visiting) Result {
	v.call.Note("the node is disabled")
	for _, in := range v.call.inputs {
		name := in.name
		if stem, ok := cutSuffix(name, "_in"); ok {
			name = stem + "_out"
		}
		v.call.Set(name, in.val)
	}
	for _, port := range []string{"exec_out", "completed", "try_body", "protected_body"} {
		if b.linked(v.node, port) {
			return Goto(port)
		}
	}
	if len(v.n.flow) > 0 {
		v.call.Note("nothing is linked to its exec_out, so the flow ends here")
	}
	return Result{End: true}
}

func cutSuffix(s, suffix string) (string, bool) {
	if len(s) > len(suffix) && s[len(s)-len(suffix):] == suffix {
		return s[:len(s)-len(suffix)], true
	}
	return s, false
}

// actOnce runs a node that must not run twice: the intent is safe before it
// starts, and an earlier attempt's outcome stands for it.
func (b *branch) actOnce(ctx context.Context, v *visiting) (flow, error) {
	g := b.run.opts.Gate
	if g == nil {
		return b.actNow(ctx, v)
	}
	id, key := b.run.prefix+v.n.id, b.effectKey(v)
	outcome, skip, err := g.Begin(ctx, id, key)
	if err != nil {
		return flow{}, stopped(err)
	}
	if skip {
		note := "an earlier attempt has done this; its outcome was used"
		if len(outcome) == 0 {
			note = "an earlier attempt has done this; its outputs were not recorded"
		}
		v.call.Note(note)
		return flow{res: b.replay(v, outcome)}, nil
	}
	where, err := b.actNow(ctx, v)
	done := err == nil
	if !done && ctx.Err() != nil {
		return where, err // cut off in the middle: nobody knows what was done, so the intent stays open
	}
	if endErr := g.End(context.WithoutCancel(ctx), id, key, done, recorded(v.call, where.res)); endErr != nil && done {
		return flow{}, stopped(endErr)
	}
	return where, err
}

// effectKey names this execution of a node in a way that a repeated run of the
// same job finds again.
func (b *branch) effectKey(v *visiting) string {
	key := v.n.id
	if it := b.iteration(v.frame); it != "" {
		key += "[" + it + "]"
	}
	if b.name != "" {
		key += "@" + b.name
	}
	if n := b.run.shared.occurrence(b.run.prefix + key); n > 1 {
		key += "#" + strconv.Itoa(n)
	}
	return key
}

func recorded(c *Call, res Result) map[string]any {
	out := map[string]any{}
	for k, val := range c.outputs.All() {
		out[k] = present(val)
	}
	m := map[string]any{"outputs": out}
	if len(res.Next) > 0 {
		next := make([]any, len(res.Next))
		for i, p := range res.Next {
			next[i] = p
		}
		m["next"] = next
	}
	if res.End {
		m["end"] = true
	}
	return m
}

// replay puts a recorded outcome on the ports and says where the flow went.
func (b *branch) replay(v *visiting, outcome map[string]any) Result {
	var res Result
	if m, ok := value.FromGo(outcome["outputs"]).(*value.Map); ok {
		for k, val := range m.All() {
			v.call.Set(k, val)
		}
	}
	if next, ok := value.FromGo(outcome["next"]).([]any); ok {
		for _, p := range next {
			res.Next = append(res.Next, value.Str(p))
		}
	}
	res.End, _ = outcome["end"].(bool)
	return res
}

// store keeps the outputs: on the ports for links, and as the variable that is
// called like the node. Null outputs are left out, so older values stay.
func (b *branch) store(v *visiting) error {
	b.done[v.node] = true
	if !b.ever[v.node] {
		b.ever[v.node] = true
		b.run.executed(v.node)
	}
	out := b.keepPorts(v)
	if out == nil {
		return nil
	}
	return b.keepOutputs(v, out)
}

// keepPorts moves the outputs of the visit to the node's ports, where those of
// earlier visits stay unless they were set anew.
func (b *branch) keepPorts(v *visiting) *value.Map {
	out := v.call.outputs
	v.call.outputs = nil
	if out == nil {
		return nil
	}
	var nulls []string
	for k, val := range out.All() {
		if val == nil {
			nulls = append(nulls, k)
		}
	}
	for _, k := range nulls {
		out.Delete(k)
	}
	if out.Len() == 0 {
		return nil
	}
	if old := b.ports[v.node]; old != nil {
		for k, val := range old.All() {
			if !out.Has(k) {
				out.Set(k, val)
			}
		}
	}
	b.ports[v.node] = out
	return out
}

// evaluate runs the nodes that only feed this one and have not run yet (rule
// C7). A loop clears them together with the nodes that they feed.
func (b *branch) evaluate(ctx context.Context, v *visiting) error {
	for i := range v.n.data {
		from := v.n.data[i].from
		if !b.prog.nodes[from].pulled || b.done[from] || b.depth > maxPull {
			continue
		}
		if b.pulling == nil {
			b.pulling = make([]bool, len(b.prog.nodes))
		}
		if b.pulling[from] { // a circle of data links has no first value
			continue
		}
		b.pulling[from] = true
		b.depth++
		src := b.take(from, v.frame)
		_, err := b.perform(ctx, src)
		b.give(src)
		b.depth--
		b.pulling[from] = false
		if err != nil {
			return err
		}
	}
	return nil
}

// maxPull bounds how deep evaluation on demand goes.
const maxPull = 500

package engine

import (
	"context"
	"strings"
	"time"
)

// catch finds who handles a failure: the innermost try, on-error or retry
// whose body from lies in. at is the frame of the entry being processed.
func (b *branch) catch(f *Failure, from, at *frame) bool {
	for g := from; g != nil; g = g.parent {
		if g.dead || g.closed {
			continue
		}
		handled := false
		switch g.kind {
		case frameRoot, frameLoop:
		case frameTry:
			handled = b.catchTry(g, f, at)
		case frameOnError:
			handled = b.catchOnError(g, f, at)
		case frameRetry:
			handled = b.catchRetry(g, f, at)
		}
		if handled {
			return true
		}
	}
	return false
}

// catchTry sends the flow to the catch node, or else to the finally node, with
// the failure kept to be raised again behind it.
func (b *branch) catchTry(g *frame, f *Failure, at *frame) bool {
	pair := &b.prog.nodes[g.owner].pair
	if g.phase == inBody && pair.catch != none {
		g.phase, g.err = inCatch, f
		b.abandon(g, at)
		b.done[pair.catch] = false
		b.addFront(pair.catch, g)
		return true
	}
	if pair.finally != none && !g.cleaned {
		g.again = f
		if g.err == nil {
			g.err = f
		}
		g.phase, g.cleaned = inFinally, true
		b.abandon(g, at)
		b.done[pair.finally] = false
		b.addFront(pair.finally, g)
		return true
	}
	return false
}

// tryDone is called when nothing waits in a try or on-error any more: the
// finally part comes next, and behind it what was not caught is raised again.
func (b *branch) tryDone(g *frame) (more bool, err error) {
	if g.closed {
		return false, nil
	}
	if !g.cleaned {
		g.cleaned, g.phase = true, inFinally
		if g.kind == frameOnError {
			b.enqueuePort(g.owner, "finally", g)
		} else if fin := b.prog.nodes[g.owner].pair.finally; fin != none && !b.done[fin] {
			b.addFront(fin, g)
		}
		if g.pending > 0 {
			return true, nil
		}
	}
	if again := g.again; again != nil {
		g.again = nil
		g.dead = true
		if !b.catch(again, g.parent, g) {
			if b.run.opts.ContinueOnError {
				return false, nil
			}
			return false, again
		}
	}
	return false, nil
}

// enqueuePort puts what is linked to a port of a node at the end of the queue.
func (b *branch) enqueuePort(n int, port string, f *frame) bool {
	found := false
	for _, out := range b.prog.nodes[n].flow {
		if out.port == port {
			b.add(out.to, f)
			found = true
		}
	}
	return found
}

func runTry(_ context.Context, b *branch, v *visiting) (flow, error) {
	f := v.frame.push(frameTry, v.node)
	if !b.enqueuePort(v.node, "try_body", f) && !b.enqueuePort(v.node, "exec_out", f) {
		v.frame.pending--
	}
	return flow{moved: true}, nil
}

func runCatch(_ context.Context, b *branch, v *visiting) (flow, error) {
	g := v.frame.enclosing(frameTry, v.n.pair.try)
	if g == nil || g.phase != inCatch || g.err == nil {
		return flow{res: Result{End: true}}, nil
	}
	if filter := v.call.Text("error_types"); strings.TrimSpace(filter) != "" && !named(filter, g.err.Type) {
		return flow{}, g.err // not ours: the frame is past its body and passes it on
	}
	setError(v.call, g.err)
	return flow{res: Goto("catch_body")}, nil
}

// named says whether a comma list holds a name.
func named(list, name string) bool {
	for part := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(part) == name {
			return true
		}
	}
	return false
}

func setError(c *Call, f *Failure) {
	c.Set("error_message", f.Message)
	c.Set("error_type", f.Type)
	c.Set("stack_trace", f.Stack)
}

func runFinally(_ context.Context, _ *branch, v *visiting) (flow, error) {
	had := false
	if g := v.frame.enclosing(frameTry, v.n.pair.try); g != nil {
		had = g.err != nil
		g.cleaned, g.phase = true, inFinally
	}
	v.call.Set("had_error", had)
	return flow{res: Goto("finally_body")}, nil
}

// runOnError opens the protected body; the interpreter comes back to it with an
// error that happened there.
func runOnError(_ context.Context, b *branch, v *visiting) (flow, error) {
	if g := v.frame; g.kind == frameOnError && g.owner == v.node && g.phase == inCatch {
		setError(v.call, g.err)
		v.call.Set("error_node", g.origin)
		return flow{res: Goto("on_error")}, nil
	}
	f := v.frame.push(frameOnError, v.node)
	if !b.enqueuePort(v.node, "protected_body", f) {
		b.enqueuePort(v.node, "finally", f)
		f.cleaned = true
	}
	if f.pending == 0 {
		v.frame.pending--
	}
	return flow{moved: true}, nil
}

func (b *branch) catchOnError(g *frame, f *Failure, at *frame) bool {
	if g.phase == inBody && b.linked(g.owner, "on_error") {
		g.phase, g.err = inCatch, f
		g.origin = f.node
		b.abandon(g, at)
		b.done[g.owner] = false
		b.addFront(g.owner, g)
		return true
	}
	if !g.cleaned {
		g.again, g.cleaned, g.phase = f, true, inFinally
		b.abandon(g, at)
		return b.enqueuePort(g.owner, "finally", g)
	}
	return false
}

func (b *branch) linked(n int, port string) bool {
	for _, out := range b.prog.nodes[n].flow {
		if out.port == port {
			return true
		}
	}
	return false
}

// runRetry starts an attempt, or gives up.
func runRetry(ctx context.Context, b *branch, v *visiting) (flow, error) {
	g := v.frame
	if g.kind != frameRetry || g.owner != v.node {
		limit, err := v.call.Int("max_attempts", 3)
		if err != nil {
			return flow{}, err
		}
		g = v.frame.push(frameRetry, v.node)
		g.pass, g.limit = 1, max(1, limit)
	}
	v.call.Set("attempt", g.pass)
	if g.err != nil {
		v.call.Set("last_error", g.err.Message)
	} else {
		v.call.Set("last_error", "")
	}
	if g.phase == inFailed {
		g.closed = true
		if !b.linked(v.node, "failed") {
			return flow{}, &raised{from: g.parent, cause: g.err}
		}
		return flow{res: Goto("failed"), frame: g}, nil
	}
	if g.pass > 1 {
		wait, err := retryDelay(v.call, g.pass)
		if err != nil {
			return flow{}, &raised{from: g.parent, cause: AsFailure(err)}
		}
		if err := Pause(ctx, wait); err != nil {
			return flow{}, err
		}
	}
	if !b.enqueuePort(v.node, "retry_body", g) && g != v.frame {
		v.frame.pending--
		g.dead = true
		b.enqueuePort(v.node, "success", v.frame)
	}
	return flow{moved: true}, nil
}

// retryDelay is the wait before attempt n, for n of at least 2.
func retryDelay(c *Call, n int64) (time.Duration, error) {
	wait, err := c.Float("initial_delay", 1)
	if err != nil {
		return 0, err
	}
	factor, err := c.Float("backoff_multiplier", 2)
	if err != nil {
		return 0, err
	}
	for range n - 2 {
		if wait *= factor; wait > maxWait.Seconds() {
			break
		}
	}
	return time.Duration(min(max(0, wait), maxWait.Seconds()) * float64(time.Second)), nil
}

// maxWait bounds the wait before an attempt.
const maxWait = time.Hour

func (b *branch) catchRetry(g *frame, f *Failure, at *frame) bool {
	if g.phase != inBody {
		return false
	}
	g.err = f
	b.abandon(g, at)
	for _, n := range b.prog.nodes[g.owner].region {
		b.done[n] = false
		delete(b.loops, n)
	}
	if g.pass >= g.limit {
		g.phase = inFailed
	} else {
		g.pass++
	}
	b.done[g.owner] = false
	b.addFront(g.owner, g)
	return true
}

// retryDone is called when the body of a retry came to its end without error.
func (b *branch) retryDone(g *frame) {
	if g.closed || g.phase != inBody {
		return
	}
	g.closed = true
	b.enqueuePort(g.owner, "success", g)
}

func runRetrySuccess(_ context.Context, b *branch, v *visiting) (flow, error) {
	g := v.frame.nearest(frameRetry)
	if g == nil {
		return flow{}, nil
	}
	g.closed = true
	b.follow(v, flow{})
	b.enqueuePort(g.owner, "success", g)
	return flow{moved: true}, nil
}

func runRetryFail(_ context.Context, _ *branch, v *visiting) (flow, error) {
	if g := v.frame.nearest(frameRetry); g == nil || g.phase != inBody {
		return flow{}, nil
	}
	text := v.call.Text("error_message")
	if text == "" {
		text = "The attempt failed"
	}
	return flow{}, Fail("RetryFail", "%s", text)
}

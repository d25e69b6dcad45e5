package engine

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/workflow"
	"github.com/casarerpa/fleet/workflow/value"
)

// arm is one branch of a fork, or one item of a parallel loop, and how it ended.
type arm struct {
	port string
	b    *branch
	err  error
}

// runFork runs what is linked to each branch port at the same time, each on a
// copy of the variables, until the join; then the join runs once.
func runFork(ctx context.Context, b *branch, v *visiting) (flow, error) {
	var arms []*arm
	for _, port := range forkPorts(v.n) {
		name := v.n.id + "." + port
		if b.name != "" {
			name = b.name + "/" + name
		}
		a := &arm{port: port, b: b.split(name, b.iteration(v.frame))}
		a.b.stop = v.n.pair.join
		a.b.enqueuePort(v.node, port, a.b.root)
		arms = append(arms, a)
	}
	if len(arms) == 0 {
		v.call.Note("the fork has no branches")
		return flow{res: Goto("exec_out")}, nil
	}
	v.deepen("the failure was in one of the parallel branches of node %s")
	err := b.parallel(ctx, arms, v.call.Bool("fail_fast"), 0)
	if err == nil {
		err = firstFailure(arms)
	}
	results := value.NewMap()
	for _, a := range arms {
		b.absorb(a.b)
		results.Set(a.port, a.result(b.vars))
	}
	if err != nil {
		return flow{}, err
	}
	if where, left, err := b.depart(v, arms); left {
		return where, err
	}
	join := v.n.pair.join
	if join == none {
		v.call.Note("no join was found for this fork; the flow ends with its branches")
		return flow{res: Goto("exec_out")}, nil
	}
	b.joins(join).Set("results", results)
	b.done[join] = false
	b.add(join, v.frame)
	return flow{moved: true}, nil
}

// forkPorts are the linked branch ports by their number.
func forkPorts(n *pnode) []string {
	var ports []string
	for _, out := range n.flow {
		if strings.HasPrefix(out.port, "branch_") && !slices.Contains(ports, out.port) {
			ports = append(ports, out.port)
		}
	}
	slices.SortStableFunc(ports, func(a, b string) int { return portNumber(a) - portNumber(b) })
	return ports
}

func portNumber(port string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(port, "branch_"))
	if err != nil {
		return 1 << 30
	}
	return n
}

// result is what a join sees of a branch: its variables without internals, and
// the error of one that failed. What an earlier join left is not handed on, or
// a fork in a loop would double it with every pass.
func (a *arm) result(before *value.Map) *value.Map {
	m := value.NewMap()
	for k, val := range a.b.vars.All() {
		if workflow.Private(k) {
			continue
		}
		if a.b.prog.ofJoin(k) {
			if old, ok := before.Get(k); ok && value.Equal(old, val) {
				continue
			}
		}
		m.Set(k, present(val))
	}
	if a.err != nil {
		m.Set("error", AsFailure(a.err).Message)
	}
	return m
}

// ofJoin says whether a variable comes from a join: its outputs, or a branch's
// variable under the name of the branch.
func (p *program) ofJoin(name string) bool {
	if strings.HasPrefix(name, "branch_") {
		return true
	}
	n, ok := p.byID[name]
	return ok && p.nodes[n].typ == "JoinNode"
}

// changes is what a parallel loop keeps of an item: the variables that its body
// set, and the error of one that failed.
func (a *arm) changes(before *value.Map) *value.Map {
	m := value.NewMap()
	for k, val := range a.b.vars.All() {
		if old, ok := before.Get(k); !workflow.Private(k) && (!ok || !value.Equal(old, val)) {
			m.Set(k, val)
		}
	}
	if a.err != nil {
		m.Set("error", AsFailure(a.err).Message)
	}
	return m
}

// parallel runs arms at the same time and waits for all of them. With failFast
// the first failure cancels the others. The error is what stops the whole run,
// or with failFast the failure.
func (b *branch) parallel(outer context.Context, arms []*arm, failFast bool, limit time.Duration) error {
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	slots := b.run.shared.slots
	run := func(a *arm) {
		a.err = b.runArm(ctx, a, limit)
		if a.err != nil && failFast {
			cancel(errSibling)
		}
	}
	var wait sync.WaitGroup
	for _, a := range arms {
		select {
		case slots <- struct{}{}:
			wait.Go(func() {
				defer func() { <-slots }()
				run(a)
			})
		default:
			// The run has as many branches as it may. Waiting for one of them to
			// end could be waiting for ourselves, so the arm runs right here.
			run(a)
		}
	}
	wait.Wait()
	if outer.Err() != nil {
		return stopped(context.Cause(outer))
	}
	for _, a := range arms {
		if isHalt(a.err) && !errors.Is(a.err, errSibling) {
			return a.err
		}
	}
	if failFast {
		return firstFailure(arms)
	}
	return nil
}

// firstFailure is the failure of the first arm, in order, that failed by itself.
func firstFailure(arms []*arm) error {
	for _, a := range arms {
		if a.err != nil && !isHalt(a.err) {
			return a.err
		}
	}
	return nil
}

func isHalt(err error) bool {
	var h *halt
	return errors.As(err, &h)
}

// errSibling stops the arms beside one that failed.
var errSibling = Fail("CancelledError", "Another branch failed")

func (b *branch) runArm(ctx context.Context, a *arm, limit time.Duration) error {
	b.run.watch.add(a.b)
	defer b.run.watch.remove(a.b)
	if limit <= 0 {
		return unbroken(func() error { return a.b.drain(ctx) })
	}
	mine, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := unbroken(func() error { return a.b.drain(mine) })
	if err != nil && mine.Err() != nil && ctx.Err() == nil {
		return &Failure{
			Type: "TimeoutError", Class: ClassTimeout, Message: "The item timed out after " + seconds(limit) + "s",
		}
	}
	return err
}

// runJoin hands the results of the branches on. Their variables come back
// under the name of the branch.
func runJoin(_ context.Context, b *branch, v *visiting) (flow, error) {
	results := value.NewMap()
	held := b.joins(v.node)
	if m, ok := held.Get("results"); ok {
		results, _ = m.(*value.Map)
		held.Delete("results")
	}
	chosen := results
	if keys := results.Keys(); len(keys) > 0 {
		switch v.call.Text("merge_strategy") {
		case "first":
			chosen = only(results, keys[0])
		case "last":
			chosen = only(results, keys[len(keys)-1])
		}
	}
	for branch, vars := range chosen.All() {
		m, _ := vars.(*value.Map)
		for name, val := range m.All() {
			v.call.SetVar(branch+"_"+name, value.Clone(val))
		}
	}
	v.call.Set("results", chosen)
	v.call.Set("branch_count", int64(results.Len()))
	return flow{}, nil
}

func only(m *value.Map, key string) *value.Map {
	v, _ := m.Get(key)
	return value.MapOf(key, v)
}

// joins is where a fork leaves the results for its join.
func (b *branch) joins(join int) *value.Map {
	if b.joined == nil {
		b.joined = map[int]*value.Map{}
	}
	if b.joined[join] == nil {
		b.joined[join] = value.NewMap()
	}
	return b.joined[join]
}

const (
	defaultBatch       = 5
	maxBatch           = 50
	defaultItemTimeout = 60
)

// runParallelForEach runs the body once for each item, batch by batch, each on
// a copy of the variables, and goes on at completed with the results in order.
func runParallelForEach(ctx context.Context, b *branch, v *visiting) (flow, error) {
	items := given(v.call, "items")
	if items == nil { // unlike a loop, it has no range to fall back on
		return flow{}, Fail("ExecutionError", "Required input port 'items' has no value")
	}
	all := overItems(items).items
	batch, err := v.call.Int("batch_size", defaultBatch)
	if err != nil {
		return flow{}, err
	}
	limit, err := v.call.Int("timeout_per_item", defaultItemTimeout)
	if err != nil {
		return flow{}, err
	}
	batch = max(1, min(batch, maxBatch))
	failFast := v.call.Bool("fail_fast")
	var results []any
	room := b.run.limits.TotalBytes
	done := 0
	for items := range slices.Chunk(all, int(batch)) {
		arms := make([]*arm, 0, len(items))
		for _, item := range items {
			arms = append(arms, b.itemArm(v, done, item))
			done++
		}
		v.deepen("the failure was in one of the parallel items of node %s")
		err := b.parallel(ctx, arms, failFast, time.Duration(limit)*time.Second)
		for _, a := range arms {
			b.absorb(a.b)
			changes := a.changes(b.vars)
			if room -= value.Size(changes, max(0, room)); room < 0 {
				return flow{}, tooMuch(b.run.limits.TotalBytes)
			}
			results = append(results, changes)
			if a.err != nil {
				v.call.Note("item " + a.port + ": " + a.err.Error())
			}
		}
		if err != nil {
			return flow{}, err
		}
		if where, left, err := b.depart(v, arms); left {
			return where, err
		}
	}
	if results == nil {
		results = []any{}
	}
	v.call.Set("results", results)
	return flow{res: Goto("completed")}, nil
}

func (b *branch) itemArm(v *visiting, i int, item any) *arm {
	iteration := strconv.Itoa(i)
	if outer := b.iteration(v.frame); outer != "" {
		iteration = outer + "." + iteration
	}
	name := v.n.id + "[" + strconv.Itoa(i) + "]"
	if b.name != "" {
		name = b.name + "/" + name
	}
	c := b.split(name, iteration)
	item = value.Clone(item)
	c.vars.Set("item", item)
	c.vars.Set("index", int64(i))
	ports := value.MapOf("current_item", item, "current_index", int64(i))
	c.ports[v.node] = ports
	c.vars.Set(v.n.id, ports)
	for _, n := range b.prog.nodes[v.node].region {
		c.done[n] = false
	}
	c.enqueuePort(v.node, "body", c.root)
	return &arm{port: strconv.Itoa(i), b: c}
}

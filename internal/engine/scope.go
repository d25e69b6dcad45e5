package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine/template"
	"github.com/casarerpa/fleet/workflow/value"
)

// scope is what a node sees of its run through the Call.
type scope struct {
	b    *branch
	at   *visiting       // the visit that is going on
	cur  *Call           // of the visit
	ctx  context.Context //nolint:containedctx // of the visit that is going on
	look template.Lookup
}

func (s *scope) variables() *value.Map { return s.b.vars }

func (s *scope) resolve(v any) any {
	if text, ok := v.(string); ok && plain(text) {
		return v
	}
	return resolveIn(v, s.look)
}

// variable finds a variable by its full name. A path to an output that the
// node does not have is read from the known synonym instead (rule C11).
func (s *scope) variable(name string) (any, bool) {
	if v, ok := s.b.vars.Get(name); ok {
		return v, true
	}
	dot := strings.IndexByte(name, '.')
	if dot <= 0 {
		return nil, false
	}
	n, ok := s.b.prog.byID[name[:dot]]
	if !ok {
		return nil, false
	}
	held, _ := s.b.vars.Get(name[:dot])
	outputs, ok := held.(*value.Map)
	if !ok {
		return nil, false
	}
	port, rest := name[dot+1:], ""
	if end := strings.IndexAny(port, ".["); end >= 0 {
		port, rest = port[:end], port[end:]
	}
	if outputs.Has(port) {
		return nil, false // the plain way finds it
	}
	for _, other := range synonyms(s.b.run.opts.Catalog, s.b.prog.nodes[n].spec, port) {
		v, ok := outputs.Get(other)
		if !ok {
			continue
		}
		s.note("C11: " + name[:dot] + " has no output " + port + ", so " + other + " was read")
		if rest == "" {
			return v, true
		}
		// The rest of the path is walked where all paths are.
		one := template.Lookup{Variable: func(n string) (any, bool) { return v, n == "v" }}
		found := template.Resolve("{{v"+rest+"}}", one)
		_, missed := found.(string)
		return found, !missed || found != "{{v"+rest+"}}"
	}
	return nil, false
}

// note adds a remark to the step that is going on, once.
func (s *scope) note(text string) {
	if !slices.Contains(s.cur.notes, text) {
		s.cur.notes = append(s.cur.notes, text)
	}
}

// plain says that a text cannot hold a reference.
func plain(text string) bool {
	for i := range len(text) {
		switch text[i] {
		case '{', '$', '%':
			return false
		}
	}
	return true
}

func (s *scope) condition(v any) (bool, string) {
	s.equip()
	return template.Condition(v, s.look)
}

func (s *scope) evaluate(expression string) (any, error) {
	s.equip()
	return template.Evaluate(expression, s.look)
}

// equip adds what only expressions need, once for each branch: a source of
// random numbers, and a place for what was compiled.
func (s *scope) equip() {
	if s.look.Rand == nil {
		s.look.Rand, s.look.Compiled = s.b.run.opts.Host.Rand(), template.Compiled{}
	}
}

func (s *scope) log(nodeID string, level Level, text string) { s.b.run.line(nodeID, level, text) }

func (s *scope) linked(port string) bool { return s.b.linked(s.at.node, port) }

func (s *scope) workflowName() string { return s.b.prog.doc.Name() }

func (s *scope) set(name string, v any) error { return s.b.setVar(name, v) }

func (s *scope) state(key string, create func() any) any {
	r := s.b.run
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.states[key]
	if !ok {
		v = create()
		r.states[key] = v
		r.owners[key] = r.prefix + s.at.n.id
	}
	return v
}

// slotBytes is what a variable takes beside its name and value, so that a great
// many small ones count as what they are.
const slotBytes = 64

// setVar writes a variable within the limits.
func (b *branch) setVar(name string, v any) error {
	limit := b.run.limits.VariableBytes
	size := slotBytes + len(name)
	switch v.(type) {
	case nil, bool, int64, float64:
	default:
		size += value.Size(v, limit)
	}
	if size-slotBytes > limit {
		return &Failure{
			Type: "MemoryError", Class: ClassBusiness,
			Message: fmt.Sprintf("Variable %s would be larger than %d bytes", cutText(name, 100), limit),
		}
	}
	b.vars.Set(name, v)
	return b.account(size)
}

// keepOutputs stores the outputs of a node as the variable of its name. What
// is too large for a variable stays on the ports, where links find it.
func (b *branch) keepOutputs(v *visiting, out *value.Map) error {
	limit := b.run.limits.VariableBytes
	size := value.Size(out, limit)
	if size > limit {
		v.call.Warn(fmt.Sprintf("the outputs are larger than %d bytes, so %s is no variable", limit, v.n.id))
		b.vars.Delete(v.n.id)
		return b.account(limit)
	}
	b.vars.Set(v.n.id, out)
	return b.account(size)
}

// account watches over the size of all variables. Counting them all takes
// time, so it is done after as much has been written as could matter.
func (b *branch) account(written int) error {
	total := b.run.limits.TotalBytes
	if b.written += written; b.written < total/4 {
		return nil
	}
	b.written = 0
	size := slotBytes*b.vars.Len() + value.Size(b.vars, total)
	for _, m := range b.ports {
		if m != nil && size <= total {
			size += value.Size(m, total-size) / 2 // most of it is the variable of the same name
		}
	}
	if size > total {
		return tooMuch(total)
	}
	return nil
}

// tooMuch stops a run that holds more than it may. No try catches it, since a
// workflow that went on would only meet it again.
func tooMuch(limit int) error {
	return stopped(&Failure{
		Type: "MemoryError", Class: ClassBusiness,
		Message: fmt.Sprintf("The variables of the run hold more than %d bytes", limit),
	})
}

// take gets what a visit needs. Visits are reused, one for each level of
// evaluation on demand.
func (b *branch) take(node int, f *frame) *visiting {
	var v *visiting
	if n := len(b.spare); n > 0 {
		v = b.spare[n-1]
		b.spare = b.spare[:n-1]
	} else {
		v = &visiting{scope: scope{b: b}}
		s := &v.scope
		s.look.Variable = s.variable
		s.look.Secret = func(id string) (string, bool) {
			secret, err := b.run.opts.Host.Secret(s.ctx, id)
			return secret, err == nil
		}
		v.own = Call{host: b.run.opts.Host, run: s, filled: true}
		v.call, s.cur, s.at = &v.own, &v.own, v
	}
	n := &b.prog.nodes[node]
	v.node, v.n, v.frame, v.deep = node, n, f, ""
	v.own.NodeID, v.own.Type, v.own.Spec, v.own.config = n.id, n.typ, n.spec, n.config
	return v
}

// give takes it back.
func (b *branch) give(v *visiting) {
	c := &v.own
	clear(c.inputs)
	c.inputs, c.notes, c.outputs, c.broken = c.inputs[:0], nil, nil, nil
	v.frame, v.scope.ctx = nil, nil
	b.spare = append(b.spare, v)
}

package data

import (
	"fmt"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/pyexpr"
	"github.com/casarerpa/fleet/workflow/value"
)

// perItem evaluates the author's expression for one item after the other, with
// the item as x and item, its place as i and index, and no functions. All
// items share one budget of work.
type perItem struct {
	expression *pyexpr.Expr
	broken     error // why the expression cannot be read
	names      map[string]any
	failed     noteOnce
}

func newPerItem(c *engine.Call, unset string) *perItem {
	p := &perItem{names: map[string]any{}}
	text := strings.TrimSpace(c.Text("expression"))
	if text == "" {
		text = unset
	}
	p.expression, p.broken = pyexpr.Compile(text)
	return p
}

// value evaluates for one item. What fails is remembered for one remark.
func (p *perItem) value(i int, item any) (any, bool) {
	p.names["x"], p.names["item"] = item, item
	p.names["i"], p.names["index"] = int64(i), int64(i)
	result, err := any(nil), p.broken
	if err == nil {
		result, err = p.expression.Eval(pyexpr.Env{Lookup: p.lookup, Builtins: pyexpr.NoBuiltins})
	}
	if err != nil {
		p.failed.add(fmt.Sprintf("the expression failed on item %d: %s", i, err))
		return nil, false
	}
	return result, true
}

func (p *perItem) lookup(name string) (any, bool) {
	v, ok := p.names[name]
	return v, ok
}

// superFilter rejects an item whose expression fails.
func superFilter(c *engine.Call, list []any) error {
	p := newPerItem(c, "True")
	kept, rejected := []any{}, []any{}
	for i, item := range list {
		if v, ok := p.value(i, item); ok && value.Truthy(v) {
			kept = append(kept, item)
		} else {
			rejected = append(rejected, item)
		}
	}
	p.failed.tell(c)
	c.Set("filtered", kept)
	c.Set("rejected", rejected)
	c.Set("length", int64(len(kept)))
	return nil
}

// superMap keeps an item whose expression fails.
func superMap(c *engine.Call, list []any) error {
	p := newPerItem(c, "x")
	mapped := make([]any, len(list))
	for i, item := range list {
		mapped[i] = item
		if v, ok := p.value(i, item); ok {
			mapped[i] = v
		}
	}
	p.failed.tell(c)
	setList(c, "mapped", mapped)
	return nil
}

func superReduce(c *engine.Call, list []any) error {
	initial := argument(c, "initial")
	if len(list) == 0 {
		c.Set("result", initial)
		return nil
	}
	result, err := superReduced(c, list, initial)
	if err != nil {
		return err
	}
	c.Set("result", result)
	return nil
}

func superReduced(c *engine.Call, list []any, initial any) (any, error) {
	switch c.Text("reduce_operation") {
	case "sum", "":
		return folded(list, "acc + x", initial, int64(0))
	case "product":
		return folded(list, "acc * x", initial, int64(1))
	case "min":
		return extreme(list, "<")
	case "max":
		return extreme(list, ">")
	case "concat":
		return concatenated(list)
	case "custom":
		if strings.TrimSpace(c.Text("expression")) == "" {
			return list, nil
		}
		return customReduced(c, list, initial), nil
	}
	return list, nil
}

// folded computes with Python's operators, so that whole numbers stay whole
// and texts can be multiplied but not summed up from zero.
func folded(list []any, operation string, initial, unset any) (any, error) {
	expression, err := pyexpr.Compile(operation)
	if err != nil {
		return nil, err
	}
	acc := initial
	if acc == nil {
		acc = unset
	}
	for _, x := range list {
		env := pyexpr.Env{Builtins: pyexpr.NoBuiltins, Lookup: func(name string) (any, bool) {
			if name == "acc" {
				return acc, true
			}
			return x, true
		}}
		next, err := expression.Eval(env)
		if err != nil {
			return nil, err
		}
		acc = next
	}
	return acc, nil
}

// concatenated joins texts, or the items of lists with what else there is.
func concatenated(list []any) (any, error) {
	if _, ok := list[0].(string); ok {
		var b strings.Builder
		for i, item := range list {
			text, ok := item.(string)
			if !ok {
				return nil, engine.Failed(fmt.Sprintf("sequence item %d: expected str instance, %s found", i, value.TypeName(item)))
			}
			b.WriteString(text)
		}
		return b.String(), nil
	}
	return flattened([]any{}, list, 1), nil
}

// customReduced keeps what it has when the expression fails on an item.
func customReduced(c *engine.Call, list []any, initial any) any {
	p := newPerItem(c, "acc")
	acc := initial
	if acc == nil {
		acc, list = list[0], list[1:]
	}
	for i, item := range list {
		p.names["acc"], p.names["accumulator"] = acc, acc
		if v, ok := p.value(i, item); ok {
			acc = v
		}
	}
	p.failed.tell(c)
	return acc
}

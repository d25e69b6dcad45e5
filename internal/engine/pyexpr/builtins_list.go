package pyexpr

import (
	"slices"

	"github.com/casarerpa/fleet/workflow/value"
)

// builtinCollect is list, tuple, set and frozenset; a set that nothing can
// change serves as both.
func builtinCollect(m *machine, a *arguments) (any, error) {
	if err := a.between(0, 1); err != nil {
		return nil, err
	}
	items := []any{}
	if len(a.list) == 1 {
		var err error
		if items, err = m.collect(a.list[0]); err != nil {
			return nil, err
		}
	}
	switch a.name {
	case "list":
		return items, nil
	case "tuple":
		return value.Tuple(items), nil
	default:
		return newSet(items)
	}
}

// builtinDict takes an object, or pairs, and then the keyword arguments.
func builtinDict(m *machine, a *arguments) (any, error) {
	d := value.NewMap()
	if len(a.list) > 1 {
		return nil, fail("TypeError", "dict expected at most 1 argument, got %d", len(a.list))
	}
	if len(a.list) == 1 {
		if from, ok := a.list[0].(*value.Map); ok {
			if err := m.charge(from.Len()); err != nil {
				return nil, err
			}
			d = from.Clone()
		} else if err := m.iterate(a.list[0], func(e any) (bool, error) {
			pair, err := m.collect(e)
			if err != nil {
				return false, fail("TypeError", "cannot convert dictionary update sequence element #%d to a sequence", d.Len())
			}
			if len(pair) != 2 {
				return false, fail("ValueError", "dictionary update sequence element #%d has length %d; 2 is required", d.Len(), len(pair))
			}
			key, err := m.key(pair[0])
			d.Set(key, pair[1])
			return true, err
		}); err != nil {
			return nil, err
		}
	}
	for k, v := range a.named.All() {
		d.Set(k, v)
	}
	return d, nil
}

// builtinEnumerate makes its pairs at once; nobody can tell, except by the
// steps.
func builtinEnumerate(m *machine, a *arguments) (any, error) {
	p, err := a.take(1, "iterable", "start")
	if err != nil {
		return nil, err
	}
	i, err := wholeOr(p[1], 0)
	if err != nil {
		return nil, err
	}
	out := []any{}
	err = m.iterate(p[0], func(e any) (bool, error) {
		out = append(out, value.Tuple{i, e})
		i++
		return true, m.charge(1)
	})
	return out, err
}

// builtinFilterMap gives lists. Only errors that a lazy map would never reach
// come earlier than in Python.
func builtinFilterMap(m *machine, a *arguments) (any, error) {
	most := 1 << 10
	if a.name == "filter" {
		most = 2
	}
	if err := a.between(2, most); err != nil {
		return nil, err
	}
	f := a.list[0]
	out := []any{}
	if a.name == "filter" {
		err := m.iterate(a.list[1], func(e any) (bool, error) {
			keep := e
			if f != nil {
				var err error
				if keep, err = m.apply(f, &arguments{list: []any{e}}); err != nil {
					return false, err
				}
			}
			if m.truthy(keep) {
				out = append(out, e)
			}
			return true, nil
		})
		return out, err
	}
	rows, err := m.rows(a.list[1:])
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		v, err := m.apply(f, &arguments{list: row})
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// rows walks the sources side by side and stops with the shortest.
func (m *machine) rows(sources []any) ([][]any, error) {
	var columns [][]any
	for _, s := range sources {
		items, err := m.collect(s)
		if err != nil {
			return nil, err
		}
		columns = append(columns, items)
	}
	if len(columns) == 0 {
		return nil, nil
	}
	shortest := len(columns[0])
	for _, c := range columns {
		shortest = min(shortest, len(c))
	}
	if err := m.charge(shortest * len(columns)); err != nil {
		return nil, err
	}
	rows := make([][]any, shortest)
	for i := range rows {
		for _, c := range columns {
			rows[i] = append(rows[i], c[i])
		}
	}
	return rows, nil
}

func builtinZip(m *machine, a *arguments) (any, error) {
	if err := a.between(0, 1<<10); err != nil {
		return nil, err
	}
	rows, err := m.rows(a.list)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = value.Tuple(r)
	}
	return out, nil
}

// keys computes the sort keys of items by the key argument.
func (m *machine) keys(items []any, key any) ([]any, error) {
	if !given(key) || key == nil {
		return items, nil
	}
	keys := make([]any, len(items))
	for i, e := range items {
		k, err := m.apply(key, &arguments{list: []any{e}})
		if err != nil {
			return nil, err
		}
		keys[i] = k
	}
	return keys, nil
}

// builtinSorted is stable and charges the comparisons before it starts, since
// sorting itself cannot be stopped half way.
func builtinSorted(m *machine, a *arguments) (any, error) {
	if len(a.list) != 1 {
		return nil, fail("TypeError", "sorted expected 1 argument, got %d", len(a.list))
	}
	p, err := a.take(1, "iterable", "key", "reverse")
	if err != nil {
		return nil, err
	}
	items, err := m.collect(p[0])
	if err != nil {
		return nil, err
	}
	keys, err := m.keys(items, p[1])
	if err != nil {
		return nil, err
	}
	// Each key takes part in about log n comparisons.
	for n := len(items); n > 0; n >>= 1 {
		if err := m.charge(len(items)); err != nil {
			return nil, err
		}
		if err := m.chargeValue(keys); err != nil {
			return nil, err
		}
	}
	return items, value.SortBy(items, slices.Clone(keys), given(p[2]) && m.truthy(p[2]))
}

// builtinMinMax takes one iterable or several values; the first of equal ones
// wins.
func builtinMinMax(m *machine, a *arguments) (any, error) {
	op := "<"
	if a.name == "max" {
		op = ">"
	}
	items := a.list
	switch len(items) {
	case 0:
		return nil, fail("TypeError", "%s expected at least 1 argument, got 0", a.name)
	case 1:
		var err error
		if items, err = m.collect(items[0]); err != nil {
			return nil, err
		}
	}
	options := &arguments{name: a.name, named: a.named}
	p, err := options.take(0, "key", "default")
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		if given(p[1]) {
			return p[1], nil
		}
		return nil, fail("ValueError", "%s() arg is an empty sequence", a.name)
	}
	keys, err := m.keys(items, p[0])
	if err != nil {
		return nil, err
	}
	if err := m.chargeValue(keys); err != nil {
		return nil, err
	}
	best := 0
	for i := 1; i < len(items); i++ {
		better, err := m.compare(op, keys[i], keys[best])
		if err != nil {
			return nil, err
		}
		if better {
			best = i
		}
	}
	return items[best], nil
}

// builtinReversed asks for an order: sets and generators have none to turn
// around.
func builtinReversed(m *machine, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case []any, value.Tuple, string, []byte, *value.Map, rangeValue:
	default:
		return nil, fail("TypeError", "'%s' object is not reversible", value.TypeName(v))
	}
	items, err := m.collect(v)
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	return items, nil
}

// builtinSum adds with the ordinary operator, so lists can be summed and every
// addition is charged.
func builtinSum(m *machine, a *arguments) (any, error) {
	p, err := a.take(1, "iterable", "start")
	if err != nil {
		return nil, err
	}
	total := any(int64(0))
	if given(p[1]) {
		total = p[1]
	}
	if _, ok := total.(string); ok {
		return nil, fail("TypeError", "sum() can't sum strings [use ''.join(seq) instead]")
	}
	err = m.iterate(p[0], func(e any) (bool, error) {
		total, err = m.binary("+", total, e)
		return err == nil, err
	})
	if err != nil {
		return nil, err
	}
	return total, nil
}

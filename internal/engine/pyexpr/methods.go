package pyexpr

import (
	"encoding/hex"
	"math"
	"math/bits"

	"github.com/casarerpa/fleet/workflow/value"
)

type methodFunc = func(m *machine, a *arguments) (any, error)

// method finds a method of a value and binds it; nil when there is none.
func (m *machine) method(v any, name string) *builtin {
	var run methodFunc
	switch t := v.(type) {
	case string:
		run = stringMethod(t, name)
	case []any:
		run = listMethod(t, name, true)
	case value.Tuple:
		run = listMethod(t, name, false)
	case *value.Map:
		run = dictMethod(t, name)
	case *value.Set:
		run = setMethod(t, name)
	case []byte:
		run = bytesMethod(t, name)
	case int64, bool, float64:
		run = numberMethod(t, name)
	}
	if run == nil {
		return nil
	}
	return &builtin{name: name, run: run}
}

// typeMethod is a method of a type: str.upper takes its object as the first
// argument.
func (m *machine) typeMethod(b *builtin, name string) (any, error) {
	if !b.isType {
		return nil, fail("AttributeError", "'%s' object has no attribute '%s'", b.TypeName(), name)
	}
	if b.name == "dict" && name == "fromkeys" {
		return &builtin{name: name, run: dictFromKeys}, nil
	}
	return &builtin{name: name, run: func(m *machine, a *arguments) (any, error) {
		if len(a.list) == 0 {
			return nil, fail("TypeError", "unbound method %s.%s() needs an argument", b.name, name)
		}
		method := m.method(a.list[0], name)
		if method == nil {
			return nil, fail("AttributeError", "type object '%s' has no attribute '%s'", b.name, name)
		}
		return m.apply(method, &arguments{list: a.list[1:], named: a.named})
	}}, nil
}

// unchangeable is the method of a list, dict or set that would change it.
func unchangeable(kind string) methodFunc {
	return func(*machine, *arguments) (any, error) {
		return nil, fail("TypeError", "a %s cannot be changed inside an expression", kind)
	}
}

// listMethod serves tuples too, which lack the methods that copy or change.
func listMethod(items []any, name string, isList bool) methodFunc {
	switch name {
	case "count":
		return func(m *machine, a *arguments) (any, error) {
			v, err := a.one()
			if err == nil {
				err = m.chargeValue(items)
			}
			n := int64(0)
			for _, e := range items {
				if value.Equal(e, v) {
					n++
				}
			}
			return n, err
		}
	case "index":
		return func(m *machine, a *arguments) (any, error) {
			if err := a.between(1, 3); err != nil {
				return nil, err
			}
			if err := m.chargeValue(items); err != nil {
				return nil, err
			}
			start, end, err := window(a.list[1:], len(items))
			if err != nil {
				return nil, err
			}
			for i := start; i < end; i++ {
				if value.Equal(items[i], a.list[0]) {
					return int64(i), nil
				}
			}
			if isList {
				return nil, fail("ValueError", "%s is not in list", value.Repr(a.list[0]))
			}
			return nil, fail("ValueError", "tuple.index(x): x not in tuple")
		}
	}
	if !isList {
		return nil
	}
	switch name {
	case "copy":
		return func(m *machine, _ *arguments) (any, error) { return m.collect(items) }
	case "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse":
		return unchangeable("list")
	}
	return nil
}

// window reads the optional start and end of a search.
func window(args []any, length int) (start, end int, err error) {
	var parts [3]any
	copy(parts[:], args)
	first, _, count, err := sliceBounds(parts, int64(length))
	return int(first), int(first + count), err
}

// dictMethod gives lists where Python gives views; nothing can change
// underneath them.
func dictMethod(d *value.Map, name string) methodFunc {
	each := func(item func(k string, v any) any) methodFunc {
		return func(m *machine, a *arguments) (any, error) {
			if err := a.between(0, 0); err != nil {
				return nil, err
			}
			if err := m.charge(2 * d.Len()); err != nil {
				return nil, err
			}
			out := make([]any, 0, d.Len())
			for k, v := range d.All() {
				out = append(out, item(k, v))
			}
			return out, nil
		}
	}
	switch name {
	case "get":
		return func(m *machine, a *arguments) (any, error) {
			if err := a.between(1, 2); err != nil {
				return nil, err
			}
			key, err := m.key(a.list[0])
			if err != nil {
				return nil, err
			}
			if v, ok := d.Get(key); ok {
				return value.Normal(v), nil
			}
			if len(a.list) == 2 {
				return a.list[1], nil
			}
			return nil, nil
		}
	case "keys":
		return each(func(k string, _ any) any { return k })
	case "values":
		return each(func(_ string, v any) any { return value.Normal(v) })
	case "items":
		return each(func(k string, v any) any { return value.Tuple{k, value.Normal(v)} })
	case "copy":
		return func(m *machine, _ *arguments) (any, error) { return d.Clone(), m.charge(d.Len()) }
	case "fromkeys":
		return dictFromKeys
	case "pop", "popitem", "update", "setdefault", "clear":
		return unchangeable("dict")
	}
	return nil
}

// dictFromKeys is the one method that people call on the type dict itself.
func dictFromKeys(m *machine, a *arguments) (any, error) {
	if err := a.between(1, 2); err != nil {
		return nil, err
	}
	var fill any
	if len(a.list) == 2 {
		fill = a.list[1]
	}
	d := value.NewMap()
	err := m.iterate(a.list[0], func(e any) (bool, error) {
		key, err := m.key(e)
		d.Set(key, fill)
		return true, err
	})
	return d, err
}

// setMethod takes any iterable where the operators want a set.
func setMethod(s *value.Set, name string) methodFunc {
	ops := map[string]string{"union": "|", "intersection": "&", "difference": "-", "symmetric_difference": "^"}
	orders := map[string]string{"issubset": "<=", "issuperset": ">="}
	other := func(m *machine, v any) (*value.Set, error) {
		items, err := m.collect(v)
		if err != nil {
			return nil, err
		}
		return value.NewSet(items...)
	}
	if op := ops[name]; op != "" {
		return func(m *machine, a *arguments) (any, error) {
			result := s
			for _, v := range a.list {
				o, err := other(m, v)
				if err == nil {
					err = m.charge(result.Len())
				}
				if err == nil {
					result, err = combineSets(op, result, o)
				}
				if err != nil {
					return nil, err
				}
			}
			return result, nil
		}
	}
	if op := orders[name]; op != "" {
		return func(m *machine, a *arguments) (any, error) {
			v, err := a.one()
			if err != nil {
				return nil, err
			}
			o, err := other(m, v)
			if err == nil {
				err = m.charge(s.Len() + o.Len())
			}
			if err != nil {
				return nil, err
			}
			return value.Order(op, s, o)
		}
	}
	switch name {
	case "isdisjoint":
		return func(m *machine, a *arguments) (any, error) {
			v, err := a.one()
			if err != nil {
				return nil, err
			}
			o, err := other(m, v)
			if err == nil {
				err = m.charge(s.Len())
			}
			if err != nil {
				return nil, err
			}
			common, err := combineSets("&", s, o)
			return common.Len() == 0, err
		}
	case "copy":
		return func(*machine, *arguments) (any, error) { return s, nil }
	case "add", "discard", "remove", "pop", "clear", "update":
		return unchangeable("set")
	}
	return nil
}

// bytesMethod knows UTF-8 alone; broken bytes become U+FFFD.
func bytesMethod(b []byte, name string) methodFunc {
	switch name {
	case "decode":
		return func(m *machine, a *arguments) (any, error) {
			if _, err := a.take(0, "encoding", "errors"); err != nil {
				return nil, err
			}
			return string([]rune(string(b))), m.chargeText(len(b))
		}
	case "hex":
		return func(m *machine, _ *arguments) (any, error) {
			return hex.EncodeToString(b), m.chargeText(2 * len(b))
		}
	}
	return nil
}

func numberMethod(v any, name string) methodFunc {
	f, isFloat := v.(float64)
	i, _ := asInt(v)
	switch {
	case name == "is_integer" && isFloat:
		return func(*machine, *arguments) (any, error) {
			return f == math.Trunc(f) && !math.IsInf(f, 0), nil
		}
	case name == "bit_length" && !isFloat:
		return func(*machine, *arguments) (any, error) {
			if i < 0 {
				return int64(bits.Len64(-uint64(i))), nil
			}
			return int64(bits.Len64(uint64(i))), nil
		}
	case name == "conjugate":
		return func(*machine, *arguments) (any, error) { return v, nil }
	}
	return nil
}

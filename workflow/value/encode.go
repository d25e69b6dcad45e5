package value

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Options say how [Dumps] writes. Indent below zero writes one line; zero and
// more write one element per line, each level that many spaces deeper.
type Options struct {
	Indent      int
	SortKeys    bool
	EnsureASCII bool
}

// Dumps writes v as Python's json.dumps does, with NaN and Infinity as bare
// words. Values that JSON does not know, such as bytes and live handles, are a
// TypeError.
func Dumps(v any, options Options) (string, error) {
	e := encoder{Options: options, python: true}
	if err := e.value(v, 0); err != nil {
		return "", err
	}
	return string(e.b), nil
}

// Marshal writes v as compact JSON that [Parse] reads back with the same
// types: floats keep their point, keys their order. What JSON cannot say is
// written as text: bytes in base64, NaN and the infinities as float() reads
// them, opaque values by [Str].
func Marshal(v any) ([]byte, error) {
	e := encoder{Options: Options{Indent: -1}}
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return e.b, nil
}

type encoder struct {
	Options
	b      []byte
	python bool // Python's separators and its refusals
}

func (e *encoder) value(v any, depth int) error {
	switch t := v.(type) {
	case nil:
		e.b = append(e.b, "null"...)
	case bool:
		e.b = strconv.AppendBool(e.b, t)
	case int64:
		e.b = strconv.AppendInt(e.b, t, 10)
	case int:
		e.b = strconv.AppendInt(e.b, int64(t), 10)
	case float64:
		e.float(t)
	case string:
		e.str(t)
	case []any:
		return e.list(t, depth)
	case Tuple:
		return e.list(t, depth)
	case *Map:
		return e.object(t, depth)
	default:
		return e.other(v, depth)
	}
	return nil
}

// other writes what JSON has no word for, or refuses it as Python would.
func (e *encoder) other(v any, depth int) error {
	if e.python {
		return Errorf("TypeError", "Object of type %s is not JSON serializable", TypeName(v))
	}
	switch t := v.(type) {
	case []byte:
		e.str(base64.StdEncoding.EncodeToString(t))
	case *Set:
		return e.list(t.Items(), depth)
	default:
		e.str(Str(v))
	}
	return nil
}

func (e *encoder) float(f float64) {
	switch {
	case !math.IsNaN(f) && !math.IsInf(f, 0):
		e.b = append(e.b, reprFloat(f)...)
	case !e.python:
		e.str(reprFloat(f))
	case math.IsNaN(f):
		e.b = append(e.b, "NaN"...)
	case f > 0:
		e.b = append(e.b, "Infinity"...)
	default:
		e.b = append(e.b, "-Infinity"...)
	}
}

// next writes what stands before the element with number i, and with a
// negative i what stands before the closing bracket.
func (e *encoder) next(i, depth int) {
	switch {
	case i > 0 && e.python && e.Indent < 0:
		e.b = append(e.b, ", "...)
	case i > 0:
		e.b = append(e.b, ',')
	}
	if e.Indent >= 0 {
		e.b = append(e.b, '\n')
		for range e.Indent * depth {
			e.b = append(e.b, ' ')
		}
	}
}

func (e *encoder) list(items []any, depth int) error {
	e.b = append(e.b, '[')
	for i, v := range items {
		e.next(i, depth+1)
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	if len(items) > 0 {
		e.next(-1, depth)
	}
	e.b = append(e.b, ']')
	return nil
}

// object sorts a copy of the keys when asked to; the map itself keeps its
// order.
func (e *encoder) object(m *Map, depth int) error {
	keys := m.Keys()
	if e.SortKeys {
		slices.Sort(keys)
	}
	e.b = append(e.b, '{')
	for i, k := range keys {
		e.next(i, depth+1)
		e.str(k)
		e.b = append(e.b, ':')
		if e.python {
			e.b = append(e.b, ' ')
		}
		v, _ := m.Get(k)
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	if len(keys) > 0 {
		e.next(-1, depth)
	}
	e.b = append(e.b, '}')
	return nil
}

const hexDigits = "0123456789abcdef"

// str writes a JSON string. Bytes that are no UTF-8 become U+FFFD.
func (e *encoder) str(s string) {
	e.b = append(e.b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			e.b = append(e.b, '\\', byte(r))
		case r >= 0x20 && r < 0x7f || r == 0x7f && !e.EnsureASCII:
			e.b = append(e.b, byte(r))
		case r == '\n':
			e.b = append(e.b, `\n`...)
		case r == '\r':
			e.b = append(e.b, `\r`...)
		case r == '\t':
			e.b = append(e.b, `\t`...)
		case r == '\b':
			e.b = append(e.b, `\b`...)
		case r == '\f':
			e.b = append(e.b, `\f`...)
		case r < 0x20:
			e.hex(uint16(r))
		case !e.EnsureASCII:
			e.b = utf8.AppendRune(e.b, r)
		case r < 0x10000:
			e.hex(uint16(r))
		default:
			r -= 0x10000
			e.hex(uint16(0xd800 + r>>10))
			e.hex(uint16(0xdc00 + r&0x3ff))
		}
	}
	e.b = append(e.b, '"')
}

func (e *encoder) hex(u uint16) {
	e.b = append(e.b, '\\', 'u',
		hexDigits[u>>12], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

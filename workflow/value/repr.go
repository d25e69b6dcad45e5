package value

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// TypeName is the name of the value's type in Python.
func TypeName(v any) string {
	switch t := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case *Map:
		return "dict"
	case []byte:
		return "bytes"
	case Tuple:
		return "tuple"
	case *Set:
		return "set"
	case interface{ TypeName() string }:
		return t.TypeName()
	default:
		return opaqueName(v)
	}
}

// opaqueName is the bare name of the Go type, without its package.
func opaqueName(v any) string {
	t := reflect.TypeOf(v)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() != "" {
		return t.Name()
	}
	return t.Kind().String()
}

// Str is the text form of a value, as Python's str gives it: a string as it
// is, everything else as [Repr].
func Str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return Repr(v)
}

// Repr is the text form of a value as Python's repr gives it. An opaque value
// shows its String method, else only its type, so that nothing private leaks.
func Repr(v any) string {
	switch t := v.(type) {
	case nil:
		return "None"
	case bool:
		if t {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(t, 10)
	case float64:
		return reprFloat(t)
	}
	return string(appendRepr(nil, v))
}

func appendRepr(b []byte, v any) []byte {
	switch t := v.(type) {
	case string:
		return appendReprString(b, t)
	case []byte:
		return appendReprBytes(b, t)
	case []any:
		return append(appendReprList(append(b, '['), t), ']')
	case Tuple:
		b = appendReprList(append(b, '('), t)
		if len(t) == 1 {
			b = append(b, ',')
		}
		return append(b, ')')
	case *Set:
		if t.Len() == 0 {
			return append(b, "set()"...)
		}
		return append(appendReprList(append(b, '{'), t.Items()), '}')
	case *Map:
		b = append(b, '{')
		first := true
		for k, e := range t.All() {
			if !first {
				b = append(b, ", "...)
			}
			first = false
			b = appendReprString(b, k)
			b = append(b, ": "...)
			b = appendRepr(b, e)
		}
		return append(b, '}')
	case nil, bool, int64, float64:
		return append(b, Repr(t)...)
	case int:
		return strconv.AppendInt(b, int64(t), 10)
	case fmt.Stringer:
		return append(b, t.String()...)
	case error:
		return append(b, t.Error()...)
	default:
		return fmt.Appendf(b, "<%s object>", TypeName(v))
	}
}

func appendReprList(b []byte, items []any) []byte {
	for i, e := range items {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = appendRepr(b, e)
	}
	return b
}

// reprFloat writes the shortest digits that read back as f. Python leaves the
// plain notation at 1e16 and below 1e-4, where Go would leave it at 1e21.
func reprFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// quoteFor chooses the quotes of a literal: single, unless that alone would
// need escapes.
func quoteFor(single, double bool) byte {
	if single && !double {
		return '"'
	}
	return '\''
}

// appendReprString escapes what cannot be printed, so that a text always shows
// on one line.
func appendReprString(b []byte, s string) []byte {
	quote := quoteFor(strings.Contains(s, "'"), strings.Contains(s, `"`))
	b = append(b, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = appendEscape(b, r)
		}
	}
	return append(b, quote)
}

func appendEscape(b []byte, r rune) []byte {
	switch {
	case r < 0x100:
		return fmt.Appendf(b, `\x%02x`, r)
	case r < 0x10000:
		return fmt.Appendf(b, `\u%04x`, r)
	default:
		return fmt.Appendf(b, `\U%08x`, r)
	}
}

func appendReprBytes(b, data []byte) []byte {
	text := string(data)
	quote := quoteFor(strings.Contains(text, "'"), strings.Contains(text, `"`))
	b = append(b, 'b', quote)
	for _, c := range data {
		switch {
		case c == quote || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, `\n`...)
		case c == '\r':
			b = append(b, `\r`...)
		case c == '\t':
			b = append(b, `\t`...)
		case c >= 0x20 && c < 0x7f:
			b = append(b, c)
		default:
			b = fmt.Appendf(b, `\x%02x`, c)
		}
	}
	return append(b, quote)
}

// ASCII is Python's ascii(): [Repr] with every other character escaped.
func ASCII(v any) string {
	var b []byte
	for _, r := range Repr(v) {
		if r < utf8.RuneSelf {
			b = append(b, byte(r))
		} else {
			b = appendEscape(b, r)
		}
	}
	return string(b)
}

package value

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// DefaultDepth is how deep lists and objects may nest in a document.
const DefaultDepth = 64

// loadsDepth is near the depth at which Python itself gives up.
const loadsDepth = 990

// Limits bound what [ParseLimited] accepts. Zero means the default for Depth
// and no limit for the others.
type Limits struct {
	Depth    int // nesting of lists and objects
	Bytes    int // length of the text
	Elements int // list elements and object entries, all together
}

// SyntaxError says where a JSON text is wrong. Line and Column count from 1,
// Offset from 0, all in characters.
type SyntaxError struct {
	Message              string
	Line, Column, Offset int
}

// Error words the place as Python does.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Message, e.Line, e.Column, e.Offset)
}

// Parse reads one JSON document strictly: no repeated keys, nothing after the
// value, depth of at most [DefaultDepth]. Numbers without fraction and
// exponent are int64 (float64 when they have more than 64 bits), all others
// float64.
func Parse(data []byte) (any, error) { return ParseLimited(data, Limits{}) }

// ParseLimited is [Parse] with limits of the caller's choice.
func ParseLimited(data []byte, limits Limits) (any, error) {
	if limits.Depth <= 0 {
		limits.Depth = DefaultDepth
	}
	d := &decoder{text: string(data), limits: limits, strict: true}
	if limits.Bytes > 0 && len(data) > limits.Bytes {
		return nil, fmt.Errorf("the JSON text has %d bytes, more than the %d allowed", len(data), limits.Bytes)
	}
	if at := invalidUTF8(d.text); at >= 0 {
		return nil, d.fail(at, "Invalid UTF-8")
	}
	return d.document(strings.HasPrefix(d.text, "\ufeff"))
}

// Loads reads JSON as Python's json.loads does: the last of repeated keys
// wins, and NaN, Infinity and -Infinity are numbers. Errors are
// *[SyntaxError]s in Python's words.
func Loads(text string) (any, error) {
	d := &decoder{text: text, limits: Limits{Depth: loadsDepth}}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, d.fail(0, "Unexpected UTF-8 BOM (decode using utf-8-sig)")
	}
	return d.document(false)
}

func invalidUTF8(s string) int {
	if utf8.ValidString(s) {
		return -1
	}
	for i, r := range s {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		}
	}
	return -1
}

type decoder struct {
	text     string
	at       int
	limits   Limits
	elements int
	strict   bool
}

func (d *decoder) document(bom bool) (any, error) {
	if bom {
		d.at = len("\ufeff")
	}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.space()
	if d.at < len(d.text) {
		return nil, d.fail(d.at, "Extra data")
	}
	return v, nil
}

// fail finds the line and column only now, so that good documents pay nothing.
func (d *decoder) fail(at int, format string, args ...any) error {
	before := d.text[:at]
	line := strings.LastIndexByte(before, '\n')
	return &SyntaxError{
		Message: fmt.Sprintf(format, args...),
		Line:    strings.Count(before, "\n") + 1,
		Column:  utf8.RuneCountInString(before[line+1:]) + 1,
		Offset:  utf8.RuneCountInString(before),
	}
}

func (d *decoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

func (d *decoder) peek() byte {
	if d.at < len(d.text) {
		return d.text[d.at]
	}
	return 0
}

// value reads any value; depth is the number of brackets around it.
func (d *decoder) value(depth int) (any, error) {
	switch c := d.peek(); {
	case c == '{' || c == '[':
		if depth >= d.limits.Depth {
			return nil, d.fail(d.at, "Nested deeper than %d levels", d.limits.Depth)
		}
		if c == '{' {
			return d.object(depth + 1)
		}
		return d.list(depth + 1)
	case c == '"':
		return d.str()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	switch rest := d.text[d.at:]; {
	case strings.HasPrefix(rest, "null"):
		return d.word("null", nil)
	case strings.HasPrefix(rest, "true"):
		return d.word("true", true)
	case strings.HasPrefix(rest, "false"):
		return d.word("false", false)
	case !d.strict && strings.HasPrefix(rest, "NaN"):
		return d.word("NaN", math.NaN())
	case !d.strict && strings.HasPrefix(rest, "Infinity"):
		return d.word("Infinity", math.Inf(1))
	}
	return nil, d.fail(d.at, "Expecting value")
}

func (d *decoder) word(text string, v any) (any, error) {
	d.at += len(text)
	return v, nil
}

func (d *decoder) count() error {
	d.elements++
	if d.limits.Elements > 0 && d.elements > d.limits.Elements {
		return d.fail(d.at, "More than %d elements", d.limits.Elements)
	}
	return nil
}

func (d *decoder) list(depth int) (any, error) {
	d.at++
	items := []any{}
	d.space()
	if d.peek() == ']' {
		d.at++
		return items, nil
	}
	for {
		if err := d.count(); err != nil {
			return nil, err
		}
		d.space()
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
		d.space()
		switch d.peek() {
		case ',':
			d.at++
		case ']':
			d.at++
			return items, nil
		default:
			return nil, d.fail(d.at, "Expecting ',' delimiter")
		}
	}
}

func (d *decoder) object(depth int) (any, error) {
	d.at++
	m := NewMap()
	d.space()
	if d.peek() == '}' {
		d.at++
		return m, nil
	}
	for {
		if err := d.count(); err != nil {
			return nil, err
		}
		d.space()
		start := d.at
		if d.peek() != '"' {
			return nil, d.fail(start, "Expecting property name enclosed in double quotes")
		}
		key, err := d.str()
		if err != nil {
			return nil, err
		}
		if d.strict && m.Has(key) {
			return nil, d.fail(start, "The key %q appears twice", key)
		}
		d.space()
		if d.peek() != ':' {
			return nil, d.fail(d.at, "Expecting ':' delimiter")
		}
		d.at++
		d.space()
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		m.Set(key, v)
		d.space()
		switch d.peek() {
		case ',':
			d.at++
		case '}':
			d.at++
			return m, nil
		default:
			return nil, d.fail(d.at, "Expecting ',' delimiter")
		}
	}
}

// number follows the grammar of JSON to the letter: no plus sign, no leading
// zeros.
func (d *decoder) number() (any, error) {
	start := d.at
	if d.peek() == '-' {
		d.at++
		if !d.strict && strings.HasPrefix(d.text[d.at:], "Infinity") {
			d.at += len("Infinity")
			return math.Inf(-1), nil
		}
	}
	switch {
	case d.peek() == '0':
		d.at++
	case !d.digits():
		d.at = start
		return nil, d.fail(start, "Expecting value")
	}
	// A point or an exponent without digits does not belong to the number;
	// what follows it is then reported as unexpected.
	if mark := d.at; d.peek() == '.' {
		d.at++
		if !d.digits() {
			d.at = mark
		}
	}
	if mark := d.at; d.peek()|0x20 == 'e' {
		d.at++
		if c := d.peek(); c == '+' || c == '-' {
			d.at++
		}
		if !d.digits() {
			d.at = mark
		}
	}
	return numberFromText(d.text[start:d.at]), nil
}

func (d *decoder) digits() bool {
	start := d.at
	for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
		d.at++
	}
	return d.at > start
}

// numberFromText reads a number that is known to be well formed. A float
// beyond the range is infinite, as in Python.
func numberFromText(s string) any {
	if !strings.ContainsAny(s, ".eE") {
		i, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			return i
		}
		if !errors.Is(err, strconv.ErrRange) {
			return s
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return s
	}
	return f
}

func (d *decoder) str() (string, error) {
	start := d.at
	d.at++
	// Most texts have no escape and can be cut out as they are.
	for i := d.at; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			s := d.text[d.at:i]
			d.at = i + 1
			return s, nil
		case c == '\\':
			return d.escaped(start, i)
		case c < 0x20:
			return "", d.fail(i, "Invalid control character at")
		}
	}
	return "", d.fail(start, "Unterminated string starting at")
}

// escaped reads on from the first backslash of the text that began at start.
func (d *decoder) escaped(start, i int) (string, error) {
	b := []byte(d.text[d.at:i])
	for i < len(d.text) {
		c := d.text[i]
		switch {
		case c == '"':
			d.at = i + 1
			return string(b), nil
		case c < 0x20:
			return "", d.fail(i, "Invalid control character at")
		case c != '\\':
			b = append(b, c)
			i++
			continue
		}
		i++
		if i >= len(d.text) {
			break
		}
		if d.text[i] == 'u' {
			r, size, ok := d.unicodeEscape(i)
			if !ok {
				return "", d.fail(i, `Invalid \uXXXX escape`)
			}
			b = utf8.AppendRune(b, r)
			i += size
			continue
		}
		k := strings.IndexByte(`"\/bfnrt`, d.text[i])
		if k < 0 {
			return "", d.fail(i-1, `Invalid \escape`)
		}
		b = append(b, "\"\\/\b\f\n\r\t"[k])
		i++
	}
	return "", d.fail(start, "Unterminated string starting at")
}

// unicodeEscape reads the escape whose u stands at i and returns how many
// bytes it takes. Halves of a pair that stand alone become U+FFFD, since a Go
// string cannot carry them.
func (d *decoder) unicodeEscape(i int) (r rune, size int, ok bool) {
	first, ok := d.hex4(i + 1)
	if !ok {
		return 0, 0, false
	}
	if !utf16.IsSurrogate(first) {
		return first, 5, true
	}
	if strings.HasPrefix(d.text[i+5:], `\u`) {
		if second, ok := d.hex4(i + 7); ok {
			if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
				return r, 11, true
			}
		}
	}
	return utf8.RuneError, 5, true
}

func (d *decoder) hex4(i int) (rune, bool) {
	if i+4 > len(d.text) {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[i:i+4], 16, 16)
	return rune(n), err == nil
}

package value

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFormatted bounds the text that one formatting may make.
const maxFormatted = 16 << 20

// Attributed is an opaque value with attributes that a workflow may read.
type Attributed interface {
	Attribute(name string) (any, bool)
}

// Attribute reads an attribute: a key of an object, or what an [Attributed]
// value offers. Names with two underscores are refused.
func Attribute(v any, name string) (any, error) {
	if !strings.Contains(name, "__") {
		switch t := v.(type) {
		case *Map:
			if e, ok := t.Get(name); ok {
				return e, nil
			}
		case Attributed:
			if e, ok := t.Attribute(name); ok {
				return e, nil
			}
		}
	}
	return nil, Errorf("AttributeError", "'%s' object has no attribute '%s'", TypeName(v), name)
}

// Format is str.format: {} and {0} take from args, {name} from kwargs, with
// [key], .attribute, !r, !s, !a and format specifications that may themselves
// contain fields. An attribute of an object is its key.
func Format(template string, args []any, kwargs *Map) (string, error) {
	f := &formatter{args: args, kwargs: kwargs}
	return f.text(template, 2)
}

type formatter struct {
	args   []any
	kwargs *Map
	auto   int  // number of the next {}
	manual bool // a {0} was seen
	size   int
}

func formatError(format string, args ...any) error { return Errorf("ValueError", format, args...) }

// text formats a template. Specifications are templates too, one level deep.
func (f *formatter) text(s string, depth int) (string, error) {
	if depth == 0 {
		return "", formatError("Max string recursion exceeded")
	}
	var out strings.Builder
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			out.WriteString(s)
			break
		}
		out.WriteString(s[:at])
		brace := s[at : at+1]
		s = s[at+1:]
		switch {
		case strings.HasPrefix(s, brace):
			out.WriteString(brace)
			s = s[1:]
			continue
		case brace == "}":
			return "", formatError("Single '}' encountered in format string")
		case s == "":
			return "", formatError("Single '{' encountered in format string")
		}
		field, rest, err := cutField(s)
		if err != nil {
			return "", err
		}
		text, err := f.field(field, depth)
		if err != nil {
			return "", err
		}
		if f.size += len(text); f.size > maxFormatted {
			return "", Errorf("MemoryError", "the formatted text is too long")
		}
		out.WriteString(text)
		s = rest
	}
	return out.String(), nil
}

// replacement is one field between braces, cut into its parts.
type replacement struct {
	name       string
	conversion byte
	spec       string
}

// cutField cuts the field at the start of s, behind its opening brace, and
// returns what follows its closing brace.
func cutField(s string) (replacement, string, error) {
	var field replacement
	end, inBrackets := -1, false
	for i := 0; i < len(s) && end < 0; i++ {
		switch c := s[i]; {
		case c == '{':
			return field, "", formatError("unexpected '{' in field name")
		case c == '[':
			inBrackets = true
		case c == ']':
			inBrackets = false
		case !inBrackets && (c == '}' || c == ':' || c == '!'):
			end = i
		}
	}
	if end < 0 {
		return field, "", formatError("expected '}' before end of string")
	}
	field.name = s[:end]
	mark, s := s[end], s[end+1:]
	if mark == '!' {
		if s == "" {
			return field, "", formatError("end of string while looking for conversion specifier")
		}
		field.conversion = s[0]
		if s = s[1:]; s == "" {
			return field, "", formatError("unmatched '{' in format spec")
		}
		mark, s = s[0], s[1:]
		if mark != ':' && mark != '}' {
			return field, "", formatError("expected ':' after conversion specifier")
		}
	}
	if mark == '}' {
		return field, s, nil
	}
	open := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			open++
		case '}':
			open--
		}
		if open == 0 {
			field.spec = s[:i]
			return field, s[i+1:], nil
		}
	}
	return field, "", formatError("unmatched '{' in format spec")
}

func (f *formatter) field(field replacement, depth int) (string, error) {
	v, err := f.lookup(field.name)
	if err != nil {
		return "", err
	}
	spec := field.spec
	if strings.ContainsAny(spec, "{}") {
		if spec, err = f.text(spec, depth-1); err != nil {
			return "", err
		}
	}
	if v, err = Convert(v, field.conversion); err != nil {
		return "", err
	}
	return FormatValue(v, spec)
}

// Convert applies a !s, !r or !a conversion; 0 is none. Values whose text
// would be huge are refused.
func Convert(v any, conversion byte) (any, error) {
	if conversion != 0 && Size(v, maxFormatted) > maxFormatted {
		return nil, Errorf("MemoryError", "the formatted text is too long")
	}
	switch conversion {
	case 0:
		return v, nil
	case 's':
		return Str(v), nil
	case 'r':
		return Repr(v), nil
	case 'a':
		return ASCII(v), nil
	default:
		return nil, formatError("Unknown conversion specifier %c", conversion)
	}
}

// lookup follows a field name such as user.names[0].
func (f *formatter) lookup(name string) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v, err := f.first(name[:end])
	if err != nil {
		return nil, err
	}
	for rest := name[end:]; rest != ""; {
		var step string
		switch rest[0] {
		case '.':
			step = rest[1:]
			if i := strings.IndexAny(step, ".["); i >= 0 {
				step = step[:i]
			}
			if step == "" {
				return nil, formatError("Empty attribute in format string")
			}
			v, err = Attribute(v, step)
			rest = rest[1+len(step):]
		case '[':
			i := strings.IndexByte(rest, ']')
			if i < 0 {
				return nil, formatError("Missing ']' in format string")
			}
			if step = rest[1:i]; step == "" {
				return nil, formatError("Empty attribute in format string")
			}
			v, err = formatItem(v, step)
			rest = rest[i+1:]
		default:
			return nil, formatError("Only '.' or '[' may follow ']' in format field specifier")
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// first finds the value that a field starts from. Automatic and given numbers
// do not mix.
func (f *formatter) first(name string) (any, error) {
	index, isNumber := fieldIndex(name)
	if name != "" && !isNumber {
		if v, ok := f.kwargs.Get(name); ok {
			return v, nil
		}
		return nil, Errorf("KeyError", "%s", Repr(name))
	}
	if name == "" {
		if f.manual {
			return nil, formatError("cannot switch from manual field specification to automatic field numbering")
		}
		index = f.auto
		f.auto++
	} else {
		if f.auto > 0 {
			return nil, formatError("cannot switch from automatic field numbering to manual field specification")
		}
		f.manual = true
	}
	if index >= len(f.args) {
		return nil, Errorf("IndexError", "Replacement index %d out of range for positional args tuple", index)
	}
	return f.args[index], nil
}

// fieldIndex reads a number made of digits alone.
func fieldIndex(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// formatItem is [key]: a number is an index for sequences, and text for
// objects.
func formatItem(v any, step string) (any, error) {
	index, isNumber := fieldIndex(step)
	switch t := v.(type) {
	case *Map:
		if e, ok := t.Get(step); ok {
			return e, nil
		}
		if isNumber {
			return nil, Errorf("KeyError", "%s", step)
		}
		return nil, Errorf("KeyError", "%s", Repr(step))
	case []any:
		return formatListItem(t, "list", index, isNumber)
	case Tuple:
		return formatListItem(t, "tuple", index, isNumber)
	case string:
		if !isNumber {
			return nil, Errorf("TypeError", "string indices must be integers, not 'str'")
		}
		for _, r := range t {
			if index == 0 {
				return string(r), nil
			}
			index--
		}
		return nil, Errorf("IndexError", "string index out of range")
	default:
		return nil, Errorf("TypeError", "'%s' object is not subscriptable", TypeName(v))
	}
}

func formatListItem(items []any, kind string, index int, isNumber bool) (any, error) {
	switch {
	case !isNumber:
		return nil, Errorf("TypeError", "%s indices must be integers or slices, not str", kind)
	case index >= len(items):
		return nil, Errorf("IndexError", "%s index out of range", kind)
	}
	return items[index], nil
}

// pad brings s to the width by the fill and alignment of the specification.
func (p *formatSpec) pad(s string, align byte) string {
	room := p.width - utf8.RuneCountInString(s)
	if room <= 0 {
		return s
	}
	left := 0
	switch align {
	case '>':
		left = room
	case '^':
		left = room / 2
	}
	return strings.Repeat(p.fill, left) + s + strings.Repeat(p.fill, room-left)
}

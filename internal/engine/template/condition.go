package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine/pyexpr"
	"github.com/casarerpa/fleet/workflow/value"
)

// Condition decides the condition of an If or a While.
//
// A value that is no text counts by its truth. A text that is one reference
// counts by the truth of what it refers to, where the texts false, 0, no and
// the empty one count as false. Any other text is an expression in which each
// reference stands for its typed value. A condition that cannot be decided is
// false, with a warning that says why; else the warning is empty.
func Condition(v any, look Lookup) (result bool, warning string) {
	s, ok := v.(string)
	if !ok {
		return value.Truthy(v), ""
	}
	if strings.TrimSpace(s) == "" {
		return false, ""
	}
	if ref, whole := only(s); whole {
		found, ok := look.value(ref)
		if !ok {
			return false, fmt.Sprintf("condition %s counts as false: there is no value %s", s, ref.path)
		}
		return truthyText(found), ""
	}
	decided, err := Evaluate(s, look)
	if err != nil {
		return false, fmt.Sprintf("condition %s counts as false: %s", s, describe(err))
	}
	return value.Truthy(decided), ""
}

// describe adds the class, which tells an author more than the words alone.
func describe(err error) string {
	e, ok := errors.AsType[*pyexpr.Error](err)
	if !ok {
		return err.Error()
	}
	text := e.Type + ": " + e.Message
	if e.Type == "SyntaxError" {
		for _, h := range habits() {
			if strings.Contains(e.Message, "'"+h.wrote+"'") {
				return text + "; write " + h.right
			}
		}
	}
	return text
}

// habit is what people write who come from other languages.
type habit struct{ wrote, right string }

func habits() []habit {
	return []habit{{"=", "== to compare"}, {"&", "and"}, {"|", "or"}, {"!", "not, or != to compare"}}
}

// truthyText is the truth of a value that a lone reference found.
func truthyText(v any) bool {
	s, ok := v.(string)
	if !ok {
		return value.Truthy(v)
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "false", "0", "no":
		return false
	default:
		return true
	}
}

// Evaluate computes the value of an expression with references, as Switch
// needs it. A text that is one reference gives the value it refers to.
func Evaluate(expression string, look Lookup) (any, error) {
	if ref, whole := only(expression); whole {
		if v, ok := look.value(ref); ok {
			return v, nil
		}
	}
	src, bound := bind(expression, look)
	expr, err := look.Compiled.compile(src)
	if err != nil {
		return nil, asWritten(err, expression, src)
	}
	return expr.Eval(pyexpr.Env{
		Lookup: func(name string) (any, bool) {
			if v, ok := bound[name]; ok {
				return v, true
			}
			if look.Variable == nil {
				return nil, false
			}
			return look.Variable(name)
		},
		Rand:     look.Rand,
		Builtins: pyexpr.ConditionBuiltins,
	})
}

// asWritten words a syntax error for somebody who sees the expression before
// its references were bound: their names and columns are not those of src.
func asWritten(err error, expression, src string) error {
	e, ok := errors.AsType[*pyexpr.Error](err)
	if !ok || src == expression {
		return err
	}
	message, _, _ := strings.Cut(e.Message, " (column ")
	if strings.Contains(message, prefixOf(expression)) {
		message = "invalid syntax at a reference"
	}
	return &pyexpr.Error{Type: e.Type, Message: message}
}

// prefixOf makes the beginning of names that an expression does not hold.
func prefixOf(s string) string {
	prefix := "ref_"
	for strings.Contains(s, prefix) {
		prefix += "x"
	}
	return prefix
}

// bind replaces each reference by a name of its own that holds the value, so
// that a text is compared as a text whatever it contains. Inside a string
// literal, where a name would mean nothing, the text of the value is put in. A
// reference without a value becomes its path, whose evaluation then tells
// which name is missing.
func bind(s string, look Lookup) (src string, bound map[string]any) {
	prefix := prefixOf(s)
	bound = map[string]any{}
	var b strings.Builder
	quotes := &quoting{}
	for at := 0; at < len(s); {
		ref, ok := next(s, at)
		if !ok {
			b.WriteString(s[at:])
			break
		}
		b.WriteString(s[at:ref.start])
		quotes.pass(s[at:ref.start])
		at = ref.end
		v, found := look.value(ref)
		if ref.percent && quotes.open == "" && remainder(s, ref) {
			found = false
		}
		switch {
		case !found && (ref.percent || ref.system() || quotes.open != ""):
			// Two remainders look like a reference, as in a%b%c.
			b.WriteString(s[ref.start:ref.end])
		case !found:
			b.WriteString(ref.path)
		case quotes.open == "" && ref.start > 0 && s[ref.start-1] == '.' && isPath(v):
			// item.{{column}} means the attribute that the variable names.
			b.WriteString(value.Str(v))
		case quotes.open != "":
			text, fits := look.text(ref, maxText-b.Len())
			if !fits {
				text = s[ref.start:ref.end]
			}
			quotes.write(&b, text)
		default:
			name := prefix + strconv.Itoa(len(bound))
			bound[name] = v
			b.WriteString(" " + name + " ")
		}
	}
	return b.String(), bound
}

// isPath tells whether v is a text that is a path and nothing else.
func isPath(v any) bool {
	s, ok := v.(string)
	return ok && s != "" && scanPath(s, 0) == len(s)
}

// remainder tells whether what looks like %name% is the middle of a%name%b.
func remainder(s string, ref reference) bool {
	if ref.start == 0 || ref.end == len(s) {
		return false
	}
	before, after := s[ref.start-1], s[ref.end]
	return (isNameStart(before) || isDigit(before) || before == ')' || before == ']') &&
		(isNameStart(after) || isDigit(after) || after == '(')
}

// quoting follows the string literals of an expression.
type quoting struct {
	open string // the quotes of the literal we are in, or empty
	raw  bool
}

// pass reads a piece of the source.
func (q *quoting) pass(s string) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case q.open == "" && (c == '"' || c == '\''):
			q.open = s[i : i+1]
			q.raw = i > 0 && s[i-1]|0x20 == 'r'
			if triple := strings.Repeat(q.open, 3); strings.HasPrefix(s[i:], triple) {
				q.open = triple
				i += 2
			}
		case q.open == "":
		case c == '\\':
			i++
		case strings.HasPrefix(s[i:], q.open):
			i += len(q.open) - 1
			q.open = ""
		}
	}
}

// write puts text into the open literal so that it reads back unchanged. A raw
// literal has no escapes, so what would end it is left out there.
func (q *quoting) write(b *strings.Builder, text string) {
	quote := q.open[0]
	for i := range len(text) {
		switch c := text[i]; {
		case q.raw && (c == quote || c == '\n'):
		case q.raw:
			b.WriteByte(c)
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
}

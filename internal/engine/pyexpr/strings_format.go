package pyexpr

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

func stringFormat(m *machine, s string, a *arguments) (any, error) {
	// What the fields write is bounded by Format itself; what they read has
	// to be paid for.
	if err := m.chargeValue(a.list); err != nil {
		return nil, err
	}
	if err := m.chargeValue(a.named); err != nil {
		return nil, err
	}
	out, err := value.Format(s, a.list, a.named)
	if err != nil {
		return nil, err
	}
	return out, m.chargeText(len(out))
}

func stringFormatMap(m *machine, s string, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	d, ok := v.(*value.Map)
	if !ok {
		return nil, fail("TypeError", "'%s' object is not a mapping", value.TypeName(v))
	}
	return stringFormat(m, s, &arguments{name: a.name, named: d})
}

// stringEncode knows the three encodings that texts of workflows use.
func stringEncode(_ *machine, s string, a *arguments) (any, error) {
	p, err := a.take(0, "encoding", "errors")
	if err != nil {
		return nil, err
	}
	name, _ := p[0].(string)
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "", "utf8":
		return []byte(s), nil
	case "ascii":
		for i, r := range s {
			if r >= utf8.RuneSelf {
				return nil, fail("UnicodeEncodeError", "'ascii' codec can't encode character at position %d: ordinal not in range(128)",
					utf8.RuneCountInString(s[:i]))
			}
		}
		return []byte(s), nil
	case "latin1", "iso88591":
		out := make([]byte, 0, len(s))
		for i, r := range s {
			if r > 0xff {
				return nil, fail("UnicodeEncodeError", "'latin-1' codec can't encode character at position %d: ordinal not in range(256)",
					utf8.RuneCountInString(s[:i]))
			}
			out = append(out, byte(r))
		}
		return out, nil
	}
	return nil, fail("LookupError", "unknown encoding: %s", name)
}

// percent is the old way to format: 'a %s' % value.
func (m *machine) percent(s string, v any) (any, error) {
	if err := m.chargeValue(v); err != nil {
		return nil, err
	}
	args, isTuple := v.(value.Tuple)
	if !isTuple {
		args = value.Tuple{v}
	}
	named, _ := v.(*value.Map)
	used := 0
	next := func() (any, error) {
		if used == len(args) {
			return nil, fail("TypeError", "not enough arguments for format string")
		}
		used++
		return args[used-1], nil
	}
	var b strings.Builder
	whole := s
	for {
		at := strings.IndexByte(s, '%')
		if at < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:at])
		s = s[at+1:]
		take := next
		if strings.HasPrefix(s, "(") && named != nil {
			key, rest, ok := strings.Cut(s[1:], ")")
			if !ok {
				return nil, fail("ValueError", "incomplete format key")
			}
			s = rest
			take = func() (any, error) {
				used = len(args)
				e, ok := named.Get(key)
				if !ok {
					return nil, fail("KeyError", "%s", value.Repr(key))
				}
				return e, nil
			}
		}
		field, rest, err := m.percentField(whole, s, take)
		if err != nil {
			return nil, err
		}
		if err := m.chargeText(b.Len() + len(field)); err != nil {
			return nil, err
		}
		b.WriteString(field)
		s = rest
	}
	// A list or dict counts as a source of names, which need not all be used.
	if _, isList := v.([]any); used < len(args) && named == nil && !isList {
		return nil, fail("TypeError", "not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// percentField formats what stands behind a percent sign by turning it into a
// specification of the new kind.
func (m *machine) percentField(whole, s string, take func() (any, error)) (field, rest string, err error) {
	i := 0
	for i < len(s) && strings.IndexByte("-+ #0", s[i]) >= 0 {
		i++
	}
	flags := s[:i]
	for i < len(s) && (isDigit(s[i]) || s[i] == '.') {
		i++
	}
	if i == len(s) {
		return "", "", fail("ValueError", "incomplete format")
	}
	width, precision, hasPrecision := strings.Cut(s[len(flags):i], ".")
	kind, rest := s[i], s[i+1:]
	if kind == '%' {
		return "%", rest, nil
	}
	v, err := take()
	if err != nil {
		return "", "", err
	}
	spec := ">"
	if strings.Contains(flags, "-") {
		spec = "<"
	}
	_, isNum := asFloat(v)
	switch kind {
	case 's', 'r', 'a':
		if hasPrecision {
			width += "." + precision
		}
		out, err := m.format(v, kind, spec+width)
		if err != nil || !hasPrecision {
			return value.Str(out), rest, err
		}
		return value.Str(out), rest, nil
	case 'c':
		if r, ok := v.(string); ok && utf8.RuneCountInString(r) == 1 {
			out, err := m.format(v, 0, spec+width)
			return value.Str(out), rest, err
		}
	case 'd', 'i', 'u', 'x', 'X', 'o':
		if !isNum {
			return "", "", fail("TypeError", "%%%c format: a real number is required, not %s", kind, value.TypeName(v))
		}
		if f, isFloat := v.(float64); isFloat {
			if v, err = value.ToInt(f); err != nil {
				return "", "", err
			}
		}
		if kind == 'i' || kind == 'u' {
			kind = 'd'
		}
		hasPrecision = false
	case 'e', 'E', 'f', 'F', 'g', 'G':
		if !isNum {
			return "", "", fail("TypeError", "must be real number, not %s", value.TypeName(v))
		}
	default:
		return "", "", fail("ValueError", "unsupported format character '%c' (0x%x) at index %d",
			kind, kind, utf8.RuneCountInString(whole[:len(whole)-len(rest)-1]))
	}
	if strings.Contains(flags, "0") && spec == ">" {
		spec, width = "", "0"+width
	}
	for _, f := range "+ " {
		if strings.ContainsRune(flags, f) {
			spec += string(f)
			break
		}
	}
	if strings.Contains(flags, "#") {
		spec += "#"
	}
	spec += width
	if hasPrecision {
		spec += "." + strconv.Itoa(atoi(precision))
	}
	out, err := m.format(v, 0, spec+string(kind))
	return value.Str(out), rest, err
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

package value

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The largest numbers a specification may name. Python has no such bound, but
// would not have the memory either.
const (
	maxWidth     = 1 << 20
	maxPrecision = 1 << 12
)

// formatSpec is [[fill]align][sign][z][#][0][width][grouping][.precision][type].
type formatSpec struct {
	fill      string
	align     byte // 0 when not given
	sign      byte
	noNegZero bool
	alternate bool
	zero      bool
	width     int
	grouping  byte
	precision int // -1 when not given
	kind      byte
}

// FormatValue is Python's format(v, spec).
func FormatValue(v any, spec string) (string, error) {
	if spec == "" {
		if Size(v, maxFormatted) > maxFormatted {
			return "", Errorf("MemoryError", "the formatted text is too long")
		}
		return Str(v), nil
	}
	switch t := v.(type) {
	case string, bool, int64, float64:
	default:
		return "", Errorf("TypeError", "unsupported format string passed to %s.__format__", TypeName(t))
	}
	p, err := parseSpec(spec, v)
	if err != nil {
		return "", err
	}
	switch t := v.(type) {
	case string:
		return p.str(t)
	case float64:
		return p.float(t, "float")
	default:
		i, _ := asInt(v)
		return p.integer(i, TypeName(v))
	}
}

// parseSpec takes the parts in their fixed order. Which of them a type allows
// is checked later, except for grouping, which Python checks first.
func parseSpec(spec string, v any) (*formatSpec, error) {
	p := &formatSpec{fill: " ", precision: -1}
	s := spec
	isAlign := func(s string) bool { return s != "" && strings.IndexByte("<>=^", s[0]) >= 0 }
	filled := false
	if _, size := utf8.DecodeRuneInString(s); isAlign(s[size:]) {
		p.fill, p.align, s, filled = s[:size], s[size], s[size+1:], true
	} else if isAlign(s) {
		p.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s == "" || strings.IndexByte(set, s[0]) < 0 {
			return 0
		}
		c := s[0]
		s = s[1:]
		return c
	}
	p.sign = take("+- ")
	p.noNegZero = take("z") != 0
	p.alternate = take("#") != 0
	if strings.HasPrefix(s, "0") {
		p.zero = true
		if !filled {
			p.fill = "0"
		}
		if _, text := v.(string); p.align == 0 && !text {
			p.align = '='
		}
		s = s[1:]
	}
	var err error
	if p.width, s, err = specNumber(s, 0, maxWidth); err != nil {
		return nil, err
	}
	if p.grouping = take(",_"); p.grouping == ',' && take("_") != 0 || p.grouping == '_' && take(",") != 0 {
		return nil, formatError("Cannot specify both ',' and '_'.")
	}
	if strings.HasPrefix(s, ".") {
		if p.precision, s, err = specNumber(s[1:], -1, maxPrecision); err != nil {
			return nil, err
		}
		if p.precision < 0 {
			return nil, formatError("Format specifier missing precision")
		}
	}
	if utf8.RuneCountInString(s) > 1 {
		return nil, formatError("Invalid format specifier '%s' for object of type '%s'", spec, TypeName(v))
	}
	if s != "" {
		if p.kind = s[0]; p.kind >= utf8.RuneSelf {
			return nil, formatError("Unknown format code '%s' for object of type '%s'", s, TypeName(v))
		}
	}
	if p.grouping != 0 && strings.IndexByte("\x00defgEG%F", p.kind) < 0 &&
		(p.grouping == ',' || strings.IndexByte("boxX", p.kind) < 0) {
		return nil, formatError("Cannot specify '%c' with '%c'.", p.grouping, p.kind)
	}
	return p, nil
}

func specNumber(s string, missing, limit int) (n int, rest string, err error) {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == 0 {
		return missing, s, nil
	}
	n, convErr := strconv.Atoi(s[:end])
	if convErr != nil || n > limit {
		return 0, s, formatError("Too many decimal digits in format string")
	}
	return n, s[end:], nil
}

func (p *formatSpec) unknown(typeName string) error {
	return formatError("Unknown format code '%c' for object of type '%s'", p.kind, typeName)
}

func (p *formatSpec) str(s string) (string, error) {
	switch {
	case p.kind != 0 && p.kind != 's':
		return "", p.unknown("str")
	case p.sign == ' ':
		return "", formatError("Space not allowed in string format specifier")
	case p.sign != 0:
		return "", formatError("Sign not allowed in string format specifier")
	case p.noNegZero:
		return "", formatError("Negative zero coercion (z) not allowed in string format specifier")
	case p.alternate:
		return "", formatError("Alternate form (#) not allowed in string format specifier")
	case p.grouping != 0:
		return "", formatError("Cannot specify '%c' with 's'.", p.grouping)
	case p.align == '=':
		return "", formatError("'=' alignment not allowed in string format specifier")
	}
	if p.precision >= 0 {
		for i := range s {
			if p.precision == 0 {
				s = s[:i]
				break
			}
			p.precision--
		}
	}
	return p.pad(s, p.align), nil
}

func (p *formatSpec) integer(i int64, typeName string) (string, error) {
	base, prefix := 10, ""
	switch p.kind {
	case 0, 'd', 'n':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x':
		base, prefix = 16, "0x"
	case 'X':
		base, prefix = 16, "0X"
	case 'c':
		return p.character(i)
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		return p.float(float64(i), typeName)
	default:
		return "", p.unknown(typeName)
	}
	switch {
	case p.precision >= 0:
		return "", formatError("Precision not allowed in integer format specifier")
	case p.noNegZero:
		return "", formatError("Negative zero coercion (z) not allowed in integer format specifier")
	}
	digits := strconv.FormatUint(magnitude(i), base)
	if p.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !p.alternate {
		prefix = ""
	}
	group := 3
	if base != 10 {
		group = 4
	}
	return p.number(i < 0, prefix, digits, "", group), nil
}

// character is the type c: the number of a character.
func (p *formatSpec) character(i int64) (string, error) {
	switch {
	case p.sign != 0:
		return "", formatError("Sign not allowed with integer format specifier 'c'")
	case p.alternate:
		return "", formatError("Alternate form (#) not allowed with integer format specifier 'c'")
	case p.precision >= 0:
		return "", formatError("Precision not allowed in integer format specifier")
	case i < 0 || i > utf8.MaxRune:
		return "", Errorf("OverflowError", "%%c arg not in range(0x110000)")
	}
	align := p.align
	if align == 0 || align == '=' {
		align = '>'
	}
	if p.align == 0 {
		align = '<'
	}
	return p.pad(string(rune(i)), align), nil
}

// number puts sign, prefix, digits and the tail behind them together and pads
// the whole, with zeros inside the groups when the padding is zeros.
func (p *formatSpec) number(negative bool, prefix, digits, tail string, group int) string {
	head := ""
	switch {
	case negative:
		head = "-"
	case p.sign == '+' || p.sign == ' ':
		head = string(p.sign)
	}
	head += prefix
	align := p.align
	if align == 0 {
		align = '>'
	}
	inner := 0
	if align == '=' {
		inner = p.width - len(head) - len(tail)
	}
	if p.grouping != 0 && digits != "" {
		least := 0
		if p.fill == "0" {
			least = inner
		}
		digits = groupDigits(digits, p.grouping, group, least)
	}
	if room := inner - len(digits); room > 0 {
		digits = strings.Repeat(p.fill, room) + digits
	}
	if align == '=' {
		return head + digits + tail
	}
	return p.pad(head+digits+tail, align)
}

// groupDigits separates groups from the right and adds zeros on the left until
// the text has at least the given length; it never starts with a separator.
func groupDigits(digits string, separator byte, group, least int) string {
	var reversed []byte
	for n := 0; n < len(digits) || len(reversed) < least; n++ {
		if n > 0 && n%group == 0 {
			reversed = append(reversed, separator)
		}
		c := byte('0')
		if n < len(digits) {
			c = digits[len(digits)-1-n]
		}
		reversed = append(reversed, c)
	}
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return string(reversed)
}

func (p *formatSpec) float(f float64, typeName string) (string, error) {
	kind, tail := p.kind, ""
	switch kind {
	case 0, 'e', 'E', 'f', 'F', 'g', 'G':
	case 'n':
		kind = 'g'
	case '%':
		f, kind, tail = f*100, 'f', "%"
	default:
		return "", p.unknown(typeName)
	}
	var text string
	if math.IsNaN(f) || math.IsInf(f, 0) {
		text = strings.TrimPrefix(reprFloat(f), "-")
	} else {
		text = p.digits(math.Abs(f), kind|0x20)
	}
	negative := math.Signbit(f) && !math.IsNaN(f)
	if p.noNegZero && strings.Trim(text, "0.e+-") == "" {
		negative = false
	}
	if kind == 'E' || kind == 'F' || kind == 'G' {
		text = strings.ToUpper(text)
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(text)
	}
	return p.number(negative, "", text[:end], text[end:]+tail, 3), nil
}

// digits writes a finite number that is not negative. A kind of ' ' (none
// given) is the shortest text, or with a precision like g but with a point.
func (p *formatSpec) digits(f float64, kind byte) string {
	precision := p.precision
	switch kind {
	case 'e', 'f':
		if precision < 0 {
			precision = 6
		}
		s := strconv.FormatFloat(f, kind, precision, 64)
		if precision == 0 && p.alternate {
			s = withPoint(s)
		}
		return s
	case 'g':
		if precision < 0 {
			precision = 6
		}
		return layoutG(f, max(precision, 1), 0, p.alternate)
	}
	if precision < 0 {
		return reprFloat(f)
	}
	s := layoutG(f, max(precision, 1), 1, p.alternate)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// layoutG writes f with the given count of significant digits, plainly or with
// an exponent. Python switches one digit earlier (early is 1) when the plain
// form would need ".0" behind its last digit.
func layoutG(f float64, precision, early int, keepZeros bool) string {
	s := strconv.FormatFloat(f, 'e', precision-1, 64)
	exp := exponentOf(s)
	if exp < -4 || exp >= precision-early {
		mantissa, power, _ := strings.Cut(s, "e")
		if !keepZeros {
			mantissa = trimZeros(mantissa)
		} else if precision == 1 {
			mantissa += "."
		}
		return mantissa + "e" + power
	}
	s = strconv.FormatFloat(f, 'f', precision-1-exp, 64)
	if !keepZeros {
		return trimZeros(s)
	}
	return withPoint(s)
}

// withPoint makes sure that there is a point, before the exponent if any.
func withPoint(s string) string {
	if strings.Contains(s, ".") {
		return s
	}
	if i := strings.IndexByte(s, 'e'); i >= 0 {
		return s[:i] + "." + s[i:]
	}
	return s + "."
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

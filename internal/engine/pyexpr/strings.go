package pyexpr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// stringMethod finds a method of str.
func stringMethod(s, name string) methodFunc {
	if f := stringMapping(name); f != nil {
		return func(m *machine, a *arguments) (any, error) {
			if err := a.between(0, 0); err != nil {
				return nil, err
			}
			return f(s), m.chargeText(len(s))
		}
	}
	if f := stringTest(name); f != nil {
		return func(m *machine, a *arguments) (any, error) {
			if err := a.between(0, 0); err != nil {
				return nil, err
			}
			return f(s), m.chargeText(len(s))
		}
	}
	var f func(*machine, string, *arguments) (any, error)
	switch name {
	case "strip", "lstrip", "rstrip":
		f = stringStrip
	case "startswith", "endswith":
		f = stringAffix
	case "find", "rfind", "index", "rindex", "count":
		f = stringFind
	case "split", "rsplit":
		f = stringSplit
	case "splitlines":
		f = stringLines
	case "partition", "rpartition":
		f = stringPartition
	case "join":
		f = stringJoin
	case "replace":
		f = stringReplace
	case "removeprefix", "removesuffix":
		f = stringRemove
	case "center", "ljust", "rjust", "zfill":
		f = stringPad
	case "expandtabs":
		f = stringTabs
	case "format":
		f = stringFormat
	case "format_map":
		f = stringFormatMap
	case "encode":
		f = stringEncode
	default:
		return nil
	}
	return func(m *machine, a *arguments) (any, error) {
		if err := m.chargeText(len(s)); err != nil {
			return nil, err
		}
		return f(m, s, a)
	}
}

func stringMapping(name string) func(string) string {
	switch name {
	case "upper":
		return value.Upper
	case "lower":
		return value.Lower
	case "casefold":
		return func(s string) string { return strings.ReplaceAll(value.Lower(s), "ß", "ss") }
	case "title":
		return value.Title
	case "capitalize":
		return value.Capitalize
	case "swapcase":
		return value.SwapCase
	}
	return nil
}

// stringTest finds the tests that look at every character; none of them but
// isascii is true for the empty text.
func stringTest(name string) func(string) bool {
	each := func(ok func(rune) bool) func(string) bool {
		return func(s string) bool {
			return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
		}
	}
	caseTest := func(want, other func(rune) bool) func(string) bool {
		return func(s string) bool { return strings.ContainsFunc(s, want) && !strings.ContainsFunc(s, other) }
	}
	switch name {
	case "isdigit":
		return each(func(r rune) bool { return unicode.IsDigit(r) || superscript(r) })
	case "isdecimal":
		return each(unicode.IsDigit)
	case "isnumeric":
		return each(unicode.IsNumber)
	case "isalpha":
		return each(unicode.IsLetter)
	case "isalnum":
		return each(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	case "isspace":
		return each(value.IsSpace)
	case "isprintable":
		return func(s string) bool {
			return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
		}
	case "isascii":
		return func(s string) bool {
			return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
		}
	case "isupper":
		return caseTest(unicode.IsUpper, unicode.IsLower)
	case "islower":
		return caseTest(unicode.IsLower, unicode.IsUpper)
	case "istitle":
		return isTitle
	case "isidentifier":
		return func(s string) bool {
			l := &lexer{src: s}
			return s != "" && l.name() == s
		}
	}
	return nil
}

// superscript tells the digits that are not decimal.
func superscript(r rune) bool {
	return r == '²' || r == '³' || r == '¹' || r >= 0x2070 && r <= 0x2089 || r >= 0x2460 && r <= 0x2468
}

// isTitle wants capitals exactly at the starts of words, and at least one
// letter.
func isTitle(s string) bool {
	found, inWord := false, false
	for _, r := range s {
		switch {
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			if inWord {
				return false
			}
			inWord, found = true, true
		case unicode.IsLower(r):
			if !inWord {
				return false
			}
			found = true
		default:
			inWord = false
		}
	}
	return found
}

func stringStrip(_ *machine, s string, a *arguments) (any, error) {
	if err := a.between(0, 1); err != nil {
		return nil, err
	}
	cut := value.IsSpace
	if len(a.list) == 1 && a.list[0] != nil {
		set, ok := a.list[0].(string)
		if !ok {
			return nil, fail("TypeError", "%s arg must be None or str", a.name)
		}
		cut = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	if a.name != "rstrip" {
		s = strings.TrimLeftFunc(s, cut)
	}
	if a.name != "lstrip" {
		s = strings.TrimRightFunc(s, cut)
	}
	return s, nil
}

// section cuts the part of s that start and end name, and tells how many
// characters stand before it.
func section(s string, bounds []any) (part string, before int, ok bool, err error) {
	if len(bounds) == 0 {
		return s, 0, true, nil
	}
	runes := []rune(s)
	if n, isInt := asInt(bounds[0]); isInt && n > int64(len(runes)) {
		return "", 0, false, nil
	}
	start, end, err := window(bounds, len(runes))
	if err != nil {
		return "", 0, false, err
	}
	if start == end {
		// An empty section may still match the empty text at its place.
		if n, isInt := asInt(bounds[0]); isInt {
			if n < 0 {
				n = max(0, n+int64(len(runes)))
			}
			start = int(n)
		}
		return "", start, true, nil
	}
	return string(runes[start:end]), start, true, nil
}

// stringAffix accepts a tuple of alternatives.
func stringAffix(_ *machine, s string, a *arguments) (any, error) {
	if err := a.between(1, 3); err != nil {
		return nil, err
	}
	part, _, ok, err := section(s, a.list[1:])
	if err != nil {
		return nil, err
	}
	options := []any{a.list[0]}
	if t, isTuple := a.list[0].(value.Tuple); isTuple {
		options = t
	}
	for _, o := range options {
		affix, isText := o.(string)
		if !isText {
			return nil, fail("TypeError", "%s first arg must be str or a tuple of str, not %s", a.name, value.TypeName(o))
		}
		if ok && (a.name == "startswith" && strings.HasPrefix(part, affix) ||
			a.name == "endswith" && strings.HasSuffix(part, affix)) {
			return true, nil
		}
	}
	return false, nil
}

// stringFind counts in characters, while the search itself works on bytes.
func stringFind(_ *machine, s string, a *arguments) (any, error) {
	if err := a.between(1, 3); err != nil {
		return nil, err
	}
	sub, err := text(a.list[0])
	if err != nil {
		return nil, err
	}
	part, before, ok, err := section(s, a.list[1:])
	if err != nil {
		return nil, err
	}
	if a.name == "count" {
		if !ok {
			return int64(0), nil
		}
		return int64(strings.Count(part, sub)), nil
	}
	at := -1
	if ok {
		if a.name[0] == 'r' {
			at = strings.LastIndex(part, sub)
		} else {
			at = strings.Index(part, sub)
		}
	}
	if at >= 0 {
		return int64(before + utf8.RuneCountInString(part[:at])), nil
	}
	if strings.HasSuffix(a.name, "index") {
		return nil, fail("ValueError", "substring not found")
	}
	return int64(-1), nil
}

// stringReplace counts first: the length of the result is known before it is
// built.
func stringReplace(m *machine, s string, a *arguments) (any, error) {
	if err := a.between(2, 3); err != nil {
		return nil, err
	}
	from, err := text(a.list[0])
	if err != nil {
		return nil, err
	}
	to, err := text(a.list[1])
	if err != nil {
		return nil, err
	}
	n := strings.Count(s, from)
	if len(a.list) == 3 {
		limit, err := wholeNumber(a.list[2])
		if err != nil {
			return nil, err
		}
		if limit >= 0 && limit < int64(n) {
			n = int(limit)
		}
	}
	if len(to) > 0 && n > maxText/len(to) {
		return nil, fail("MemoryError", "the expression makes too large a text")
	}
	if err := m.chargeText(len(s) + n*len(to)); err != nil {
		return nil, err
	}
	return strings.Replace(s, from, to, n), nil
}

func stringRemove(_ *machine, s string, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	affix, err := text(v)
	if a.name == "removeprefix" {
		return strings.TrimPrefix(s, affix), err
	}
	return strings.TrimSuffix(s, affix), err
}

// stringPad covers center, ljust, rjust and zfill; zfill puts its zeros behind
// a sign.
func stringPad(m *machine, s string, a *arguments) (any, error) {
	if err := a.between(1, 2); err != nil {
		return nil, err
	}
	wanted, err := wholeNumber(a.list[0])
	if err != nil {
		return nil, err
	}
	fill := ' '
	if len(a.list) == 2 && a.name != "zfill" {
		f, err := text(a.list[1])
		if err != nil {
			return nil, err
		}
		r, size := utf8.DecodeRuneInString(f)
		if f == "" || size != len(f) {
			return nil, fail("TypeError", "The fill character must be exactly one character long")
		}
		fill = r
	}
	if wanted > maxText {
		return nil, fail("MemoryError", "the expression makes too large a text")
	}
	width := int(max(wanted, 0))
	if err := m.chargeText(width * utf8.RuneLen(fill)); err != nil {
		return nil, err
	}
	if a.name == "center" {
		return value.Center(s, width, fill), nil
	}
	room := strings.Repeat(string(fill), max(0, width-utf8.RuneCountInString(s)))
	switch a.name {
	case "ljust":
		return s + room, nil
	case "rjust":
		return room + s, nil
	}
	zeros := strings.Repeat("0", len(room))
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[:1] + zeros + s[1:], nil
	}
	return zeros + s, nil
}

func stringTabs(m *machine, s string, a *arguments) (any, error) {
	p, err := a.take(0, "tabsize")
	if err != nil {
		return nil, err
	}
	size, err := wholeOr(p[0], 8)
	if err != nil {
		return nil, err
	}
	size = max(0, min(size, 1<<10))
	if err := m.chargeText(len(s) + strings.Count(s, "\t")*int(size)); err != nil {
		return nil, err
	}
	var b strings.Builder
	column := int64(0)
	for _, r := range s {
		switch r {
		case '\t':
			if size > 0 {
				n := size - column%size
				b.WriteString(strings.Repeat(" ", int(n)))
				column += n
			}
			continue
		case '\n', '\r':
			column = -1
		}
		column++
		b.WriteRune(r)
	}
	return b.String(), nil
}

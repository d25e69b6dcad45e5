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

func stringSplit(m *machine, s string, a *arguments) (any, error) {
	p, err := a.take(0, "sep", "maxsplit")
	if err != nil {
		return nil, err
	}
	limit, err := wholeOr(p[1], -1)
	if err != nil {
		return nil, err
	}
	n := -1
	if limit >= 0 && limit < int64(len(s)) {
		n = int(limit)
	}
	var parts []string
	if sep, ok := p[0].(string); ok {
		if sep == "" {
			return nil, fail("ValueError", "empty separator")
		}
		parts = splitBy(s, sep, n, a.name == "rsplit")
	} else if given(p[0]) && p[0] != nil {
		return nil, fail("TypeError", "must be str or None, not %s", value.TypeName(p[0]))
	} else {
		parts = splitSpace(s, n, a.name == "rsplit")
	}
	return m.texts(parts)
}

func (m *machine) texts(parts []string) (any, error) {
	if err := m.charge(len(parts)); err != nil {
		return nil, err
	}
	out := make([]any, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, nil
}

// splitBy limits the number of cuts, from the right for rsplit.
func splitBy(s, sep string, n int, fromRight bool) []string {
	if n < 0 {
		return strings.Split(s, sep)
	}
	if !fromRight {
		return strings.SplitN(s, sep, n+1)
	}
	all := []string{}
	for ; n > 0; n-- {
		at := strings.LastIndex(s, sep)
		if at < 0 {
			break
		}
		all = append([]string{s[at+len(sep):]}, all...)
		s = s[:at]
	}
	return append([]string{s}, all...)
}

// splitSpace keeps the blanks inside the last part when the cuts run out.
func splitSpace(s string, n int, fromRight bool) []string {
	if n < 0 {
		return value.SplitWhitespace(s)
	}
	all := []string{}
	if fromRight {
		for s = strings.TrimRightFunc(s, value.IsSpace); s != ""; n-- {
			at := strings.LastIndexFunc(s, value.IsSpace)
			if n == 0 || at < 0 {
				all = append(all, s)
				break
			}
			_, size := utf8.DecodeRuneInString(s[at:])
			all = append(all, s[at+size:])
			s = strings.TrimRightFunc(s[:at], value.IsSpace)
		}
		for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
			all[i], all[j] = all[j], all[i]
		}
		return all
	}
	for s = strings.TrimLeftFunc(s, value.IsSpace); s != ""; n-- {
		at := strings.IndexFunc(s, value.IsSpace)
		if n == 0 || at < 0 {
			return append(all, s)
		}
		all = append(all, s[:at])
		s = strings.TrimLeftFunc(s[at:], value.IsSpace)
	}
	return all
}

func stringLines(m *machine, s string, a *arguments) (any, error) {
	p, err := a.take(0, "keepends")
	if err != nil {
		return nil, err
	}
	return m.texts(value.SplitLines(s, given(p[0]) && m.truthy(p[0])))
}

func stringPartition(_ *machine, s string, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	sep, err := text(v)
	switch {
	case err != nil:
		return nil, err
	case sep == "":
		return nil, fail("ValueError", "empty separator")
	}
	if a.name == "partition" {
		if before, after, ok := strings.Cut(s, sep); ok {
			return value.Tuple{before, sep, after}, nil
		}
		return value.Tuple{s, "", ""}, nil
	}
	if at := strings.LastIndex(s, sep); at >= 0 {
		return value.Tuple{s[:at], sep, s[at+len(sep):]}, nil
	}
	return value.Tuple{"", "", s}, nil
}

// stringJoin pays as it goes, because the number of parts is not known before.
func stringJoin(m *machine, s string, a *arguments) (any, error) {
	v, err := a.one()
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	n := 0
	err = m.iterate(v, func(e any) (bool, error) {
		part, ok := e.(string)
		if !ok {
			return false, fail("TypeError", "sequence item %d: expected str instance, %s found", n, value.TypeName(e))
		}
		if n > 0 {
			b.WriteString(s)
		}
		n++
		b.WriteString(part)
		if b.Len() > maxText {
			return false, m.chargeText(b.Len())
		}
		return true, m.chargeText(len(s) + len(part))
	})
	return b.String(), err
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

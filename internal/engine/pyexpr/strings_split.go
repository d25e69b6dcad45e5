package pyexpr

import (
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

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

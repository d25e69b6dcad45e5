package value

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace tells whether Python counts r as white space. Beyond Go's own set
// these are the four information separators.
func IsSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// wideUpper gives the common letters whose upper case has more than one
// letter, which Go's one-to-one mapping cannot say; "" for all others.
func wideUpper(r rune) string {
	if r < 'ß' {
		return ""
	}
	switch r {
	case 'ß':
		return "SS"
	case 'ŉ':
		return "ʼN"
	case 'ǰ':
		return "J̌"
	case 'և':
		return "ԵՒ"
	case 'ﬀ':
		return "FF"
	case 'ﬁ':
		return "FI"
	case 'ﬂ':
		return "FL"
	case 'ﬃ':
		return "FFI"
	case 'ﬄ':
		return "FFL"
	case 'ﬅ', 'ﬆ':
		return "ST"
	}
	return ""
}

// Upper is str.upper.
func Upper(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return wideUpper(r) != "" }) {
		return strings.ToUpper(s)
	}
	var b strings.Builder
	for _, r := range s {
		writeUpper(&b, r)
	}
	return b.String()
}

func writeUpper(b *strings.Builder, r rune) {
	if wide := wideUpper(r); wide != "" {
		b.WriteString(wide)
		return
	}
	b.WriteRune(unicode.ToUpper(r))
}

// Lower is str.lower, with the sigma that ends a word.
func Lower(s string) string {
	if !strings.ContainsAny(s, "Σİ") {
		return strings.ToLower(s)
	}
	var b strings.Builder
	prev := rune(0)
	for i, r := range s {
		writeLower(&b, r, prev, restAfter(s, i))
		prev = r
	}
	return b.String()
}

// writeLower needs the neighbours of r to tell the two small sigmas apart.
func writeLower(b *strings.Builder, r, prev rune, rest string) {
	switch {
	case r == 'İ':
		b.WriteString("i̇")
	case r == 'Σ' && cased(prev):
		if next, _ := utf8.DecodeRuneInString(rest); !cased(next) {
			b.WriteRune('ς')
			return
		}
		b.WriteRune('σ')
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

// cased tells letters that have a case, which are what words are made of.
func cased(r rune) bool {
	return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
}

func writeTitle(b *strings.Builder, r rune) {
	if wide := wideUpper(r); wide != "" {
		if r == 'ŉ' {
			// The first of its two letters is an apostrophe.
			b.WriteString(wide)
			return
		}
		first, size := utf8.DecodeRuneInString(wide)
		b.WriteRune(first)
		b.WriteString(strings.ToLower(wide[size:]))
		return
	}
	b.WriteRune(unicode.ToTitle(r))
}

// Title is str.title: every run of letters starts with a capital, so that an
// apostrophe starts a new word.
func Title(s string) string {
	var b strings.Builder
	prev := rune(0)
	for i, r := range s {
		if cased(prev) {
			writeLower(&b, r, prev, restAfter(s, i))
		} else {
			writeTitle(&b, r)
		}
		prev = r
	}
	return b.String()
}

// restAfter is what follows the character at i, which may be a broken byte.
func restAfter(s string, i int) string {
	_, size := utf8.DecodeRuneInString(s[i:])
	return s[i+size:]
}

// Capitalize is str.capitalize: the first character large, all others small.
func Capitalize(s string) string {
	if s == "" {
		return s
	}
	first, size := utf8.DecodeRuneInString(s)
	var b strings.Builder
	writeTitle(&b, first)
	b.WriteString(Lower(s[size:]))
	return b.String()
}

// SwapCase is str.swapcase.
func SwapCase(s string) string {
	var b strings.Builder
	prev := rune(0)
	for i, r := range s {
		switch {
		case unicode.IsUpper(r):
			writeLower(&b, r, prev, restAfter(s, i))
		case unicode.IsLower(r):
			writeUpper(&b, r)
		default:
			b.WriteRune(r)
		}
		prev = r
	}
	return b.String()
}

// isLineEnd tells whether str.splitlines breaks at r.
func isLineEnd(r rune) bool {
	switch r {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

// SplitLines is str.splitlines: a last empty line does not count. With
// keepEnds every line carries its line end.
func SplitLines(s string, keepEnds bool) []string {
	lines := []string{}
	for s != "" {
		at := strings.IndexFunc(s, isLineEnd)
		if at < 0 {
			return append(lines, s)
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			size = 2
		}
		end := at
		if keepEnds {
			end += size
		}
		lines = append(lines, s[:end])
		s = s[at+size:]
	}
	return lines
}

// SplitWhitespace is str.split without a separator: any run of white space
// separates, and none counts at the ends.
func SplitWhitespace(s string) []string {
	return strings.FieldsFunc(s, IsSpace)
}

// Center is str.center: s in the middle of width characters. When the room
// cannot be halved, the extra one goes left if width is odd, else right.
func Center(s string, width int, fill rune) string {
	room := width - utf8.RuneCountInString(s)
	if room <= 0 {
		return s
	}
	left := room/2 + room&width&1
	return strings.Repeat(string(fill), left) + s + strings.Repeat(string(fill), room-left)
}

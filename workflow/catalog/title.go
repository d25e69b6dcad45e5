package catalog

import (
	"strings"
	"unicode"
)

// Title puts the name of a type, a property or a port into words: GoToURLNode is
// "Go to URL", timeout_ms is "Timeout (ms)".
func Title(name string) string {
	base := strings.TrimSuffix(name, "Node")
	if base == "" {
		return name
	}
	unit := ""
	for suffix, shown := range map[string]string{"_ms": " (ms)", "_seconds": " (s)"} {
		if cut, ok := strings.CutSuffix(base, suffix); ok && cut != "" {
			base, unit = cut, shown
		}
	}
	var words []string
	for _, part := range strings.FieldsFunc(base, func(r rune) bool { return r == '_' || r == ' ' || r == '.' }) {
		words = append(words, splitCase(part)...)
	}
	for i, w := range words {
		if up := strings.ToUpper(w); acronyms[up] || (len(w) > 1 && w == up) {
			words[i] = up
			continue
		}
		words[i] = strings.ToLower(w)
	}
	if len(words) == 0 {
		return name
	}
	first := []rune(words[0])
	first[0] = unicode.ToUpper(first[0])
	words[0] = string(first)
	return strings.Join(words, " ") + unit
}

// acronyms are written in capitals.
var acronyms = map[string]bool{
	"URL": true, "HTTP": true, "JSON": true, "XML": true, "CSV": true, "PDF": true, "FTP": true, "HTML": true, "SQL": true, "ID": true,
	"UUID": true, "QR": true, "API": true, "SSL": true, "TLS": true, "SMTP": true, "IMAP": true, "AI": true, "LLM": true, "UI": true, "MD5": true,
}

// splitCase cuts GoToURL into Go, To, URL.
func splitCase(s string) []string {
	var out []string
	rs := []rune(s)
	start := 0
	for i := 1; i < len(rs); i++ {
		next := i+1 < len(rs) && unicode.IsLower(rs[i+1])
		if unicode.IsUpper(rs[i]) && (!unicode.IsUpper(rs[i-1]) || next) {
			out = append(out, string(rs[start:i]))
			start = i
		}
	}
	return append(out, string(rs[start:]))
}

package template

import (
	"slices"
	"strings"
)

// reference is one reference in a text: text[start:end].
type reference struct {
	start, end int
	path       string // as written, without blanks around it
	secret     string // the id, when it is a secret
	percent    bool
}

// system tells whether the path is one of the clock names or another name
// with a dollar sign.
func (r reference) system() bool { return strings.HasPrefix(r.path, "$") }

const secretPrefix = "$secret:"

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// scanName returns the end of the name at i, or i when there is none.
func scanName(s string, i int) int {
	if i >= len(s) || !isNameStart(s[i]) {
		return i
	}
	for i < len(s) && (isNameStart(s[i]) || isDigit(s[i])) {
		i++
	}
	return i
}

// scanPath returns the end of the path at i, or i when there is none. A step
// that does not fit ends the path before it.
func scanPath(s string, i int) int {
	end := scanName(s, i)
	if end == i {
		return i
	}
	for end < len(s) {
		switch s[end] {
		case '.':
			next := scanName(s, end+1)
			if next == end+1 {
				return end
			}
			end = next
		case '[':
			next := end + 1
			for next < len(s) && isDigit(s[next]) {
				next++
			}
			if next == end+1 || next == len(s) || s[next] != ']' {
				return end
			}
			end = next + 1
		default:
			return end
		}
	}
	return end
}

// next finds the first reference at or behind from.
func next(s string, from int) (reference, bool) {
	for from < len(s) {
		i := strings.IndexAny(s[from:], "{$%")
		if i < 0 {
			break
		}
		at := from + i
		var ref reference
		ok := false
		switch {
		case s[at] == '%':
			ref, ok = percent(s, at)
		case strings.HasPrefix(s[at:], "{{"):
			ref, ok = braced(s, at, 2, "}}")
		case strings.HasPrefix(s[at:], "${"):
			ref, ok = braced(s, at, 2, "}")
		}
		if ok {
			return ref, true
		}
		from = at + 1
	}
	return reference{}, false
}

// percent reads %path%, which allows neither blanks nor a dollar sign.
func percent(s string, at int) (reference, bool) {
	end := scanPath(s, at+1)
	if end == at+1 || end == len(s) || s[end] != '%' {
		return reference{}, false
	}
	return reference{start: at, end: end + 1, path: s[at+1 : end], percent: true}, true
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func skipBlanks(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// braced reads a reference whose opening takes width bytes.
func braced(s string, at, width int, closing string) (reference, bool) {
	start := skipBlanks(s, at+width)
	var end int
	secret := ""
	if strings.HasPrefix(s[start:], secretPrefix) {
		end = start + len(secretPrefix)
		from := end
		for end < len(s) && s[end] != '}' && s[end] != '{' && !isBlank(s[end]) {
			end++
		}
		if secret = s[from:end]; secret == "" {
			return reference{}, false
		}
	} else {
		name := start
		if name < len(s) && s[name] == '$' {
			name++
		}
		if end = scanPath(s, name); end == name {
			return reference{}, false
		}
	}
	after := skipBlanks(s, end)
	if !strings.HasPrefix(s[after:], closing) {
		return reference{}, false
	}
	return reference{start: at, end: after + len(closing), path: s[start:end], secret: secret}, true
}

// only returns the reference that is all of the text, blanks around it aside.
func only(s string) (reference, bool) {
	trimmed := strings.TrimSpace(s)
	ref, ok := next(trimmed, 0)
	return ref, ok && ref.start == 0 && ref.end == len(trimmed)
}

// IsReference tells whether a text is one reference and nothing else.
func IsReference(text string) bool {
	_, ok := only(text)
	return ok
}

// HasReference tells whether a text may hold references, so that its type is
// not known before it is resolved. It is generous: an opening {{ or ${ is
// enough, since such a text is never meant as a number or a boolean.
func HasReference(text string) bool {
	if strings.Contains(text, "{{") || strings.Contains(text, "${") {
		return true
	}
	_, ok := next(text, 0)
	return ok
}

// Paths returns the paths of the variables that a text refers to, each once,
// in order. The clock and secrets are not among them.
func Paths(text string) []string {
	return gather(text, func(r reference) string {
		if r.system() {
			return ""
		}
		return r.path
	})
}

// Secrets returns the ids of the secrets that a text refers to, each once.
func Secrets(text string) []string {
	return gather(text, func(r reference) string { return r.secret })
}

func gather(text string, what func(reference) string) []string {
	var found []string
	for at := 0; ; {
		ref, ok := next(text, at)
		if !ok {
			return found
		}
		at = ref.end
		if s := what(ref); s != "" && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
}

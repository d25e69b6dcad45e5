package pyexpr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenKeyword
	tokenNumber
	tokenString
	tokenFString
	tokenOp
)

// token is one word of the source. val is the value of a number or a plain
// string; text of an f-string is its inside, with raw kept apart.
type token struct {
	kind tokenKind
	text string
	val  any
	raw  bool
	at   int
}

// lexer cuts the source into tokens. Line ends count as blanks everywhere,
// since an expression is all there is.
type lexer struct {
	src string
	at  int
}

func (l *lexer) fail(at int, format string, args ...any) error {
	err := value.Errorf("SyntaxError", format, args...)
	err.Message += " (column " + strconv.Itoa(utf8.RuneCountInString(l.src[:at])+1) + ")"
	return err
}

func isKeyword(s string) bool {
	switch s {
	case "and", "or", "not", "in", "is", "if", "else", "for", "lambda", "True", "False", "None",
		"as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
		"except", "finally", "from", "global", "import", "nonlocal", "pass", "raise", "return",
		"try", "while", "with", "yield":
		return true
	}
	return false
}

func (l *lexer) all() ([]token, error) {
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEnd {
			return tokens, nil
		}
	}
}

func (l *lexer) peek(ahead int) byte {
	if l.at+ahead < len(l.src) {
		return l.src[l.at+ahead]
	}
	return 0
}

func (l *lexer) skip() {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == '#':
			for l.at < len(l.src) && l.src[l.at] != '\n' {
				l.at++
			}
		case c == '\\' && (l.peek(1) == '\n' || l.peek(1) == '\r'):
			l.at++
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
			l.at++
		default:
			return
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// next cuts one token. Two-character operators go before their first character.
func (l *lexer) next() (token, error) {
	l.skip()
	start := l.at
	if start >= len(l.src) {
		return token{kind: tokenEnd, at: start}, nil
	}
	c := l.src[start]
	if isDigit(c) || c == '.' && isDigit(l.peek(1)) {
		return l.number()
	}
	if c == '"' || c == '\'' {
		return l.str("")
	}
	if name := l.name(); name != "" {
		if q := l.peek(0); (q == '"' || q == '\'') && isStringPrefix(name) {
			return l.str(strings.ToLower(name))
		}
		if isKeyword(name) {
			return token{kind: tokenKeyword, text: name, at: start}, nil
		}
		if strings.Contains(name, "__") {
			return token{}, l.fail(start, "names with two underscores are not allowed: %s", name)
		}
		return token{kind: tokenName, text: name, at: start}, nil
	}
	for _, op := range [...]string{"**", "//", "<<", ">>", "<=", ">=", "==", "!=", ":="} {
		if strings.HasPrefix(l.src[start:], op) {
			l.at += 2
			return token{kind: tokenOp, text: op, at: start}, nil
		}
	}
	if strings.IndexByte("+-*/%<>()[]{},:.&|^~=", c) >= 0 {
		l.at++
		return token{kind: tokenOp, text: l.src[start:l.at], at: start}, nil
	}
	r, _ := utf8.DecodeRuneInString(l.src[start:])
	return token{}, l.fail(start, "invalid character '%c' (U+%04X)", r, r)
}

// name cuts an identifier, or nothing. Letters of all scripts count.
func (l *lexer) name() string {
	start := l.at
	for i, r := range l.src[start:] {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
			break
		}
		l.at = start + i + utf8.RuneLen(r)
	}
	return l.src[start:l.at]
}

func isStringPrefix(s string) bool {
	switch strings.ToLower(s) {
	case "r", "u", "b", "f", "rb", "br", "fr", "rf":
		return true
	}
	return false
}

// number cuts an int or a float. A decimal integer of more than 64 bits becomes
// a float; one in another base is refused, since its digits would be lost.
func (l *lexer) number() (token, error) {
	start := l.at
	whole := true
	if c := l.peek(1) | 0x20; l.peek(0) == '0' && (c == 'x' || c == 'o' || c == 'b') {
		l.at += 2
		for c := l.peek(0); isDigit(c) || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'f'; c = l.peek(0) {
			l.at++
		}
	} else {
		l.digits()
		if l.peek(0) == '.' {
			whole = false
			l.at++
			l.digits()
		}
		if l.peek(0)|0x20 == 'e' {
			ahead := 1
			if c := l.peek(1); c == '+' || c == '-' {
				ahead = 2
			}
			if isDigit(l.peek(ahead)) {
				whole = false
				l.at += ahead
				l.digits()
			}
		}
	}
	text := l.src[start:l.at]
	if c, _ := utf8.DecodeRuneInString(l.src[l.at:]); c == '_' || l.at < len(l.src) && unicode.IsLetter(c) && !l.keywordAhead() {
		return token{}, l.fail(start, "invalid decimal literal")
	}
	t := token{kind: tokenNumber, text: text, at: start}
	if !whole {
		f, err := value.ToFloat(text)
		if err != nil {
			return token{}, l.fail(start, "invalid decimal literal")
		}
		t.val = f
		return t, nil
	}
	i, err := value.ParseInt(text, 0)
	if err == nil {
		t.val = i
		return t, nil
	}
	if f, floatErr := value.ToFloat(text); floatErr == nil && strings.Trim(text, "0123456789_") == "" && text[0] != '0' {
		t.val = f
		return t, nil
	}
	return token{}, l.fail(start, "invalid number '%s'", text)
}

// keywordAhead allows what Python allows, such as "1if x else 2".
func (l *lexer) keywordAhead() bool {
	saved := l.at
	name := l.name()
	l.at = saved
	return isKeyword(name)
}

// digits allows single underscores between digits, as Python does.
func (l *lexer) digits() {
	for c := l.peek(0); isDigit(c) || c == '_' && isDigit(l.peek(1)); c = l.peek(0) {
		l.at++
	}
}

// str reads a string whose prefix has been read; l.at is at the quote.
func (l *lexer) str(prefix string) (token, error) {
	start := l.at
	quote := l.src[start : start+1]
	if strings.HasPrefix(l.src[start:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	l.at += len(quote)
	inside := l.at
	for {
		switch {
		case l.at >= len(l.src):
			return token{}, l.fail(start, "unterminated string literal")
		case l.src[l.at] == '\\':
			l.at = min(l.at+2, len(l.src))
		case strings.HasPrefix(l.src[l.at:], quote):
			text := l.src[inside:l.at]
			l.at += len(quote)
			return l.stringToken(start, prefix, text)
		case len(quote) == 1 && l.src[l.at] == '\n':
			return token{}, l.fail(start, "unterminated string literal")
		default:
			l.at++
		}
	}
}

func (l *lexer) stringToken(start int, prefix, text string) (token, error) {
	t := token{kind: tokenString, text: text, at: start, raw: strings.Contains(prefix, "r")}
	if strings.Contains(prefix, "f") {
		t.kind = tokenFString
		return t, nil
	}
	bytes := strings.Contains(prefix, "b")
	s := text
	if !t.raw {
		var ok bool
		if s, ok = unescape(text, bytes); !ok {
			return token{}, l.fail(start, "invalid escape in string literal")
		}
	}
	t.val = s
	if bytes {
		if strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return token{}, l.fail(start, "bytes can only contain ASCII literal characters")
		}
		t.val = []byte(s)
	}
	return t, nil
}

// unescape resolves the backslashes of a literal. Unknown escapes stay.
func unescape(s string, bytes bool) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b = append(b, s[i])
			continue
		}
		i++
		c := s[i]
		if k := strings.IndexByte(`\'"abfnrtv`, c); k >= 0 {
			b = append(b, "\\'\"\a\b\f\n\r\t\v"[k])
			continue
		}
		width := 0
		switch {
		case c == '\n':
			continue
		case c == 'x':
			width = 2
		case c == 'u' && !bytes:
			width = 4
		case c == 'U' && !bytes:
			width = 8
		case c >= '0' && c <= '7':
			end := i
			for end < len(s) && end < i+3 && s[end] >= '0' && s[end] <= '7' {
				end++
			}
			n, _ := strconv.ParseUint(s[i:end], 8, 32)
			b = appendCode(b, rune(n), bytes)
			i = end - 1
			continue
		default:
			b = append(b, '\\', c)
			continue
		}
		if i+width >= len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+1+width], 16, 32)
		if err != nil || n > unicode.MaxRune {
			return "", false
		}
		b = appendCode(b, rune(n), bytes)
		i += width
	}
	return string(b), true
}

func appendCode(b []byte, r rune, bytes bool) []byte {
	if bytes {
		return append(b, byte(r))
	}
	return utf8.AppendRune(b, r)
}

package pyregex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// classLetter gives the set of a class letter, and whether it is the set's
// complement.
func (t *translator) classLetter(r rune) (set string, negative, ok bool) {
	word, space, digit := wordSet, spaceSet, digitSet
	if t.ascii {
		word, space, digit = wordSetASCII, spaceSetASCII, digitSetASCII
	}
	switch r {
	case 'w', 'W':
		return word, r == 'W', true
	case 's', 'S':
		return space, r == 'S', true
	case 'd', 'D':
		return digit, r == 'D', true
	}
	return "", false, false
}

// escape reads what follows a backslash outside of brackets.
func (t *translator) escape() error {
	start := t.pos
	t.pos++
	r := t.peek()
	switch r {
	case 'A', 'b', 'B':
		t.pos++
		t.write(`\` + string(r))
		t.atom, t.repeated = -1, false
		return nil
	case 'Z': // only the very end, never before a last line feed
		t.pos++
		t.write(`\z`)
		t.atom, t.repeated = -1, false
		return nil
	}
	if set, negative, ok := t.classLetter(r); ok {
		t.pos++
		t.item()
		if negative {
			t.write("[^" + set + "]")
		} else {
			t.write("[" + set + "]")
		}
		return nil
	}
	if r >= '1' && r <= '9' {
		if code, ok := t.octal(3); ok {
			if code > 0o377 {
				return t.fail(start, "octal escape value \\%s outside of range 0-0o377", string(t.src[start+1:t.pos]))
			}
			t.item()
			t.literal(code)
			return nil
		}
		text := string(r)
		t.pos++
		if next := t.peek(); next >= '0' && next <= '9' {
			text += string(next)
			t.pos++
		}
		number, _ := strconv.Atoi(text)
		pos := start
		if number > t.count {
			pos = start + 1
		}
		return t.reference(number, pos)
	}
	code, err := t.character(start)
	if err != nil {
		return err
	}
	t.item()
	t.literal(code)
	return nil
}

// octal reads exactly n octal digits, or nothing.
func (t *translator) octal(n int) (rune, bool) {
	code := rune(0)
	for i := range n {
		r := t.at(i)
		if r < '0' || r > '7' {
			return 0, false
		}
		code = code*8 + r - '0'
	}
	t.pos += n
	return code, true
}

// character reads an escape that stands for one character, after its
// backslash at start.
func (t *translator) character(start int) (rune, error) {
	r := t.peek()
	if r < 0 {
		return 0, t.fail(start, "bad escape (end of pattern)")
	}
	t.pos++
	switch r {
	case 'a':
		return '\a', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'v':
		return '\v', nil
	case 'x':
		return t.hex(start, 2)
	case 'u':
		return t.hex(start, 4)
	case 'U':
		return t.hex(start, 8)
	case 'N':
		return 0, t.fail(start, "characters cannot be written by name here: \\N")
	case '0':
		code := rune(0)
		for range 2 {
			if d := t.peek(); d >= '0' && d <= '7' {
				code = code*8 + d - '0'
				t.pos++
			}
		}
		return code, nil
	}
	if r < utf8.RuneSelf && (isLetter(r) || isDigit(r)) {
		return 0, t.fail(start, "bad escape \\%c", r)
	}
	return r, nil
}

func (t *translator) hex(start, n int) (rune, error) {
	from := t.pos
	for t.pos < from+n && strings.ContainsRune("0123456789abcdefABCDEF", t.peek()) && t.peek() > 0 {
		t.pos++
	}
	text := string(t.src[from:t.pos])
	code, err := strconv.ParseInt(text, 16, 64)
	if len(text) != n || err != nil {
		return 0, t.fail(start, "incomplete escape %s", string(t.src[start:t.pos]))
	}
	if code > utf8.MaxRune {
		return 0, t.fail(start, "bad escape %s", string(t.src[start:t.pos]))
	}
	return rune(code), nil
}

// class reads a bracket expression. A complement such as \W cannot stand in
// the engine's brackets with our sets, so such classes become alternatives.
func (t *translator) class() error {
	start := t.pos
	t.pos++
	negated := t.accept("^")
	var complements []string
	kept := t.out
	t.out = nil
	for first := true; ; first = false {
		if t.pos >= len(t.src) {
			return t.fail(start, "unterminated character set")
		}
		if t.peek() == ']' && !first {
			t.pos++
			break
		}
		at := t.pos
		low, set, complement, err := t.classItem()
		if err != nil {
			return err
		}
		if t.peek() == '-' && t.at(1) != ']' && t.at(1) >= 0 {
			t.pos++
			high, setHigh, _, err := t.classItem()
			if err != nil {
				return err
			}
			if set != "" || setHigh != "" || high < low {
				return t.fail(at, "bad character range %s", string(t.src[at:t.pos]))
			}
			t.literal(low)
			t.write("-")
			t.literal(high)
			continue
		}
		switch {
		case complement:
			complements = append(complements, "[^"+set+"]")
		case set != "":
			t.write(set)
		default:
			t.literal(low)
		}
	}
	inside := string(t.out)
	t.out = kept
	t.item()
	others := strings.Join(complements, "|")
	switch {
	case others == "" && negated:
		t.write("[^" + inside + "]")
	case others == "":
		t.write("[" + inside + "]")
	case negated && inside == "":
		t.write(`(?:(?!` + others + `)[\s\S])`)
	case negated:
		t.write("(?:(?!" + others + ")[^" + inside + "])")
	case inside == "":
		t.write("(?:" + others + ")")
	default:
		t.write(fmt.Sprintf("(?:[%s]|%s)", inside, others))
	}
	return nil
}

// classItem reads one member of a bracket expression: a character, or a set.
func (t *translator) classItem() (r rune, set string, complement bool, err error) {
	start := t.pos
	r = t.src[t.pos]
	t.pos++
	if r != '\\' {
		return r, "", false, nil
	}
	if set, complement, ok := t.classLetter(t.peek()); ok {
		t.pos++
		return 0, set, complement, nil
	}
	if t.accept("b") {
		return '\b', "", false, nil
	}
	if d := t.peek(); d >= '0' && d <= '7' {
		code := rune(0)
		for range 3 {
			if d := t.peek(); d >= '0' && d <= '7' {
				code = code*8 + d - '0'
				t.pos++
			}
		}
		if code > 0o377 {
			return 0, "", false, t.fail(start, "octal escape value %s outside of range 0-0o377", string(t.src[start:t.pos]))
		}
		return code, "", false, nil
	}
	r, err = t.character(start)
	return r, "", false, err
}

package pyregex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// The sets behind Python's class letters, as the inside of a bracket.
const (
	wordSet       = `\p{L}\p{N}_`
	spaceSet      = ` \t-\r\x1c-\x1f\x85\p{Z}`
	digitSet      = `\p{Nd}`
	wordSetASCII  = `a-zA-Z0-9_`
	spaceSetASCII = ` \t-\r`
	digitSetASCII = `0-9`
)

// maxNesting bounds how deep groups may nest, so that reading cannot exhaust
// the stack.
const maxNesting = 200

// translator reads a pattern by Python's grammar and writes it for the engine.
// Whatever it writes is unambiguous there: literals are escaped, classes are
// spelled out, backreferences are named.
type translator struct {
	src    []rune
	pos    int
	out    []byte
	names  map[string]int
	count  int          // groups opened so far
	open   map[int]bool // groups not closed yet
	global Flags        // flags that the pattern sets for itself
	ascii  bool
	spaced bool // verbose: white space and comments do not count
	depth  int

	atom     int  // where the last item begins in out; -1: nothing to repeat
	repeated bool // the last item is repeated already
}

func isLetter(r rune) bool { return unicode.IsLetter(r) }
func isDigit(r rune) bool  { return unicode.IsDigit(r) }

func translate(pattern string) (*translator, error) {
	t := &translator{src: []rune(pattern), names: map[string]int{}, open: map[int]bool{}, atom: -1}
	if err := t.leadingFlags(); err != nil {
		return nil, err
	}
	if err := t.branches(); err != nil {
		return nil, err
	}
	if t.pos < len(t.src) {
		return nil, t.fail(t.pos, "unbalanced parenthesis")
	}
	return t, nil
}

func (t *translator) fail(pos int, format string, args ...any) error {
	return errorAt(t.src, pos, format, args...)
}

func (t *translator) peek() rune { return t.at(0) }

func (t *translator) at(offset int) rune {
	if t.pos+offset < len(t.src) {
		return t.src[t.pos+offset]
	}
	return -1
}

func (t *translator) accept(text string) bool {
	for i, r := range []rune(text) {
		if t.at(i) != r {
			return false
		}
	}
	t.pos += len([]rune(text))
	return true
}

// item starts a new item of the pattern, which a quantifier may follow.
func (t *translator) item() {
	t.atom, t.repeated = len(t.out), false
}

func (t *translator) write(text string) { t.out = append(t.out, text...) }

// literal writes one character so that it stands for itself, in and out of
// brackets.
func (t *translator) literal(r rune) {
	switch {
	case strings.ContainsRune(`\*+?|{}[]()^$.#&~`, r):
		t.write(`\` + string(r))
	case r < ' ' || r == 0x7f || r == '-': // the engine misreads \- at the end of a range
		t.write(fmt.Sprintf(`\x%02x`, r))
	default:
		t.write(string(r))
	}
}

// leadingFlags takes (?ims) at the start, which hold for the whole pattern.
func (t *translator) leadingFlags() error {
	for t.at(0) == '(' && t.at(1) == '?' {
		end := 2
		for strings.ContainsRune("aiLmsux", t.at(end)) && t.at(end) > 0 {
			end++
		}
		if end == 2 || t.at(end) != ')' {
			return nil
		}
		for i := 2; i < end; i++ {
			switch t.at(i) {
			case 'i':
				t.global |= IgnoreCase
			case 'm':
				t.global |= Multiline
			case 's':
				t.global |= DotAll
			case 'a':
				t.ascii = true
			case 'x':
				t.spaced = true
			case 'L':
				return t.fail(t.pos+i+1, "bad inline flags: cannot use 'L' flag with a str pattern")
			}
		}
		t.pos += end + 1
	}
	return nil
}

// branches reads alternatives up to a closing parenthesis or the end.
func (t *translator) branches() error {
	t.atom, t.repeated = -1, false
	for t.pos < len(t.src) {
		r := t.src[t.pos]
		if t.spaced && t.skipSpace() {
			continue
		}
		var err error
		switch r {
		case ')':
			return nil
		case '|':
			t.pos++
			t.write("|")
			t.atom, t.repeated = -1, false
		case '(':
			err = t.group()
		case '[':
			err = t.class()
		case '\\':
			err = t.escape()
		case '*', '+', '?', '{':
			err = t.quantifier()
		case '^', '$':
			t.pos++
			t.write(string(r))
			t.atom, t.repeated = -1, false
		case '.':
			t.pos++
			t.item()
			t.write(".")
		default:
			t.pos++
			t.item()
			t.literal(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *translator) skipSpace() bool {
	r := t.peek()
	if r == '#' {
		for t.pos < len(t.src) && t.src[t.pos] != '\n' {
			t.pos++
		}
		return true
	}
	if strings.ContainsRune(" \t\n\r\v\f", r) {
		t.pos++
		return true
	}
	return false
}

// quantifier reads *, +, ?, {m,n} and their lazy and possessive forms.
func (t *translator) quantifier() error {
	start := t.pos
	var mark string
	if t.src[t.pos] == '{' {
		low, high, ok, err := t.bounds()
		if err != nil {
			return err
		}
		if !ok { // a brace that counts nothing is a character
			t.pos = start + 1
			t.item()
			t.literal('{')
			return nil
		}
		mark = "{" + low + "," + high + "}"
	} else {
		mark = string(t.src[t.pos])
		t.pos++
	}
	if t.repeated {
		return t.fail(start, "multiple repeat")
	}
	if t.atom < 0 {
		return t.fail(start, "nothing to repeat")
	}
	switch t.peek() {
	case '?':
		t.pos++
		t.write(mark + "?")
	case '+': // possessive: the engine knows only the atomic group
		t.pos++
		body := string(t.out[t.atom:])
		t.out = append(t.out[:t.atom], "(?>"+body+mark+")"...)
	default:
		t.write(mark)
	}
	t.repeated = true
	return nil
}

func (t *translator) bounds() (low, high string, ok bool, err error) {
	start := t.pos
	t.pos++
	low = t.digits()
	high = low
	if t.peek() == ',' {
		t.pos++
		high = t.digits()
	} else if low == "" {
		return "", "", false, nil
	}
	if t.peek() != '}' {
		return "", "", false, nil
	}
	t.pos++
	if low == "" {
		low = "0"
	}
	m, errLow := strconv.ParseInt(low, 10, 32)
	n, errHigh := m, error(nil)
	if high != "" {
		n, errHigh = strconv.ParseInt(high, 10, 32)
	}
	if errLow != nil || errHigh != nil {
		return "", "", false, t.fail(start, "the repetition number is too large")
	}
	if n < m {
		return "", "", false, t.fail(start+1, "min repeat greater than max repeat")
	}
	return low, high, true, nil
}

func (t *translator) digits() string {
	start := t.pos
	for t.peek() >= '0' && t.peek() <= '9' {
		t.pos++
	}
	return string(t.src[start:t.pos])
}

package pyregex

import (
	"fmt"
	"strconv"
	"strings"
)

// group reads everything that begins with an opening parenthesis.
func (t *translator) group() error {
	start := t.pos
	t.pos++
	if t.depth++; t.depth > maxNesting {
		return t.fail(start, "groups are nested too deep")
	}
	defer func() { t.depth-- }()
	if t.peek() != '?' {
		t.item()
		t.count++
		t.write("(")
		return t.body(start, t.count)
	}
	t.pos++
	switch {
	case t.accept("P<"):
		name, err := t.name('>')
		if err != nil {
			return err
		}
		if old, taken := t.names[name]; taken {
			return t.fail(t.pos-len([]rune(name))-1, "redefinition of group name %s as group %d; was group %d",
				quoted(name), t.count+1, old)
		}
		t.item()
		t.count++
		t.names[name] = t.count
		t.write("(") // numbers are enough for the engine; names stay with us
		return t.body(start, t.count)
	case t.accept("P="):
		name, err := t.name(')')
		if err != nil {
			return err
		}
		number, known := t.names[name]
		if !known {
			return t.fail(t.pos-len([]rune(name))-1, "unknown group name %s", quoted(name))
		}
		return t.reference(number, t.pos-len([]rune(name))-1)
	case t.accept("P"):
		return t.unknown("?P", t.pos-2)
	case t.accept(":"):
		return t.plain(start, "(?:")
	case t.accept("="), t.accept("!"):
		return t.plain(start, "(?"+string(t.src[t.pos-1]))
	case t.accept("<=") || t.accept("<!"):
		return t.plain(start, "(?<"+string(t.src[t.pos-1]))
	case t.accept("<"):
		return t.unknown("?<", t.pos-2)
	case t.accept(">"):
		return t.plain(start, "(?>")
	case t.accept("#"):
		for t.pos < len(t.src) && t.src[t.pos] != ')' {
			t.pos++
		}
		if !t.accept(")") {
			return t.fail(start, "missing ), unterminated comment")
		}
		return nil
	case t.accept("("):
		return t.conditional(start)
	case strings.ContainsRune("aiLmsux-", t.peek()) && t.peek() > 0:
		return t.scoped(start)
	case t.pos >= len(t.src):
		return t.fail(t.pos, "unexpected end of pattern")
	}
	return t.unknown("?", t.pos-1)
}

func (t *translator) unknown(prefix string, pos int) error {
	if t.pos >= len(t.src) {
		return t.fail(t.pos, "unexpected end of pattern")
	}
	return t.fail(pos, "unknown extension %s%c", prefix, t.peek())
}

// plain writes the opening of a group that captures nothing.
func (t *translator) plain(start int, opening string) error {
	t.item()
	t.write(opening)
	return t.body(start, 0)
}

// body reads up to the closing parenthesis of the group that began at start.
func (t *translator) body(start, number int) error {
	atom, spaced, ascii := t.atom, t.spaced, t.ascii
	if number > 0 {
		t.open[number] = true
	}
	if err := t.branches(); err != nil {
		return err
	}
	if !t.accept(")") {
		return t.fail(start, "missing ), unterminated subpattern")
	}
	delete(t.open, number)
	t.write(")")
	t.atom, t.repeated, t.spaced, t.ascii = atom, false, spaced, ascii
	return nil
}

// name reads a group name and its closing character.
func (t *translator) name(end rune) (string, error) {
	start := t.pos
	for t.pos < len(t.src) && t.src[t.pos] != end {
		t.pos++
	}
	name := string(t.src[start:t.pos])
	if t.pos >= len(t.src) {
		if name == "" {
			return "", t.fail(start, "missing group name")
		}
		return "", t.fail(start, "missing %c, unterminated name", end)
	}
	if name == "" {
		return "", t.fail(start, "missing group name")
	}
	t.pos++
	if !identifier(name) {
		return "", t.fail(start, "bad character in group name %s", quoted(name))
	}
	return name, nil
}

// reference writes a backreference as an item of its own.
func (t *translator) reference(number, pos int) error {
	if number > t.count {
		return t.fail(pos, "invalid group reference %d", number)
	}
	if t.open[number] {
		return t.fail(pos, "cannot refer to an open group")
	}
	t.item()
	t.write(`\k<` + strconv.Itoa(number) + ">")
	return nil
}

// conditional reads (?(group)yes|no).
func (t *translator) conditional(start int) error {
	at := t.pos
	for t.pos < len(t.src) && t.src[t.pos] != ')' {
		t.pos++
	}
	ref := string(t.src[at:t.pos])
	if !t.accept(")") {
		return t.fail(at, "missing ), unterminated name")
	}
	number, known := t.names[ref]
	if !known {
		n, err := strconv.Atoi(ref)
		switch {
		case err != nil && identifier(ref):
			return t.fail(at, "unknown group name %s", quoted(ref))
		case err != nil:
			return t.fail(at, "bad character in group name %s", quoted(ref))
		case n < 1:
			return t.fail(at, "bad group number")
		case n > t.count:
			return t.fail(at, "invalid group reference %d", n)
		}
		number = n
	}
	return t.plain(start, fmt.Sprintf("(?(%d)", number))
}

// scoped reads (?flags-flags:...). White space is taken out by the translator,
// so the verbose flag is never written.
func (t *translator) scoped(start int) error {
	at := t.pos
	spaced, ascii := t.spaced, t.ascii
	on, off, minus := "", "", false
	for {
		r := t.peek()
		t.pos++
		switch {
		case r == ':':
			if minus && off == "" && !strings.Contains(string(t.src[at:t.pos]), "-x") {
				return t.fail(t.pos-1, "missing flag")
			}
			flags := on
			if off != "" {
				flags += "-" + off
			}
			wasSpaced, wasASCII := t.spaced, t.ascii
			t.spaced, t.ascii = spaced, ascii
			err := t.plain(start, "(?"+flags+":")
			t.spaced, t.ascii = wasSpaced, wasASCII
			return err
		case r == ')':
			return t.fail(start, "global flags not at the start of the expression")
		case r == '-' && !minus:
			minus = true
		case r == 'x':
			spaced = !minus
		case r == 'a' || r == 'u':
			ascii = r == 'a'
		case r == 'i' || r == 'm' || r == 's':
			if minus {
				off += string(r)
			} else {
				on += string(r)
			}
		case r < 0 && minus && off == "":
			return t.fail(len(t.src), "missing flag")
		case r < 0:
			return t.fail(len(t.src), "missing -, : or )")
		case isLetter(r):
			return t.fail(t.pos-1, "unknown flag")
		default:
			return t.fail(t.pos-1, "missing -, : or )")
		}
	}
}

// quoted is the name as Python shows it.
func quoted(name string) string {
	if strings.Contains(name, "'") {
		return `"` + name + `"`
	}
	return "'" + name + "'"
}

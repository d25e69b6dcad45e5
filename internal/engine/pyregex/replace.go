package pyregex

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// part is one piece of a replacement: a text, or the group whose text goes there.
type part struct {
	text  string
	group int // -1: a text
}

// Replace is re.subn: it replaces the matches by replacement, in which \1,
// \g<1> and \g<name> stand for groups, and returns how many there were. A count
// of 0 replaces all.
func (p *Pattern) Replace(text, replacement string, count int) (string, int, error) {
	parts, err := p.parts(replacement)
	if err != nil {
		return "", 0, err
	}
	found, err := p.FindAll(text, count)
	if err != nil || len(found) == 0 {
		return text, 0, err
	}
	var b strings.Builder
	runes, last := found[0].text, 0
	for _, m := range found {
		b.WriteString(string(runes[last:m.Start()]))
		for _, piece := range parts {
			if piece.group < 0 {
				b.WriteString(piece.text)
			} else if got, ok := m.Group(piece.group); ok {
				b.WriteString(got)
			}
		}
		last = m.End()
	}
	b.WriteString(string(runes[last:]))
	return b.String(), len(found), nil
}

// parts reads a replacement by Python's rules.
func (p *Pattern) parts(replacement string) ([]part, error) {
	t := &translator{src: []rune(replacement)}
	var parts []part
	var text []rune
	add := func(group, pos int) error {
		if group > p.groups {
			return t.fail(pos, "invalid group reference %d", group)
		}
		parts = append(parts, part{text: string(text), group: -1}, part{group: group})
		text = nil
		return nil
	}
	for t.pos < len(t.src) {
		start, r := t.pos, t.src[t.pos]
		t.pos++
		if r != '\\' {
			text = append(text, r)
			continue
		}
		next := t.peek()
		switch {
		case next == 'g':
			t.pos++
			group, err := p.groupName(t)
			if err != nil {
				return nil, err
			}
			if err := add(group, start+3); err != nil {
				return nil, err
			}
		case next >= '1' && next <= '9':
			if code, ok := t.octal(3); ok {
				if code > 0o377 {
					return nil, t.fail(start, "octal escape value %s outside of range 0-0o377", string(t.src[start:t.pos]))
				}
				text = append(text, code)
				continue
			}
			t.pos++
			group := int(next - '0')
			if d := t.peek(); d >= '0' && d <= '9' {
				group = group*10 + int(d-'0')
				t.pos++
			}
			if err := add(group, start+1); err != nil {
				return nil, err
			}
		case next < 0:
			return nil, t.fail(start, "bad escape (end of pattern)")
		case strings.ContainsRune("abfnrtv0\\", next):
			code, err := '\b', error(nil)
			if next == 'b' {
				t.pos++
			} else if code, err = t.character(start); err != nil {
				return nil, err
			}
			text = append(text, code)
		case next < utf8.RuneSelf && isLetter(next):
			return nil, t.fail(start, "bad escape \\%c", next)
		default: // any other character keeps its backslash
			t.pos++
			text = append(text, '\\', next)
		}
	}
	return append(parts, part{text: string(text), group: -1}), nil
}

// groupName reads <name> or <number>.
func (p *Pattern) groupName(t *translator) (int, error) {
	if !t.accept("<") {
		return 0, t.fail(t.pos, "missing <")
	}
	start := t.pos
	for t.pos < len(t.src) && t.src[t.pos] != '>' {
		t.pos++
	}
	name := string(t.src[start:t.pos])
	if t.pos >= len(t.src) && name != "" {
		return 0, t.fail(start, "missing >, unterminated name")
	}
	if name == "" {
		return 0, t.fail(start, "missing group name")
	}
	t.pos++
	if group, ok := p.names[name]; ok {
		return group, nil
	}
	if group, err := strconv.Atoi(name); err == nil && group >= 0 {
		return group, nil
	}
	if identifier(name) {
		return 0, &SyntaxError{Message: "unknown group name " + quoted(name)}
	}
	return 0, t.fail(start, "bad character in group name %s", quoted(name))
}

package markup

import (
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"github.com/casarerpa/fleet/internal/engine"
)

// step is one part of a path.
type step struct {
	deep  bool   // at any depth below
	name  string // a name, *, ., or ..
	tests []test
}

// test is one predicate.
type test struct {
	attr     string // [@attr] and [@attr='v']
	child    string // [child], [child='v'], and [.='v']
	compare  string // = or != or nothing
	want     string
	position int // [n] counts from 1; [last()] is 0, [last()-1] is -1
	counted  bool
}

// find gives what a path finds below root, in the order of the document. Paths
// are those of ElementTree, and besides them absolute ones, which start above
// the root.
func find(root *etree.Element, path string) ([]*etree.Element, error) {
	steps, absolute, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	from := []*etree.Element{root}
	if absolute {
		// A parent that knows the root as its only child stands for the document.
		first := steps[0]
		switch {
		case first.deep:
			from = selectFrom(descendants(root, []*etree.Element{root}), first)
		case nameMatches(root, first.name):
			from = filter([]*etree.Element{root}, first.tests)
		default:
			from = nil
		}
		steps = steps[1:]
	}
	for _, s := range steps {
		from = advance(from, s)
	}
	return from, nil
}

func advance(from []*etree.Element, s step) []*etree.Element {
	var to []*etree.Element
	seen := map[*etree.Element]bool{}
	add := func(all []*etree.Element) {
		for _, e := range all {
			if !seen[e] {
				seen[e] = true
				to = append(to, e)
			}
		}
	}
	for _, e := range from {
		switch {
		case s.deep:
			add(selectFrom(descendants(e, nil), s))
		case s.name == ".":
			add(filter([]*etree.Element{e}, s.tests))
		case s.name == "..":
			if p := e.Parent(); p != nil && p.Tag != "" {
				add(filter([]*etree.Element{p}, s.tests))
			}
		default:
			add(selectFrom(e.ChildElements(), s))
		}
	}
	return to
}

func descendants(e *etree.Element, into []*etree.Element) []*etree.Element {
	for _, child := range e.ChildElements() {
		into = descendants(child, append(into, child))
	}
	return into
}

func selectFrom(all []*etree.Element, s step) []*etree.Element {
	var named []*etree.Element
	for _, e := range all {
		if nameMatches(e, s.name) {
			named = append(named, e)
		}
	}
	return filter(named, s.tests)
}

func filter(all []*etree.Element, tests []test) []*etree.Element {
	var kept []*etree.Element
	for _, e := range all {
		ok := true
		for _, t := range tests {
			ok = ok && t.holds(e)
		}
		if ok {
			kept = append(kept, e)
		}
	}
	return kept
}

// nameMatches knows *, names, prefix:name as the document writes it, and
// {uri}name where uri and name may be *.
func nameMatches(e *etree.Element, name string) bool {
	if name == "*" || name == tag(e) || name == e.FullTag() && e.Space != "" {
		return true
	}
	uri, local, ok := strings.Cut(strings.TrimPrefix(name, "{"), "}")
	if !ok || name[0] != '{' {
		return false
	}
	return (uri == "*" || uri == e.NamespaceURI()) && (local == "*" || local == e.Tag)
}

func (t test) holds(e *etree.Element) bool {
	switch {
	case t.counted:
		return t.position == placeOf(e, t.position)
	case t.attr != "":
		v, ok := attribute(e, t.attr)
		return ok && t.compares(v)
	case t.child == ".":
		return t.compares(allText(e))
	}
	for _, child := range e.ChildElements() {
		if nameMatches(child, t.child) && (t.compare == "" || t.compares(allText(child))) {
			return true
		}
	}
	return false
}

func (t test) compares(v string) bool {
	switch t.compare {
	case "=":
		return v == t.want
	case "!=":
		return v != t.want
	default:
		return true
	}
}

// placeOf is the place of e among the children of its parent with the same
// name: from the front for a positive sign, from the end otherwise.
func placeOf(e *etree.Element, sign int) int {
	parent := e.Parent()
	if parent == nil {
		return 1
	}
	at, count := 0, 0
	for _, sibling := range parent.ChildElements() {
		if tag(sibling) == tag(e) {
			count++
		}
		if sibling == e {
			at = count
		}
	}
	if sign > 0 {
		return at
	}
	return at - count
}

// parsePath reads a path. A step is everything up to a slash that stands
// outside of brackets, braces and quotes.
func parsePath(path string) (steps []step, absolute bool, err error) {
	rest := strings.TrimSpace(path)
	absolute = strings.HasPrefix(rest, "/")
	if absolute && !strings.HasPrefix(rest, "//") {
		rest = rest[1:]
	}
	if rest == "" {
		return nil, false, badPath(path)
	}
	for first := true; rest != ""; first = false {
		var s step
		switch {
		case strings.HasPrefix(rest, "//") && (!first || absolute):
			s.deep, rest = true, rest[2:]
		case strings.HasPrefix(rest, "/") && !first:
			rest = rest[1:]
		}
		end := stepEnd(rest)
		text := rest[:end]
		rest = rest[end:]
		at := nameEnd(text)
		s.name = strings.TrimSpace(text[:at])
		if s.name == "" || strings.ContainsAny(s.name, "@()=' ") {
			return nil, false, badPath(path)
		}
		if s.tests, err = parseTests(text[at:]); err != nil {
			return nil, false, err
		}
		steps = append(steps, s)
	}
	return steps, absolute, nil
}

func badPath(path string) error { return engine.Fail("SyntaxError", "invalid path: %s", path) }

// stepEnd finds the slash that ends the first step.
func stepEnd(s string) int {
	depth, quote := 0, byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == '/' && depth <= 0:
			return i
		}
	}
	return len(s)
}

// nameEnd finds the first bracket behind the name; a namespace may hold one.
func nameEnd(s string) int {
	from := 0
	if strings.HasPrefix(s, "{") {
		from = max(strings.IndexByte(s, '}'), 0)
	}
	if at := strings.IndexByte(s[from:], '['); at >= 0 {
		return from + at
	}
	return len(s)
}

// parseTests reads [..][..] until nothing is left.
func parseTests(text string) (tests []test, err error) {
	whole := text
	for text != "" {
		end := bracketEnd(text)
		if end < 0 {
			return nil, engine.Fail("SyntaxError", "invalid predicate: %s", whole)
		}
		t, ok := parseTest(strings.TrimSpace(text[1:end]))
		if !ok {
			return nil, engine.Fail("SyntaxError", "invalid predicate: %s", text[:end+1])
		}
		tests = append(tests, t)
		text = text[end+1:]
	}
	return tests, nil
}

func bracketEnd(s string) int {
	if s[0] != '[' {
		return -1
	}
	quote := byte(0)
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ']':
			return i
		}
	}
	return -1
}

func parseTest(s string) (t test, ok bool) {
	if n, err := strconv.Atoi(s); err == nil {
		return test{position: n, counted: true}, n >= 1
	}
	if back, isLast := strings.CutPrefix(s, "last()"); isLast {
		if back = strings.ReplaceAll(back, " ", ""); back == "" {
			return test{counted: true}, true
		}
		n, err := strconv.Atoi(back)
		return test{position: n, counted: true}, err == nil && n < 0
	}
	name := s
	if at := strings.IndexByte(s, '='); at >= 0 {
		name, t.compare = s[:at], "="
		if strings.HasSuffix(name, "!") {
			name, t.compare = name[:at-1], "!="
		}
		quoted := strings.TrimSpace(s[at+1:])
		if len(quoted) < 2 || quoted[0] != quoted[len(quoted)-1] || quoted[0] != '\'' && quoted[0] != '"' {
			return t, false
		}
		t.want = quoted[1 : len(quoted)-1]
	}
	name = strings.TrimSpace(name)
	if attr, isAttr := strings.CutPrefix(name, "@"); isAttr {
		t.attr = attr
		return t, attr != "" && !strings.ContainsAny(attr, "()@ ")
	}
	t.child = name
	return t, name != "" && !strings.ContainsAny(name, "()@ ") && (name != "." || t.compare != "")
}

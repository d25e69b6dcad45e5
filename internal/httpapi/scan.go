package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// scanner walks JSON text once, without building values: it finds faults and
// the bounds of members. Encoding/json would accept doubled members and any
// depth, and would copy a workflow document several times.
type scanner struct {
	b      []byte
	i      int
	limits config.Limits
}

// member is one member of an object, or one element of a list (without a key).
type member struct {
	key    string
	value  []byte
	offset int
}

// object splits an object into its members. Members for which opaque is true
// are documents that somebody else checks: only their form is looked at.
func object(b []byte, l config.Limits, opaque func(key string) bool) ([]member, error) {
	s := &scanner{b: b, limits: l}
	if !utf8.Valid(b) {
		return nil, s.fault("the text is not UTF-8")
	}
	s.space()
	if s.peek() != '{' {
		return nil, s.fault("the body must be a JSON object")
	}
	members, err := s.members(1, opaque)
	if err != nil {
		return nil, err
	}
	return members, s.end()
}

// list splits a list into its elements, without a look inside them.
func list(b []byte, l config.Limits) ([]member, error) {
	s := &scanner{b: b, limits: l}
	s.space()
	if s.peek() != '[' {
		return nil, fleet.Invalid("jobs", "jobs must be a list.")
	}
	elements := []member{}
	err := s.elements(func() error {
		start := s.i
		if err := s.value(2, false); err != nil {
			return err
		}
		elements = append(elements, member{value: b[start:s.i], offset: start})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return elements, s.end()
}

func (s *scanner) end() error {
	s.space()
	if s.i < len(s.b) {
		return s.fault("there is more after the end")
	}
	return nil
}

// fault says where the text breaks which rule.
func (s *scanner) fault(format string, args ...any) error {
	done := s.b[:min(s.i, len(s.b))]
	line := 1 + bytes.Count(done, []byte{'\n'})
	column := 1 + utf8.RuneCount(done[bytes.LastIndexByte(done, '\n')+1:])
	text := fmt.Sprintf(format, args...)
	e := fleet.Errorf(fleet.CodeInvalid, "unreadable_json", "The body cannot be read: %s (line %d, column %d).", text, line, column)
	e.Status = http.StatusBadRequest
	return e
}

func (s *scanner) space() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// value walks over one value. strict also looks for doubled members and for
// long texts.
func (s *scanner) value(depth int, strict bool) error {
	switch c := s.peek(); {
	case c == '{' || c == '[':
		if depth > s.limits.JSONDepth {
			return s.fault("it is nested deeper than %d", s.limits.JSONDepth)
		}
		if c == '[' {
			return s.elements(func() error { return s.value(depth+1, strict) })
		}
		if strict {
			_, err := s.members(depth, nil)
			return err
		}
		return s.loose(depth)
	case c == '"':
		_, err := s.text(strict, false)
		return err
	case c == '-' || (c >= '0' && c <= '9'):
		return s.number()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case s.i >= len(s.b):
		return s.fault("it ends in the middle")
	}
	return s.fault("a value cannot begin with %q", s.peek())
}

func (s *scanner) word(w string) error {
	if !bytes.HasPrefix(s.b[s.i:], []byte(w)) {
		return s.fault("there is no such word")
	}
	s.i += len(w)
	return nil
}

// members walks over an object and returns its members.
func (s *scanner) members(depth int, opaque func(key string) bool) ([]member, error) {
	out := make([]member, 0, 8)
	var seen map[string]bool // only for large objects
	err := s.entries(func(key string, at int) error {
		if len(out) >= s.limits.JSONKeys {
			return s.fault("an object has more than %d members", s.limits.JSONKeys)
		}
		if doubled(out, seen, key) {
			s.i = at
			return s.fault("the member %q stands twice", clip(key, 80))
		}
		start := s.i
		if err := s.value(depth+1, opaque == nil || !opaque(key)); err != nil {
			return err
		}
		out = append(out, member{key: key, value: s.b[start:s.i], offset: start})
		switch {
		case seen != nil:
			seen[key] = true
		case len(out) == smallObject:
			seen = make(map[string]bool, 4*smallObject)
			for _, m := range out {
				seen[m.key] = true
			}
		}
		return nil
	})
	return out, err
}

// smallObject is the size up to which a walk over the members is quicker than a map.
const smallObject = 16

func doubled(out []member, seen map[string]bool, key string) bool {
	if seen != nil {
		return seen[key]
	}
	for i := range out {
		if out[i].key == key {
			return true
		}
	}
	return false
}

// loose walks over an object whose members somebody else checks.
func (s *scanner) loose(depth int) error {
	return s.entries(func(string, int) error { return s.value(depth+1, false) })
}

// entries walks over the members of an object; fn walks over each value.
func (s *scanner) entries(fn func(key string, at int) error) error {
	s.i++ // {
	s.space()
	if s.peek() == '}' {
		s.i++
		return nil
	}
	for {
		s.space()
		at := s.i
		if s.peek() != '"' {
			return s.fault("a member needs a name in quotes")
		}
		key, err := s.text(true, true)
		if err != nil {
			return err
		}
		s.space()
		if s.peek() != ':' {
			return s.fault("a colon is missing after a member's name")
		}
		s.i++
		s.space()
		if err := fn(key, at); err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

func (s *scanner) elements(fn func() error) error {
	s.i++ // [
	s.space()
	if s.peek() == ']' {
		s.i++
		return nil
	}
	for {
		s.space()
		if err := fn(); err != nil {
			return err
		}
		if done, err := s.next(']'); done || err != nil {
			return err
		}
	}
}

// next steps over a comma or the closing bracket.
func (s *scanner) next(closing byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.i++
		return false, nil
	case closing:
		s.i++
		return true, nil
	case 0:
		if s.i >= len(s.b) {
			return false, s.fault("it ends in the middle")
		}
	}
	return false, s.fault("a comma or %q is missing", closing)
}

// text walks over a string. wanted also returns it as it is meant.
func (s *scanner) text(bounded, wanted bool) (string, error) {
	start := s.i
	escaped := false
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			raw := s.b[start:s.i]
			if bounded && len(raw)-2 > int(s.limits.JSONString) {
				return "", s.fault("a text is longer than %s", s.limits.JSONString)
			}
			switch {
			case !escaped && !wanted:
				return "", nil
			case !escaped:
				return string(raw[1 : len(raw)-1]), nil
			}
			var out string
			if err := json.Unmarshal(raw, &out); err != nil {
				return "", s.fault("a text has an escape that does not exist")
			}
			return out, nil
		case c == '\\':
			escaped = true
			s.i++
		case c < ' ':
			return "", s.fault("a text holds a control character")
		}
	}
	return "", s.fault("a text has no end")
}

func (s *scanner) number() error {
	start := s.i
	for s.i < len(s.b) && bytes.IndexByte([]byte("+-.eE0123456789"), s.b[s.i]) >= 0 {
		s.i++
	}
	if !json.Valid(s.b[start:s.i]) {
		s.i = start
		return s.fault("a number is not written as JSON wants it")
	}
	return nil
}

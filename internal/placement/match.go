package placement

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	version "github.com/hashicorp/go-version"

	"github.com/casarerpa/fleet/fleet"
)

// verdict is what a condition says of a robot. Unknown never matches, not even
// turned round.
type verdict byte

const (
	fails verdict = iota
	unknown
	matches
)

// condition is a comparison made ready, so that thousands of robots can be
// held against it.
type condition struct {
	c      *fleet.Comparison
	value  any
	within version.Constraints
	any    []condition
	not    *condition
}

// conditions make ready each list of comparisons once.
func conditions(list []fleet.Comparison) []condition {
	out := make([]condition, len(list))
	for i := range list {
		c := &list[i]
		out[i] = condition{c: c, any: conditions(c.Any)}
		if c.Not != nil {
			out[i].not = &conditions([]fleet.Comparison{*c.Not})[0]
		}
		if len(c.Value) > 0 && json.Unmarshal(c.Value, &out[i].value) != nil {
			out[i].value = nil // matches nothing; such a one is refused where it is written
		}
		if c.Op == fleet.OpVersion {
			text, _ := out[i].value.(string)
			out[i].within, _ = versionRange(text) // likewise
		}
	}
	return out
}

// versionRange reads ">=16.0 <17": parts that must all hold.
func versionRange(text string) (version.Constraints, error) {
	return version.NewConstraint(strings.Join(strings.Fields(text), ","))
}

// CheckConditions says whether every range of versions can be read.
func CheckConditions(field string, list []fleet.Comparison) error {
	for i := range list {
		c := &list[i]
		if c.Op == fleet.OpVersion {
			var text string
			err := json.Unmarshal(c.Value, &text)
			if err == nil {
				_, err = versionRange(text)
			}
			if err != nil {
				return fleet.Invalid(field, "%q is not a range of versions.", text).WithFix(`Write one such as ">=16.0 <17", without a blank behind the sign.`)
			}
		}
		nested := c.Any
		if c.Not != nil {
			nested = append(slices.Clone(nested), *c.Not)
		}
		if err := CheckConditions(field, nested); err != nil {
			return err
		}
	}
	return nil
}

// knowledge is what conditions are held against.
type knowledge interface {
	look(c *fleet.Comparison) (have any, known bool)
}

// ofRobot is what is known of a robot at a time.
type ofRobot struct {
	facts fleet.Facts
	now   time.Time
}

func (k ofRobot) look(c *fleet.Comparison) (any, bool) { return k.facts.Known(c.Fact, k.now) }

// ofDocument is a JSON document.
type ofDocument struct{ text json.RawMessage }

func (k ofDocument) look(c *fleet.Comparison) (have any, known bool) {
	raw, ok := fleet.Pointer(k.text, c.Path)
	return have, ok && json.Unmarshal(raw, &have) == nil
}

// Holds says whether all conditions hold of a document. What is not there is
// unknown, and unknown never holds.
func Holds(list []fleet.Comparison, document json.RawMessage) bool {
	return verdictOf(conditions(list), ofDocument{document}) == matches
}

// all is the verdict on a robot: every one must match.
func all(list []condition, facts fleet.Facts, now time.Time) verdict {
	return verdictOf(list, ofRobot{facts, now})
}

func verdictOf[K knowledge](list []condition, k K) verdict {
	out := matches
	for i := range list {
		out = min(out, of(&list[i], k))
	}
	return out
}

// of holds one condition against what is known.
func of[K knowledge](c *condition, k K) verdict {
	switch {
	case len(c.any) > 0:
		out := fails
		for i := range c.any {
			out = max(out, of(&c.any[i], k))
		}
		return out
	case c.not != nil:
		return [...]verdict{fails: matches, unknown: unknown, matches: fails}[of(c.not, k)]
	}
	have, known := k.look(c.c)
	if c.c.Op == fleet.OpExists {
		return truth(known == (c.value != false))
	}
	if !known {
		return unknown
	}
	return truth(c.holds(have))
}

func truth(b bool) verdict {
	if b {
		return matches
	}
	return fails
}

// holds compares a known value.
func (c *condition) holds(have any) bool {
	switch c.c.Op {
	case fleet.OpEqual:
		return same(have, c.value)
	case fleet.OpNotEqual:
		return !same(have, c.value)
	case fleet.OpIn:
		return listed(c.value, have)
	case fleet.OpNotIn:
		return !listed(c.value, have)
	case fleet.OpContains:
		if text, ok := have.(string); ok {
			part, ok := c.value.(string)
			return ok && strings.Contains(text, part)
		}
		return listed(have, c.value)
	case fleet.OpVersion:
		text, ok := have.(string)
		if !ok || c.within == nil {
			return false
		}
		v, err := version.NewVersion(text)
		return err == nil && c.within.Check(v)
	case fleet.OpLess, fleet.OpLessEqual, fleet.OpGreater, fleet.OpGreaterEqual:
		n, ok := order(have, c.value)
		return ok && slices.Contains(allowed[c.c.Op], n)
	case fleet.OpExists: // answered before
	}
	return false
}

// allowed are the outcomes of a comparison under which each verb holds.
var allowed = map[fleet.CompareOp][]int{
	fleet.OpLess: {-1}, fleet.OpLessEqual: {-1, 0}, fleet.OpGreater: {1}, fleet.OpGreaterEqual: {0, 1},
}

// order compares two numbers or two texts; ok is false for anything else.
func order(a, b any) (n int, ok bool) {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		switch {
		case x < y:
			n = -1
		case x > y:
			n = 1
		}
		return n, ok
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	}
	return 0, false
}

func same(a, b any) bool {
	x, xs := a.([]any)
	y, ys := b.([]any)
	if xs || ys {
		return xs && ys && slices.EqualFunc(x, y, same)
	}
	return a == b
}

func listed(list, v any) bool {
	l, ok := list.([]any)
	return ok && slices.ContainsFunc(l, func(e any) bool { return same(e, v) })
}

// selector is one made ready.
type selector struct {
	s     *fleet.Selector
	facts []condition
}

func ready(s *fleet.Selector) *selector {
	if s == nil {
		return nil
	}
	return &selector{s: s, facts: conditions(s.Facts)}
}

// selects says whether the selector names the robot.
func (s *selector) selects(c *Candidate, now time.Time) bool {
	if s == nil || s.s.IsZero() {
		return false
	}
	return (len(s.s.Robots) == 0 || slices.Contains(s.s.Robots, c.ID)) && s.selectsKind(c, now)
}

// selectsKind is selects but for the names of robots: it holds alike for all
// robots of a class.
func (s *selector) selectsKind(c *Candidate, now time.Time) bool {
	return (len(s.s.Pools) == 0 || slices.Contains(s.s.Pools, c.Pool)) &&
		(len(s.s.Environments) == 0 || slices.Contains(s.s.Environments, c.Environment)) &&
		c.Tags.Covers(s.s.Tags) && c.Capabilities.Covers(s.s.Capabilities) &&
		(len(s.facts) == 0 || all(s.facts, c.Facts, now) == matches)
}

// Selects says whether a selector names a robot.
func Selects(s *fleet.Selector, c *Candidate, now time.Time) bool {
	return ready(s).selects(c, now)
}

package fleet

import (
	"encoding/json"
	"strings"
	"time"
)

// MaxFacts bounds the facts of one robot.
const MaxFacts = 128

// Facts are what is known of a robot beyond its capabilities, by name.
type Facts map[string]Fact

// Fact is one typed value: a string, number, bool, version (text) or set (list
// of texts), with where it came from and how long it may be believed.
type Fact struct {
	Value         any        `json:"value"`
	Source        FactSource `json:"source,omitempty"`
	At            time.Time  `json:"at,omitzero"`
	MaxAgeSeconds int        `json:"max_age_seconds,omitempty"` // 0: never stale
}

// FactSource says who told a fact. An admin's word is not overwritten by a
// robot's.
type FactSource string

// The sources, the strongest last.
const (
	FactFromRobot FactSource = "robot"
	FactFromProbe FactSource = "probe"
	FactFromAdmin FactSource = "admin"
)

// Known returns the value unless the fact is missing or stale.
func (f Facts) Known(name string, now time.Time) (value any, ok bool) {
	fact, ok := f[name]
	if !ok || fact.MaxAgeSeconds > 0 && now.Sub(fact.At) > time.Duration(fact.MaxAgeSeconds)*time.Second {
		return nil, false
	}
	return fact.Value, true
}

// Validate checks names, number and types.
func (f Facts) Validate() error {
	if len(f) > MaxFacts {
		return Invalid("facts", "A robot may have at most %d facts; got %d.", MaxFacts, len(f))
	}
	for name, fact := range f {
		field := "facts." + clip(name, 80)
		if !capabilityForm.MatchString(name) {
			return Invalid(field, "A fact's name is a word of lower-case letters, digits, '_', '.' or '-', at most 64 long; got %q.", clip(name, 80))
		}
		if fact.MaxAgeSeconds < 0 {
			return Invalid(field+".max_age_seconds", "max_age_seconds must not be negative; got %d.", fact.MaxAgeSeconds)
		}
		if !factValue(fact.Value) {
			return Invalid(field+".value", "A fact is a text, a number, true or false, or a list of texts; got %s.", kindOf(fact.Value))
		}
	}
	return nil
}

func factValue(v any) bool {
	switch v := v.(type) {
	case string, float64, bool:
		return true
	case []any:
		for _, e := range v {
			if _, ok := e.(string); !ok {
				return false
			}
		}
		return true
	}
	return false
}

// kindOf names a JSON value in a message.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list of other things"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "a value that is not JSON"
	}
	return clip(string(b), 80)
}

// ParseFacts reads name=value as people write it: a number, true, false or a
// list in JSON is taken as such, anything else as a text. A text in quotes is
// always a text.
func ParseFacts(list []string) (map[string]any, error) {
	out := map[string]any{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !capabilityForm.MatchString(name) {
			return nil, Invalid("fact", "A fact is written as name=value; got %q.", clip(text, 80))
		}
		var v any
		if json.Unmarshal([]byte(value), &v) != nil {
			v = value
		}
		if !factValue(v) {
			return nil, Invalid("fact", "The fact %s must be a text, a number, true or false, or a list of texts; got %s.", name, kindOf(v))
		}
		out[name] = v
	}
	return out, nil
}

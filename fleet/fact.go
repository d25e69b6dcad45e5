package fleet

import (
	"encoding/json"
	"maps"
	"math"
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

// What the orchestrator itself notes of a robot, as facts from a probe.
const (
	// FactClockOffset is by how many seconds the robot's clock is ahead of the
	// orchestrator's, as its newest greeting or heartbeat said.
	FactClockOffset = "clock_offset"
	// FactDuplicateHost is the host of a second machine that asked for the robot's id.
	FactDuplicateHost = "duplicate_host"
	// FactSelfTest is what the robot's newest self-test found wrong; empty: nothing.
	FactSelfTest = "self_test"
)

// duplicateAge is how long a second machine is spoken of after it was last noted.
// One that goes on asking is noted once in an hour.
const duplicateAge = 2 * time.Hour

// Probed returns facts with one of the orchestrator's own in them. A person's word
// stands, and nothing is pushed out.
func (f Facts) Probed(name string, fact Fact, now time.Time) Facts {
	have, there := f[name]
	if have.Source == FactFromAdmin || !there && len(f) >= MaxFacts {
		return f
	}
	out := Facts{}
	maps.Copy(out, f)
	fact.Source, fact.At = FactFromProbe, now
	out[name] = fact
	return out
}

// WithDuplicate notes the host of a second machine with the robot's id.
func (f Facts) WithDuplicate(host string, now time.Time) Facts {
	if host == "" {
		host = "a machine that gave no name"
	}
	return f.Probed(FactDuplicateHost, Fact{Value: host, MaxAgeSeconds: int(duplicateAge.Seconds())}, now)
}

// WithClock notes by how much the robot's clock is ahead, to a tenth of a second.
func (f Facts) WithClock(ahead time.Duration, now time.Time) Facts {
	return f.Probed(FactClockOffset, Fact{Value: math.Round(10*ahead.Seconds())/10 + 0}, now)
}

// probed returns what the orchestrator itself noted.
func (f Facts) probed(name string, now time.Time) any {
	if f[name].Source != FactFromProbe {
		return nil
	}
	v, _ := f.Known(name, now)
	return v
}

// DuplicateHost is the host of a second machine that asked for the robot's id of
// late; empty: none did.
func (f Facts) DuplicateHost(now time.Time) string {
	host, _ := f.probed(FactDuplicateHost, now).(string)
	return host
}

// ClockOffset is by how many seconds the robot's clock is ahead, if it was read.
func (f Facts) ClockOffset(now time.Time) (seconds float64, ok bool) {
	seconds, ok = f.probed(FactClockOffset, now).(float64)
	return seconds, ok
}

// SelfTest is what the newest self-test found wrong, if there was one.
func (f Facts) SelfTest(now time.Time) (fault string, tested bool) {
	fault, tested = f.probed(FactSelfTest, now).(string)
	return fault, tested
}

// WithSelfTest notes what a self-test found.
func (f Facts) WithSelfTest(passed bool, said string, now time.Time) Facts {
	fault := ""
	if !passed {
		fault = sentence(said)
	}
	return f.Probed(FactSelfTest, Fact{Value: fault}, now)
}

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

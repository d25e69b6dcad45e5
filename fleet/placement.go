package fleet

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"time"
)

// Placement says which robots may run a job and which of them it prefers. It is
// written in a workflow, on a node and in a request; narrower adds to wider.
// Target, Capabilities and Environment of a job stand in its own fields, the
// rest of its placement in [Job.Placement].
type Placement struct {
	// Hard demands; all must hold.
	Target       RobotID      `json:"target_robot_id,omitempty"`
	Environment  string       `json:"environment,omitempty"`
	Pool         string       `json:"pool,omitempty"`
	Capabilities Capabilities `json:"capabilities,omitempty"`
	Tags         Capabilities `json:"tags,omitempty"`
	Facts        []Comparison `json:"facts,omitempty"`
	Avoid        *Selector    `json:"avoid,omitempty"` // never there

	// Wishes, and what opens with time.
	Prefer   []Preference   `json:"prefer,omitempty"`
	Fallback []FallbackStep `json:"fallback,omitempty"`
	Sticky   *Sticky        `json:"sticky,omitempty"`

	// The workflow's usual robots, best first; taken over when the job is made.
	Usual     []RobotID `json:"usual,omitempty"`
	OnlyUsual bool      `json:"only_assigned,omitempty"`

	// What the workflow names of the vault, by name; taken over when the job is
	// made. Of those that are exclusive a job has each alone.
	Secrets []string `json:"secrets,omitempty"`
}

// Preference raises or lowers a robot in the order of choice.
type Preference struct {
	Match  Selector `json:"match"`
	Weight int      `json:"weight"` // -100 to 100
}

// FallbackStep is a set of robots that opens once the waits of all steps before
// it have passed. The first is open at once, and opened ones stay open. Instead
// of robots the last one may be the end of all waiting.
type FallbackStep struct {
	Match       Selector `json:"match,omitzero"`
	WaitSeconds int      `json:"wait_seconds,omitempty"` // until the next step opens
	Fail        bool     `json:"fail,omitempty" doc:"The job ends as it does at its wait limit. Of the last step alone, and without match."`
}

// Open are the steps of a fallback that open robots.
func (p *Placement) Open() []FallbackStep {
	if n := len(p.Fallback); n > 0 && p.Fallback[n-1].Fail {
		return p.Fallback[:n-1]
	}
	return p.Fallback
}

// WaitLimit is how long a job may wait by its fallback and its tie, whichever ends
// first; 0: as long as it takes.
func (p *Placement) WaitLimit() time.Duration {
	limit := p.fallbackLimit()
	if s := p.Sticky; s != nil && s.Mode == StickyHard && s.Then == StickyFail && (limit == 0 || s.Wait() < limit) {
		limit = s.Wait()
	}
	return limit
}

// fallbackLimit is that of a fallback whose last step is the end.
func (p *Placement) fallbackLimit() (limit time.Duration) {
	open := p.Open()
	if len(open) == len(p.Fallback) {
		return 0
	}
	for i := range open {
		limit += time.Duration(open[i].WaitSeconds) * time.Second
	}
	return limit
}

// Sticky ties jobs of one key to the robot that last ended one of them.
type Sticky struct {
	Mode        StickyMode `json:"mode"`
	Key         string     `json:"key"`
	TTLSeconds  int        `json:"ttl_seconds,omitempty"`  // how long the tie lasts; default 3600
	WaitSeconds int        `json:"wait_seconds,omitempty"` // hard: how long it is demanded; default 300
	Then        StickyThen `json:"then,omitempty"`         // hard: what comes after; default wait
}

// defaultStickyWait is how long a hard tie is demanded if it does not say.
const defaultStickyWait = 300

// Wait is how long a hard tie is demanded, if something comes after.
func (s *Sticky) Wait() time.Duration {
	return time.Duration(cmp.Or(s.WaitSeconds, defaultStickyWait)) * time.Second
}

// StickyMode says how strong a tie is.
type StickyMode string

// The modes of a tie.
const (
	StickyNone StickyMode = "none"
	StickySoft StickyMode = "soft" // preferred
	StickyHard StickyMode = "hard" // demanded for WaitSeconds
)

// StickyThen says what becomes of a job whose hard tie has waited long enough.
type StickyThen string

// The choices.
const (
	StickyWait StickyThen = "wait"
	StickyAny  StickyThen = "any"
	StickyFail StickyThen = "fail"
)

// Selector names robots. The parts that are given must all hold; an empty one
// selects nothing, All everything.
type Selector struct {
	All          bool         `json:"all,omitempty"`
	Robots       []RobotID    `json:"robots,omitempty"`
	Pools        []string     `json:"pools,omitempty"`
	Environments []string     `json:"environments,omitempty"`
	Tags         Capabilities `json:"tags,omitempty"`         // all of them
	Capabilities Capabilities `json:"capabilities,omitempty"` // all of them
	Facts        []Comparison `json:"facts,omitempty"`
}

// IsZero says that nothing is asked for.
func (p Placement) IsZero() bool { return reflect.ValueOf(p).IsZero() }

// Rest is the placement without what a job keeps in fields of its own.
func (p Placement) Rest() Placement {
	p.Target, p.Environment, p.Capabilities = "", "", nil
	return p
}

// Asked is the placement without what is taken over when a job is made.
func (p Placement) Asked() Placement {
	p.Usual, p.Secrets = nil, nil
	return p
}

// Text is the placement in one fixed JSON form; empty for none. Two placements
// of one text admit the same robots.
func (p Placement) Text() string {
	if p.IsZero() {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil { // values are checked when they are parsed
		return ""
	}
	return string(b)
}

// Demands is what admits robots and orders them, without what differs from job
// to job of one kind: jobs of equal demands wait in one lane.
func (p Placement) Demands() Placement {
	if p.Sticky != nil {
		s := *p.Sticky
		s.Key = ""
		p.Sticky = &s
	}
	return p
}

// ParsePlacementText reads what Text wrote.
func ParsePlacementText(text string) (p Placement, err error) {
	if text == "" {
		return p, nil
	}
	err = json.Unmarshal([]byte(text), &p)
	return p, err
}

// PlacementClass names a placement text in few letters, for keys of tables.
func PlacementClass(text string) string {
	if text == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

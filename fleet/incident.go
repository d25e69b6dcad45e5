package fleet

import (
	"encoding/json"
	"slices"
	"time"
)

// Incident is something that a person is to know of. There is one for each cause
// of a rule: more of the same only counts up.
type Incident struct {
	ID       ID            `json:"incident_id"`
	Tenant   TenantID      `json:"tenant_id"`
	RuleID   ID            `json:"rule_id"`
	RuleName string        `json:"rule"`
	Kind     AlertKind     `json:"kind"`
	Severity Severity      `json:"severity"`
	State    IncidentState `json:"state"`
	Cause    string        `json:"cause"` // names it among those of its rule
	Title    string        `json:"title"`
	Subject  EventSubject  `json:"subject"`
	Count    int64         `json:"count"`
	// Data tells more of what was seen last, such as the job.
	Data json.RawMessage `json:"data,omitempty"`

	FirstAt  time.Time `json:"first_at"`
	LastAt   time.Time `json:"last_at"`
	OpenedAt time.Time `json:"opened_at,omitzero"`

	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
	AcknowledgedBy string    `json:"acknowledged_by,omitempty"`
	Note           string    `json:"note,omitempty"` // of whoever acknowledged
	ResolvedAt     time.Time `json:"resolved_at,omitzero"`
	ResolvedBy     string    `json:"resolved_by,omitempty"` // empty: by itself

	// Step counts the channels that were told one after the other.
	Step       int       `json:"escalated"`
	EscalateAt time.Time `json:"escalates_at,omitzero"`
	// DueAt is when it is looked at again: whether it opens, or is over.
	DueAt time.Time `json:"-"`
}

// IncidentState is where an incident stands.
type IncidentState string

// The states. One that is watched is not an incident yet: what it is about must
// hold for a while.
const (
	IncidentWatched      IncidentState = "watched"
	IncidentOpen         IncidentState = "open"
	IncidentAcknowledged IncidentState = "acknowledged"
	IncidentResolved     IncidentState = "resolved"
)

// IncidentStates lists those that people see.
func IncidentStates() []IncidentState {
	return []IncidentState{IncidentOpen, IncidentAcknowledged, IncidentResolved}
}

// Sighting is something that a rule looks for, as it was seen.
type Sighting struct {
	Kind    AlertKind
	Cause   string
	Title   string
	Subject EventSubject
	Of      AlertThing
	At      time.Time
	// Began is since when it is so, where that is known; else it begins to be so when
	// it is seen.
	Began time.Time
	Rule  ID // the only rule that it is for; empty: all of its kind
	Count int64
	// Level says that Count is how many there are now, not how many more.
	Level bool
	Data  map[string]any
}

// For says whether a sighting is one for a rule.
func (s *Sighting) For(r *AlertRule) bool {
	return r.Enabled && r.Kind == s.Kind && (s.Rule == "" || s.Rule == r.ID) && r.Selector.Holds(s.Of) &&
		(s.Began.IsZero() || s.At.Sub(s.Began) >= r.For())
}

// maxTitle bounds the title of an incident.
const maxTitle = 300

// Begin makes the incident of a first sighting: open, or watched if it must hold
// for a while.
func (r *AlertRule) Begin(id ID, s *Sighting) Incident {
	row, _ := r.Kind.Info()
	i := Incident{
		ID: id, Tenant: r.Tenant, RuleID: r.ID, RuleName: r.Name, Kind: r.Kind, Severity: r.Severity, Cause: s.Cause, State: IncidentOpen,
		FirstAt: s.At, OpenedAt: s.At,
	}
	i.take(s)
	i.Count = s.Count
	i.DueAt = s.At.Add(r.Quiet())
	if !s.Began.IsZero() { // it has held for long enough
		i.FirstAt = s.Began
	} else if row.Waits {
		i.State, i.OpenedAt = IncidentWatched, time.Time{}
		i.DueAt = s.At.Add(r.For())
		if row.Sampled {
			i.DueAt = i.DueAt.Add(alertSampleGap)
		}
	}
	return i
}

// flapQuiet is for how long a robot that was gone more than once has to hold its
// connection, and within which time it is gone again.
const flapQuiet = time.Hour

// Recurs is within which time what was counted in an incident counts on in the next
// one of its cause; 0: it does not. A robot that comes and goes is not told of each
// time.
func (i *Incident) Recurs() time.Duration {
	if i.Kind == AlertRobotLost {
		return flapQuiet
	}
	return 0
}

// quiet is after how long without anything new an incident is over.
func (i *Incident) quiet(r *AlertRule) time.Duration {
	if i.Kind == AlertRobotLost && i.Count > 1 {
		return max(r.Quiet(), flapQuiet)
	}
	return r.Quiet()
}

// take notes what was seen last.
func (i *Incident) take(s *Sighting) {
	i.Title, i.Subject = clip(s.Title, maxTitle), s.Subject
	if s.At.After(i.LastAt) {
		i.LastAt = s.At
	}
	if text, err := json.Marshal(s.Data); err == nil && len(s.Data) > 0 {
		i.Data = text
	}
}

// See counts another sighting of the same. opens says that it has held for long
// enough by now.
func (i *Incident) See(r *AlertRule, s *Sighting) (opens bool) {
	row, _ := r.Kind.Info()
	broken := row.Sampled && s.At.Sub(i.LastAt) > alertSampleGap
	if i.State == IncidentWatched && broken { // it did not hold meanwhile
		i.FirstAt = s.At
	}
	i.take(s)
	if s.Level {
		i.Count = max(i.Count, s.Count)
	} else {
		i.Count += s.Count
	}
	if i.State != IncidentWatched {
		i.DueAt = later(i.DueAt, s.At.Add(i.quiet(r)))
		return false
	}
	if !row.Sampled { // it opens when it is looked at
		return false
	}
	if s.At.Sub(i.FirstAt) >= r.For() {
		i.Open(r, s.At)
		return true
	}
	i.DueAt = i.FirstAt.Add(r.For() + alertSampleGap)
	return false
}

// Open makes an incident of what was watched.
func (i *Incident) Open(r *AlertRule, now time.Time) {
	i.State, i.OpenedAt, i.DueAt = IncidentOpen, now, now.Add(i.quiet(r))
}

// IncidentTurn is what becomes of an incident that is looked at because its time
// has come.
type IncidentTurn string

// The turns.
const (
	TurnNone    IncidentTurn = ""
	TurnOpen    IncidentTurn = "open"
	TurnForget  IncidentTurn = "forget" // it was only watched
	TurnHolds   IncidentTurn = "holds"  // it lasts, without anything new
	TurnResolve IncidentTurn = "resolve"
)

// Turn decides about an incident whose time has come. holds says whether what it
// is about is so still; of kinds that are sampled the sightings say so. rule is
// nil if it is gone or disabled.
func (i *Incident) Turn(rule *AlertRule, holds bool, now time.Time) IncidentTurn {
	if i.State == IncidentResolved || now.Before(i.DueAt) {
		return TurnNone
	}
	switch {
	case i.State == IncidentWatched && rule != nil && holds:
		i.Open(rule, now)
		return TurnOpen
	case i.State == IncidentWatched:
		return TurnForget
	case rule != nil && holds:
		i.DueAt = now.Add(i.quiet(rule))
		return TurnHolds
	}
	i.Resolve("", now)
	return TurnResolve
}

// Resolve ends an incident; by is empty if it ended by itself.
func (i *Incident) Resolve(by string, now time.Time) {
	i.State, i.ResolvedAt, i.ResolvedBy, i.EscalateAt = IncidentResolved, now, by, time.Time{}
}

// Acknowledge notes that somebody looks after an incident: nobody else is told.
func (i *Incident) Acknowledge(by, note string, now time.Time) {
	i.State, i.AcknowledgedAt, i.AcknowledgedBy, i.Note, i.EscalateAt = IncidentAcknowledged, now, by, note, time.Time{}
}

// FirstTold are the channels that are told of an incident that opens, of those that
// its rule has; it sets when the next one is.
func (i *Incident) FirstTold(r *AlertRule, channels []ID, now time.Time) []ID {
	i.Step, i.EscalateAt = 0, time.Time{}
	if r.EscalateAfterSeconds == 0 || len(channels) < 2 {
		return channels
	}
	i.EscalateAt = now.Add(time.Duration(r.EscalateAfterSeconds) * time.Second)
	return channels[:1]
}

// Escalates says whether it is time that the next channel is told: nobody has
// acknowledged in time.
func (i *Incident) Escalates(now time.Time) bool {
	return i.State == IncidentOpen && !i.EscalateAt.IsZero() && !now.Before(i.EscalateAt)
}

// Escalate names the next channel, of those that its rule has now and that were not
// told yet, if it is time; false if there is none. The channels of a rule may have
// changed since the last one was told.
func (i *Incident) Escalate(r *AlertRule, channels, told []ID, now time.Time) (next ID, ok bool) {
	if !i.Escalates(now) {
		return "", false
	}
	i.EscalateAt = time.Time{}
	left := slices.DeleteFunc(slices.Clone(channels), func(c ID) bool { return slices.Contains(told, c) })
	if r == nil || len(left) == 0 {
		return "", false
	}
	i.Step++
	if len(left) > 1 && r.EscalateAfterSeconds > 0 {
		i.EscalateAt = now.Add(time.Duration(r.EscalateAfterSeconds) * time.Second)
	}
	return left[0], true
}

// Notice is what a channel is told, once. Its id stays the same however often it
// is sent, so that a receiver can tell.
type Notice struct {
	ID       ID          `json:"notice_id"`
	Tenant   TenantID    `json:"tenant_id"`
	Incident ID          `json:"incident_id"`
	Channel  ID          `json:"channel_id"`
	Kind     NoticeKind  `json:"kind"`
	State    NoticeState `json:"state"`
	Attempts int         `json:"attempts"`
	Fault    string      `json:"fault,omitempty"` // why it could not be sent last time
	// Held says that a silence keeps it back, until DueAt.
	Held      bool      `json:"held,omitempty"`
	DueAt     time.Time `json:"due_at"`
	CreatedAt time.Time `json:"created_at"`
	SentAt    time.Time `json:"sent_at,omitzero"`
}

// NoticeKind says what a notice tells.
type NoticeKind string

// The kinds of notices.
const (
	NoticeOpened    NoticeKind = "opened"
	NoticeEscalated NoticeKind = "escalated"
	NoticeResolved  NoticeKind = "resolved"
	NoticeTest      NoticeKind = "test" // asked for by somebody; it is not kept
)

// NoticeState is where a notice stands.
type NoticeState string

// The states of notices.
const (
	NoticeWaiting NoticeState = "waiting"
	NoticeSent    NoticeState = "sent"
	NoticeDropped NoticeState = "dropped" // a silence held it until nobody needed it
	NoticeFailed  NoticeState = "failed"  // given up
)

// noticePauses are after how long a notice is sent again.
var noticePauses = [...]time.Duration{
	10 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour,
}

// NoticePause is how long a notice waits that was tried so often, give or take a
// fifth; false if it is given up. chance is in [0,1).
func NoticePause(attempts int, chance float64) (time.Duration, bool) {
	if attempts < 1 || attempts > len(noticePauses) {
		return 0, false
	}
	return time.Duration(float64(noticePauses[attempts-1]) * (0.8 + 0.4*chance)), true
}

// Needless says whether a notice that a silence held is of no use any more.
func (n *Notice) Needless(i *Incident) bool {
	return n.Held && (n.Kind == NoticeOpened || n.Kind == NoticeEscalated) && i.State != IncidentOpen
}

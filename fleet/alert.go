package fleet

import (
	"slices"
	"strings"
	"time"
)

// AlertRule says what a person is to be told of, and how. What it finds is an
// [Incident], one for each cause. There is a rule of each kind without anybody
// having made one: see [BuiltinAlertRules].
type AlertRule struct {
	ID          ID       `json:"rule_id"` // of a built-in one: the word of its kind
	Tenant      TenantID `json:"tenant_id"`
	Name        string   `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string   `json:"description,omitempty"`
	Builtin     bool     `json:"builtin"`

	Kind     AlertKind     `json:"kind"`
	Params   AlertParams   `json:"params"`
	Selector AlertSelector `json:"selector"`
	Severity Severity      `json:"severity"`
	// ForSeconds is how long a condition must hold before there is an incident, and
	// half of the quiet after which an incident is resolved by itself.
	ForSeconds int `json:"for_seconds"`
	// Channels are told in this order; none: those that are made for all rules.
	Channels []ID `json:"channels"`
	// Silences hold the notices of this rule, beside those that are for it anyway.
	Silences []ID `json:"silences"`
	// EscalateAfterSeconds is how long each channel has until the next one is told,
	// as long as nobody has acknowledged; 0: all are told at once.
	EscalateAfterSeconds int  `json:"escalate_after_seconds"`
	Enabled              bool `json:"enabled"`

	Revision  int64     `json:"revision"` // counts changes that somebody made; the ETag. 0: as built in
	CreatedAt time.Time `json:"created_at,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// AlertKind says what a rule looks for.
type AlertKind string

// The kinds.
const (
	AlertJobWaiting       AlertKind = "job_waiting"
	AlertFailureRate      AlertKind = "failure_rate"
	AlertRobotLost        AlertKind = "robot_lost"
	AlertRobotHealth      AlertKind = "robot_health"
	AlertJobStalled       AlertKind = "job_stalled"
	AlertNeedsDecision    AlertKind = "needs_decision"
	AlertScheduleMissed   AlertKind = "schedule_missed"
	AlertScheduleLate     AlertKind = "schedule_late"
	AlertScheduleDisabled AlertKind = "schedule_disabled"
	AlertTriggerDisabled  AlertKind = "trigger_disabled"
	AlertWebhookDisabled  AlertKind = "webhook_disabled"
	AlertQueueSLA         AlertKind = "queue_sla"
	AlertDeadLetter       AlertKind = "dead_letter"
	AlertKeyExpiring      AlertKind = "key_expiring"
	AlertBrake            AlertKind = "brake"
	AlertChannelFailing   AlertKind = "channel_failing"
)

// AlertParams are what some kinds can be told besides. Those of other kinds are 0.
type AlertParams struct {
	Percent       int `json:"percent,omitempty"`        // failure_rate: more than this share of jobs
	AtLeast       int `json:"at_least,omitempty"`       // failure_rate: of at least so many
	WindowSeconds int `json:"window_seconds,omitempty"` // failure_rate: that ended within this time
}

// AlertSelector says about which things a rule is; what is empty is all.
type AlertSelector struct {
	Workflows    []ID      `json:"workflows,omitempty"`
	Robots       []RobotID `json:"robots,omitempty"`
	Environments []string  `json:"environments,omitempty"`
	Schedules    []ID      `json:"schedules,omitempty"`
	Queues       []ID      `json:"queues,omitempty"`
}

// AlertThing is what something happened to, as far as a selector asks.
type AlertThing struct {
	Workflow    ID
	Robot       RobotID
	Environment string
	Schedule    ID
	Queue       ID
}

// Holds says whether a selector is about a thing.
func (s *AlertSelector) Holds(t AlertThing) bool {
	return among(s.Workflows, t.Workflow) && among(s.Robots, t.Robot) && among(s.Environments, t.Environment) &&
		among(s.Schedules, t.Schedule) && among(s.Queues, t.Queue)
}

func among[T comparable](list []T, one T) bool { return len(list) == 0 || slices.Contains(list, one) }

// AlertKindInfo is what is known of a kind before anybody says anything.
type AlertKindInfo struct {
	Kind       AlertKind   `json:"kind"`
	Text       string      `json:"text"` // what it looks for, in a sentence
	Severity   Severity    `json:"severity"`
	ForSeconds int         `json:"for_seconds"`
	Params     AlertParams `json:"params"`
	// Waits says that there is an incident only after it held for so long.
	Waits bool `json:"waits"`
	// Sampled says that somebody looks once a minute; others follow from an event.
	Sampled bool `json:"sampled"`
	// Selects are the members of a selector that it understands.
	Selects []string `json:"selects"`
}

// AlertKindList is the one table of the kinds, with what holds unless a rule says
// otherwise.
func AlertKindList() []AlertKindInfo {
	job := []string{"workflows", "environments"}
	robot := []string{"robots", "environments"}
	return []AlertKindInfo{
		{AlertJobWaiting, "A job waits for a robot for too long.", SeverityWarning, 3600, AlertParams{}, true, true, []string{"environments"}},
		{AlertFailureRate, "Too many jobs of a workflow fail.", SeverityCritical, 300, AlertParams{Percent: 50, AtLeast: 5, WindowSeconds: 3600}, true, true, []string{"workflows"}},
		{AlertRobotLost, "A robot is gone and does not come back.", SeverityCritical, 120, AlertParams{}, true, false, robot},
		{AlertRobotHealth, "A robot is failing.", SeverityWarning, 300, AlertParams{}, true, true, robot},
		{AlertJobStalled, "A running job shows no progress.", SeverityWarning, 1800, AlertParams{}, true, true, []string{"workflows", "robots", "environments"}},
		{AlertNeedsDecision, "A job waits for a person's decision, or is held because one before it failed.", SeverityCritical, 300, AlertParams{}, false, false, job},
		{AlertScheduleMissed, "Nobody was there for an instant of a schedule.", SeverityWarning, 1800, AlertParams{}, false, false, []string{"schedules", "workflows"}},
		{AlertScheduleLate, "A job of a schedule began too late, or runs for too long.", SeverityWarning, 1800, AlertParams{}, false, false, []string{"schedules", "workflows"}},
		{AlertScheduleDisabled, "A schedule has disabled itself after failures in a row.", SeverityCritical, 1800, AlertParams{}, false, false, []string{"schedules", "workflows"}},
		{AlertTriggerDisabled, "A trigger has disabled itself after failures in a row.", SeverityCritical, 1800, AlertParams{}, false, false, []string{"workflows"}},
		{AlertWebhookDisabled, "A webhook is sent nothing more, because nothing arrived.", SeverityCritical, 1800, AlertParams{}, false, false, nil},
		{AlertQueueSLA, "Items of a queue are overdue.", SeverityWarning, 1800, AlertParams{}, false, false, []string{"queues"}},
		{AlertDeadLetter, "Jobs failed for good, for the same reason.", SeverityWarning, 1800, AlertParams{}, false, false, job},
		{AlertKeyExpiring, "A key will end within seven days.", SeverityWarning, 3600, AlertParams{}, false, false, nil},
		{AlertBrake, "So many robots fell silent at once that none was given up.", SeverityCritical, 300, AlertParams{}, false, false, nil},
		{AlertChannelFailing, "Notices cannot be sent by a channel.", SeverityCritical, 900, AlertParams{}, false, false, nil},
	}
}

// AlertKinds lists the words of the kinds.
func AlertKinds() []AlertKind {
	list := AlertKindList()
	out := make([]AlertKind, len(list))
	for i := range list {
		out[i] = list[i].Kind
	}
	return out
}

// Info finds the row of a kind; false if there is none.
func (k AlertKind) Info() (AlertKindInfo, bool) {
	for _, row := range AlertKindList() {
		if row.Kind == k {
			return row, true
		}
	}
	return AlertKindInfo{}, false
}

// BuiltinAlertRules are the rules that hold without anybody having made one.
func BuiltinAlertRules(tenant TenantID) []AlertRule {
	list := AlertKindList()
	out := make([]AlertRule, len(list))
	for i, k := range list {
		out[i] = AlertRule{
			ID: ID(k.Kind), Tenant: tenant, Name: string(k.Kind), Description: k.Text, Builtin: true, Kind: k.Kind, Enabled: true,
		}
		out[i].Normal()
	}
	return out
}

// WithBuiltinAlertRules adds the built-in rules that nobody changed to those that
// are stored.
func WithBuiltinAlertRules(tenant TenantID, stored []AlertRule) []AlertRule {
	out := []AlertRule{}
	for _, r := range BuiltinAlertRules(tenant) {
		if !slices.ContainsFunc(stored, func(s AlertRule) bool { return s.ID == r.ID }) {
			out = append(out, r)
		}
	}
	out = append(out, stored...)
	slices.SortFunc(out, func(a, b AlertRule) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

// The bounds of rules.
const (
	MaxAlertRules     = 500 // of a tenant
	MaxAlertSelected  = 100
	MaxAlertChannels  = 100 // of a tenant
	MaxRuleChannels   = 10
	MaxSilences       = 500 // of a tenant
	MaxRuleSilences   = 20
	MaxAlertSeconds   = 30 * 24 * 3600
	MaxEscalateAfter  = 7 * 24 * 3600
	LeastAlertQuiet   = 60 // seconds: the least for_seconds
	MaxAlertText      = 500
	AlertSampleEvery  = time.Minute
	alertSampleGap    = 150 * time.Second // after which a condition did not hold meanwhile
	MaxFailureWindow  = 24 * 3600
	LeastFailureCheck = 300
)

// Key is the name as it is compared.
func (r *AlertRule) Key() string { return strings.ToLower(r.Name) }

// Normal fills in what follows from the choices made.
func (r *AlertRule) Normal() {
	row, ok := r.Kind.Info()
	if !ok {
		return
	}
	if r.Severity == "" {
		r.Severity = row.Severity
	}
	if r.ForSeconds == 0 {
		r.ForSeconds = row.ForSeconds
	}
	for _, n := range []struct {
		field *int
		usual int
	}{{&r.Params.Percent, row.Params.Percent}, {&r.Params.AtLeast, row.Params.AtLeast}, {&r.Params.WindowSeconds, row.Params.WindowSeconds}} {
		if *n.field == 0 {
			*n.field = n.usual
		}
	}
	if r.Channels == nil {
		r.Channels = []ID{}
	}
	if r.Silences == nil {
		r.Silences = []ID{}
	}
}

// Validate checks all that can be set, except what the use cases look up.
func (r *AlertRule) Validate() error {
	if err := ValidateName("name", r.Name, 128); err != nil {
		return err
	}
	if len([]rune(r.Description)) > MaxAlertText {
		return Invalid("description", "description may have at most %d characters.", MaxAlertText)
	}
	row, ok := r.Kind.Info()
	if !ok {
		return Invalid("kind", "kind must be one of %s; got %q.", Listed(AlertKinds()), clip(string(r.Kind), 40))
	}
	if !slices.Contains(Severities(), r.Severity) {
		return Invalid("severity", "severity must be one of %s; got %q.", Listed(Severities()), clip(string(r.Severity), 40))
	}
	if err := within([]bound{
		{"for_seconds", r.ForSeconds, LeastAlertQuiet, MaxAlertSeconds},
		{"escalate_after_seconds", r.EscalateAfterSeconds, 0, MaxEscalateAfter},
	}); err != nil {
		return err
	}
	if err := r.Params.validate(row); err != nil {
		return err
	}
	if err := r.Selector.validate(row); err != nil {
		return err
	}
	if r.EscalateAfterSeconds > 0 && len(r.Channels) == 1 {
		return Invalid("escalate_after_seconds", "With one channel there is no next one to tell.").WithFix("Name more channels, or leave escalate_after_seconds at 0.")
	}
	for field, list := range map[string][]ID{"channels": r.Channels, "silences": r.Silences} {
		most := MaxRuleChannels
		if field == "silences" {
			most = MaxRuleSilences
		}
		if len(list) > most {
			return Invalid(field, "%s may name at most %d; got %d.", field, most, len(list))
		}
		for i, id := range list {
			if slices.Contains(list[:i], id) {
				return Invalid(field, "%s names %q twice.", field, clip(string(id), 80))
			}
		}
	}
	return nil
}

func (p *AlertParams) validate(row AlertKindInfo) error {
	if row.Params == (AlertParams{}) {
		if *p != (AlertParams{}) {
			return Invalid("params", "A rule of kind %s takes no params.", row.Kind)
		}
		return nil
	}
	return within([]bound{
		{"params.percent", p.Percent, 1, 99},
		{"params.at_least", p.AtLeast, 1, 1_000_000},
		{"params.window_seconds", p.WindowSeconds, LeastFailureCheck, MaxFailureWindow},
	})
}

func (s *AlertSelector) validate(row AlertKindInfo) error {
	for _, member := range []struct {
		name string
		n    int
	}{
		{"workflows", len(s.Workflows)},
		{"robots", len(s.Robots)},
		{"environments", len(s.Environments)},
		{"schedules", len(s.Schedules)},
		{"queues", len(s.Queues)},
	} {
		field := "selector." + member.name
		switch {
		case member.n == 0:
		case len(row.Selects) == 0:
			return Invalid(field, "A rule of kind %s is about everything; it takes no selector.", row.Kind)
		case !slices.Contains(row.Selects, member.name):
			return Invalid(field, "A rule of kind %s selects by %s.", row.Kind, strings.Join(row.Selects, " and "))
		case member.n > MaxAlertSelected:
			return Invalid(field, "%s may name at most %d; got %d.", field, MaxAlertSelected, member.n)
		}
	}
	for _, m := range []struct {
		field string
		ids   []ID
	}{{"selector.workflows", s.Workflows}, {"selector.schedules", s.Schedules}, {"selector.queues", s.Queues}} {
		for _, id := range m.ids {
			if !id.Valid() {
				return Invalid(m.field, "%s holds ids; got %q.", m.field, clip(string(id), 80))
			}
		}
	}
	for _, e := range s.Environments {
		if err := ValidateEnvironment(e); err != nil {
			return Invalid("selector.environments", "selector.environments: %s", AsError(err).Message)
		}
	}
	for _, id := range s.Robots {
		if _, err := ParseRobotID(string(id)); err != nil {
			return Invalid("selector.robots", "selector.robots: %s", AsError(err).Message)
		}
	}
	return nil
}

// For is ForSeconds as a span.
func (r *AlertRule) For() time.Duration { return time.Duration(r.ForSeconds) * time.Second }

// Quiet is after how long without anything an incident of it is over.
func (r *AlertRule) Quiet() time.Duration { return 2 * r.For() }

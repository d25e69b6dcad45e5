package fleet

import (
	"slices"
	"time"
)

// MaxWindows bounds the windows of one reservation.
const MaxWindows = 100

// Reservation keeps slots of some robots free for the work that it names.
type Reservation struct {
	ID       ID             `json:"reservation_id"`
	Tenant   TenantID       `json:"tenant_id"`
	Name     string         `json:"name"`
	Selector Selector       `json:"selector"`
	Slots    int            `json:"slots"` // 0: all slots of the selector
	For      ReservationFor `json:"for"`
	Windows  []Window       `json:"windows,omitempty"` // none, and no cron: always
	// Cron opens a window of LengthSeconds at each of its instants in Timezone,
	// an IANA name, UTC if it is empty; in place of Windows.
	Cron          string `json:"cron,omitempty"`
	LengthSeconds int    `json:"length_seconds,omitempty"`
	Timezone      string `json:"timezone,omitempty"`

	Lend bool `json:"lend"` // others may use what no holder waits for
	// Recall says what becomes of those when a holder waits; RecallGraceSeconds
	// is how long one that is stopped may take to end its step.
	Recall             RecallMode `json:"recall,omitempty"`
	RecallGraceSeconds int        `json:"recall_grace_seconds,omitempty"`

	Enabled bool   `json:"enabled"`
	Note    string `json:"note,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// maxWindowLength bounds a window that opens by cron: 31 days.
const maxWindowLength = 31 * 24 * 3600

// RecallMode says how lent slots come back.
type RecallMode string

// The modes. The empty one is RecallFinish.
const (
	RecallFinish RecallMode = "finish" // what runs there ends by itself
	RecallStop   RecallMode = "stop"   // it is stopped and goes back to those that wait, uncounted
)

// DefaultRecallGrace is the grace of one that is stopped, if nothing else is
// said, and maxRecallGrace the longest.
const (
	DefaultRecallGrace = 60
	maxRecallGrace     = 3600
)

// RecallGrace is how long a job that is stopped for a holder may take to end its
// step.
func (r *Reservation) RecallGrace() time.Duration {
	return time.Duration(r.RecallGraceSeconds) * time.Second
}

// ReservationFor says which jobs a reservation is for; the parts that are given
// must all hold.
type ReservationFor struct {
	Workflows      []ID              `json:"workflows,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	PriorityAtMost *Priority         `json:"priority_at_most,omitempty"` // 0 is the most urgent
}

// IsZero says that no job is named.
func (f ReservationFor) IsZero() bool {
	return len(f.Workflows)+len(f.Labels) == 0 && f.PriorityAtMost == nil
}

// Matches says whether a job is one of those that are meant.
func (f *ReservationFor) Matches(workflow ID, priority Priority, labels map[string]string) bool {
	if f.PriorityAtMost != nil && priority > *f.PriorityAtMost || len(f.Workflows) > 0 && !slices.Contains(f.Workflows, workflow) {
		return false
	}
	for k, v := range f.Labels {
		if labels[k] != v {
			return false
		}
	}
	return true
}

// Window is a span of time, the end not included.
type Window struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Length is how long a window of the cron expression is open.
func (r *Reservation) Length() time.Duration { return time.Duration(r.LengthSeconds) * time.Second }

// Open says whether the reservation holds at a moment, and when that changes by
// itself (zero: never). What opens by cron is asked for in internal/calendar.
func (r *Reservation) Open(now time.Time) (open bool, changes time.Time) {
	if !r.Enabled {
		return false, time.Time{}
	}
	if len(r.Windows) == 0 {
		return true, time.Time{}
	}
	var begins, ends time.Time // the next that begins; the last end of those that hold
	for _, w := range r.Windows {
		switch {
		case !now.Before(w.Until):
		case now.Before(w.From):
			begins = first(begins, w.From)
		case w.Until.After(ends):
			ends = w.Until
		}
	}
	if !ends.IsZero() {
		return true, ends
	}
	return false, begins
}

func first(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Validate checks a reservation before it is stored.
func (r *Reservation) Validate(now time.Time) error {
	if err := ValidateName("name", r.Name, 128); err != nil {
		return err
	}
	if r.Selector.IsZero() {
		return &Error{
			Code: CodeInvalid, Reason: "selector_empty", Message: "A reservation needs a selector that names robots.",
			Fix: `Name robots, pools, tags or capabilities, or write {"all": true}.`, Fields: []FieldError{{Field: "selector", Message: "is empty"}},
		}
	}
	if err := r.Selector.Validate("selector"); err != nil {
		return err
	}
	if r.Slots < 0 {
		return Invalid("slots", "slots must be 0 (all of them) or more; got %d.", r.Slots)
	}
	if r.For.IsZero() {
		return Invalid("for", "A reservation must say which jobs it is for.").WithFix("Give workflows, labels or priority_at_most.")
	}
	if p := r.For.PriorityAtMost; p != nil {
		if err := p.Validate(); err != nil {
			return err
		}
	}
	switch {
	case r.Recall != "" && r.Recall != RecallFinish && r.Recall != RecallStop:
		return Invalid("recall", "recall must be finish or stop; got %q.", clip(string(r.Recall), 40))
	case r.Recall == RecallStop && !r.Lend:
		return Invalid("recall", "Only what is lent can be called back: recall stop needs lend.")
	case r.RecallGraceSeconds < 0 || r.RecallGraceSeconds > maxRecallGrace:
		return Invalid("recall_grace_seconds", "recall_grace_seconds must be between 0 and %d; got %d.", maxRecallGrace, r.RecallGraceSeconds)
	}
	if len(r.Windows) > MaxWindows {
		return Invalid("windows", "A reservation may have at most %d windows; got %d.", MaxWindows, len(r.Windows))
	}
	for _, w := range r.Windows {
		if !w.From.Before(w.Until) {
			return windowError("window_empty", "A window must end after it begins; got %s to %s.", w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339))
		}
	}
	switch {
	case r.Cron == "" && (r.LengthSeconds != 0 || r.Timezone != ""):
		return Invalid("cron", "length_seconds and timezone go with cron, which is left out.")
	case r.Cron != "" && len(r.Windows) > 0:
		return Invalid("cron", "A reservation opens by windows or by cron, not by both.")
	case r.Cron != "" && (r.LengthSeconds < 60 || r.LengthSeconds > maxWindowLength):
		return Invalid("length_seconds", "length_seconds must be between 60 and %d; got %d.", maxWindowLength, r.LengthSeconds)
	}
	if len(r.Windows) > 0 {
		for _, w := range r.Windows {
			if now.Before(w.Until) {
				return nil
			}
		}
		return windowError("window_in_past", "All windows of the reservation are over.")
	}
	return nil
}

func windowError(reason, format string, args ...any) error {
	e := Errorf(CodeInvalid, reason, format, args...)
	e.Fields = []FieldError{{Field: "windows", Message: e.Message}}
	return e
}

// UsualRobot says that a workflow usually runs on a robot.
type UsualRobot struct {
	WorkflowID ID        `json:"workflow_id"`
	RobotID    RobotID   `json:"robot_id"`
	Default    bool      `json:"is_default"`
	Priority   int       `json:"priority"` // 0 is tried first, after the default
	Notes      string    `json:"notes,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
}

// Share is what a tenant has had of the fleet, for its weight.
type Share struct {
	Tenant TenantID      `json:"tenant_id"`
	Weight int           `json:"weight"` // 1 to 1000, usually 100
	Served time.Duration `json:"served"` // of slots, attempts that run included
}

package fleet

import (
	"slices"
	"strings"
	"time"
)

// Silence keeps notices back for a while: what happens is an incident all the
// same. It lasts from one time to another, or whenever a working calendar has no
// working time.
type Silence struct {
	ID       ID        `json:"silence_id"`
	Tenant   TenantID  `json:"tenant_id"`
	Name     string    `json:"name"`
	Note     string    `json:"note,omitempty"` // why
	All      bool      `json:"all"`            // it is for every rule
	Rules    []ID      `json:"rules"`          // for which it is, beside those that name it
	From     time.Time `json:"from,omitzero"`
	Until    time.Time `json:"until,omitzero"`
	Calendar ID        `json:"calendar_id,omitempty"` // silent outside of its working time

	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// MaxSilenceSpan bounds a window.
const MaxSilenceSpan = 366 * 24 * time.Hour

// Key is the name as it is compared.
func (s *Silence) Key() string { return strings.ToLower(s.Name) }

// Validate checks all that can be set, except what the use cases look up.
func (s *Silence) Validate() error {
	if err := ValidateName("name", s.Name, 128); err != nil {
		return err
	}
	if len([]rune(s.Note)) > MaxAlertText {
		return Invalid("note", "note may have at most %d characters.", MaxAlertText)
	}
	if len(s.Rules) > MaxAlertRules {
		return Invalid("rules", "rules may name at most %d; got %d.", MaxAlertRules, len(s.Rules))
	}
	if s.All && len(s.Rules) > 0 {
		return Invalid("rules", "A silence is for all rules, or for those that it names.")
	}
	if s.Calendar != "" {
		if !s.Calendar.Valid() {
			return Invalid("calendar_id", "calendar_id is the id of a working calendar; got %q.", clip(string(s.Calendar), 80))
		}
		if !s.From.IsZero() || !s.Until.IsZero() {
			return Invalid("calendar_id", "A silence goes by a working calendar, or from one time to another, not by both.")
		}
		return nil
	}
	switch {
	case s.From.IsZero() || s.Until.IsZero():
		return Invalid("until", "A silence needs from and until, or calendar_id.")
	case !s.From.Before(s.Until):
		return Invalid("until", "A silence must end after it begins; got %s to %s.", s.From.Format(time.RFC3339), s.Until.Format(time.RFC3339))
	case s.Until.Sub(s.From) > MaxSilenceSpan:
		return Invalid("until", "A silence may last for at most %d days.", int(MaxSilenceSpan/(24*time.Hour)))
	}
	return nil
}

// For says whether the silence is for a rule.
func (s *Silence) For(r *AlertRule) bool {
	return s.All || slices.Contains(s.Rules, r.ID) || slices.Contains(r.Silences, s.ID)
}

// Ends says until when a silence of a window lasts at a time; zero: it does not.
func (s *Silence) Ends(now time.Time) time.Time {
	if s.Calendar != "" || now.Before(s.From) || !now.Before(s.Until) {
		return time.Time{}
	}
	return s.Until
}

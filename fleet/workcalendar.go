package fleet

import (
	"strings"
	"time"
)

// WorkCalendar says when schedules may run: within its hours, outside of its
// holidays and blackouts. Without hours it allows every hour.
type WorkCalendar struct {
	ID          ID        `json:"calendar_id"`
	Tenant      TenantID  `json:"tenant_id"`
	Name        string    `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string    `json:"description,omitempty"`
	Timezone    string    `json:"timezone"` // IANA name
	Hours       []DayTime `json:"hours,omitempty"`
	Holidays    []Holiday `json:"holidays,omitempty"`
	Blackouts   []Window  `json:"blackouts,omitempty"`
	Extra       []Window  `json:"extra,omitempty"` // allowed all the same, unless a blackout forbids it
	Revision    int64     `json:"revision"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	UpdatedBy   string    `json:"updated_by,omitempty"`
}

// DayTime is a part of a weekday: from and until are times such as 09:00 and
// 24:00; the second does not belong to it.
type DayTime struct {
	Weekday int    `json:"weekday"` // 0 is Monday
	From    string `json:"from"`
	Until   string `json:"until"`
}

// Holiday is a day that a calendar leaves out. One form is set: a date
// (2026-12-24), a month with a day (every year), a month with the nth weekday
// (-1 is the last), or days after Easter Sunday.
type Holiday struct {
	Name    string `json:"name,omitempty"`
	Date    string `json:"date,omitempty"`
	Month   int    `json:"month,omitempty"`
	Day     int    `json:"day,omitempty"`
	Weekday int    `json:"weekday,omitempty"` // 0 is Monday; with nth
	Nth     int    `json:"nth,omitempty"`
	Easter  *int   `json:"easter,omitempty"`
}

// The bounds of calendars.
const (
	MaxHoursOfCalendar = 100
	MaxHolidays        = 1000
	MaxBlackouts       = 10_000
)

// Key is the name as it is compared.
func (c *WorkCalendar) Key() string { return strings.ToLower(c.Name) }

// Validate checks all that can be set, except what internal/calendar reads.
func (c *WorkCalendar) Validate() error {
	if err := ValidateName("name", c.Name, 128); err != nil {
		return err
	}
	if len([]rune(c.Description)) > MaxScheduleNote {
		return Invalid("description", "description may have at most %d characters.", MaxScheduleNote)
	}
	for _, n := range []struct {
		field       string
		value, most int
	}{
		{"hours", len(c.Hours), MaxHoursOfCalendar},
		{"holidays", len(c.Holidays), MaxHolidays},
		{"blackouts", len(c.Blackouts), MaxBlackouts},
		{"extra", len(c.Extra), MaxBlackouts},
	} {
		if n.value > n.most {
			return Invalid(n.field, "%s may have at most %d entries; got %d.", n.field, n.most, n.value)
		}
	}
	for field, list := range map[string][]Window{"blackouts": c.Blackouts, "extra": c.Extra} {
		for _, w := range list {
			if !w.From.Before(w.Until) {
				return Invalid(field, "A window must end after it begins; got %s to %s.", w.From.Format(time.RFC3339), w.Until.Format(time.RFC3339))
			}
		}
	}
	return nil
}

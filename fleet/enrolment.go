package fleet

import (
	"path"
	"time"
)

// Enrolment is a token with which machines make themselves robots of a tenant.
// It is worth nothing for anything else.
type Enrolment struct {
	ID          ID           `json:"enrolment_id"`
	Tenant      TenantID     `json:"tenant_id"`
	NamePattern string       `json:"name_pattern"` // of robot ids; * is any text, ? any character
	Environment string       `json:"environment"`
	Pool        string       `json:"pool,omitempty"` // the robots it makes belong to it
	Tags        Capabilities `json:"tags"`
	Hash        string       `json:"-"`
	Hint        string       `json:"hint"`
	UsesMax     int          `json:"uses_max"`
	Uses        int          `json:"uses"`
	CreatedAt   time.Time    `json:"created_at"`
	CreatedBy   string       `json:"created_by"`
	ExpiresAt   time.Time    `json:"expires_at"`
	RevokedAt   time.Time    `json:"revoked_at,omitzero"`
	Usable      bool         `json:"usable"` // derived when read
}

// Figures of enrolment tokens.
const (
	EnrolmentLife    = time.Hour
	EnrolmentLifeMax = 24 * time.Hour
	EnrolmentUsesMax = 1000
)

// Counts says whether the token may be used at a time.
func (e *Enrolment) Counts(now time.Time) bool {
	return e.RevokedAt.IsZero() && e.Uses < e.UsesMax && now.Before(e.ExpiresAt)
}

// Admits says whether a robot may have an id.
func (e *Enrolment) Admits(id RobotID) bool {
	ok, err := path.Match(e.NamePattern, string(id)) // ids have no slash
	return ok && err == nil
}

// Validate checks what a person asks for; empty fields are filled in.
func (e *Enrolment) Validate() error {
	if e.NamePattern == "" {
		e.NamePattern = "*"
	}
	if _, err := path.Match(e.NamePattern, "robot"); err != nil || len(e.NamePattern) > 64 {
		return Invalid("name_pattern", "name_pattern must be up to 64 characters of a robot id, with * and ? for what is open; got %q.", clip(e.NamePattern, 80))
	}
	if e.Environment == "" {
		e.Environment = DefaultEnvironment
	}
	if err := ValidateEnvironment(e.Environment); err != nil {
		return err
	}
	if e.Pool != "" {
		if err := ValidatePool(e.Pool); err != nil {
			return err
		}
	}
	if e.UsesMax == 0 {
		e.UsesMax = 1
	}
	if e.UsesMax < 1 || e.UsesMax > EnrolmentUsesMax {
		return Invalid("uses", "uses must be between 1 and %d; got %d.", EnrolmentUsesMax, e.UsesMax)
	}
	return nil
}

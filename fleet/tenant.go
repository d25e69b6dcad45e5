package fleet

import (
	"regexp"
	"time"
)

// Tenant is a customer of the fleet. Nothing of one is seen by another.
type Tenant struct {
	ID       TenantID `json:"id"`
	Name     string   `json:"name"`
	Timezone string   `json:"timezone"` // IANA name; where its days begin
	// Priority is what its jobs have if neither the request nor the workflow says.
	Priority Priority     `json:"priority"`
	Weight   int          `json:"weight"` // of its share of robots that several tenants use; 100 is usual
	Quotas   TenantQuotas `json:"quotas"`
	// Suspended lets nothing start: what runs goes on, reading works.
	Suspended     bool   `json:"suspended"`
	SuspendedNote string `json:"suspended_note,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by,omitempty"`
}

// TenantQuotas bound what a tenant may have. Zero is the server's own limit, and
// where it has none, no limit.
type TenantQuotas struct {
	PendingJobs int `json:"pending_jobs"`       // that wait at once
	RunningJobs int `json:"running_jobs"`       // that hold a slot at once
	Robots      int `json:"robots"`             // registered ones
	SubmitRate  int `json:"submits_per_minute"` // submitted jobs
}

// The bounds of a tenant's settings.
const (
	MaxWeight     = 1000
	defaultWeight = 100
	maxQuota      = 1_000_000_000
)

// NewTenant returns a tenant with nothing set but its id.
func NewTenant(id TenantID) Tenant {
	return Tenant{ID: id, Name: string(id), Timezone: "UTC", Priority: PriorityDefault, Weight: defaultWeight}
}

var tenantForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// ParseTenantID checks the form of a tenant's id.
func ParseTenantID(text string) (TenantID, error) {
	if !tenantForm.MatchString(text) {
		return "", Invalid("tenant_id", "tenant_id must be 1 to 64 letters, digits, - or _.")
	}
	return TenantID(text), nil
}

// Validate checks all that can be set, except that the zone is known.
func (t *Tenant) Validate() error {
	if _, err := ParseTenantID(string(t.ID)); err != nil {
		return err
	}
	if err := ValidateName("name", t.Name, 128); err != nil {
		return err
	}
	if err := t.Priority.Validate(); err != nil {
		return err
	}
	if t.Weight < 1 || t.Weight > MaxWeight {
		return Invalid("weight", "weight must be between 1 and %d; got %d.", MaxWeight, t.Weight)
	}
	if len([]rune(t.SuspendedNote)) > 500 {
		return Invalid("suspended_note", "suspended_note may have at most 500 characters.")
	}
	q := &t.Quotas
	for _, f := range []struct {
		name  string
		value int
	}{
		{"pending_jobs", q.PendingJobs},
		{"running_jobs", q.RunningJobs},
		{"robots", q.Robots},
		{"submits_per_minute", q.SubmitRate},
	} {
		if f.value < 0 || f.value > maxQuota {
			return Invalid("quotas."+f.name, "quotas.%s must be between 0 (the server's limit) and %d; got %d.", f.name, maxQuota, f.value)
		}
	}
	return nil
}

// Hold is what keeps a tenant's jobs from starting, as the scheduler reads it.
type Hold struct {
	Tenant    TenantID
	Suspended bool
	Running   int // jobs that hold a slot now
	Most      int // that may; 0: any number
}

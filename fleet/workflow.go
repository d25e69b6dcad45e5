package fleet

import (
	"strings"
	"time"
	"unicode"
)

// Workflow is a named, versioned graph.
type Workflow struct {
	ID        ID        `json:"workflow_id"`
	Tenant    TenantID  `json:"tenant_id"`
	Name      string    `json:"workflow_name"`
	Newest    int       `json:"version"`
	Hash      string    `json:"hash"` // of the newest version
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	DeletedAt time.Time `json:"-"`
}

// WorkflowVersion is one content of a workflow. It never changes.
type WorkflowVersion struct {
	WorkflowID ID           `json:"workflow_id"`
	Version    int          `json:"version"`
	Hash       string       `json:"hash"`
	Requires   Capabilities `json:"requires"`
	Placement  Placement    `json:"placement,omitzero"` // of its settings, without capabilities
	// Retry is what its settings change of the default policy, Safety what they
	// say of lost attempts; nil and empty if they say nothing.
	Retry     *RetryChange `json:"retry,omitempty"`
	Safety    RetrySafety  `json:"retry_safety,omitempty"`
	NodeCount int          `json:"node_count"`
	CreatedAt time.Time    `json:"created_at"`
	CreatedBy string       `json:"created_by,omitempty"`
}

// ValidateName checks a name that people choose: 1 to limit characters, not
// blank, no control or direction marks.
func ValidateName(field, name string, limit int) error {
	n := len([]rune(name))
	if n == 0 || n > limit || strings.TrimSpace(name) == "" {
		return Invalid(field, "%s must have 1 to %d characters and not be blank; got %d.", field, limit, n)
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return Invalid(field, "%s must not hold control or direction marks; found U+%04X.", field, r)
		}
	}
	return nil
}

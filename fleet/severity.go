package fleet

// Severity is how much something matters.
type Severity string

// The severities.
const (
	SeverityInfo     Severity = "info"     // good to know
	SeverityWarning  Severity = "warning"  // it gets worse if nobody acts
	SeverityCritical Severity = "critical" // work stands still until somebody acts
)

// Severities lists them, the least first.
func Severities() []Severity { return []Severity{SeverityInfo, SeverityWarning, SeverityCritical} }

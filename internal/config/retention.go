package config

import "github.com/casarerpa/fleet/fleet"

// Retention says for how many days history is kept; 0 is for ever.
type Retention struct {
	JobsDays   int `help:"days for which jobs that have ended are kept, with results and attempts, and fires of schedules; 0: for ever" default:"90" env:"JOBS_DAYS"`
	EventsDays int `help:"days for which events are kept; 0: for ever" default:"30" env:"EVENTS_DAYS"`
	LogsDays   int `help:"days for which the lines that jobs print are kept; 0: for ever" default:"30" env:"LOGS_DAYS"`
	BulksDays  int `help:"days for which bulk operations that have ended are kept, with their robots; 0: for ever" default:"90" env:"BULKS_DAYS"`
	AuditDays  int `help:"days for which the audit is kept, up to the last signed checkpoint that is so old; 0: for ever" default:"400" env:"AUDIT_DAYS"`
}

// Validate checks the bounds.
func (r Retention) Validate() error {
	for _, f := range []struct {
		name string
		days int
	}{{"retention-jobs-days", r.JobsDays}, {"retention-events-days", r.EventsDays}, {"retention-logs-days", r.LogsDays}, {"retention-bulks-days", r.BulksDays}, {"retention-audit-days", r.AuditDays}} {
		if f.days < 0 || f.days > 36500 {
			return fleet.Invalid(f.name, "%s must be between 0 (for ever) and 36500; got %d.", f.name, f.days)
		}
	}
	return nil
}

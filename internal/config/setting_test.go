package config

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// Each value stands beside its own flag, and says whether it is the usual one.
func TestSettings(t *testing.T) {
	l := DefaultLimits()
	l.Body, l.ClaimHold = 2<<20, 7
	list, err := Settings(l, Retention{JobsDays: 90, EventsDays: 30, LogsDays: 30, BulksDays: 90, AuditDays: 0})
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{}
	for _, s := range list {
		if s.About == "" || s.Default == "" || len(s.Env) == 0 || strings.HasPrefix(s.About, "…") {
			t.Errorf("%+v", s)
		}
		if s.Source == fleet.SettingGiven {
			given[s.Name] = s.Value
		}
	}
	want := map[string]string{"limit-body": "2MiB", "limit-claim-hold": "7", "retention-audit-days": "0"}
	if len(given) != len(want) || len(list) < 50 {
		t.Errorf("%d settings, given %v", len(list), given)
	}
	for name, value := range want {
		if given[name] != value {
			t.Errorf("%s is %q, want %q", name, given[name], value)
		}
	}
}

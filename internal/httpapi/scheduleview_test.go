package httpapi

import (
	"testing"
	"time"
)

func TestComesTwice(t *testing.T) {
	zone := func(name string) *time.Location {
		z, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	for _, c := range []struct {
		zone, at string
		want     bool
	}{
		{"Europe/Berlin", "2026-10-25T00:30:00Z", true},  // 02:30, the first time
		{"Europe/Berlin", "2026-10-25T01:30:00Z", true},  // and the second
		{"Europe/Berlin", "2026-10-25T02:30:00Z", false}, // 03:30
		{"Europe/Berlin", "2026-10-24T23:30:00Z", false}, // 01:30
		{"Europe/Berlin", "2026-03-29T01:30:00Z", false}, // the clocks go on
		{"Australia/Lord_Howe", "2026-04-04T15:15:00Z", true},
		{"UTC", "2026-10-25T00:30:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := comesTwice(at, zone(c.zone)); got != c.want {
			t.Errorf("%s in %s: %v", c.at, c.zone, got)
		}
	}
}

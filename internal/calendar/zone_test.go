package calendar

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The data of zones that are built in come before whatever the machine has.
func TestZonesAreBuiltIn(t *testing.T) {
	// A machine on which Berlin's clocks show the time of Tokyo.
	tokyo, err := zoneFiles()["Asia/Tokyo"].Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(tokyo)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "Europe"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Europe", "Berlin"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ZONEINFO", dir) // read once in a process, and by nothing else of this package
	winter := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	if zone, err := time.LoadLocation("Europe/Berlin"); err != nil || winter.In(zone).Hour() != 21 {
		t.Fatalf("the machine is not as it was to be: %v, %v", zone, err)
	}
	zone, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	if got := winter.In(zone); got.Hour() != 13 || zone.String() != "Europe/Berlin" {
		t.Errorf("noon of UTC is %s in %s", got, zone)
	}
	if again, _ := Zone("Europe/Berlin"); again != zone {
		t.Error("a zone is read each time")
	}
}

func TestNearZones(t *testing.T) {
	for name, want := range map[string]string{
		"Europe/Berlim": "Europe/Berlin", "berlin": "Europe/Berlin", "new york": "America/New_York", "europe/paris": "Europe/Paris", "Poseidonis": "", "": "", "x": "",
	} {
		near := nearZones(name)
		if want == "" && len(near) > 0 || want != "" && !slices.Contains(near, want) {
			t.Errorf("near %q: %v, want %q", name, near, want)
		}
	}
	for _, name := range []string{"Local", "../etc/passwd", " UTC", "Europe/Berlin ", "Factory", "Europe/"} {
		if _, err := Zone(name); fleet.AsError(err).Reason != "timezone_unknown" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

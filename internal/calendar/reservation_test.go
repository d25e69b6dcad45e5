package calendar

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	out, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReservationByCron(t *testing.T) {
	r := fleet.Reservation{Enabled: true, Cron: "0 8 * * 1-5", LengthSeconds: 7200, Timezone: "Europe/Berlin"}
	for now, want := range map[string]string{
		"2026-11-27T06:59": "false 11-27T07:00",
		"2026-11-27T07:00": "true 11-27T09:00",
		"2026-11-27T08:59": "true 11-27T09:00",
		"2026-11-27T09:00": "false 11-30T07:00", // over the weekend
		"2026-03-27T12:00": "false 03-30T06:00", // and the change of the clocks
	} {
		open, changes := Open(&r, at(t, now))
		if got := fmt.Sprintf("%v %s", open, changes.UTC().Format("01-02T15:04")); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
	r.Enabled = false
	if open, changes := Open(&r, at(t, "2026-11-27T07:30")); open || !changes.IsZero() {
		t.Error("a disabled one holds")
	}
	var got []string
	for _, w := range Windows(&r, at(t, "2026-10-23T06:30"), 3) {
		got = append(got, w.From.Format("01-02T15:04")+"/"+w.Until.Format("15:04"))
	}
	if s := strings.Join(got, " "); s != "10-23T06:00/08:00 10-26T07:00/09:00 10-27T07:00/09:00" {
		t.Errorf("windows %s", s)
	}
}

// A window that is open over a change of the clocks keeps its length.
func TestWindowOverAChangeOfTheClocks(t *testing.T) {
	r := fleet.Reservation{Enabled: true, Cron: "0 1 * * *", LengthSeconds: 4 * 3600, Timezone: "Europe/Berlin"}
	for now, want := range map[string]string{"2026-03-29T00:30": "04:00", "2026-10-25T00:30": "03:00"} {
		open, until := Open(&r, at(t, now))
		if !open || until.UTC().Format("15:04") != want {
			t.Errorf("at %s: open %v until %s, want %s", now, open, until.UTC(), want)
		}
	}
}

func TestCheckReservation(t *testing.T) {
	now := at(t, "2026-11-27T06:59")
	for want, r := range map[string]fleet.Reservation{
		"":                 {Cron: "0 8 * * *", LengthSeconds: 24 * 3600},
		"cron_invalid":     {Cron: "0 25 * * *", LengthSeconds: 60},
		"cron_never_fires": {Cron: "0 0 30 2 *", LengthSeconds: 60},
		"timezone_unknown": {Cron: "0 8 * * *", LengthSeconds: 60, Timezone: "Berlin"},
		"invalid_field":    {Cron: "0 * * * *", LengthSeconds: 3660},
	} {
		err := CheckReservation(&r, now)
		if (err == nil) != (want == "") || err != nil && fleet.AsError(err).Reason != want {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
}

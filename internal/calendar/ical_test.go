package calendar

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

func ical(events ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(events, "") + "END:VCALENDAR\r\n"
}

func vev(lines ...string) string {
	return "BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\n"
}

func TestReadICal(t *testing.T) {
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		vev("DTSTART;VALUE=DATE:20261225", "SUMMARY:Long na", " me"):                                  "12-24T23:00/12-25T23:00",
		vev("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"):                               "12-24T23:00/12-26T23:00",
		vev("DTSTART;VALUE=DATE:20260329", "DURATION:P1D"):                                            "03-28T23:00/03-29T22:00",
		vev("DTSTART:20261225T080000Z", "DTEND:20261225T093000Z"):                                     "12-25T08:00/12-25T09:30",
		vev("DTSTART:20261225T080000", "DURATION:PT1H30M"):                                            "12-25T07:00/12-25T08:30",
		vev(`DTSTART;TZID="America/New_York":20261225T080000`, "DURATION:P1W"):                        "12-25T13:00/01-01T13:00",
		vev("DTSTART;VALUE=DATE:20261225", "STATUS:CANCELLED"):                                        "",
		vev("DTSTART:20261225T080000Z"):                                                               "",
		vev("DTSTART;VALUE=DATE:20261225", "BEGIN:VALARM", "DURATION:nonsense", "END:VALARM"):         "12-24T23:00/12-25T23:00",
		"BEGIN:VTIMEZONE\r\nBEGIN:DAYLIGHT\r\nRRULE:FREQ=YEARLY\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n": "",
	} {
		got, err := ReadICal(ical(text), berlin)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var out []string
		for _, w := range got {
			out = append(out, w.From.Format("01-02T15:04")+"/"+w.Until.Format("01-02T15:04"))
		}
		if s := strings.Join(out, " "); s != want {
			t.Errorf("%s: %s, want %s", text, s, want)
		}
	}
	for _, bad := range []string{
		"", "hello", "BEGIN:VCALENDAR\n", ical("BEGIN:VEVENT\r\n"), ical(vev("SUMMARY:none")), ical(vev("DTSTART:2026")),
		ical(vev("DTSTART;VALUE=DATE:20261225", "RRULE:FREQ=YEARLY")), ical(vev("DTSTART;TZID=Mars:20261225T080000")),
		ical(vev("DTSTART:20261225T080000Z", "DTEND:20261224T080000Z")), ical(vev("DTSTART:20261225T080000Z", "DURATION:P")),
		ical(vev("DTSTART:20261225T080000Z", "DURATION:P1H")), strings.Repeat("x", MaxICalBytes+1),
	} {
		if got, err := ReadICal(bad, berlin); err == nil || fleet.AsError(err).Message == "" {
			t.Errorf("%.60q: %v", bad, got)
		}
	}
}

func FuzzICal(f *testing.F) {
	f.Add(ical(vev("DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227")))
	f.Add(ical(vev("DTSTART:20261225T080000Z", "DURATION:P1DT2H")))
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadICal(text, berlin)
		if err != nil {
			return
		}
		for _, w := range got {
			if !w.From.Before(w.Until) {
				t.Fatalf("%v", w)
			}
		}
	})
}

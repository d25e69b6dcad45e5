package calendar

import (
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// fires lists the first instants after a moment.
func fires(t *testing.T, cron, zone, after string, n int) string {
	t.Helper()
	c, err := ParseCron(cron)
	if err != nil {
		t.Fatal(err)
	}
	loc, err := Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse("2006-01-02T15:04", after)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range n {
		var moved bool
		if at, moved = c.Next(at, loc); at.IsZero() {
			out = append(out, "never")
			break
		}
		s := at.UTC().Format("01-02T15:04")
		if moved {
			s += "*"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// A star marks an instant that was moved out of a gap.
func TestNext(t *testing.T) {
	const berlin = "Europe/Berlin"
	for _, c := range []struct{ cron, zone, after, want string }{
		{"0 9 * * 1-5", "", "2026-11-27T00:00", "11-27T09:00 11-30T09:00 12-01T09:00"},
		{"@weekends", "", "2026-11-27T00:00", "11-28T09:00 11-29T09:00 12-05T09:00"},
		{"*/20 8 * * *", "", "2026-11-27T08:20", "11-27T08:40 11-28T08:00 11-28T08:20"},
		{"5/20 8 * * *", "", "2026-11-27T08:05", "11-27T08:25 11-27T08:45 11-28T08:05"},
		{"0 0 L * *", "", "2026-01-31T12:00", "02-28T00:00 03-31T00:00 04-30T00:00"},
		{"0 0 LW * *", "", "2026-01-01T00:00", "01-30T00:00 02-27T00:00 03-31T00:00"},
		{"0 0 15W * *", "", "2026-02-01T00:00", "02-16T00:00 03-16T00:00 04-15T00:00"},
		{"0 0 1W 8 *", "", "2026-02-01T00:00", "08-03T00:00 08-02T00:00 08-01T00:00"},
		{"0 0 31 * *", "", "2026-01-31T12:00", "03-31T00:00 05-31T00:00 07-31T00:00"},
		{"@last_friday", "", "2026-01-01T00:00", "01-30T17:00 02-27T17:00 03-27T17:00"},
		{"@first_monday", "", "2026-01-01T00:00", "01-05T00:00 02-02T00:00 03-02T00:00"},
		{"0 0 13 * FRI", "", "2026-11-12T12:00", "11-13T00:00 11-20T00:00 11-27T00:00"},
		{"0 0 ? * SUN", "", "2026-11-12T12:00", "11-15T00:00 11-22T00:00 11-29T00:00"},
		{"0 0 * * FRI-SUN", "", "2026-11-12T12:00", "11-13T00:00 11-14T00:00 11-15T00:00"},
		{"0 0 * * MON-SUN", "", "2026-11-12T12:00", "11-13T00:00 11-14T00:00 11-15T00:00"},
		{"0 0 */2 * MON", "", "2026-11-01T12:00", "11-09T00:00 11-23T00:00 12-07T00:00"},
		{"0 0 * * 7", "", "2026-11-12T12:00", "11-15T00:00 11-22T00:00 11-29T00:00"},
		{"0 0 29 2 *", "", "2026-11-12T12:00", "02-29T00:00 02-29T00:00 02-29T00:00"},
		{"0 0 30 2 *", "", "2026-11-12T12:00", "never"},

		// Berlin goes from 02:00 to 03:00 on 29 March, from 03:00 to 02:00 on 25 October.
		{"30 2 * * *", berlin, "2026-03-28T12:00", "03-29T01:00* 03-30T00:30 03-31T00:30"},
		{"30 2 * * *", berlin, "2026-10-24T12:00", "10-25T00:30 10-26T01:30 10-27T01:30"},
		{"0,30 2 * * *", berlin, "2026-03-28T12:00", "03-29T01:00* 03-30T00:00 03-30T00:30"},
		{"30 2,3 * * *", berlin, "2026-03-28T12:00", "03-29T01:00* 03-29T01:30 03-30T00:30"},
		{"*/30 2 * * *", berlin, "2026-03-28T12:00", "03-30T00:00 03-30T00:30 03-31T00:00"},
		{"*/30 2 * * *", berlin, "2026-10-24T12:00", "10-25T00:00 10-25T00:30 10-25T01:00"},
		{"0 * * * *", berlin, "2026-03-29T00:30", "03-29T01:00 03-29T02:00 03-29T03:00"},
		// Lord Howe moves its clocks by half an hour, Santiago at midnight.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", "10-03T15:30* 10-04T15:15 10-05T15:15"},
		{"0 0 * * *", "America/Santiago", "2026-09-05T06:00", "09-06T04:00* 09-07T03:00 09-08T03:00"},
		// Casey went from 00:01 to 03:01 inside an hour; St. John's from 00:01 to 23:01 of the day before.
		{"*/7 1-3 * * *", "Antarctica/Casey", "2020-10-03T16:00", "10-03T16:07 10-03T16:14 10-03T16:21"},
		{"*/30 0 * * sun", "America/St_Johns", "2010-11-07T02:00", "11-07T02:30 11-07T03:30 11-07T04:00"},
	} {
		if got := fires(t, c.cron, c.zone, c.after, 3); got != c.want {
			t.Errorf("%s in %q after %s:\n got %s\nwant %s", c.cron, c.zone, c.after, got, c.want)
		}
	}
}

func TestBadCron(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "Expected 5 fields; got 0.",
		"0 0 9 * * 1":                  "Expected 5 fields; got 6.",
		"61 9 * * *":                   `minute, position 1: "61" is not a value from 0 to 59`,
		"0,5,x 9 * * *":                `minute, position 5: "X" is not a value from 0 to 59`,
		"0 22-2 * * *":                 "hour, position 1: the range 22-2 goes backwards; write 22-23,0-2",
		"0 9 0 * *":                    `day, position 1: "0" is not a value from 1 to 31`,
		"0 9 * FOO *":                  `month, position 1: "FOO" is not a value from 1 to 12`,
		"0 9 * * 8":                    `weekday, position 1: "8" is not a value from 0 to 7`,
		"*/0 9 * * *":                  `minute, position 1: the step "0" is not a number from 1 to 59`,
		"0 9 * * 1#6":                  `weekday, position 1: "6" is not a number from 1 to 5`,
		"? 9 * * *":                    `minute, position 1: "?" is not a value from 0 to 59`,
		"@sometimes":                   "There is no alias @sometimes.",
		"0 9 * * 1-":                   `weekday, position 1: "" is not a value from 0 to 7`,
		"0 9 L-3 * *":                  `day, position 1: "L" is not a value from 1 to 31`,
		"18446744073709551616 9 * * *": `minute, position 1: "18446744073709551616" is not a value from 0 to 59`,
	} {
		_, err := ParseCron(text)
		if e := fleet.AsError(err); err == nil || e.Message != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	for _, name := range []string{"Mars/Base", "Local", " UTC"} {
		if _, err := Zone(name); err == nil || fleet.AsError(err).Reason != "timezone_unknown" {
			t.Errorf("zone %q: %v", name, err)
		}
	}
}

// FuzzCron looks for expressions that make the search wrong or endless.
func FuzzCron(f *testing.F) {
	for _, text := range []string{"0 9 * * 1-5", "*/7 */5 L,15W * 1#2,5L", "59 23 31 12 0", "30 2 29 2 *"} {
		f.Add(text, int64(1_790_000_000))
	}
	zone, err := Zone("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		c, err := ParseCron(text)
		if err != nil {
			return
		}
		after := time.Unix(unix%4_000_000_000, 0)
		at, _ := c.Next(after, zone)
		if at.IsZero() {
			return
		}
		if !at.After(after) {
			t.Fatalf("%s: %s is not after %s", text, at, after)
		}
		again, err := ParseCron(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if same, _ := again.Next(after, zone); !same.Equal(at) {
			t.Fatalf("%s and its text %s differ: %s and %s", text, c, at, same)
		}
	})
}

package data_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/workflow/value"
)

func TestCurrentDateTime(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_234_567, time.Local)
	for _, test := range []struct {
		typ  string
		cfg  m
		want string
	}{
		{"GetCurrentDateTimeNode", m{}, "2026-03-04T05:06:07.891234"},
		{"GetCurrentDateTimeNode", m{"format": "%d.%m.%y %Z|"}, "04.03.26 |"},
		{"GetCurrentDateTimeNode", m{"timezone": "Nowhere/Land"}, "2026-03-04T05:06:07.891234"},
	} {
		out, err := on(t, fixed{now: at}, test.typ, test.cfg)
		if err != nil || get(t, out, "datetime") != test.want {
			t.Errorf("%v: %s, %v", test.cfg, out, err)
		}
		if get(t, out, "day_of_week") != "Wednesday" || get(t, out, "second") != int64(7) {
			t.Errorf("%s", out)
		}
	}
	utc := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	out, err := on(t, fixed{now: utc}, "GetCurrentDateTimeNode", m{"timezone": "UTC"})
	want := "{'datetime': '2026-07-01T12:00:00+00:00', 'timestamp': 1782907200.0, 'year': 2026, 'month': 7, 'day': 1, 'hour': 12, 'minute': 0, 'second': 0, 'day_of_week': 'Wednesday'}"
	if err != nil || out.String() != want {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := on(t, fixed{now: utc.Add(250 * time.Millisecond)}, "GetTimestampNode", m{"milliseconds": "true"}); err != nil || out.String() != "{'timestamp': 1782907200250.0}" {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := on(t, fixed{now: utc}, "GetTimestampNode", m{}); err != nil || out.String() != "{'timestamp': 1782907200.0}" {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := on(t, fixed{now: time.Date(2026, 1, 31, 0, 0, 0, 0, time.Local)}, "DateTimeAddNode", m{"months": 1}); err != nil || get(t, out, "result") != "2026-03-02T00:00:00" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestDateTimes(t *testing.T) {
	run(t, []visit{
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "2024-03-05 06:07:08"}, out: "{'result': '2024-03-05 06:07:08'}"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "05/03/2024", "format": "%A %j"}, out: "{'result': 'Tuesday 065'}"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "03/25/2024", "format": "%Y%m%d"}, out: "{'result': '20240325'}"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "2024-03-05T06:07:08Z", "format": "%H%z"}, out: "{'result': '06+0000'}"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "5.3.24", "input_format": "%d.%m.%y"}, out: "{'result': '2024-03-05 00:00:00'}"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "5.3.24", "input_format": "%Y"}, out: "{}", err: "time data '5.3.24' does not match format '%Y'"},
		{typ: "FormatDateTimeNode", cfg: m{"datetime": "soon"}, out: "{}", err: "Invalid isoformat string: 'soon'"},
		{typ: "FormatDateTimeNode", in: m{"datetime": l{}}, out: "{}", err: "Cannot parse datetime from: <class 'list'>"},

		{typ: "ParseDateTimeNode", cfg: m{"datetime_string": "31/12/2023 23:59:58", "format": ""}, out: "-"},
		{typ: "ParseDateTimeNode", out: "{'success': False}", err: "datetime_string is required"},
		{typ: "ParseDateTimeNode", cfg: m{"datetime_string": "soon"}, out: "{'success': False}", err: "Invalid isoformat string: 'soon'"},
		{typ: "ParseDateTimeNode", cfg: m{"datetime_string": "2024", "format": "%d"}, out: "{'success': False}", err: "unconverted data remains: 24"},
		{
			typ: "ParseDateTimeNode", cfg: m{"datetime_string": "1970-01-02T00:00:01.5+01:00"},
			out: "{'success': True, 'timestamp': 82801.5, 'year': 1970, 'month': 1, 'day': 2, 'hour': 0, 'minute': 0, 'second': 1, 'iso_format': '1970-01-02T00:00:01.500000+01:00'}",
		},

		{
			typ: "DateTimeAddNode", cfg: m{"datetime": "2024-01-31T10:00:00+00:00", "years": 1, "months": "1", "weeks": 1, "days": 1, "hours": -1, "minutes": 30, "seconds": 5},
			out: "{'result': '2025-03-09T09:30:05+00:00', 'timestamp': 1741512605.0}",
		},
		{typ: "DateTimeAddNode", cfg: m{"datetime": "9999-12-31", "days": 1}, out: "{}", err: "date value out of range"},
		{typ: "DateTimeAddNode", cfg: m{"datetime": "2024-01-01", "days": 1 << 40}, out: "{}", err: "date value out of range"},
		{typ: "DateTimeAddNode", cfg: m{"datetime": "2024-01-01", "days": "many"}, out: "{}", err: "days: invalid literal for int() with base 10: 'many'"},
		{typ: "DateTimeAddNode", cfg: m{"datetime": "never"}, out: "{}", err: "Invalid isoformat string: 'never'"},

		{
			typ: "DateTimeDiffNode", cfg: m{"datetime_1": "2024-01-01", "datetime_2": "2024-01-03T01:02:03.5"},
			out: "{'total_seconds': 176523.5, 'total_minutes': 2942.0583333333334, 'total_hours': 49.034305555555555, 'total_days': 2.0430960648148146, 'days': 2, 'hours': 1, 'minutes': 2, 'seconds': 3}",
		},
		{
			typ: "DateTimeDiffNode", cfg: m{"datetime_1": "2024-01-03T01:00:00", "datetime_2": "2024-01-01"},
			out: "{'total_seconds': -176400.0, 'total_minutes': -2940.0, 'total_hours': -49.0, 'total_days': -2.0416666666666665, 'days': -2, 'hours': 1, 'minutes': 0, 'seconds': 0}",
		},
		{
			typ: "DateTimeDiffNode", cfg: m{"datetime_1": 0, "datetime_2": 90.5},
			out: "{'total_seconds': 90.5, 'total_minutes': 1.5083333333333333, 'total_hours': 0.025138888888888888, 'total_days': 0.0010474537037037037, 'days': 0, 'hours': 0, 'minutes': 1, 'seconds': 30}",
		},
		{typ: "DateTimeDiffNode", cfg: m{"datetime_1": "2024-01-01", "datetime_2": "2024-01-01T00:00:00Z"}, out: "{}", err: "can't subtract offset-naive and offset-aware datetimes"},
		{typ: "DateTimeDiffNode", cfg: m{"datetime_1": "2024-01-01"}, out: "{}", err: "Cannot parse datetime from: <class 'NoneType'>"},

		{typ: "DateTimeCompareNode", cfg: m{"datetime_1": "2024-01-01", "datetime_2": "2024-01-02"}, out: "{'is_before': True, 'is_after': False, 'is_equal': False, 'comparison': -1}"},
		{typ: "DateTimeCompareNode", cfg: m{"datetime_1": "2024-01-01T02:00:00+02:00", "datetime_2": "2024-01-01T00:00:00Z"}, out: "{'is_before': False, 'is_after': False, 'is_equal': True, 'comparison': 0}"},
		{typ: "DateTimeCompareNode", cfg: m{"datetime_1": 2, "datetime_2": 1}, out: "{'is_before': False, 'is_after': True, 'is_equal': False, 'comparison': 1}"},
		{typ: "DateTimeCompareNode", cfg: m{"datetime_1": "2024-01-01", "datetime_2": "2024-01-01T00:00:00Z"}, out: "{}", err: "can't compare offset-naive and offset-aware datetimes"},
	})
}

// TestDateTimesAsPython holds the nodes against the reference interpreter in
// the zone of this machine.
func TestDateTimesAsPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: comparison with Python's datetime not made")
	}
	texts := []string{
		"2024-02-29", "20240229", "2024-02-30", "2024-2-9", "2024-W09-4", "2024W094", "2024-W09", "2024-W54-1", "2020-W53-7",
		"2024-02-29T12", "2024-02-29T1230", "2024-02-29 12:30", "2024-02-29x12:30:15", "2024-02-29T12:30:15.1", "2024-02-29T12:30:15,123456789",
		"20240229T123015.5", "2024-02-29T12:30:15.", "2024-02-29T", "2024-02-29T24:00", "2024-02-29T12:60", "2024-02-29T12:3015",
		"2024-02-29T12:30Z", "2024-02-29T12:30+02", "2024-02-29T12:30+0230", "2024-02-29T12:30-02:30", "2024-02-29T12:30+02:30:15", "2024-02-29T12:30+25:00",
		"0001-01-01", "0000-01-01", "9999-12-31T23:59:59.999999", "2024-02-29T12:30:15 ", " 2024-02-29", "12/31/2023", "31/12/2023", "31-12-2023", "2023/12/31",
		"31/12/2023 01:02:03", "12/31/2023 01:02:03", "2024-02-29T01:02:03.004", "2024-02-29 01:02:03", "", "x", "2024", "2024-02", "2024-02-29T12:30:15+", "2024-060",
	}
	script := `
import json, sys
from datetime import datetime, timedelta
formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d", "%d/%m/%Y %H:%M:%S",
           "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d"]
def parse(text):
    for f in formats:
        try:
            return datetime.strptime(text, f)
        except ValueError:
            pass
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
out = []
for text in json.load(sys.stdin):
    row = {}
    try:
        at = parse(text)
        row["iso"] = at.isoformat()
        row["later"] = (at + timedelta(days=100, hours=5)).isoformat()
        row["text"] = at.strftime("%a %d %b %H:%M:%S.%f %j %U %p")
        row["stamp"] = at.timestamp() if 1900 < at.year < 9000 else 0
    except (ValueError, OverflowError):
        row["bad"] = True
    out.append(row)
json.dump(out, sys.stdout)`
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin = bytes.NewReader(input)
	answer, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]any
	if err := json.Unmarshal(answer, &want); err != nil {
		t.Fatal(err)
	}
	host := fixed{now: time.Now()}
	for i, text := range texts {
		got := map[string]any{}
		out, err := on(t, host, "ParseDateTimeNode", m{"datetime_string": text})
		if err == nil {
			got["iso"], _ = out.Get("iso_format")
			stamp, _ := out.Get("timestamp")
			got["stamp"] = stamp
			if year, _ := out.Get("year"); value.Equal(year, 1.0) || value.Equal(year, 9999.0) {
				got["stamp"] = 0.0
			}
			var added, formatted *value.Map
			added, err = on(t, host, "DateTimeAddNode", m{"datetime": got["iso"], "days": 100, "hours": 5})
			if err == nil {
				got["later"], _ = added.Get("result")
				formatted, err = on(t, host, "FormatDateTimeNode", m{"datetime": got["iso"], "format": "%a %d %b %H:%M:%S.%f %j %U %p"})
			}
			if err == nil {
				got["text"], _ = formatted.Get("result")
			}
		}
		if err != nil {
			if !strings.Contains(err.Error(), "isoformat") && !strings.Contains(err.Error(), "range") && text != "" {
				t.Errorf("%q: %v", text, err)
			}
			got = map[string]any{"bad": true}
		}
		if want[i]["bad"] == true {
			want[i] = map[string]any{"bad": true}
		}
		if diff := cmp.Diff(want[i], got); diff != "" {
			t.Errorf("%q (-python +go):\n%s", text, diff)
		}
	}
}

package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

func frameText(typ, payload string) string {
	return `{"v":2,"type":"` + typ + `","id":"m-1","seq":1,"session":1,"report_id":4,"timestamp":"2025-03-04T05:06:07Z","payload":` + payload + `}`
}

func TestDecodeRefuses(t *testing.T) {
	ref := `"job_id":"` + string(job) + `","epoch":1`
	deep := strings.Repeat(`{"a":`, MaxDepth) + `1` + strings.Repeat(`}`, MaxDepth)
	tests := map[string]struct {
		text     string
		from     Direction
		code     string
		close    CloseCode
		hasFrame bool
	}{
		"nothing":                 {"", FromRobot, BadMessage, CloseBadMessage, false},
		"no JSON":                 {"hello", FromRobot, BadMessage, CloseBadMessage, false},
		"a list":                  {"[]", FromRobot, BadMessage, CloseBadMessage, false},
		"cut off":                 {`{"v":2,"type":"hel`, FromRobot, BadMessage, CloseBadMessage, false},
		"two values":              {frameText("drain", "{}") + "{}", FromRobot, BadMessage, CloseBadMessage, false},
		"not UTF-8":               {frameText("drain", "{\"reason\":\"\xff\"}"), FromRobot, BadMessage, CloseBadMessage, false},
		"version 1":               {`{"v":1,"type":"hello","id":"m-1","seq":1,"session":1,"timestamp":null,"payload":{}}`, FromRobot, UnsupportedVersion, CloseVersion, true},
		"no version":              {`{"type":"register","robot_id":"x"}`, FromRobot, UnsupportedVersion, CloseVersion, true},
		"too big":                 {frameText("drain", `{"reason":"`+strings.Repeat("a", MaxFrame)+`"}`), FromRobot, TooBig, CloseTooBig, false},
		"too deep":                {frameText("checkpoint", `{`+ref+`,"data":`+deep+`}`), FromRobot, BadMessage, CloseBadMessage, false},
		"field twice in envelope": {`{"v":2,"type":"drain","type":"hello","id":"m","seq":1,"session":1,"timestamp":null,"payload":{}}`, FromRobot, BadMessage, CloseBadMessage, false},
		"field twice in payload":  {frameText("job_accept", `{`+ref+`,"epoch":2}`), FromRobot, BadMessage, CloseBadMessage, false},
		"twice by escape":         {frameText("job_accept", `{`+ref+`,"\u0065poch":2}`), FromRobot, BadMessage, CloseBadMessage, false},
		"twice by case":           {frameText("job_accept", `{`+ref+`,"Epoch":2}`), FromRobot, BadMessage, CloseBadMessage, false},
		"negative report":         {strings.Replace(frameText("job_started", `{`+ref+`}`), `"report_id":4`, `"report_id":-4`, 1), FromRobot, BadMessage, CloseBadMessage, true},
		"unknown type":            {frameText("dance", "{}"), FromRobot, UnknownType, 0, true},
		"other direction":         {frameText("welcome", "{}"), FromRobot, UnknownType, 0, true},
		"robot's in ours":         {frameText("hello", "{}"), FromOrchestrator, UnknownType, 0, true},
		"payload of wrong kind":   {frameText("job_accept", `{"job_id":7}`), FromRobot, BadPayload, 0, true},
		"payload a list":          {frameText("job_accept", `[]`), FromRobot, BadPayload, 0, true},
		"no job":                  {frameText("job_accept", `{"epoch":1}`), FromRobot, BadPayload, 0, true},
		"epoch 0":                 {frameText("job_accept", `{"job_id":"`+string(job)+`"}`), FromRobot, BadPayload, 0, true},
		"progress 101":            {frameText("job_progress", `{`+ref+`,"progress":101}`), FromRobot, BadPayload, 0, true},
		"reject for fun":          {frameText("job_reject", `{`+ref+`,"reason":"fun"}`), FromRobot, BadPayload, 0, true},
		"result not an object":    {frameText("job_complete", `{`+ref+`,"result":[1]}`), FromRobot, BadPayload, 0, true},
		"result and reference":    {frameText("job_complete", `{`+ref+`,"result":{},"result_ref":{"sha256":"`+strings.Repeat("a", 64)+`","size":1}}`), FromRobot, BadPayload, 0, true},
		"bad reference":           {frameText("job_complete", `{`+ref+`,"result_ref":{"sha256":"../../etc","size":1}}`), FromRobot, BadPayload, 0, true},
		"result beyond inline":    {frameText("job_complete", `{`+ref+`,"result":{"a":"`+strings.Repeat("a", MaxInline)+`"}}`), FromRobot, BadPayload, 0, true},
		"report without number":   {strings.Replace(frameText("job_started", `{`+ref+`}`), `"report_id":4`, `"report_id":0`, 1), FromRobot, BadPayload, 0, true},
		"offer without workflow":  {frameText("job_assign", `{`+ref+`}`), FromOrchestrator, BadPayload, 0, true},
		"hello without instance":  {frameText("hello", `{"journal_id":"j"}`), FromRobot, BadPayload, 0, true},
		"hello with 101 slots":    {frameText("hello", `{"instance_id":"i","journal_id":"j","max_concurrent_jobs":101}`), FromRobot, BadPayload, 0, true},
		"acked beyond last":       {frameText("hello", `{"instance_id":"i","journal_id":"j","last_report_id":1,"acked_report_id":2}`), FromRobot, BadPayload, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := Decode([]byte(tt.text), tt.from)
			var got *Fault
			if !errors.As(err, &got) {
				t.Fatalf("err = %v, want a fault", err)
			}
			if got.Code != tt.code || got.Close != tt.close {
				t.Errorf("fault = %s, close %d; want %s, %d (%s)", got.Code, got.Close, tt.code, tt.close, got.Message)
			}
			if (f.ID != "" || f.Type != "") != tt.hasFrame {
				t.Errorf("envelope = %+v, want one: %v", f, tt.hasFrame)
			}
			if f.Payload != nil {
				t.Error("a refused frame must carry no payload")
			}
			if strings.Contains(got.Message, "wire.") || strings.Contains(got.Message, "Go struct") {
				t.Errorf("the message names our types: %s", got.Message)
			}
		})
	}
}

func TestDecodeIgnoresWhatItDoesNotKnow(t *testing.T) {
	text := `{"v":2,"type":"job_accept","id":"m-1","seq":1,"session":1,"later":{"x":1},"timestamp":"yesterday",
		"payload":{"job_id":"` + string(job) + `","epoch":2,"later":[1,2],"nested":{"a":1,"a":2}}}`
	f, err := Decode([]byte(text), FromRobot)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := AttemptOf(f.Payload); got != (Ref{JobID: job, Epoch: 2}) {
		t.Errorf("attempt = %v", got)
	}
	if !f.Timestamp.IsZero() {
		t.Errorf("timestamp = %v, want none", f.Timestamp)
	}
}

func TestEncodeTooBig(t *testing.T) {
	m := &JobComplete{Ref: Ref{JobID: job, Epoch: 1}, Result: json.RawMessage(`{"a":"` + strings.Repeat("a", MaxFrame) + `"}`)}
	_, err := Encode(Frame{Payload: m})
	var got *Fault
	if !errors.As(err, &got) || got.Code != TooBig {
		t.Fatalf("err = %v, want %s", err, TooBig)
	}
}

func TestEncodeNeverWritesNullLists(t *testing.T) {
	for _, m := range []Message{&Hello{}, &Heartbeat{}, &Welcome{}, &HeartbeatAck{}, &ReportAck{}, &LogBatch{}} {
		b, err := Encode(Frame{Payload: m})
		if err != nil {
			t.Fatal(err)
		}
		for field := range strings.SplitSeq("protocols features attempts capabilities tags desired renewed stale cancel verdicts lines", " ") {
			if strings.Contains(string(b), `"`+field+`":null`) {
				t.Errorf("%s writes %s as null", m.Type(), field)
			}
		}
	}
}

func TestTimeHasSixDigits(t *testing.T) {
	b, err := json.Marshal(Time{time.Date(2025, 1, 2, 3, 4, 5, 123456789, time.FixedZone("", 3600))})
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != `"2025-01-02T02:04:05.123456Z"` {
		t.Errorf("got %s", b)
	}
}

func TestReportCarriesEveryField(t *testing.T) {
	for _, m := range examples(FromRobot) {
		f := exampleFrame(m)
		r, ok := f.Report()
		want := IsReport(m.Type())
		if ok != want {
			t.Errorf("%s: report = %v, want %v", m.Type(), ok, want)
		}
		if ok && (r.JobID != job || r.Epoch != 3 || r.ReportID != 9) {
			t.Errorf("%s: %+v", m.Type(), r)
		}
	}
	f := exampleFrame(&JobCancelled{Ref: Ref{JobID: job, Epoch: 3}, By: fleet.BySelfFence, How: fleet.StoppedForced})
	if r, _ := f.Report(); r.By != fleet.BySelfFence || r.How != fleet.StoppedForced || r.Kind != fleet.ReportStopped {
		t.Errorf("stop lost its words: %+v", r)
	}
}

func TestCutKeepsCharacters(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcdef": "abcd", "abcü": "abc", "üüü": "üü"} {
		if got := Cut(in, 4); got != want {
			t.Errorf("Cut(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHistoryEndsWithThisVersion(t *testing.T) {
	h := History()
	if h[len(h)-1].Version != Version {
		t.Errorf("the last line of the history is version %d, the package speaks %d", h[len(h)-1].Version, Version)
	}
}

func FuzzDecode(f *testing.F) {
	for _, from := range []Direction{FromRobot, FromOrchestrator} {
		for _, m := range examples(from) {
			b, err := Encode(exampleFrame(m))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b, from == FromRobot)
		}
	}
	f.Add([]byte(`{"v":2,"\u0076":3}`), true)
	f.Fuzz(func(t *testing.T, data []byte, robot bool) {
		from := FromOrchestrator
		if robot {
			from = FromRobot
		}
		frame, err := Decode(data, from)
		if err != nil {
			var known *Fault
			if !errors.As(err, &known) || known.Message == "" {
				t.Fatalf("%v is no fault with words", err)
			}
			return
		}
		b, err := Encode(frame)
		if err != nil {
			var known *Fault
			if errors.As(err, &known) && known.Code == TooBig {
				return
			}
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(b, from)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, b)
		}
		c, err := Encode(again)
		if err != nil || string(c) != string(b) {
			t.Fatalf("not stable: %v\n%s\n%s", err, b, c)
		}
	})
}

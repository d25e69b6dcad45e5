package gateway

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

var oldNow = time.Date(2026, 11, 26, 12, 0, 0, 123456789, time.UTC)

const oldJob = fleet.ID("01939c3e-7b1a-7c3d-8e4f-0123456789ab")

func dialectOf(t testing.TB, register string) (*dialect, *wire.Hello) {
	t.Helper()
	m := readOld([]byte(register))
	if m == nil {
		t.Fatal("unreadable")
	}
	return newDialect("r1", m)
}

// Capabilities come in five forms.
func TestOldCapabilities(t *testing.T) {
	for register, want := range map[string]string{
		`{"type":"register"}`: "",
		`{"type":"register","capabilities":["browser","Desktop","no good"]}`:                                      "browser,desktop",
		`{"type":"register","capabilities":{"types":["gpu"],"max_concurrent_jobs":3}}`:                            "gpu",
		`{"type":"register","capabilities":{"secure":true,"gpu":false,"cloud":0}}`:                                "secure",
		`{"type":"register","capabilities":{"browser_types":["x"],"desktop_supported":true,"memory_mb":16384}}`:   "browser,desktop,high_memory",
		`{"type":"register","capabilities":{"browser_types":[],"desktop_supported":false,"memory_mb":16383}}`:     "",
		`{"type":"register","payload":{"tags":["Browser","front office"],"capabilities":{"platform":"Windows"}}}`: "browser",
		`{"type":"register","payload":null,"capabilities":["on_premise"]}`:                                        "on_premise",
		`{"type":"register","capabilities":["gpu"],"payload":{"robot_name":"a field of the other place counts"}}`: "gpu",
	} {
		_, h := dialectOf(t, register)
		if got := h.Capabilities.Key(); got != want {
			t.Errorf("%s: %q, want %q", register, got, want)
		}
	}
	_, h := dialectOf(t, `{"type":"register","capabilities":{"max_concurrent_jobs":1e9}}`)
	if h.MaxJobs != fleet.MaxSlots {
		t.Errorf("%d slots", h.MaxJobs)
	}
}

// A frame in payload, at the top, or half in each, is the same frame.
func TestOldPlaces(t *testing.T) {
	for _, frame := range []string{
		`{"type":"job_progress","job_id":"` + string(oldJob) + `","progress":41.9,"message":"m"}`,
		`{"type":"job_progress","payload":{"job_id":"` + string(oldJob) + `","progress":41.9,"message":"m"}}`,
		`{"type":"job_progress","job_id":"` + string(oldJob) + `","payload":{"progress":41.9,"message":"m"}}`,
		`{"type":"job_progress","progress":7,"job_id":"x","payload":{"job_id":"` + string(oldJob) + `","progress":41.9,"message":"m","epoch":3}}`,
	} {
		d, _ := dialectOf(t, `{"type":"register"}`)
		ref := wire.Ref{JobID: oldJob, Epoch: 3}
		d.has(ref, true)
		out, _, _ := d.decode([]byte(frame), oldNow)
		if len(out) != 1 {
			t.Fatalf("%s: %d frames", frame, len(out))
		}
		if m, ok := out[0].Payload.(*wire.JobProgress); !ok || m.Ref != ref || m.Progress != 41 || m.Message != "m" {
			t.Errorf("%s: %+v", frame, out[0].Payload)
		}
	}
}

// What comes of another attempt than this session's is not taken for it.
func TestOldEpoch(t *testing.T) {
	d, _ := dialectOf(t, `{"type":"register"}`)
	d.has(wire.Ref{JobID: oldJob, Epoch: 3}, true)
	if out, _, _ := d.decode([]byte(`{"type":"job_complete","epoch":2,"job_id":"`+string(oldJob)+`"}`), oldNow); len(out) != 0 {
		t.Errorf("%+v", out[0].Payload)
	}
	out, _, _ := d.decode([]byte(`{"type":"job_complete","job_id":"`+string(oldJob)+`","result":[1]}`), oldNow)
	m, ok := out[0].Payload.(*wire.JobComplete)
	if !ok || m.Epoch != 3 || out[0].ReportID != 1 || !strings.Contains(string(m.Result), `"value":[1]`) {
		t.Errorf("%+v", out[0])
	}
	if out, _, _ = d.decode([]byte(`{"type":"job_complete","job_id":"`+string(oldJob)+`"}`), oldNow); len(out) != 0 {
		t.Errorf("its end was told twice: %+v", out)
	}
}

// Times have a zone and at most six digits, and every field stands twice: M18, M20.
func TestOldEncode(t *testing.T) {
	d, _ := dialectOf(t, `{"type":"register"}`)
	for _, m := range []wire.Message{
		&wire.Welcome{Heartbeat: fleet.Duration(10 * time.Second)}, &wire.HeartbeatAck{},
		&wire.JobAssign{Ref: wire.Ref{JobID: oldJob, Epoch: 1}, Workflow: json.RawMessage(`{"a":1}`), Timeout: fleet.Duration(time.Hour)},
		&wire.JobCancel{Ref: wire.Ref{JobID: oldJob, Epoch: 1}, Reason: "cancel"}, &wire.Shutdown{Graceful: true}, &wire.Error{Code: "x", Message: "y"},
	} {
		list := d.encode(wire.Frame{CorrelationID: "c-1", Payload: m}, oldNow)
		if len(list) != 1 {
			t.Fatalf("%T: %d frames", m, len(list))
		}
		var got map[string]any
		if err := json.Unmarshal(list[0], &got); err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse("2006-01-02T15:04:05.999999Z07:00", got["timestamp"].(string))
		if at.IsZero() || got["correlation_id"] != "c-1" || len(got["id"].(string)) != 36 {
			t.Errorf("%T: %v", m, got)
		}
		for name := range got["payload"].(map[string]any) {
			if _, ok := got[name]; !ok {
				t.Errorf("%T: %s is in payload only", m, name)
			}
		}
	}
	// An offer that nobody asked for, and words that the original does not have.
	for _, m := range []wire.Message{&wire.JobStart{}, &wire.Goaway{}, &wire.Config{}, &wire.LogAck{}, &wire.DrainAck{}, &wire.HeartbeatAck{Echo: pulse}} {
		if list := d.encode(wire.Frame{Payload: m}, oldNow); len(list) != 0 {
			t.Errorf("%T: %s", m, list[0])
		}
	}
}

// An answered ping of a robot that beats seldom renews all that it took.
func TestOldPulse(t *testing.T) {
	d, _ := dialectOf(t, `{"type":"register"}`)
	taken, offered := wire.Ref{JobID: oldJob, Epoch: 1}, wire.Ref{JobID: oldJob[:35] + "c", Epoch: 1}
	d.has(taken, true)
	d.has(offered, false)
	d.decode([]byte(`{"type":"heartbeat","cpu_percent":9,"status":"busy"}`), oldNow)
	b := d.beat().Payload.(*wire.Heartbeat)
	if len(b.Attempts) != 1 || b.Attempts[0].Ref != taken || b.CPUPercent != 9 || b.Status != fleet.ReportedBusy {
		t.Errorf("%+v", b)
	}
}

func FuzzOldFrames(f *testing.F) {
	for _, seed := range []string{
		`ping`, `{`, `{"type":"register","payload":{"capabilities":["x"],"tags":[1,null]}}`,
		`{"type":"heartbeat","payload":{"active_job_ids":["` + string(oldJob) + `","y"],"cpu_percent":null}}`,
		`{"type":"job_complete","job_id":"` + string(oldJob) + `","result":{"duration_ms":"x","executed_nodes":[1]}}`,
		`{"type":"log_batch","sequence":1,"logs":[{"message":"m","extra":{"job_id":"x"}},1,null]}`,
		`{"type":"job_failed","job_id":"` + string(oldJob) + `","error":{"a":1},"details":"d"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m := readOld([]byte(text))
		if m == nil {
			m = &oldMessage{fields: map[string]json.RawMessage{}}
		}
		d, hello := newDialect("r1", m)
		if out := oldHello(hello, d, "m"); len(out.Name) > 512 || len(out.Hostname) > 255 || out.Slots < 1 || out.Slots > fleet.MaxSlots {
			t.Fatalf("%+v", out)
		}
		d.has(wire.Ref{JobID: oldJob, Epoch: 1}, false)
		frames, claims, answer := d.decode([]byte(text), oldNow)
		if len(claims) > fleet.MaxSlots || answer != nil && string(answer) != "pong" && !json.Valid(answer) {
			t.Fatalf("%d claims, %q", len(claims), answer)
		}
		for _, f := range frames {
			if ref, ok := wire.AttemptOf(f.Payload); ok && ref != (wire.Ref{JobID: oldJob, Epoch: 1}) {
				t.Fatalf("%s speaks of %v", f.Type, ref)
			}
			if done, ok := f.Payload.(*wire.JobComplete); ok && (!json.Valid(done.Result) || done.Result[0] != '{') {
				t.Fatalf("result %q", done.Result)
			}
			if wire.IsReport(f.Type) != (f.ReportID > 0) {
				t.Fatalf("%s has the number %d", f.Type, f.ReportID)
			}
		}
	})
}

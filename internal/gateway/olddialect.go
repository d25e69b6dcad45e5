package gateway

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// dialect translates between the original's frames and ours, for one connection.
// It knows which attempt of a job this session was given, since its robot does
// not, and nothing else that decides.
type dialect struct {
	flat  bool // fields at the top, and no word for a cancel
	robot fleet.RobotID

	mu       sync.Mutex
	refs     map[fleet.ID]wire.Ref // the attempt of a job that the robot has
	accepted map[wire.Ref]bool
	number   int64              // of the last report
	ends     map[int64]fleet.ID // whose end a report is, until it is answered
	sequence int64              // of the last batch of the log handler
	sample   wire.Heartbeat     // the readings of the last heartbeat
	leaving  bool               // it was asked to end
}

// pulse is the id of heartbeats that the robot did not send.
const pulse = "pulse"

// newDialect takes a registration.
func newDialect(robot fleet.RobotID, m *oldMessage) (*dialect, *wire.Hello) {
	d := &dialect{flat: m.flat, robot: robot, refs: map[fleet.ID]wire.Ref{}, accepted: map[wire.Ref]bool{}, ends: map[int64]fleet.ID{}}
	caps, _ := m.object("capabilities")
	tags, _ := m.texts("tags")
	more, _ := caps.texts("tags")
	tags = append(tags, more...)
	slots := m.number("max_concurrent_jobs")
	if slots == 0 {
		slots = caps.number("max_concurrent_jobs")
	}
	h := &wire.Hello{
		InstanceID: "old-" + newToken()[:16], JournalID: "old", Hostname: cut(caps.text("hostname"), 255), Name: oldName(m.text("robot_name")),
		OS: cut(caps.text("platform", "os_info"), 64), MaxJobs: min(max(int(slots), 1), fleet.MaxSlots), Facts: map[string]any{},
	}
	h.Capabilities, _ = fleet.NewCapabilities(oldCapabilities(m, tags)...) // each was tried
	for _, t := range tags {
		if c, err := fleet.NewCapabilities(t); err == nil {
			h.Tags = h.Tags.Union(c)
		}
	}
	for _, name := range []string{"python_version", "cpu_count", "cpu_cores", "memory_total_gb", "memory_mb", "robot_type"} {
		if v := caps.text(name); v != "" {
			h.Facts[name] = cut(v, 128)
		}
	}
	if !d.flat {
		h.Features = []string{wire.FeatureCommands}
	}
	return d, h
}

// oldName is a name that we take; empty if there is none.
func oldName(s string) string {
	s = strings.TrimSpace(s)
	if fleet.ValidateName("robot_name", s, 128) != nil {
		return ""
	}
	return s
}

// has notes an attempt that the robot was given or kept.
func (d *dialect) has(ref wire.Ref, accepted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refs[ref.JobID] = ref
	if accepted {
		d.accepted[ref] = true
	}
}

// over forgets an attempt.
func (d *dialect) over(ref wire.Ref) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refs[ref.JobID] == ref {
		delete(d.refs, ref.JobID)
	}
	delete(d.accepted, ref)
}

// decode translates a frame. Claims are jobs that a heartbeat lists and of which
// this session knows nothing.
func (d *dialect) decode(data []byte, now time.Time) (out []wire.Frame, claims []fleet.ID, answer []byte) {
	switch text := strings.TrimSpace(string(data[:min(len(data), 16)])); text {
	case "ping":
		return nil, nil, []byte("pong")
	case "pong":
		return nil, nil, nil
	}
	m := readOld(data)
	if m == nil {
		return nil, nil, encodeOld("error", "", now, map[string]any{"error_code": "bad_message", "message": "the frame cannot be read", "error_message": "the frame cannot be read"})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	add := func(p wire.Message, report int64) {
		out = append(out, wire.Frame{Type: p.Type(), ID: m.id, ReportID: report, Payload: p})
	}
	ref, known := d.refs[fleet.ID(m.text("job_id"))]
	if e := int64(m.number("epoch")); e > 0 && e != ref.Epoch {
		known = false // of another attempt than this session's
	}
	begin := func() { // an accept that never came is in what comes after it
		if known && !d.accepted[ref] {
			d.accepted[ref] = true
			add(&wire.JobAccept{Ref: ref}, 0)
		}
	}
	end := func(p wire.Message) {
		d.number++
		d.ends[d.number] = ref.JobID
		add(p, d.number)
		delete(d.refs, ref.JobID)
		delete(d.accepted, ref)
	}
	switch m.kind {
	case "register":
		return nil, nil, encodeOld("register_ack", m.id, now, map[string]any{"robot_id": d.robot, "success": true, "message": "already registered"})
	case "ping":
		return nil, nil, encodeOld("pong", m.id, now, map[string]any{"robot_id": d.robot})
	case "heartbeat", "status_response", "status_update":
		var beat wire.Heartbeat
		beat, claims = d.heartbeat(m)
		add(&beat, 0)
	case "disconnect":
		add(&wire.Disconnect{Reason: m.text("reason"), Final: d.leaving}, 0)
	case "log_batch", "log_entry":
		for _, b := range d.lines(m, now) {
			add(b, 0)
		}
	}
	if !known {
		return out, claims, nil
	}
	switch m.kind {
	case "job_accept":
		begin()
	case "job_reject":
		add(&wire.JobReject{Ref: ref, Reason: rejectReason(m.text("reason")), Detail: cut(m.text("reason"), 500)}, 0)
		delete(d.refs, ref.JobID)
		delete(d.accepted, ref)
	case "job_progress":
		begin()
		add(&wire.JobProgress{
			Ref: ref, Progress: int(min(max(m.number("progress"), 0), 100)), CurrentNode: m.text("current_node"), Message: m.text("message"),
		}, 0)
	case "job_complete":
		begin()
		result, ms := ownResult(m.get("result"))
		if n := m.number("duration_ms"); n > 0 {
			ms = int64(n)
		}
		end(&wire.JobComplete{Ref: ref, Result: result, Duration: fleet.Duration(time.Duration(ms) * time.Millisecond)})
	case "job_failed":
		begin()
		r := failure(m.text("error_message", "error", "message", "details"))
		e := *r.Error
		e.Class, e.Node, e.Stack = fleet.ClassApplication, m.text("failed_node"), m.text("stack_trace")
		if t := m.text("error_type"); t != "" {
			e.Type = t
		}
		end(&wire.JobFailed{Ref: ref, Error: e, Duration: fleet.Duration(time.Duration(m.number("duration_ms")) * time.Millisecond)})
	case "job_cancelled":
		end(&wire.JobCancelled{Ref: ref, By: fleet.ByRequest, How: fleet.StoppedClean})
	}
	return out, claims, nil
}

// heartbeat lists what the robot says it runs; without a list that is all that
// this session has. The lock is held.
func (d *dialect) heartbeat(m *oldMessage) (b wire.Heartbeat, claims []fleet.ID) {
	b = d.sample
	for name, into := range map[string]*float64{
		"cpu_percent": &b.CPUPercent, "memory_percent": &b.MemoryPercent, "memory_mb": &b.MemoryMB, "disk_percent": &b.DiskPercent,
	} {
		if m.get(name) != nil {
			*into = m.number(name)
		}
	}
	switch m.text("status") {
	case "paused":
		b.Status = fleet.ReportedPaused
	case "busy":
		b.Status = fleet.ReportedBusy
	case "error":
		b.Status = fleet.ReportedError
	default:
		b.Status = fleet.ReportedReady
	}
	d.sample = b
	list, given := m.texts("active_job_ids", "current_job_ids", "current_jobs")
	for job, ref := range d.refs {
		if !given && d.accepted[ref] || given && slices.Contains(list, string(job)) {
			b.Attempts = append(b.Attempts, wire.BeatAttempt{Ref: ref})
		}
	}
	slices.SortFunc(b.Attempts, func(a, b wire.BeatAttempt) int { return strings.Compare(string(a.JobID), string(b.JobID)) })
	for _, job := range list {
		if _, known := d.refs[fleet.ID(job)]; !known && len(claims) < fleet.MaxSlots {
			claims = append(claims, fleet.ID(job))
		}
	}
	return b, claims
}

// beat is a heartbeat that stands for one of a robot that beats seldom: it
// answered a ping.
func (d *dialect) beat() wire.Frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, _ := d.heartbeat(&oldMessage{fields: map[string]json.RawMessage{"status": json.RawMessage(`"` + oldStatus(d.sample.Status) + `"`)}})
	return wire.Frame{Type: b.Type(), ID: pulse, Payload: &b}
}

func oldStatus(r fleet.Reported) string {
	switch r {
	case fleet.ReportedPaused:
		return "paused"
	case fleet.ReportedBusy:
		return "busy"
	case fleet.ReportedError:
		return "error"
	case fleet.ReportedReady, fleet.ReportedDraining:
	}
	return "online"
}

// rejectReason is a refusal in our words.
func rejectReason(text string) fleet.RejectReason {
	text = strings.ToLower(text)
	switch {
	case strings.Contains(text, "concurrent"), strings.Contains(text, "capacity"):
		return fleet.RejectAtCapacity
	case strings.Contains(text, "no job handler"):
		return fleet.RejectIncapable
	}
	return fleet.RejectDraining
}

// lines are the log lines of a message by the attempts that they belong to. A
// line that names no job belongs to the only one there is. The lock is held.
func (d *dialect) lines(m *oldMessage, now time.Time) []*wire.LogBatch {
	if n := int64(m.number("sequence")); n > 0 {
		if n <= d.sequence {
			return nil // heard before
		}
		d.sequence = n
	}
	var list []json.RawMessage
	if m.kind == "log_entry" {
		all, err := json.Marshal(m.fields)
		if err != nil {
			return nil
		}
		list = []json.RawMessage{all}
	} else if json.Unmarshal(m.get("logs", "entries"), &list) != nil {
		return nil
	}
	byRef := map[wire.Ref]*wire.LogBatch{}
	var out []*wire.LogBatch
	for _, raw := range list[:min(len(list), wire.MaxBatch)] {
		l := readOld(raw)
		if l == nil {
			continue
		}
		extra, _ := l.object("extra")
		job := l.text("job_id")
		if job == "" {
			job = extra.text("job_id")
		}
		if job == "" {
			job = m.text("job_id")
		}
		ref, known := d.refs[fleet.ID(job)]
		if !known && job == "" && len(d.refs) == 1 {
			for _, only := range d.refs {
				ref, known = only, true
			}
		}
		if !known {
			continue
		}
		b := byRef[ref]
		if b == nil {
			b = &wire.LogBatch{Ref: ref}
			byRef[ref] = b
			out = append(out, b)
		}
		level := l.text("level")
		if level == "" {
			level = "INFO"
		}
		b.Lines = append(b.Lines, wire.LogLine{
			At: wire.At(l.moment("timestamp", now)), Level: cut(level, 16), Node: cut(l.text("node_id", "source"), 255), Message: l.text("message"),
		})
	}
	return out
}

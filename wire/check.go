package wire

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
)

// filled returns the message with empty lists instead of nil ones, since null
// is not a list for every reader. The argument is left as it is.
func filled(m Message) Message {
	switch v := m.(type) {
	case *Hello:
		c := *v
		c.Protocols, c.Features, c.Attempts = some(c.Protocols), some(c.Features), some(c.Attempts)
		return &c
	case *Heartbeat:
		c := *v
		c.Attempts = some(c.Attempts)
		return &c
	case *LogBatch:
		c := *v
		c.Lines = some(c.Lines)
		return &c
	case *Welcome:
		c := *v
		c.Desired, c.Features = some(c.Desired), some(c.Features)
		return &c
	case *HeartbeatAck:
		c := *v
		c.Renewed, c.Stale, c.Cancel = some(c.Renewed), some(c.Stale), some(c.Cancel)
		return &c
	case *ReportAck:
		c := *v
		c.Verdicts = some(c.Verdicts)
		return &c
	}
	return m
}

func some[S ~[]E, E any](s S) S {
	if s == nil {
		return S{}
	}
	return s
}

func (h *Hello) check() error {
	switch {
	case h.InstanceID == "" || len(h.InstanceID) > 128:
		return fleet.Invalid("instance_id", "instance_id must have 1 to 128 characters.")
	case h.JournalID == "" || len(h.JournalID) > 128:
		return fleet.Invalid("journal_id", "journal_id must have 1 to 128 characters.")
	case len(h.BootID) > 128 || len(h.AgentVersion) > 128 || len(h.OS) > 64 || len(h.Arch) > 64 || len(h.Hostname) > 255 || len(h.Name) > 512:
		return fleet.Invalid("hello", "A field of hello is too long.")
	case h.MaxJobs < 0 || h.MaxJobs > fleet.MaxSlots:
		return fleet.Invalid("max_concurrent_jobs", "max_concurrent_jobs must be between 0 and %d; got %d.", fleet.MaxSlots, h.MaxJobs)
	case len(h.Facts) > 128:
		return fleet.Invalid("facts", "At most 128 facts are allowed; got %d.", len(h.Facts))
	case len(h.Features) > 64 || len(h.Protocols) > 16:
		return fleet.Invalid("features", "Too many features or protocols.")
	case len(h.Attempts) > MaxAttempts:
		return fleet.Invalid("attempts", "At most %d attempts are allowed; got %d.", MaxAttempts, len(h.Attempts))
	case h.LastReportID < 0 || h.AckedReportID < 0 || h.AckedReportID > h.LastReportID:
		return fleet.Invalid("acked_report_id", "acked_report_id (%d) must be between 0 and last_report_id (%d).", h.AckedReportID, h.LastReportID)
	}
	var err error
	if h.Capabilities, err = fleet.NewCapabilities(h.Capabilities...); err != nil {
		return err
	}
	if h.Tags, err = fleet.NewCapabilities(h.Tags...); err != nil {
		return err
	}
	for i := range h.Attempts {
		if err := h.Attempts[i].check(); err != nil {
			return err
		}
		if !slices.Contains([]Phase{PhaseAccepted, PhaseRunning, PhaseEffectOpen, PhaseFinished}, h.Attempts[i].Phase) {
			return fleet.Invalid("phase", "There is no phase %.40q.", h.Attempts[i].Phase)
		}
	}
	return nil
}

func (h *Heartbeat) check() error {
	if len(h.Attempts) > MaxAttempts {
		return fleet.Invalid("attempts", "At most %d attempts are allowed; got %d.", MaxAttempts, len(h.Attempts))
	}
	for i := range h.Attempts {
		if err := h.Attempts[i].check(); err != nil {
			return err
		}
		h.Attempts[i].Progress = min(max(h.Attempts[i].Progress, 0), 100)
	}
	return nil
}

func (m *JobReject) check() error {
	known := []fleet.RejectReason{fleet.RejectAtCapacity, fleet.RejectNoSpace, fleet.RejectIncapable, fleet.RejectDraining, fleet.RejectInvalid}
	if !slices.Contains(known, m.Reason) {
		return fleet.Invalid("reason", "A robot cannot reject for the reason %.40q.", m.Reason)
	}
	return m.Ref.check()
}

func (m *JobProgress) check() error {
	if m.Progress < 0 || m.Progress > 100 {
		return fleet.Invalid("progress", "progress must be between 0 and 100; got %d.", m.Progress)
	}
	m.Message = Cut(m.Message, MaxMessage)
	return m.Ref.check()
}

func (m *EffectBegin) check() error {
	if m.Node == "" || len(m.Node) > 256 || len(m.EffectKey) > 512 {
		return fleet.Invalid("effect_key", "An effect needs a node of 1 to 256 and a key of at most 512 bytes.")
	}
	return m.Ref.check()
}

func (m *EffectEnd) check() error {
	if m.Node == "" || len(m.Node) > 256 || len(m.EffectKey) > 512 {
		return fleet.Invalid("effect_key", "An effect needs a node of 1 to 256 and a key of at most 512 bytes.")
	}
	if err := object("outcome", &m.Outcome, MaxCheckData); err != nil {
		return err
	}
	return m.Ref.check()
}

func (m *Checkpoint) check() error {
	if len(m.Node) > 256 {
		return fleet.Invalid("node", "The node of a checkpoint has at most 256 bytes.")
	}
	m.Reason = Cut(m.Reason, MaxMessage)
	if err := object("data", &m.Data, MaxCheckData); err != nil {
		return err
	}
	return m.Ref.check()
}

var sha256Form = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (m *JobComplete) check() error {
	if err := object("result", &m.Result, MaxInline); err != nil {
		return err
	}
	switch {
	case m.Result != nil && m.ResultRef != nil:
		return fleet.Invalid("result_ref", "A result is sent either inside the frame or by reference, not both.")
	case m.ResultRef != nil && (!sha256Form.MatchString(m.ResultRef.SHA256) || m.ResultRef.Size < 1 || m.ResultRef.Size > MaxResult):
		return fleet.Invalid("result_ref", "result_ref needs a SHA-256 in hex and a size of 1 to %d bytes.", MaxResult)
	case m.Duration < 0:
		return fleet.Invalid("duration_ms", "duration_ms must not be negative.")
	}
	return m.Ref.check()
}

func (m *JobFailed) check() error {
	m.Error = m.Error.Normalize()
	known := []fleet.ErrorClass{
		fleet.ClassApplication, fleet.ClassBusiness, fleet.ClassInfrastructure, fleet.ClassTimeout, fleet.ClassInvalid, fleet.ClassCancelled,
	}
	if !slices.Contains(known, m.Error.Class) {
		m.Error.Class = fleet.ClassApplication // a newer robot's word; a failure is never refused for its words
	}
	return m.Ref.check()
}

func (m *JobCancelled) check() error {
	switch m.By {
	case fleet.ByRequest, fleet.ByTimeout, fleet.BySelfFence, fleet.ByShutdown:
	default:
		return fleet.Invalid("by", "by must be request, timeout, self_fence or shutdown; got %.40q.", m.By)
	}
	switch m.How {
	case fleet.StoppedClean, fleet.StoppedForced:
	case "":
		m.How = fleet.StoppedClean
	default:
		return fleet.Invalid("how", "how must be clean or forced; got %.40q.", m.How)
	}
	if m.Error != nil {
		e := m.Error.Normalize()
		m.Error = &e
	}
	return m.Ref.check()
}

func (m *LogBatch) check() error {
	if m.FirstLine < 1 || m.Dropped < 0 || len(m.Lines) > MaxBatch {
		return fleet.Invalid("log_batch", "A batch starts at line 1 or later and has at most %d lines; got %d from %d.", MaxBatch, len(m.Lines), m.FirstLine)
	}
	for i := range m.Lines {
		m.Lines[i].Message = Cut(m.Lines[i].Message, fleet.MaxLogLine)
		m.Lines[i].Level = Cut(m.Lines[i].Level, 16)
		m.Lines[i].Node = Cut(m.Lines[i].Node, 256)
	}
	if len(m.Steps) > 0 && m.FirstStep < 1 || len(m.Steps) > MaxBatch {
		return fleet.Invalid("steps", "A batch has at most %d records of steps, numbered from 1; got %d from %d.", MaxBatch, len(m.Steps), m.FirstStep)
	}
	for i := range m.Steps {
		s := &m.Steps[i]
		if s.Seq < 1 || s.Took < 0 || !s.Status.Known() {
			return fleet.Invalid("steps", "A step has a number from 1 and a known status; got %d and %.40q.", s.Seq, s.Status)
		}
		for _, word := range []*string{&s.Node, &s.NodeType, &s.Iteration, &s.Branch} {
			*word = Cut(*word, fleet.MaxStepWord)
		}
		s.Error = Cut(s.Error, fleet.MaxStepError)
	}
	return m.Ref.check()
}

func (m *JobAssign) check() error {
	if err := object("workflow", &m.Workflow, MaxFrame); err != nil {
		return err
	}
	if err := object("variables", &m.Variables, MaxFrame); err != nil {
		return err
	}
	if (m.Workflow == nil) == (m.WorkflowRef == "") {
		return fleet.Invalid("workflow", "An offer needs either a workflow or a workflow_ref.")
	}
	if len(m.WorkflowRef) > 128 {
		return fleet.Invalid("workflow_ref", "workflow_ref is a hash.")
	}
	return m.Ref.check()
}

func (m *Welcome) check() error {
	if m.SessionEpoch < 1 {
		return fleet.Invalid("session_epoch", "session_epoch must be 1 or more; got %d.", m.SessionEpoch)
	}
	for _, d := range m.Desired {
		if err := d.check(); err != nil {
			return err
		}
	}
	return nil
}

// object makes sure that raw is absent or an object of at most limit bytes.
func object(field string, raw *json.RawMessage, limit int) error {
	text := bytes.TrimSpace(*raw)
	switch {
	case len(text) == 0 || bytes.Equal(text, []byte("null")):
		*raw = nil
	case text[0] != '{':
		return fleet.Invalid(field, "%s must be an object.", field)
	case len(text) > limit:
		return fleet.Invalid(field, "%s has %d bytes; at most %d are allowed here.", field, len(text), limit)
	}
	return nil
}

// Cut shortens a text to at most limit bytes without splitting a character.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

package wire

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

// IsReport says whether messages of a type go through the robot's journal and
// are answered by report_ack.
func IsReport(t Type) bool {
	switch t { //nolint:exhaustive // all others are no reports
	case TypeJobStarted, TypeEffectBegin, TypeEffectEnd, TypeCheckpoint, TypeJobComplete, TypeJobFailed, TypeJobCancelled:
		return true
	}
	return false
}

// IsEnd says whether a report is the last one of its attempt.
func IsEnd(t Type) bool {
	return t == TypeJobComplete || t == TypeJobFailed || t == TypeJobCancelled
}

// Report turns a frame into the report that the use cases know; ok is false
// for every other frame.
// Tenant, robot, journal and chance are the caller's to add: they come from
// the credential and the session, not from the frame.
func (f Frame) Report() (r fleet.Report, ok bool) {
	r.ReportID = f.ReportID
	switch m := f.Payload.(type) {
	case *JobStarted:
		r.Kind, r.JobID, r.Epoch = fleet.ReportStarted, m.JobID, m.Epoch
	case *JobComplete:
		r.Kind, r.JobID, r.Epoch = fleet.ReportComplete, m.JobID, m.Epoch
		r.Result, r.DurationMS = m.Result, m.Duration.Std().Milliseconds()
	case *JobFailed:
		r.Kind, r.JobID, r.Epoch = fleet.ReportFailed, m.JobID, m.Epoch
		r.Error, r.DurationMS = &m.Error, m.Duration.Std().Milliseconds()
	case *JobCancelled:
		r.Kind, r.JobID, r.Epoch = fleet.ReportStopped, m.JobID, m.Epoch
		r.Error, r.By, r.How, r.DurationMS = m.Error, m.By, m.How, m.Duration.Std().Milliseconds()
	case *EffectBegin:
		r.Kind, r.JobID, r.Epoch = fleet.ReportEffectBegin, m.JobID, m.Epoch
		r.Node, r.EffectKey = m.Node, m.EffectKey
	case *EffectEnd:
		r.Kind, r.JobID, r.Epoch = fleet.ReportEffectEnd, m.JobID, m.Epoch
		r.Node, r.EffectKey, r.OK, r.Outcome = m.Node, m.EffectKey, m.OK, m.Outcome
	case *Checkpoint:
		r.Kind, r.JobID, r.Epoch = fleet.ReportCheckpoint, m.JobID, m.Epoch
		r.Node, r.Outcome, r.Reason = m.Node, m.Data, m.Reason
		if m.Reason != "" {
			r.Outcome = nil
		}
	default:
		return fleet.Report{}, false
	}
	return r, true
}

// AttemptOf returns the attempt that a message is about.
func AttemptOf(m Message) (Ref, bool) {
	if a, ok := m.(interface{ Attempt() Ref }); ok {
		return a.Attempt(), true
	}
	return Ref{}, false
}

// Batch turns a log batch into the form of the use cases.
func (m *LogBatch) Batch(tenant fleet.TenantID, robot fleet.RobotID) fleet.LogBatch {
	b := fleet.LogBatch{
		JobID: m.JobID, Tenant: tenant, RobotID: robot, Epoch: m.Epoch, First: m.FirstLine, Dropped: m.Dropped,
		Lines: make([]fleet.LogLine, len(m.Lines)),
	}
	for i, l := range m.Lines {
		b.Lines[i] = fleet.LogLine{
			Epoch: m.Epoch, Line: m.FirstLine + int64(i), At: l.At.Time, Level: l.Level, Node: l.Node, Message: l.Message,
		}
	}
	for _, s := range m.Steps {
		step := fleet.Step{
			Epoch: m.Epoch, Seq: s.Seq, Node: s.Node, NodeType: s.NodeType, Iteration: s.Iteration, Branch: s.Branch,
			Status: s.Status, StartedAt: s.At.Time, Error: s.Error,
		}
		if s.Status != fleet.StepRunning {
			step.EndedAt, step.DurationMS = s.At.Add(s.Took.Std()), s.Took.Std().Milliseconds()
		}
		b.Steps = append(b.Steps, step)
	}
	return b
}

// Result is the object that clients read as the result of a completed job.
type Result struct {
	Success       bool            `json:"success"`
	NodesExecuted int             `json:"nodes_executed"`
	DurationMS    int64           `json:"duration_ms"`
	Variables     json.RawMessage `json:"variables"`
	ExecutionPath []string        `json:"execution_path"`
	PathCut       bool            `json:"execution_path_cut,omitempty"`
	Notes         []string        `json:"notes,omitempty"`
}

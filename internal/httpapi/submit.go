package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// SubmitRequest is the body of a submit.
type SubmitRequest struct {
	WorkflowID   string          `json:"workflow_id,omitempty" doc:"A stored workflow. Give this or workflow_json."`
	Version      int             `json:"version,omitempty" doc:"Of the stored workflow; the newest if left out."`
	Workflow     json.RawMessage `json:"workflow_json,omitempty" opaque:"true" doc:"The document itself, as an object or as a text that holds one."`
	WorkflowName string          `json:"workflow_name,omitempty" doc:"Under which the document is stored; its own name if left out."`
	Name         string          `json:"name,omitempty" doc:"Of the job."`

	Inputs    json.RawMessage `json:"inputs,omitempty" doc:"The job's variables, an object of at most 960 KiB."`
	Variables json.RawMessage `json:"variables,omitempty" doc:"Another name for inputs."`

	Priority    *fleet.Priority  `json:"priority,omitempty" doc:"0 (first) to 20, or critical, high, normal, low; 10 if left out."`
	Target      string           `json:"target_robot_id,omitempty" doc:"The one robot that may run the job."`
	Placement   *fleet.Placement `json:"placement,omitempty" doc:"Demands and wishes, added to those of the workflow."`
	Environment string           `json:"environment,omitempty"`

	Ref       string       `json:"ref,omitempty" doc:"Names the job within a bulk request, for depends_on of others."`
	DependsOn []Dependency `json:"depends_on,omitempty" doc:"The jobs that it waits for, at most 100."`
	Rule      string       `json:"dependency_rule,omitempty" doc:"all_completed (default), all_finished, any_completed or any_failed."`
	OnUnmet   string       `json:"on_unmet,omitempty" doc:"cancel (default) or hold: what becomes of it when the rule can no longer come true."`

	Labels map[string]string `json:"labels,omitempty" doc:"At most 32; reservations can ask for them."`

	NotBefore    *time.Time `json:"not_before,omitempty" doc:"At most one year ahead; a past time means now."`
	DelaySeconds int64      `json:"delay_seconds,omitempty"`
	Deadline     *time.Time `json:"deadline,omitempty" doc:"Orders waiting jobs; ends nothing."`
	QueueTimeout int64      `json:"queue_timeout_seconds,omitempty" doc:"1 second to 30 days; the job ends as timeout if it waits longer."`
	RunTimeout   int64      `json:"run_timeout_seconds,omitempty" doc:"1 second to 30 days, for each attempt; one day if left out."`
	Timeout      int64      `json:"timeout,omitempty" doc:"Another name for run_timeout_seconds."`

	Retry       *fleet.RetryChange `json:"retry,omitempty" doc:"Changes what the workflow says, or the default."`
	RetrySafety string             `json:"retry_safety,omitempty" doc:"always, until_effect (default) or never."`
	DryRun      bool               `json:"dry_run,omitempty" doc:"Check everything and store nothing."`
}

// Dependency names a job to wait for.
type Dependency struct {
	Job string `json:"job,omitempty" doc:"Id of a job."`
	Ref string `json:"ref,omitempty" doc:"The ref of a job of the same bulk request."`
}

// submissions reads submits; it keeps what is the same for each.
type submissions struct {
	fields map[string]fieldInfo
	limits config.Limits
}

func newSubmissions(l config.Limits) submissions { return submissions{fieldsOf[SubmitRequest](), l} }

// read reads one submit and says it in the words of the use case.
func (s submissions) read(body []byte, idempotencyKey string) (orchestrator.SubmitRequest, error) {
	l := s.limits
	in, err := decodeFields[SubmitRequest](body, s.fields, l)
	if err != nil {
		return orchestrator.SubmitRequest{}, err
	}
	out := orchestrator.SubmitRequest{
		WorkflowID: fleet.ID(in.WorkflowID), Version: in.Version, Name: in.WorkflowName, JobName: in.Name,
		Priority: in.Priority, Target: fleet.RobotID(in.Target), Environment: in.Environment,
		Ref: in.Ref, Rule: fleet.DependencyRule(in.Rule), OnUnmet: fleet.OnUnmet(in.OnUnmet),
		Labels: in.Labels, RetrySafety: fleet.RetrySafety(in.RetrySafety), DryRun: in.DryRun, IdempotencyKey: idempotencyKey,
	}
	for _, d := range in.DependsOn {
		out.DependsOn = append(out.DependsOn, orchestrator.Dependency{Job: fleet.ID(d.Job), Ref: d.Ref})
	}
	if out.Document, err = document(in.Workflow, l); err != nil {
		return out, err
	}
	steps := []func() error{
		func() error { return in.check() },
		func() (err error) {
			out.Variables, err = either("variables", "inputs", in.Variables, in.Inputs)
			return err
		},
		func() error { return in.place(&out) },
		func() error { return in.times(&out) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return out, err
		}
	}
	out.Retry = in.Retry
	if idempotencyKey != "" {
		out.RequestHash = requestHash(body, l)
	}
	return out, nil
}

func (in *SubmitRequest) check() error {
	switch {
	case in.WorkflowID != "" && !fleet.ID(in.WorkflowID).Valid():
		return fleet.Invalid("workflow_id", "workflow_id must be an id such as 01939c3e-7b1a-7c3d-8e4f-0123456789ab; got %q.", clip(in.WorkflowID, 80))
	case in.Version < 0:
		return fleet.Invalid("version", "version must be 1 or more; got %d.", in.Version)
	case in.Version > 0 && in.WorkflowID == "":
		return fleet.Invalid("version", "version goes with workflow_id.")
	}
	return nil
}

// place merges the short and the long way of saying where a job may run.
func (in *SubmitRequest) place(out *orchestrator.SubmitRequest) error {
	p := in.Placement
	if p == nil {
		return nil
	}
	out.Placement, out.Requires = p.Rest(), p.Capabilities
	for _, f := range []struct {
		name  string
		long  string
		short *string
	}{
		{"target_robot_id", string(p.Target), (*string)(&out.Target)},
		{"environment", p.Environment, &out.Environment},
	} {
		if f.long == "" {
			continue
		}
		if *f.short != "" && *f.short != f.long {
			return fleet.Invalid("placement."+f.name, "placement.%s and %s say different things.", f.name, f.name)
		}
		*f.short = f.long
	}
	return nil
}

func (in *SubmitRequest) times(out *orchestrator.SubmitRequest) error {
	if in.NotBefore != nil {
		out.NotBefore = in.NotBefore.UTC()
	}
	if in.Deadline != nil {
		out.Deadline = in.Deadline.UTC()
	}
	if in.Timeout != 0 && in.RunTimeout != 0 && in.Timeout != in.RunTimeout {
		return fleet.Invalid("timeout", "timeout and run_timeout_seconds are two names for one thing and say different things.")
	}
	if in.RunTimeout == 0 {
		in.RunTimeout = in.Timeout
	}
	for _, f := range []struct {
		name string
		in   int64
		out  *time.Duration
	}{
		{"delay_seconds", in.DelaySeconds, &out.Delay},
		{"queue_timeout_seconds", in.QueueTimeout, &out.WaitLimit},
		{"run_timeout_seconds", in.RunTimeout, &out.RunTimeout},
	} {
		d, err := seconds(f.name, f.in)
		if err != nil {
			return err
		}
		*f.out = d
	}
	return nil
}

// seconds turns a number of seconds into a duration that cannot overflow.
func seconds(field string, n int64) (time.Duration, error) {
	const most = 10 * 366 * 24 * 3600
	if n < 0 || n > most {
		return 0, fleet.Invalid(field, "%s must be between 0 and %d; got %d.", field, int64(most), n)
	}
	return time.Duration(n) * time.Second, nil
}

// document returns the bytes of a workflow. A text that holds a document is
// what older clients send.
func document(raw json.RawMessage, l config.Limits) ([]byte, error) {
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, fleet.Invalid("workflow_json", "workflow_json must be an object or a text that holds one.")
		}
		raw = []byte(text)
	} else if len(raw) > 0 && raw[0] != '{' {
		return nil, fleet.Invalid("workflow_json", "workflow_json must be an object or a text that holds one.")
	}
	if len(raw) > int(l.Workflow) {
		return nil, tooLarge(int64(l.Workflow))
	}
	return raw, nil
}

// either takes the one of two names for one field that was used.
func either(name, other string, a, b json.RawMessage) (json.RawMessage, error) {
	if a != nil && b != nil {
		return nil, fleet.Invalid(other, "%s and %s are two names for one thing; give one of them.", name, other)
	}
	if a == nil {
		return b, nil
	}
	return a, nil
}

// requestHash tells a repeated request from another one under the same key.
// Blanks and the order of members do not count. What the address names beside
// the body is given as about.
func requestHash(body []byte, l config.Limits, about ...string) string {
	members, err := object(body, l, func(string) bool { return true })
	if err != nil {
		return "" // it was read a moment ago
	}
	sums := make([][]byte, 0, len(members)+len(about))
	for _, name := range about {
		sum := sha256.Sum256([]byte("\x00" + name))
		sums = append(sums, sum[:])
	}
	for _, m := range members {
		h := sha256.New()
		h.Write([]byte(m.key))
		h.Write([]byte{0})
		var compact bytes.Buffer
		if err := json.Compact(&compact, m.value); err != nil {
			return ""
		}
		h.Write(compact.Bytes())
		sums = append(sums, h.Sum(nil))
	}
	// Adding up would let members cancel each other out; sorting does not.
	sortSums(sums)
	sum := sha256.Sum256(bytes.Join(sums, nil))
	return hex.EncodeToString(sum[:])
}

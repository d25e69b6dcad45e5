package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// JobFacts is all that numbers are made of once a job has ended.
type JobFacts struct {
	Job      Job
	Error    *JobError
	Attempts []Attempt
	Events   []Event // of the job, in order; without those that are no longer kept
}

// RunMS is how long the last attempt ran, in milliseconds; a clock that was set
// back makes it 0.
func (j *Job) RunMS() int64 {
	if j.StartedAt.IsZero() || j.EndedAt.IsZero() {
		return 0
	}
	return max(j.EndedAt.Sub(j.StartedAt).Milliseconds(), 0)
}

// WaitMS is how long it took until the first start; false if there was none.
func (j *Job) WaitMS() (int64, bool) {
	if j.FirstStartedAt.IsZero() {
		return 0, false
	}
	return max(j.FirstStartedAt.Sub(j.CreatedAt).Milliseconds(), 0), true
}

// Waits says for how long the job waited for what, over all its attempts, as its
// events tell. Where they are no longer kept the wait is not told.
func (f *JobFacts) Waits() map[WaitingOn]time.Duration {
	if f.Job.Segments > 0 { // its segments tell
		return nil
	}
	out := map[WaitingOn]time.Duration{}
	var (
		on    WaitingOn // empty: it does not wait
		since time.Time
		until time.Time // of a wait that ends by itself, then it waits for a robot
	)
	stop := func(at time.Time) {
		if on != "" && !until.IsZero() && until.Before(at) {
			out[on] += max(until.Sub(since), 0)
			on, since = WaitingRobot, until
		}
		if on != "" {
			out[on] += max(at.Sub(since), 0)
		}
		on, until = "", time.Time{}
	}
	for i := range f.Events {
		e := &f.Events[i]
		if e.To == "" || e.Subject.Kind == SubjectAttempt || e.Kind == EventJobPriority || e.Kind == EventJobMoved { // it waits on
			continue
		}
		stop(e.At)
		if e.To != Pending {
			continue
		}
		var d struct {
			NotBefore time.Time `json:"not_before"`
			InMS      int64     `json:"in_ms"`
		}
		_ = json.Unmarshal(e.Data, &d)
		on, since = WaitingRobot, e.At
		switch {
		case e.Kind == EventJobSubmitted && f.Job.Rule != "":
			on = WaitingDependencies
		case e.Kind == EventJobUnmet:
			on = WaitingHold
		case d.NotBefore.After(e.At):
			on, until = WaitingTime, d.NotBefore
		case d.InMS > 0:
			on, until = WaitingBackoff, e.At.Add(time.Duration(d.InMS)*time.Millisecond)
		}
	}
	if !f.Job.EndedAt.IsZero() {
		stop(f.Job.EndedAt)
	}
	if f.Job.Parent != "" { // while the segment before runs, the job itself does not wait
		delete(out, WaitingDependencies)
	}
	return out
}

// ErrorType names what went wrong in one word: the robot's own, else the one that
// the message begins with, else one by what the message speaks of.
func (e *JobError) ErrorType() string {
	switch {
	case e == nil:
		return "UnknownError"
	case e.Type != "":
		return clip(e.Type, 128) // it is counted under: the robot's word may be of any length
	}
	if m := leadingType.FindString(e.Message); m != "" {
		return m
	}
	text := strings.ToLower(e.Message)
	for _, w := range [...]struct{ word, name string }{
		{"timeout", "TimeoutError"},
		{"connection", "ConnectionError"},
		{"not found", "NotFoundError"},
		{"permission", "PermissionError"},
		{"validation", "ValidationError"},
	} {
		if strings.Contains(text, w.word) {
			return w.name
		}
	}
	if e.Class == ClassTimeout {
		return "TimeoutError"
	}
	return "UnknownError"
}

var leadingType = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,100}(?:Error|Exception)\b`)

// Failure describes failures that are alike.
type Failure struct {
	Workflow     ID         `json:"workflow_id"`
	WorkflowName string     `json:"workflow_name"`
	Type         string     `json:"error_type"`
	Class        ErrorClass `json:"error_class"`
	Code         string     `json:"error_code,omitempty"`
	Node         string     `json:"node,omitempty"`
	Message      string     `json:"message"` // numbers and quoted texts are left out
}

// Failure tells which failures this one is like: those of the same workflow and
// node with the same type, whose messages differ in numbers and names alone.
func (f *JobFacts) Failure() (fingerprint string, out Failure) {
	e := f.Error
	if e == nil {
		e = &JobError{Class: f.Job.ErrorClass, Message: f.Job.EndReason}
	}
	out = Failure{
		Workflow: f.Job.Workflow.ID, WorkflowName: f.Job.Workflow.Name, Type: e.ErrorType(), Class: f.Job.ErrorClass, Code: f.Job.ErrorCode, Node: e.Node,
		Message: alike(e.Message),
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{string(out.Workflow), out.Type, out.Node, out.Message}, "\x00")))
	return hex.EncodeToString(sum[:8]), out
}

var (
	quotedText = regexp.MustCompile(`"[^"]*"|'[^']*'|“[^”]*”`)
	hexText    = regexp.MustCompile(`\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){2,6}[0-9a-fA-F]*\b`)
	numberText = regexp.MustCompile(`\d+`)
)

// maxAlike bounds what a fingerprint is made of and what is kept of a message.
const maxAlike = 300

// alike is a message without what differs from time to time.
func alike(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	if len(line) > 4*maxAlike {
		line = line[:4*maxAlike]
	}
	line = strings.ToValidUTF8(line, "")
	line = quotedText.ReplaceAllString(line, "…")
	line = hexText.ReplaceAllString(line, "#")
	line = numberText.ReplaceAllString(line, "#")
	if len(line) > maxAlike {
		line = strings.ToValidUTF8(line[:maxAlike], "")
	}
	return line
}

// Rollup gathers what changes the rows of the rollups.
type Rollup map[RollupKey]*Tally

// in adds a tally to the rows of a key in all spans.
func (r Rollup) in(at time.Time, dim RollupDim, key string, t Tally, spans ...RollupSpan) {
	if len(spans) == 0 {
		spans = RollupSpans()
	}
	for _, s := range spans {
		k := RollupKey{Span: s, At: s.Floor(at), Dim: dim, Key: key}
		row := r[k]
		if row == nil {
			row = &Tally{}
			r[k] = row
		}
		row.Add(&t)
	}
}

// Created counts a job by its submission.
func (r Rollup) Created(j *Job) {
	if j.Parent != "" { // the whole is the job
		return
	}
	t := Tally{Created: 1}
	r.in(j.CreatedAt, DimAll, "", t)
	r.in(j.CreatedAt, DimEnvironment, j.Environment, t)
	r.in(j.CreatedAt, DimTrigger, TriggerOf(j), t)
	t.Label = j.Workflow.Name
	r.in(j.CreatedAt, DimWorkflow, string(j.Workflow.ID), t)
}

// Ended counts a job by its end.
func (r Rollup) Ended(f *JobFacts) {
	j := &f.Job
	if !j.State.Final() || j.EndedAt.IsZero() {
		return
	}
	at := j.EndedAt
	t := Tally{Sample: j.ID}
	switch j.State { //nolint:exhaustive // the final ones
	case Completed:
		t.Completed, t.RunMS, t.Runs = 1, j.RunMS(), Histogram{}
		t.Runs.Add(t.RunMS)
	case Failed:
		t.Failed = 1
	case TimedOut:
		t.TimedOut = 1
	case Cancelled:
		t.Cancelled = 1
	}
	if ms, started := j.WaitMS(); started {
		t.Waited, t.WaitMS, t.Waits = 1, ms, Histogram{}
		t.Waits.Add(ms)
	}
	if j.RobotID != "" {
		r.in(at, DimRobot, string(j.RobotID), t)
	}
	r.waits(f)
	r.busy(f)
	if j.Parent != "" {
		return
	}
	r.in(at, DimAll, "", t)
	r.in(at, DimEnvironment, j.Environment, t)
	r.in(at, DimTrigger, TriggerOf(j), t)
	named := t
	named.Label = j.Workflow.Name
	r.in(at, DimWorkflow, string(j.Workflow.ID), named)
	if j.State != Failed && j.State != TimedOut {
		return
	}
	fingerprint, failure := f.Failure()
	r.in(at, DimError, failure.Type, t)
	label, err := json.Marshal(failure)
	if err == nil {
		t.Label = string(label)
	}
	r.in(at, DimFailure, fingerprint, t)
}

func (r Rollup) waits(f *JobFacts) {
	for on, d := range f.Waits() {
		t := Tally{Waited: 1, WaitMS: d.Milliseconds(), Waits: Histogram{}}
		t.Waits.Add(t.WaitMS)
		r.in(f.Job.EndedAt, DimWait, string(on), t)
	}
}

// busy spreads the time for which attempts held a slot over the hours that it
// touches. Five minutes are too fine for runs of days.
func (r Rollup) busy(f *JobFacts) {
	for i := range f.Attempts {
		a := &f.Attempts[i]
		from, to := a.OfferedAt, a.EndedAt
		if a.StartedAt.After(from) {
			from = a.StartedAt
		}
		if a.StartedAt.IsZero() || to.IsZero() {
			continue
		}
		for from.Before(to) {
			end := SpanHour.Floor(from).Add(SpanHour.Std())
			if end.After(to) {
				end = to
			}
			t := Tally{BusyMS: end.Sub(from).Milliseconds()}
			r.in(from, DimAll, "", t, SpanHour, SpanDay)
			r.in(from, DimRobot, string(a.RobotID), t, SpanHour, SpanDay)
			from = end
		}
	}
}

// Lost counts an attempt that a robot lost.
func (r Rollup) Lost(at time.Time, robot RobotID) {
	r.in(at, DimRobot, string(robot), Tally{Lost: 1})
}

// Disconnected counts the end of a robot's connection.
func (r Rollup) Disconnected(at time.Time, robot RobotID) {
	r.in(at, DimRobot, string(robot), Tally{Disconnects: 1})
}

// Reading counts for how long the slots of a robot were in service in a minute.
func (r Rollup) Reading(minute time.Time, robot RobotID, capacityMS int64) {
	r.in(minute, DimRobot, string(robot), Tally{CapacityMS: capacityMS, Samples: 1, OnlineSum: 1}, SpanHour, SpanDay)
}

// Fleet counts the reading of all robots and of what waits.
func (r Rollup) Fleet(minute time.Time, t Tally) {
	r.in(minute, DimAll, "", t, SpanHour, SpanDay)
	t.CapacityMS = 0 // what slots did is not known by five minutes
	r.in(minute, DimAll, "", t, SpanShort)
}

// Queue counts the reading of how many items of a queue are new.
func (r Rollup) Queue(minute time.Time, queue ID, waiting int64) {
	r.in(minute, DimQueue, string(queue), Tally{Samples: 1, PendingSum: waiting, PendingMax: waiting}, SpanShort, SpanHour)
}

// Machines counts the reading of how busy the machines of some robots were, from
// the sum of their CPU percentages.
func (r Rollup) Machines(minute time.Time, robots int, percent float64) {
	ms := float64(time.Minute.Milliseconds())
	r.in(minute, DimMachine, "", Tally{Samples: 1, BusyMS: int64(percent / 100 * ms), CapacityMS: int64(robots) * int64(ms)}, SpanHour)
}

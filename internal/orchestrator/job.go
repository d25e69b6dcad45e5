package orchestrator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/fail"
	"github.com/casarerpa/fleet/internal/store"
)

// Jobs are the use cases of those who want work done.
type Jobs struct {
	*core
	workflows *Workflows
	usual     usual
	rooms     rooms
}

// SubmitRequest asks for a job. Document or WorkflowID names what to run.
type SubmitRequest struct {
	Document   []byte // a workflow in any dialect
	WorkflowID fleet.ID
	Version    int    // 0: newest
	Name       string // of the workflow, when Document is given; default: the document's
	JobName    string

	Variables   json.RawMessage
	Priority    *fleet.Priority
	Target      fleet.RobotID
	Environment string
	Requires    []string        // added to what the document needs
	Placement   fleet.Placement // likewise
	Labels      map[string]string
	Ref         string       // names the job within its request
	DependsOn   []Dependency // the jobs that it waits for
	Rule        fleet.DependencyRule
	OnUnmet     fleet.OnUnmet
	NotBefore   time.Time
	Delay       time.Duration
	Deadline    time.Time
	WaitLimit   time.Duration
	RunTimeout  time.Duration
	Retry       *fleet.RetryChange // over the workflow's
	RetrySafety fleet.RetrySafety
	DryRun      bool
	Schedule    fleet.ID // that wants the job
	// Who says Priority; the request itself if it is empty.
	PrioritySource fleet.PrioritySource
	FireAt         time.Time // and for which of its instants
	found          *resolved // what WorkflowID and Version name, if that was looked up

	IdempotencyKey string
	RequestHash    string // SHA-256 of the request as it came; guards the key
}

// prioritySource is who says how urgent the job is.
func (r *SubmitRequest) prioritySource() fleet.PrioritySource {
	if r.Priority == nil {
		return fleet.PriorityOfTenant
	}
	return cmp.Or(r.PrioritySource, fleet.PriorityOfRequest)
}

// SubmitResult answers a SubmitRequest.
type SubmitResult struct {
	Job      fleet.Job
	Replayed bool // an earlier request with the same key made the job
	Warnings []string
}

// submitted is the audit row of a request for jobs.
func submitted(p auth.Principal) *fleet.AuditDraft {
	d := p.Audit("job.submit", fleet.SubjectJob, "")
	return &d
}

// Submit stores one job. When it returns, the job is on disk.
func (j *Jobs) Submit(ctx context.Context, p auth.Principal, r SubmitRequest) (SubmitResult, error) {
	s, err := j.prepare(ctx, p, r)
	if err != nil {
		return SubmitResult{}, err
	}
	if r.DryRun {
		return SubmitResult{Job: s.Job, Warnings: s.warnings}, nil
	}
	if slices.ContainsFunc(r.DependsOn, func(d Dependency) bool { return d.Ref != "" }) {
		return SubmitResult{}, fleet.Invalid("depends_on", "A ref names a job of the same request: send them together to /jobs/bulk.")
	}
	if err := ownParents(s.first()); err != nil {
		return SubmitResult{}, err
	}
	if len(s.segments) > 0 {
		result := []SubmitResult{{Warnings: s.warnings}}
		s.Audit = submitted(p)
		err := j.insertAll(ctx, p, []submission{s}, result)
		return result[0], err
	}
	s.Audit = submitted(p)
	if err := fail.At(fail.SubmitBeforeCommit); err != nil {
		return SubmitResult{}, err
	}
	out, err := j.Store.Enqueue(ctx, p.Scope(), []store.Submission{s.Submission})
	if err != nil {
		return SubmitResult{}, err
	}
	if out[0].Err != nil {
		return SubmitResult{}, out[0].Err
	}
	j.stored(&s, &out[0])
	if out[0].Replayed {
		err = fail.At(fail.SubmitReplayed)
	} else {
		err = fail.At(fail.SubmitAfterCommit)
	}
	if err != nil {
		return SubmitResult{}, err
	}
	return SubmitResult{Job: out[0].Job, Replayed: out[0].Replayed, Warnings: s.warnings}, nil
}

// SubmitMany stores many jobs, with an answer for each. With atomic, one bad
// request refuses all.
func (j *Jobs) SubmitMany(ctx context.Context, p auth.Principal, rs []SubmitRequest, atomic bool) ([]SubmitResult, []error, error) {
	if len(rs) == 0 || len(rs) > j.Limits.BulkJobs {
		return nil, nil, fleet.Invalid("jobs", "jobs must hold 1 to %d entries; got %d.", j.Limits.BulkJobs, len(rs))
	}
	dry := rs[0].DryRun
	if i := slices.IndexFunc(rs, func(r SubmitRequest) bool { return r.DryRun != dry }); i > 0 {
		return nil, nil, fleet.Invalid(fmt.Sprintf("jobs[%d].dry_run", i), "dry_run must be the same for all jobs of a request.")
	}
	results, faults := make([]SubmitResult, len(rs)), make([]error, len(rs))
	g, err := graphOf(rs)
	if err != nil {
		return nil, nil, err
	}
	if g != nil { // a part of a graph makes no sense: all of it or nothing
		results, err = j.submitGraph(ctx, p, g)
		return results, faults, err
	}
	var list []submission
	var index []int
	audit := submitted(p)
	for i, r := range rs {
		s, err := j.prepare(ctx, p, r)
		if err != nil {
			faults[i] = err
			continue
		}
		if err := ownParents(s.first()); err != nil {
			faults[i] = err
			continue
		}
		s.Audit = audit
		results[i].Job, results[i].Warnings = s.Job, s.warnings
		list, index = append(list, s), append(index, i)
	}
	if atomic {
		for i, err := range faults {
			if err != nil {
				return nil, nil, AtEntry(i, err)
			}
		}
		if dry {
			return results, faults, nil
		}
		return results, faults, j.insertAll(ctx, p, list, results)
	}
	if dry {
		return results, faults, nil
	}
	n := 0
	for k, i := range index { // each that is cut is a transaction of its own
		if len(list[k].segments) > 0 {
			faults[i] = j.insertAll(ctx, p, list[k:k+1], results[i:i+1])
			continue
		}
		list[n], index[n] = list[k], i
		n++
	}
	if list, index = list[:n], index[:n]; n == 0 {
		return results, faults, nil
	}
	var out []store.Submitted
	out, err = j.Store.Enqueue(ctx, p.Scope(), bare(list))
	if err == nil {
		err = fail.At(fail.BulkStored)
	}
	if err != nil {
		return nil, nil, err
	}
	for n, i := range index {
		j.stored(&list[n], &out[n])
		results[i].Job, results[i].Replayed, faults[i] = out[n].Job, out[n].Replayed, out[n].Err
	}
	return results, faults, nil
}

// AtEntry says which entry of a request an error is about.
func AtEntry(i int, err error) error {
	e := *fleet.AsError(err)
	e.Message = fmt.Sprintf("Entry %d: %s", i, e.Message)
	return &e
}

// insertAll stores all jobs or none.
func (j *Jobs) insertAll(ctx context.Context, p auth.Principal, list []submission, results []SubmitResult) error {
	var out []store.Submitted
	err := j.Store.Update(ctx, p.Scope(), func(tx store.Tx) (err error) {
		if out, err = insert(tx, list); err != nil {
			return err
		}
		for i := range out {
			if out[i].Err != nil {
				return out[i].Err
			}
		}
		return fail.At(fail.BulkBeforeCommit)
	})
	if err != nil {
		return err
	}
	for i := range out {
		j.stored(&list[i], &out[i])
		results[i].Job, results[i].Replayed = out[i].Job, out[i].Replayed
	}
	return fail.At(fail.BulkAfterCommit)
}

// submission is a request that was checked.
type submission struct {
	store.Submission
	resolved
	segments []segment // of a whole
}

// first is what waits for other jobs and takes inputs from them.
func (s *submission) first() *store.Submission {
	if len(s.segments) > 0 {
		return &s.segments[0].Submission
	}
	return &s.Submission
}

// bare are submissions as the store takes them.
func bare(list []submission) []store.Submission {
	out := make([]store.Submission, len(list))
	for i := range list {
		out[i] = list[i].Submission
	}
	return out
}

// stored is told what became of a submission.
func (j *Jobs) stored(s *submission, out *store.Submitted) {
	if s.Document != nil && out.Err == nil && !out.Replayed {
		s.known.stored(s.checked, out.Job.Workflow)
		j.bodies.put(s.Document.Hash, s.Document.Body) // it is offered soon
	}
}

// prepare checks a request and makes the job that it asks for.
func (j *Jobs) prepare(ctx context.Context, p auth.Principal, r SubmitRequest) (sub submission, err error) {
	if err := p.Require(fleet.JobsRun); err != nil {
		return sub, err
	}
	tenant, err := j.mayStart(ctx, p)
	if err != nil {
		return sub, err
	}
	spec, err := j.spec(p, r, tenant.Priority)
	if err != nil {
		return sub, err
	}
	if err := depends(r, &spec, j.Limits.Parents); err != nil {
		return sub, err
	}
	if err := j.room(ctx, p, &tenant); err != nil {
		return sub, err
	}
	found, err := j.resolve(ctx, p, r)
	if err != nil {
		return sub, err
	}
	if err := j.mayHaveSecrets(ctx, p, &found, spec.Environment); err != nil {
		return sub, err
	}
	if err := retries(r, found, &spec); err != nil {
		return sub, err
	}
	usual, err := j.usualRobots(ctx, p, found.workflow)
	if err != nil {
		return sub, err
	}
	parts, err := j.parts(ctx, p, &found, usual.overrides)
	if err != nil {
		return sub, err
	}
	if spec.Workflow = found.workflow; r.DryRun && found.checked != nil {
		if spec.Workflow, err = j.wouldBe(ctx, p, found.checked); err != nil {
			return sub, err
		}
	}
	sub.resolved = found
	if len(parts) > 1 {
		sub.Submission, sub.segments, err = j.split(ctx, p, r, found, parts, spec, usual.robots)
	} else {
		var all fleet.PlacedAt // where all nodes are to run
		if len(parts) == 1 {
			all = parts[0].place
		}
		err = j.place(ctx, p, r, found, &spec, all, found.requires)
		spec.Placement.Usual = usual.robots
		if all.Placement.Target != "" {
			spec.Placement.Usual, spec.Placement.OnlyUsual = nil, false
		}
		sub.Submission = store.Submission{
			Job: fleet.NewJob(spec, j.Now()), Data: fleet.JobData{Variables: r.Variables, PrioritySource: r.prioritySource()}, Actor: p.Name,
			Parents: spec.DependsOn, MaxChildren: j.Limits.Children,
		}
	}
	if err != nil {
		return sub, err
	}
	if found.checked != nil && found.workflow.ID == "" { // it is stored with the job
		sub.Document = found.checked.document()
	}
	if r.IdempotencyKey != "" {
		sub.Key = &store.IdempotencyKey{
			Route: "jobs.submit", Key: r.IdempotencyKey, Hash: r.RequestHash, ExpiresAt: j.Now().Add(j.Limits.Idempotency),
		}
	}
	return sub, nil
}

// spec checks the fields that need no look-up.
func (j *Jobs) spec(p auth.Principal, r SubmitRequest, usual fleet.Priority) (fleet.JobSpec, error) {
	now := j.Now()
	s := fleet.JobSpec{
		ID: j.IDs.New(), Tenant: p.Tenant, Name: r.JobName, Priority: usual, Environment: r.Environment,
		Target: r.Target, NotBefore: r.NotBefore, Deadline: r.Deadline, WaitLimit: r.WaitLimit,
		Labels: r.Labels, RunTimeout: r.RunTimeout, Retry: fleet.DefaultRetry(), RetrySafety: r.RetrySafety, SubmittedBy: p.Name,
		Schedule: r.Schedule, FireAt: r.FireAt,
	}
	var err error
	if s.Environment, err = p.Place(r.Environment); err != nil {
		return s, err
	}
	if s.RunTimeout == 0 {
		s.RunTimeout = j.Timing(s.Environment).RunTimeout
	}
	if r.Priority != nil {
		s.Priority = *r.Priority
	}
	if r.Delay != 0 {
		if !r.NotBefore.IsZero() {
			return s, fleet.Invalid("delay_seconds", "Give not_before or delay_seconds, not both.")
		}
		s.NotBefore = now.Add(r.Delay)
	}
	if s.Name != "" {
		if err := fleet.ValidateName("name", s.Name, 255); err != nil {
			return s, err
		}
	}
	const month = 30 * 24 * time.Hour
	checks := []struct {
		bad     bool
		field   string
		message string
	}{
		{r.Delay < 0 || s.NotBefore.After(now.AddDate(1, 0, 0)), "not_before", "A job can be delayed by at most one year."},
		{s.WaitLimit != 0 && (s.WaitLimit < time.Second || s.WaitLimit > month), "queue_timeout_seconds", "queue_timeout_seconds must be between 1 second and 30 days."},
		{s.RunTimeout < time.Second || s.RunTimeout > month, "run_timeout_seconds", "run_timeout_seconds must be between 1 second and 30 days."},
		{len(r.Variables) > j.Limits.Variables, "variables", fmt.Sprintf("variables may have at most %d bytes; got %d.", j.Limits.Variables, len(r.Variables))},
		{len(r.Variables) > 0 && !isObject(r.Variables), "variables", "variables must be a JSON object."},
		{fleet.Nesting(r.Variables) > fleet.MaxNesting, "variables", fmt.Sprintf("variables may be nested %d deep.", fleet.MaxNesting)},
		{len(r.IdempotencyKey) > 255 || !printable(r.IdempotencyKey), "Idempotency-Key", "Idempotency-Key must be 1 to 255 printable characters."},
	}
	for _, c := range checks {
		if c.bad {
			return s, fleet.Invalid(c.field, "%s", c.message)
		}
	}
	switch s.RetrySafety {
	case "", fleet.RetryAlways, fleet.RetryUntilEffect, fleet.RetryNever:
	default:
		return s, fleet.Invalid("retry_safety", "retry_safety must be always, until_effect or never; got %q.", string(s.RetrySafety))
	}
	return s, errors.Join(fleet.ValidateLabels("labels", s.Labels), s.Priority.Validate(), fleet.ValidateEnvironment(s.Environment))
}

// retries lays the workflow's policy over the default, and the request's over
// that.
func retries(r SubmitRequest, found resolved, s *fleet.JobSpec) error {
	for _, change := range []*fleet.RetryChange{found.retry, r.Retry} {
		if change != nil {
			s.Retry = change.Apply(s.Retry)
		}
	}
	if s.RetrySafety == "" {
		s.RetrySafety = found.safety
	}
	return s.Retry.Validate()
}

func isObject(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] == '{' && json.Valid(raw)
}

func printable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return false
		}
	}
	return true
}

// resolved is what a request asks to run: a stored version, or a document that
// was checked. Of a document that is not known to be stored the workflow has
// only name and hash.
type resolved struct {
	requires  fleet.Capabilities
	placement fleet.Placement
	retry     *fleet.RetryChange
	safety    fleet.RetrySafety
	warnings  []string
	workflow  fleet.JobWorkflow
	secrets   []string // that it names, sorted
	checked   *Checked // nil: a stored version
	known     *known
}

// resolve finds or checks what is to run.
func (j *Jobs) resolve(ctx context.Context, p auth.Principal, r SubmitRequest) (resolved, error) {
	switch {
	case r.found != nil:
		return *r.found, nil
	case len(r.Document) > 0 && r.WorkflowID != "":
		return resolved{}, fleet.Invalid("workflow_id", "Give workflow_id or workflow_json, not both.")
	case len(r.Document) > 0:
		return j.document(p, r)
	case r.WorkflowID != "":
		return j.version(ctx, p, r)
	}
	return resolved{}, fleet.Invalid("workflow_json", "A job needs a workflow: give workflow_json or workflow_id.")
}

func (j *Jobs) document(p auth.Principal, r SubmitRequest) (resolved, error) {
	if err := p.Require(fleet.WorkflowsWrite); err != nil {
		return resolved{}, err
	}
	checked, known, err := j.workflows.checked(p, r.Name, r.Document)
	if err != nil {
		return resolved{}, err
	}
	found := resolved{requires: checked.Requires, placement: checked.Placement, retry: checked.Retry, safety: checked.Safety, workflow: known.workflow, checked: checked, known: known}
	if known.workflow.ID == "" {
		found.workflow = fleet.JobWorkflow{Name: checked.Name, Hash: checked.Hash}
	}
	for _, d := range checked.Warnings {
		found.warnings = append(found.warnings, d.Sentence())
	}
	return found, nil
}

// wouldBe names the version that a document is, or the one that it would be.
func (j *Jobs) wouldBe(ctx context.Context, p auth.Principal, c *Checked) (fleet.JobWorkflow, error) {
	w := fleet.JobWorkflow{Name: c.Name, Hash: c.Hash}
	err := j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		wf, err := r.WorkflowByName(c.Name)
		if err == nil && wf.Hash == c.Hash {
			w.ID, w.Version = wf.ID, wf.Newest
		}
		return err
	})
	if errors.Is(err, fleet.ErrNotFound) {
		err = nil
	}
	return w, err
}

func (j *Jobs) version(ctx context.Context, p auth.Principal, r SubmitRequest) (found resolved, err error) {
	err = j.Store.View(ctx, p.Scope(), func(rd store.Reader) error {
		wf, err := rd.Workflow(r.WorkflowID)
		if err != nil {
			return err
		}
		n := r.Version
		if n == 0 {
			n = wf.Newest
		}
		v, err := rd.WorkflowVersion(wf.ID, n)
		found.requires, found.placement, found.retry, found.safety = v.Requires, v.Placement, v.Retry, v.Safety
		found.workflow = fleet.JobWorkflow{ID: wf.ID, Name: wf.Name, Version: v.Version, Hash: v.Hash}
		return err
	})
	return found, err
}

// room refuses a submission while too many jobs of the tenant wait.
func (j *Jobs) room(ctx context.Context, p auth.Principal, t *fleet.Tenant) error {
	most := j.Limits.Pending
	if t.Quotas.PendingJobs > 0 {
		most = int64(t.Quotas.PendingJobs)
	}
	now := j.Now()
	if j.rooms.ample(p.Tenant, now) {
		return nil
	}
	var counts map[fleet.State]int64
	err := j.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) {
		counts, err = r.Counts()
		return err
	})
	if err != nil || counts[fleet.Pending] < most {
		if err == nil && most-counts[fleet.Pending] > roomEnough {
			j.rooms.put(p.Tenant, now)
		}
		return err
	}
	e := fleet.Errorf(fleet.CodeExhausted, "too_many_pending", "%d jobs wait already; at most %d may.", counts[fleet.Pending], most)
	e.RetryAfter = 5 * time.Second
	return e.WithFix("Wait until some have run, or raise the limit.")
}

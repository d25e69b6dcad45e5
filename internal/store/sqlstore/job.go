package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// jobColumns is a job as scanJob reads it, with what its newest attempt adds.
const jobColumns = `j.id, j.tenant_id, j.seq, j.name, j.workflow_id, j.workflow_name, j.workflow_version, j.workflow_hash,
	j.state, j.waiting_on, j.waiting_code, j.waiting_since, j.epoch, j.epoch_skipped, j.version, j.robot_id,
	j.target_robot_id, j.priority, j.environment, j.requires, j.created_at, j.available_at, j.not_before, j.deadline,
	j.expires_at, j.assigned_at, j.first_started_at, j.started_at, j.ended_at, j.timeout_ms, j.max_retries, j.max_lost,
	j.retry_delay_ms, j.retry_factor, j.retry_max_delay_ms, j.retry_jitter, j.retry_on_timeout, j.retry_safety,
	j.retries_used, j.lost_used, j.rejected_by, j.stop_reason, j.stop_deadline, j.stop_force, j.cancel_outcome,
	j.cancel_too_late, j.end_reason, j.error_class, j.error_code, j.dead_letter, j.dead_letter_reason, j.retry_of,
	j.submitted_by, j.placement, j.sticky_key, j.labels, j.dependency_rule, j.on_unmet, j.deps_open, j.parent_id,
	j.children, j.wait_limit_ms, j.fill_inputs, j.retry_classes, j.segment, j.segments, j.schedule_id, j.fire_at`

const jobFrom = ` from jobs j left join attempts a on a.job_id = j.id and a.epoch = j.epoch `

var (
	jobGet = stmt("job.get", `select `+jobColumns+`, a.progress, a.current_node, a.silent_since`+jobFrom+
		`where j.id = $1 and ($2 or j.tenant_id = $3)`)
	jobLane = stmt("job.lane", `select lane_id from jobs where id = $1 and tenant_id = $2`)

	jobSubject = stmt("job.subject", `select `+jobColumns+`,
		exists (select 1 from effects e where e.job_id = j.id and e.state = 'open'), `+attemptColumns+jobFrom+
		`where j.id = $1 and ($2 or j.tenant_id = $3)`)

	jobInsert = stmt("job.insert", `insert into jobs (id, tenant_id, seq, name, workflow_id, workflow_name, workflow_version,
		workflow_hash, state, waiting_on, waiting_code, waiting_since, epoch, epoch_skipped, version, target_robot_id,
		priority, environment, requires, created_at, available_at, not_before, deadline, expires_at, timeout_ms,
		max_retries, max_lost, retry_delay_ms, retry_factor, retry_max_delay_ms, retry_jitter, retry_on_timeout,
		retry_safety, retry_of, submitted_by, lane_id, placement, sticky_key, labels, dependency_rule, on_unmet, deps_open,
		parent_id, wait_limit_ms, fill_inputs, retry_classes, segment, segments, schedule_id, fire_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $45, $45, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
		$23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $46, $47, $48, $49) on conflict do nothing`)
	jobDataInsert = stmt("job_data.insert", `insert into job_data (job_id, tenant_id, variables, traceparent, duration_ms, resumes, resumes_from)
		values ($1, $2, $3, $4, 0, $5, $6)`)
	jobDataGet = stmt("job_data.get", `select variables, result, error, duration_ms, traceparent from job_data
		where job_id = $1 and ($2 or tenant_id = $3)`)
	jobRetryOpen = stmt("job.retry_open", `select id from jobs where retry_of = $1 and tenant_id = $2 and ended_at is null limit 1`)
)

func scanJob(r *Row) fleet.Job {
	j := fleet.Job{
		ID: str[fleet.ID](r), Tenant: str[fleet.TenantID](r), Seq: r.int64(), Name: r.text(),
		Workflow: fleet.JobWorkflow{ID: str[fleet.ID](r), Name: r.text(), Version: r.int(), Hash: r.text()},
		State:    str[fleet.State](r), WaitingOn: str[fleet.WaitingOn](r), WaitingCode: str[fleet.WaitingCode](r), WaitingSince: r.time(),
		Epoch: r.int64(), EpochSkipped: r.int64(), Version: r.int64(),
		RobotID: str[fleet.RobotID](r), Target: str[fleet.RobotID](r),
		Priority: fleet.Priority(r.int()), Environment: r.text(), Requires: r.words(),
		CreatedAt: r.time(), AvailableAt: r.time(), NotBefore: r.time(), Deadline: r.time(), ExpiresAt: r.time(),
		AssignedAt: r.time(), FirstStartedAt: r.time(), StartedAt: r.time(), EndedAt: r.time(),
		RunTimeout: milliseconds(r),
		Retry: fleet.RetryPolicy{
			Max: r.int(), MaxLost: r.int(), Delay: milliseconds(r), Factor: r.float(),
			Ceiling: milliseconds(r), Jitter: r.float(), Timeout: r.bool(),
		},
		RetrySafety: str[fleet.RetrySafety](r), RetriesUsed: r.int(), LostUsed: r.int(), RejectedBy: r.int(),
		StopReason: str[fleet.StopReason](r), StopDeadline: r.time(), StopForce: r.bool(),
		CancelOutcome: str[fleet.CancelOutcome](r), CancelTooLate: r.bool(),
		EndReason: r.text(), ErrorClass: str[fleet.ErrorClass](r), ErrorCode: r.text(),
		DeadLetter: r.bool(), DeadLetterReason: r.text(), RetryOf: str[fleet.ID](r), SubmittedBy: r.text(),
		Placement: jobPlacement(r), Labels: labels(r),
		Rule: str[fleet.DependencyRule](r), OnUnmet: str[fleet.OnUnmet](r), DepsOpen: r.int(), Parent: str[fleet.ID](r),
		Children: r.int(), WaitLimit: milliseconds(r), FillInputs: r.bool(),
	}
	j.Retry.Classes = retryClasses(r)
	j.Segment, j.Segments = r.int(), r.int()
	j.Schedule, j.FireAt = str[fleet.ID](r), r.time()
	return j
}

// retryClasses reads what retryText wrote.
func retryClasses(r *Row) (out map[fleet.ErrorClass]fleet.RetryRule) {
	if text := r.text(); text != "" {
		_ = json.Unmarshal([]byte(text), &out)
	}
	return out
}

// retryText is the rules of classes; empty for none, as of most jobs.
func retryText(classes map[fleet.ErrorClass]fleet.RetryRule) (string, error) {
	if len(classes) == 0 {
		return "", nil
	}
	b, err := encode(classes)
	return string(b), err
}

// placement reads what the store wrote itself; what cannot be read demands
// nothing and is found by the suite.
func placement(r *Row) fleet.Placement {
	p, _ := fleet.ParsePlacementText(r.text())
	return p
}

// jobPlacement is a placement with the sticky key, which is kept apart so that
// jobs of other keys wait in one lane.
func jobPlacement(r *Row) fleet.Placement {
	p, key := placement(r), r.text()
	if p.Sticky != nil {
		p.Sticky.Key = key
	}
	return p
}

// labels reads what labelText wrote.
func labels(r *Row) (out map[string]string) {
	if text := r.text(); text != "" {
		_ = json.Unmarshal([]byte(text), &out)
	}
	return out
}

// labelText is a set of labels in one fixed form; empty for none.
func labelText(l map[string]string) (string, error) {
	if len(l) == 0 {
		return "", nil
	}
	b, err := encode(l)
	return string(b), err
}

func milliseconds(r *Row) fleet.Duration {
	return fleet.Duration(time.Duration(r.int64()) * time.Millisecond)
}

// show puts what the newest attempt says onto the job.
func show(j *fleet.Job, progress int, node string, silent bool) {
	switch {
	case j.State.Live():
		j.Progress, j.CurrentNode, j.Silent = progress, node, silent
	case j.State == fleet.Completed:
		j.Progress = 100
	case j.State.Final():
		j.Progress, j.CurrentNode = progress, node
	}
}

func scanShownJob(r *Row) fleet.Job {
	j := scanJob(r)
	show(&j, r.int(), r.text(), !r.time().IsZero())
	return j
}

func (r *reader) Job(id fleet.ID) (fleet.Job, error) {
	var j fleet.Job
	found, err := one(r.conn, jobGet, func(row *Row) { j = scanShownJob(row) }, id, r.all(), r.tenant())
	if err == nil && (!found || !r.scope.Sees(j.Environment)) {
		j = fleet.Job{}
		err = fleet.NotFound("job", string(id))
	}
	return j, err
}

func (r *reader) Subject(id fleet.ID) (fleet.Subject, error) {
	var s fleet.Subject
	found, err := one(r.conn, jobSubject, func(row *Row) { s = scanSubject(row) }, id, r.all(), r.tenant())
	if err == nil && (!found || !r.scope.Sees(s.Job.Environment)) {
		s = fleet.Subject{}
		err = fleet.NotFound("job", string(id))
	}
	return s, err
}

func scanSubject(row *Row) fleet.Subject {
	s := fleet.Subject{Job: scanJob(row), EffectOpen: row.bool()}
	a := scanAttempt(row)
	if a.Epoch > 0 {
		s.Attempt = &a
		show(&s.Job, a.Progress, a.CurrentNode, !a.SilentSince.IsZero())
	}
	return s
}

func (r *reader) JobData(id fleet.ID) (fleet.JobData, error) {
	var d fleet.JobData
	var broken []byte
	found, err := one(r.conn, jobDataGet, func(row *Row) {
		d.Variables, d.Result = row.bytes(), row.bytes()
		broken = row.bytes()
		d.DurationMS, d.Traceparent = row.int64(), row.text()
	}, id, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("job", string(id))
	}
	if err == nil && broken != nil {
		d.Error = &fleet.JobError{}
		if uerr := json.Unmarshal(broken, d.Error); uerr != nil {
			err = fmt.Errorf("read the error of job %s: %w", id, uerr)
		}
	}
	return d, err
}

// Insert is T1. The job's number is its place in the tenant's submissions.
func (t *Tx) Insert(j fleet.Job, d fleet.JobData, actor string) (fleet.Job, error) {
	if err := t.covers(j.Tenant); err != nil {
		return j, err
	}
	number, err := t.jobNumber(j.Tenant)
	if err != nil {
		return j, err
	}
	j, err = t.insert(j, d, actor, number, nil)
	if err != nil && t.batch.env.Shared && perElement(err) { // the next job gets the number
		if _, gerr := one(t.conn, headAdd, func(*Row) {}, j.Tenant, 0, -1); gerr != nil {
			return j, gerr
		}
	}
	return j, err
}

// insert writes a job with its number, or leaves it to Finish, which tells the
// number through seq.
func (t *Tx) insert(j fleet.Job, d fleet.JobData, actor string, number int64, seq *int64) (fleet.Job, error) {
	if j.RetryOf != "" {
		if err := t.retryFree(&j); err != nil {
			return j, err
		}
	}
	var lane any
	if waits(&j) {
		id, err := t.lane(&j)
		if err != nil {
			return j, err
		}
		lane = id
	}
	j.Seq = number
	j.Version, j.Epoch, j.EpochSkipped = 1, 0, 0
	if j.Segments > 0 {
		j.Epoch, j.EpochSkipped = 1, 1
	}
	for _, at := range []*time.Time{&j.WaitingSince, &j.CreatedAt, &j.AvailableAt, &j.NotBefore, &j.Deadline, &j.ExpiresAt} {
		*at = Stored(*at)
	}
	if j.Requires == nil {
		j.Requires = fleet.Capabilities{}
	}
	labelled, err := labelText(j.Labels)
	if err != nil {
		return j, err
	}
	classes, err := retryText(j.Retry.Classes)
	if err != nil {
		return j, err
	}
	row := []any{
		j.ID, j.Tenant, j.Seq, j.Name, j.Workflow.ID, j.Workflow.Name, j.Workflow.Version,
		j.Workflow.Hash, j.State, opt(j.WaitingOn), string(j.WaitingCode), j.WaitingSince, j.Version, j.Target,
		int(j.Priority), j.Environment, j.Requires.Key(), j.CreatedAt, j.AvailableAt, j.NotBefore, j.Deadline, j.ExpiresAt,
		j.RunTimeout.Std().Milliseconds(), j.Retry.Max, j.Retry.MaxLost, j.Retry.Delay.Std().Milliseconds(), j.Retry.Factor,
		j.Retry.Ceiling.Std().Milliseconds(), j.Retry.Jitter, j.Retry.Timeout, j.RetrySafety, opt(j.RetryOf), j.SubmittedBy, lane,
		j.Placement.Demands().Text(), j.Placement.StickyKey(), labelled, string(j.Rule), string(j.OnUnmet), j.DepsOpen, opt(j.Parent),
		j.WaitLimit.Std().Milliseconds(), j.FillInputs, classes,
		j.EpochSkipped, j.Segment, j.Segments, opt(j.Schedule), Stored(j.FireAt),
	}
	data := dataRow(&j, d)
	if seq != nil {
		t.jobs, t.batch.unseen = append(t.jobs, pendingJob{j.Tenant, row, data, seq}), true
	} else if err := t.writeJob(j.ID, row, data); err != nil {
		return j, err
	}
	count := t.delta(j.Tenant)
	if seq != nil || !t.batch.env.Shared { // or its number was taken already
		count.jobs++
	}
	if counted(&j) {
		count.counts[stateIndex(j.State)]++
	}
	if lane != nil {
		t.lanes = addLane(t.lanes, laneDelta{lane.(int64), 1})
		t.signal(topicReady)
	}
	t.timerAt(j.NotBefore)
	t.timerAt(j.ExpiresAt)
	about := map[string]any{"workflow_id": j.Workflow.ID, "workflow_name": j.Workflow.Name, "priority": j.Priority}
	if j.RetryOf != "" {
		about["retry_of"] = j.RetryOf
	}
	if d.PrioritySource != "" {
		about["priority_source"] = d.PrioritySource
	}
	if !j.NotBefore.IsZero() {
		about["not_before"] = j.NotBefore.UTC()
	}
	if j.Parent != "" {
		about["parent_job_id"], about["segment"] = j.Parent, j.Segment
	}
	if j.Segments > 0 {
		about["segments"] = j.Segments
	}
	if j.Schedule != "" {
		about["schedule_id"] = j.Schedule
	}
	if d.Resumes != nil {
		about["from_node"] = d.Resumes.Node
	}
	return j, t.Append(j.Tenant, fleet.EventDraft{
		Kind: fleet.EventJobSubmitted, Subject: fleet.SubjectJob, SubjectID: string(j.ID), SubjectSeq: j.Version,
		To: j.State, Actor: actor, Data: about,
	})
}

// dataRow is what stands beside a new job.
func dataRow(j *fleet.Job, d fleet.JobData) []any {
	row := []any{j.ID, j.Tenant, []byte(d.Variables), d.Traceparent, []byte(nil), ""}
	if r := d.Resumes; r != nil {
		row[4], row[5] = []byte(r.Data), string(r.From)
	}
	return row
}

func (t *Tx) writeJob(id fleet.ID, row, data []any) error {
	n, err := t.conn.Exec(jobInsert, row...)
	switch {
	case errors.Is(err, ErrConstraint): // this job's own fault, not its neighbours'
		return fleet.Errorf(fleet.CodeInvalid, "invalid_job", "Job %s cannot be stored as it is.", id)
	case err != nil:
		return err
	case n == 0:
		return fleet.Errorf(fleet.CodeConflict, "job_exists", "There is already a job %s.", id)
	}
	_, err = t.conn.Exec(jobDataInsert, data...)
	return err
}

// retryFree refuses a second retry at a time.
func (t *Tx) retryFree(j *fleet.Job) error {
	open := ""
	_, err := one(t.conn, jobRetryOpen, func(r *Row) { open = r.text() }, j.RetryOf, j.Tenant)
	if err == nil && open != "" {
		err = fleet.Errorf(fleet.CodeConflict, "retry_in_progress", "Job %s is already being retried as job %s.", j.RetryOf, open)
	}
	return err
}

func changed(id fleet.ID) error {
	return fleet.Errorf(fleet.CodeConflict, "job_changed", "Job %s has changed since it was read.", id)
}

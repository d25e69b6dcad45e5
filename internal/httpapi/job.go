package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// SubmittedJob is the answer to a submit.
type SubmittedJob struct {
	fleet.Job
	Warnings []string `json:"warnings" doc:"What is odd about the workflow but does not keep it from running."`
	DryRun   bool     `json:"dry_run,omitempty" doc:"Nothing was stored."`
}

// JobDetail is a job with all that is known about it.
type JobDetail struct {
	fleet.Job
	fleet.JobData
	Parts          []fleet.Job `json:"segment_jobs,omitempty" doc:"The segments of a job that is cut into some, in their order."`
	WaitingSummary string      `json:"waiting_summary,omitempty" doc:"Why the job, or the segment whose turn it is, waits, in a sentence."`
	WaitMS         int64       `json:"wait_ms,omitempty" doc:"From creation to the first start."`
	TotalMS        int64       `json:"total_ms,omitempty" doc:"From creation to the end."`

	Nodes     int               `json:"nodes_total,omitempty" doc:"Of the workflow version that it runs."`
	TypicalMS int64             `json:"typical_ms,omitempty" doc:"How long the newest completed runs of its workflow took, in the middle."`
	Runs      int               `json:"typical_runs,omitempty" doc:"How many those are; 20 at most."`
	Resumable *fleet.Resumable  `json:"resumable,omitempty" doc:"Of a job that ended without success: the node from which a retry can go on, or why none can."`
	Resumed   *fleet.Resumption `json:"resumed_from,omitempty" doc:"The job goes on where another one failed: the nodes of done_before ran there and do not run again."`

	PrioritySource fleet.PrioritySource `json:"priority_source,omitempty" enum:"request,schedule,trigger,tenant,retry,change" doc:"Who said how urgent it is: the request; the schedule or the trigger that made it; the tenant, whose jobs have it if nobody says; the job that it repeats; or somebody who changed it while it waited. Left out where the events that tell of it are not kept any more."`
	PriorityBy     string               `json:"priority_changed_by,omitempty" doc:"Of change: who that was."`

	AcceptBy time.Time `json:"accept_by,omitzero" doc:"The offer that is open lapses then."`
	LeavesAt time.Time `json:"leaves_robot_at,omitzero" doc:"The robot is silent: if it stays so, the job leaves it about then."`
	Alike    string    `json:"failure_fingerprint,omitempty" doc:"Of a failure: those that are like it have the same; see /analytics/failures."`

	Open []OpenEffect `json:"open_effects,omitempty" doc:"While a person is asked: the steps that must not run twice and that nobody knows the end of."`
}

// OpenEffect is an announced step that nobody told the end of.
type OpenEffect struct {
	Node    string    `json:"node_id"`
	Key     string    `json:"effect_key" doc:"Tells the executions of a node apart."`
	Epoch   int64     `json:"epoch" doc:"The attempt that announced it."`
	BegunAt time.Time `json:"begun_at"`
}

// JobList is a page of jobs, newest first.
type JobList struct {
	Jobs   []JobLine `json:"jobs"`
	Total  int64     `json:"total" doc:"Of the filter; -1 where counting would cost too much."`
	Next   string    `json:"next_cursor,omitempty"`
	Looked time.Time `json:"looked_back_to,omitzero" doc:"A page may end before it is full where why, trigger, priority or q had to look at 5000 jobs: when the last of these was made. There may be more behind next_cursor."`
}

// JobLine is a job with what a list shows beside it.
type JobLine struct {
	fleet.Job
	RobotName      string            `json:"robot_name,omitempty"`
	Trigger        string            `json:"trigger" enum:"manual,schedule,api,trigger,chain,retry" doc:"What the job comes from."`
	RetriedAs      fleet.ID          `json:"retried_as,omitempty" doc:"The newest job that repeats it."`
	Why            fleet.WaitingCode `json:"waiting_reason,omitempty" doc:"Why a pending job waits, as placement has it now."`
	WaitingSummary string            `json:"waiting_summary,omitempty" doc:"The same in a sentence."`
	SilentMS       int64             `json:"silent_for_ms,omitempty" doc:"For how long nothing was heard of the robot, where it is silent."`
	WaitedMS       *int64            `json:"waited_ms,omitempty" doc:"From creation to the first start."`
	DurationMS     *int64            `json:"duration_ms,omitempty" doc:"From the start of the last attempt to the end."`
}

// AttemptList is all attempts of a job, oldest first.
type AttemptList struct {
	Attempts []fleet.Attempt `json:"attempts"`
}

// LogPage is a part of a job's log and where to go on.
type LogPage struct {
	JobID     fleet.ID        `json:"job_id"`
	Status    fleet.State     `json:"status"`
	Lines     []fleet.LogLine `json:"lines"`
	NextEpoch int64           `json:"next_epoch" doc:"Where to go on: the attempt."`
	NextLine  int64           `json:"next_line" doc:"Where to go on: the line of that attempt."`
	Final     bool            `json:"final" doc:"The job has ended and there are no further lines now."`
}

// BulkRequest is the body of a bulk submit.
type BulkRequest struct {
	Jobs   json.RawMessage `json:"jobs" opaque:"true"`
	Atomic bool            `json:"atomic,omitempty"`
}

// bulkSchema is BulkRequest as it is documented.
type bulkSchema struct {
	Jobs   []SubmitRequest `json:"jobs" doc:"1 to 1000 jobs."`
	Atomic bool            `json:"atomic,omitempty" doc:"All jobs or none."`
}

// BulkRow answers one job of a bulk submit.
type BulkRow struct {
	Index  int      `json:"index"`
	Status string   `json:"status" enum:"created,replayed,checked,refused"`
	JobID  fleet.ID `json:"job_id,omitempty"`
	Error  *Problem `json:"error,omitempty"`
}

// BulkAnswer has a row for each job, in the order of the request.
type BulkAnswer struct {
	Jobs    []BulkRow `json:"jobs"`
	Created int       `json:"created"`
	Refused int       `json:"refused"`
}

func (a *API) jobRoutes() {
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs", id: "jobs.submit", summary: "Submit a job",
		may: need(fleet.JobsRun), rate: rateSubmit, status: http.StatusCreated, also: []int{http.StatusOK},
		body:        jsonBody[SubmitRequest](workflowBody, true),
		description: "Answers 201 once the job is on disk; 200 with `Idempotent-Replay: true` when the same key and body were sent before, and 200 for a dry run.",
	}, a.submitJob)
	route(a, operation{
		method: http.MethodPost, path: Base + "/jobs/bulk", id: "jobs.submit_many", summary: "Submit many jobs",
		may: need(fleet.JobsRun), rate: rateSubmit, body: bodyRule{limit: bulkBody, required: true, schema: schemaOf[bulkSchema]()},
	}, a.submitJobs)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs", id: "jobs.list", summary: "List jobs, newest first",
		may: need(fleet.JobsRead), rate: rateRead, description: dashboardNote,
	}, a.listJobs)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/histogram", id: "jobs.histogram", summary: "Count jobs by when they were made and how they stand",
		may: need(fleet.JobsRead), rate: rateRead,
		description: "At most 10000 jobs are counted one by one, the newest ones, and 5000 where why, trigger, priority or q is given. Where there are more, and the filter is one that rollups are kept for, they are counted by when they ended (`counted_by`).",
	}, a.jobHistogram)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}", id: "jobs.get", summary: "Get a job with inputs, result and error",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.getJob)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/attempts", id: "jobs.attempts", summary: "List the attempts of a job",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.jobAttempts)
	route(a, operation{
		method: http.MethodGet, path: Base + "/jobs/{id}/log", id: "jobs.log", summary: "Read the log of a job",
		may: need(fleet.JobsRead), rate: rateRead, times: 10,
	}, a.jobLog)
}

type submitInput struct {
	Key string `header:"Idempotency-Key" doc:"1 to 255 printable characters; kept for 24 hours."`
}

type submitReply struct {
	Status   int
	Location string `header:"Location"`
	Replay   string `header:"Idempotent-Replay"`
	ETag     string `header:"ETag"`
	Body     SubmittedJob
}

func (a *API) submitJob(ctx context.Context, in *submitInput) (*submitReply, error) {
	p := auth.From(ctx)
	if err := a.limitSubmits(ctx, p, 1); err != nil {
		return nil, err
	}
	req, err := a.submits.read(callOf(ctx).body, in.Key)
	if err != nil {
		return nil, err
	}
	res, err := a.o.Orchestrator.Jobs.Submit(ctx, p, req)
	if err != nil {
		return nil, err
	}
	out := &submitReply{Status: http.StatusCreated, Body: SubmittedJob{Job: showJob(res.Job), Warnings: notNil(res.Warnings), DryRun: req.DryRun}}
	if req.DryRun {
		out.Status = http.StatusOK
		return out, nil
	}
	out.Location, out.ETag = Base+"/jobs/"+string(res.Job.ID), etag(res.Job.Version)
	if res.Replayed {
		out.Status, out.Replay = http.StatusOK, "true"
	}
	return out, nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

type bulkReply struct{ Body BulkAnswer }

func (a *API) submitJobs(ctx context.Context, in *submitInput) (*bulkReply, error) {
	p := auth.From(ctx)
	body, err := decode[BulkRequest](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	elements, err := list(body.Jobs, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 || len(elements) > a.o.Limits.BulkJobs {
		return nil, fleet.Invalid("jobs", "jobs must hold 1 to %d entries; got %d.", a.o.Limits.BulkJobs, len(elements))
	}
	if err := a.limitSubmits(ctx, p, len(elements)); err != nil {
		return nil, err
	}
	out := &bulkReply{Body: BulkAnswer{Jobs: make([]BulkRow, len(elements))}}
	faults := make([]error, len(elements))
	var reqs []orchestrator.SubmitRequest
	var index []int
	for i, e := range elements {
		key := ""
		if in.Key != "" {
			key = in.Key + "/" + strconv.Itoa(i) // one request's key covers each of its jobs
		}
		req, err := a.submits.read(e.value, key)
		if err != nil {
			if body.Atomic {
				return nil, orchestrator.AtEntry(i, err)
			}
			faults[i] = err
			continue
		}
		reqs, index = append(reqs, req), append(index, i)
	}
	if len(reqs) > 0 {
		results, errs, err := a.o.Orchestrator.Jobs.SubmitMany(ctx, p, reqs, body.Atomic)
		if err != nil {
			return nil, err
		}
		for n, i := range index {
			out.Body.Jobs[i] = bulkRow(results[n], reqs[n].DryRun)
			faults[i] = errs[n]
		}
	}
	for i := range out.Body.Jobs {
		row := &out.Body.Jobs[i]
		row.Index = i
		if faults[i] != nil {
			row.Status, row.JobID, row.Error = "refused", "", a.problem(ctx, faults[i]).Problem
			out.Body.Refused++
		} else if row.Status == "created" {
			out.Body.Created++
		}
	}
	return out, nil
}

func bulkRow(r orchestrator.SubmitResult, dryRun bool) BulkRow {
	switch {
	case dryRun:
		return BulkRow{Status: "checked"}
	case r.Replayed:
		return BulkRow{Status: "replayed", JobID: r.Job.ID}
	}
	return BulkRow{Status: "created", JobID: r.Job.ID}
}

// PageInput asks for a part of a list. It is exported because embedded fields are
// bound only then.
type PageInput struct {
	Limit  int    `query:"limit" doc:"1 to 500; 100 if left out."`
	Cursor string `query:"cursor" doc:"next_cursor of the page before."`
}

func (p PageInput) page() fleet.Page { return fleet.Page{Limit: p.Limit, Cursor: p.Cursor} }

// JobFilterInput selects jobs. It is exported because embedded fields are bound
// only then.
type JobFilterInput struct {
	Status   []string `query:"status,explode" doc:"A state; may be repeated. queued means pending, claimed means assigned or running."`
	Robot    []string `query:"robot_id,explode" doc:"May be repeated."`
	Workflow []string `query:"workflow_id,explode" doc:"May be repeated."`
	Why      []string `query:"why,explode" doc:"What pending jobs wait for: a waiting code such as no_match, or time, backoff, dependencies, hold, robot, reservation. May be repeated."`
	Trigger  []string `query:"trigger,explode" doc:"manual, schedule, api, trigger, chain or retry; may be repeated."`
	Priority []string `query:"priority,explode" doc:"0 to 20; may be repeated."`
	Text     string   `query:"q" doc:"A part of the id, the name, the workflow's name, the robot or who submitted it."`
	From     string   `query:"from" doc:"Made at this time or later."`
	To       string   `query:"to" doc:"Made before this time."`
}

func (in *JobFilterInput) query() (q orchestrator.JobQuery, err error) {
	if q.States, err = statesOf(in.Status); err != nil {
		return q, err
	}
	q.Robots, q.Workflows = wordsOf[fleet.RobotID](in.Robot), wordsOf[fleet.ID](in.Workflow)
	q.Why, q.Triggers, q.Text = wordsOf[string](in.Why), wordsOf[string](in.Trigger), in.Text
	for _, word := range wordsOf[string](in.Priority) {
		n, err := strconv.Atoi(word)
		if err != nil {
			return q, fleet.Invalid("priority", "priority must be a number between 0 and %d; got %q.", fleet.PriorityLast, clip(word, 40))
		}
		q.Priorities = append(q.Priorities, fleet.Priority(n))
	}
	if q.From, err = looseTime("from", in.From); err != nil {
		return q, err
	}
	q.To, err = looseTime("to", in.To)
	return q, err
}

// wordsOf reads a filter that may be repeated, or be a list with commas.
func wordsOf[T ~string](list []string) (out []T) {
	for _, text := range list {
		for word := range strings.SplitSeq(text, ",") {
			if word != "" && !slices.Contains(out, T(word)) {
				out = append(out, T(word))
			}
		}
	}
	return out
}

type listJobsInput struct {
	PageInput
	JobFilterInput
	RetryOf string `query:"retry_of"`
	Sort    string `query:"sort" doc:"newest (if left out), or longest: with status=running alone, those that began first, without further pages."`
}

type listJobsReply struct{ Body JobList }

func (a *API) listJobs(ctx context.Context, in *listJobsInput) (*listJobsReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	if q.RetryOf = fleet.ID(in.RetryOf); in.Sort != "" && in.Sort != "newest" && in.Sort != "longest" {
		return nil, fleet.Invalid("sort", "sort must be newest or longest; got %q.", clip(in.Sort, 40))
	}
	q.Longest = in.Sort == "longest"
	page, err := a.o.Orchestrator.Jobs.Lines(ctx, auth.From(ctx), q, in.page())
	if err != nil {
		return nil, err
	}
	out := JobList{Jobs: make([]JobLine, len(page.Lines)), Total: page.Total, Next: page.Next, Looked: page.Looked}
	stamp(&out.Looked)
	for i := range page.Lines {
		out.Jobs[i] = showJobLine(&page.Lines[i])
	}
	return &listJobsReply{out}, nil
}

func showJobLine(l *orchestrator.JobLine) JobLine {
	out := JobLine{
		Job: showJob(l.Job), RobotName: l.RobotName, Trigger: l.Trigger, RetriedAs: l.RetriedAs, Why: l.Why, WaitingSummary: l.Waiting,
		SilentMS: l.SilentFor.Milliseconds(),
	}
	if ms, started := l.Job.WaitMS(); started {
		out.WaitedMS = &ms
	}
	if !l.Job.StartedAt.IsZero() && !l.Job.EndedAt.IsZero() {
		out.DurationMS = new(l.Job.RunMS())
	}
	return out
}

type jobHistogramInput struct {
	JobFilterInput
	Buckets int `query:"buckets" default:"48" doc:"1 to 200, of equal length."`
}

type jobHistogramReply struct{ Body orchestrator.JobHistogram }

func (a *API) jobHistogram(ctx context.Context, in *jobHistogramInput) (*jobHistogramReply, error) {
	q, err := in.query()
	if err != nil {
		return nil, err
	}
	out, err := a.o.Orchestrator.Jobs.Histogram(ctx, auth.From(ctx), q, in.Buckets)
	stamp(&out.From, &out.To, &out.CountedFrom)
	for i := range out.Buckets {
		stamp(&out.Buckets[i].At)
	}
	return &jobHistogramReply{out}, err
}

// statesOf reads the words of a status filter.
func statesOf(words []string) ([]fleet.State, error) {
	var out []fleet.State
	for _, word := range words {
		for w := range strings.SplitSeq(word, ",") {
			switch s := fleet.State(w); {
			case w == "queued":
				out = append(out, fleet.Pending)
			case w == "claimed":
				out = append(out, fleet.Assigned, fleet.Running)
			case slices.Contains(fleet.States(), s):
				out = append(out, s)
			default:
				return nil, fleet.Invalid("status", "status must be a state of a job, queued or claimed; got %q.", clip(w, 40))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// JobInput names a job in a path. It is exported because embedded fields are
// bound only then.
type JobInput struct {
	ID string `path:"id"`
}

// id reads the id of a path. A text that cannot be an id names nothing.
func (in *JobInput) id() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("job", in.ID)
}

type jobReply struct {
	ETag string `header:"ETag"`
	Body JobDetail
}

func (a *API) getJob(ctx context.Context, in *JobInput) (*jobReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	v, err := a.o.Orchestrator.Jobs.Get(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	d := JobDetail{
		Job: showJob(v.Job), JobData: v.Data, WaitingSummary: v.Waiting, Resumable: v.Resumable, Resumed: v.Resumed, Nodes: v.Nodes, TypicalMS: v.Typical.Milliseconds(), Runs: v.Runs,
		AcceptBy: v.AcceptBy, LeavesAt: v.LeavesAt, Alike: v.Alike,
		PrioritySource: v.Source.From, PriorityBy: v.Source.By,
	}
	stamp(&d.AcceptBy, &d.LeavesAt)
	for i := range v.Open {
		e := OpenEffect{v.Open[i].Node, v.Open[i].Key, v.Open[i].Epoch, v.Open[i].BegunAt}
		stamp(&e.BegunAt)
		d.Open = append(d.Open, e)
	}
	if len(v.Parts) > 0 {
		d.Parts = showAll(v.Parts, showJob)
	}
	if !d.FirstStartedAt.IsZero() {
		d.WaitMS = d.FirstStartedAt.Sub(d.CreatedAt).Milliseconds()
	}
	if !d.EndedAt.IsZero() {
		d.TotalMS = d.EndedAt.Sub(d.CreatedAt).Milliseconds()
	}
	return &jobReply{ETag: etag(v.Job.Version), Body: d}, nil
}

func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

type attemptsReply struct{ Body AttemptList }

func (a *API) jobAttempts(ctx context.Context, in *JobInput) (*attemptsReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Jobs.Attempts(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &attemptsReply{AttemptList{showAll(list, showAttempt)}}, nil
}

type logInput struct {
	JobInput
	Epoch int64  `query:"epoch" doc:"Attempt to start in; the first if left out."`
	From  int64  `query:"from_line" doc:"Line of that attempt to start at; 1 is the first."`
	Limit int    `query:"limit" doc:"1 to 5000; 1000 if left out."`
	Level string `query:"level" doc:"Least level: TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL."`
	Wait  int64  `query:"wait_ms" doc:"Wait up to so long (30000 at most) for lines, unless the job has ended."`
}

type logReply struct{ Body LogPage }

// logPoll is how often a waiting reader looks again: lines raise no signal.
const logPoll = 200 * time.Millisecond

func (a *API) jobLog(ctx context.Context, in *logInput) (*logReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if in.Epoch < 0 || in.From < 0 {
		return nil, fleet.Invalid("from_line", "epoch and from_line must not be negative; got %d and %d.", in.Epoch, in.From)
	}
	level, err := levelOf(in.Level)
	if err != nil {
		return nil, err
	}
	wait, err := waitOf(in.Wait)
	if err != nil {
		return nil, err
	}
	p, jobs := auth.From(ctx), a.o.Orchestrator.Jobs
	until := time.NewTimer(wait)
	defer until.Stop()
	for {
		job, lines, err := jobs.Log(ctx, p, id, orchestrator.LogQuery{Epoch: in.Epoch, From: in.From, Limit: in.Limit, Level: level})
		if err != nil {
			return nil, err
		}
		out := logPage(job, lines, in)
		if len(lines) > 0 || out.Final || wait == 0 {
			return &logReply{out}, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-a.stopping:
			return &logReply{out}, nil
		case <-until.C:
			wait = 0 // look once more, then answer
		case <-time.After(logPoll):
		}
	}
}

func logPage(job fleet.Job, lines []fleet.LogLine, in *logInput) LogPage {
	out := LogPage{
		JobID: job.ID, Status: job.State, Lines: showAll(lines, showLine), NextEpoch: max(in.Epoch, 1), NextLine: max(in.From, 1),
		Final: job.State.Final() && len(lines) == 0,
	}
	if n := len(lines); n > 0 {
		out.NextEpoch, out.NextLine = lines[n-1].Epoch, lines[n-1].Line+1
	}
	return out
}

// levelOf reads a level of a log in any spelling that people use.
func levelOf(text string) (string, error) {
	level := strings.ToUpper(text)
	if level == "WARN" {
		level = "WARNING"
	}
	switch level {
	case "", "TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL":
		return level, nil
	}
	return "", fleet.Invalid("level", "level must be TRACE, DEBUG, INFO, WARNING, ERROR or CRITICAL; got %q.", clip(text, 40))
}

// waitOf reads how long a long poll may last.
func waitOf(ms int64) (time.Duration, error) {
	const most = 30_000
	if ms < 0 || ms > most {
		return 0, fleet.Invalid("wait_ms", "wait_ms must be between 0 and %d; got %d.", most, ms)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// DeadLetterEntry is a job that failed with no retry left.
type DeadLetterEntry struct {
	ID    fleet.ID `json:"id"`
	JobID fleet.ID `json:"original_job_id"`
	DeadLetterNames
	WorkflowID    fleet.ID         `json:"workflow_id"`
	WorkflowName  string           `json:"workflow_name"`
	ErrorMessage  string           `json:"error_message"`
	ErrorDetails  *fleet.JobError  `json:"error_details"`
	ErrorStack    *string          `json:"error_stack"`
	Input         json.RawMessage  `json:"input"`
	ErrorClass    fleet.ErrorClass `json:"error_class"`
	ErrorCode     string           `json:"error_code,omitempty"`
	Reason        string           `json:"reason"`
	RetryCount    int              `json:"retry_count"`
	FirstFailedAt time.Time        `json:"first_failed_at,omitzero"`
	LastFailedAt  time.Time        `json:"last_failed_at"`
	CreatedAt     time.Time        `json:"created_at"`
	ReprocessedAt time.Time        `json:"reprocessed_at,omitzero"`
	ReprocessedBy string           `json:"reprocessed_by,omitempty"`
}

// DeadLetterNames are the names under which the original's dashboard reads the
// same.
type DeadLetterNames struct {
	EntryID   fleet.ID  `json:"entry_id"`
	SameJob   fleet.ID  `json:"job_id" doc:"The same as original_job_id."`
	FailedAt  time.Time `json:"failed_at" doc:"The same as last_failed_at."`
	Submitted time.Time `json:"original_created_at" doc:"The same as created_at."`
}

// DeadLetterList is a page of dead letters, the newest first.
type DeadLetterList struct {
	Entries []DeadLetterEntry `json:"entries"`
	Total   int64             `json:"total"`
	Pending int64             `json:"pending" doc:"Those that nobody has looked after."`
	Limit   int               `json:"limit"`
	Offset  int               `json:"offset" doc:"Always 0: pages go by cursor."`
	Next    string            `json:"next_cursor,omitempty"`
}

// DeadLetterStats counts dead letters.
type DeadLetterStats struct {
	Total       int64 `json:"total"`
	Pending     int64 `json:"pending"`
	Reprocessed int64 `json:"reprocessed"`
	// WorkflowID is there for programs that ask for the numbers of one workflow.
	WorkflowID *fleet.ID `json:"workflow_id" doc:"Null: of all workflows."`
}

// PurgeBody says what is to go.
type PurgeBody struct {
	Days int `json:"older_than_days" doc:"1 to 365: those that were looked after longer ago."`
}

// PurgeAnswer says how many went.
type PurgeAnswer struct {
	Purged  int    `json:"purged"`
	Count   int    `json:"purged_count" doc:"The same."`
	Days    int    `json:"older_than_days"`
	Message string `json:"message"`
}

func (a *API) deadLetterRoutes() {
	route(a, operation{
		method: http.MethodGet, path: Base + "/dlq", id: "deadletters.list", summary: "List jobs that failed for good",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.listDeadLetters)
	route(a, operation{
		method: http.MethodGet, path: Base + "/dlq/stats", id: "deadletters.stats", summary: "Count dead letters",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.deadLetterStats)
	route(a, operation{
		method: http.MethodGet, path: Base + "/dlq/{id}", id: "deadletters.get", summary: "Get a dead letter with its error",
		may: need(fleet.JobsRead), rate: rateRead,
	}, a.getDeadLetter)
	route(a, operation{
		method: http.MethodPost, path: Base + "/dlq/{id}/retry", id: "deadletters.retry", summary: "Repeat the job of a dead letter, once",
		may: need(fleet.JobsRun), rate: rateSubmit, body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.retryDeadLetter)
	route(a, operation{
		method: http.MethodDelete, path: Base + "/dlq/{id}", id: "deadletters.delete", summary: "Take a dead letter from the list; its job stays",
		may: need(fleet.JobsPurge), rate: rateWrite,
	}, a.deleteDeadLetter)
	route(a, operation{
		method: http.MethodPost, path: Base + "/dlq/purge", id: "deadletters.purge", summary: "Take old ones from the list that were looked after",
		may: need(fleet.JobsPurge), rate: rateWrite, body: jsonBody[PurgeBody](plainBody, false),
	}, a.purgeDeadLetters)
	route(a, operation{
		method: http.MethodGet, path: Base + "/dlq/groups", id: "deadletters.groups", summary: "List dead letters that are alike together",
		may: need(fleet.JobsRead), rate: rateAnalytics, description: "Those that nobody has looked after; of the newest 2000.",
	}, a.deadGroups)
	route(a, operation{
		method: http.MethodPost, path: Base + "/dlq/groups/{fingerprint}/retry", id: "deadletters.retry_group", summary: "Repeat the jobs of dead letters that are alike, each once",
		may: need(fleet.JobsRun), rate: rateSubmit, body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.retryDeadGroup)
}

func showDead(d fleet.DeadLetter) DeadLetterEntry {
	j := &d.Job
	e := DeadLetterEntry{
		ID: j.ID, JobID: j.ID, WorkflowID: j.Workflow.ID, WorkflowName: j.Workflow.Name, ErrorClass: j.ErrorClass, ErrorCode: j.ErrorCode,
		Reason: j.DeadLetterReason, RetryCount: j.RetriesUsed + j.LostUsed, FirstFailedAt: j.FirstStartedAt, LastFailedAt: d.At,
		CreatedAt: j.CreatedAt, ReprocessedAt: d.ReprocessedAt, ReprocessedBy: d.ReprocessedBy,
	}
	if d.Data.Error != nil {
		e.ErrorMessage, e.ErrorDetails = d.Data.Error.Message, d.Data.Error
		if d.Data.Error.Stack != "" {
			e.ErrorStack = &d.Data.Error.Stack
		}
	}
	if len(d.Data.Variables) > 0 {
		e.Input = d.Data.Variables
	}
	stamp(&e.FirstFailedAt, &e.LastFailedAt, &e.CreatedAt, &e.ReprocessedAt)
	e.DeadLetterNames = DeadLetterNames{EntryID: e.ID, SameJob: e.JobID, FailedAt: e.LastFailedAt, Submitted: e.CreatedAt}
	return e
}

type deadLettersInput struct {
	PageInput
	All     bool   `query:"all" doc:"Also those that somebody has looked after."`
	Pending string `query:"pending_only" doc:"false is the same as all."`
}

type deadLettersReply struct{ Body DeadLetterList }

func (a *API) listDeadLetters(ctx context.Context, in *deadLettersInput) (*deadLettersReply, error) {
	in.All = in.All || strings.EqualFold(in.Pending, "false")
	page, err := a.o.Orchestrator.Jobs.DeadLetters(ctx, auth.From(ctx), in.All, in.page())
	if err != nil {
		return nil, err
	}
	out := DeadLetterList{Entries: []DeadLetterEntry{}, Total: page.Total - page.Reprocessed, Pending: page.Total - page.Reprocessed, Limit: cmp.Or(in.Limit, fleet.PageDefault), Next: page.Next}
	if in.All {
		out.Total = page.Total
	}
	for _, d := range page.Letters {
		out.Entries = append(out.Entries, showDead(d))
	}
	return &deadLettersReply{out}, nil
}

type deadStatsReply struct{ Body DeadLetterStats }

func (a *API) deadLetterStats(ctx context.Context, _ *struct{}) (*deadStatsReply, error) {
	page, err := a.o.Orchestrator.Jobs.DeadLetters(ctx, auth.From(ctx), true, fleet.Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	return &deadStatsReply{DeadLetterStats{Total: page.Total, Pending: page.Total - page.Reprocessed, Reprocessed: page.Reprocessed}}, nil
}

type deadReply struct{ Body DeadLetterEntry }

func (a *API) getDeadLetter(ctx context.Context, in *JobInput) (*deadReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	d, data, err := a.o.Orchestrator.Jobs.DeadLetter(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	d.Data = data
	return &deadReply{showDead(d)}, nil
}

func (a *API) retryDeadLetter(ctx context.Context, in *JobInput) (*retryReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	p := auth.From(ctx)
	if err := a.limitSubmits(ctx, p, 1); err != nil {
		return nil, err
	}
	job, err := a.o.Orchestrator.Jobs.RetryDeadLetter(ctx, p, id)
	if err != nil {
		return nil, err
	}
	return &retryReply{Location: Base + "/jobs/" + string(job.ID), Body: RetryAnswer{
		JobID: job.ID, NewJobID: job.ID, Original: id, Letter: id, Message: "The job is tried again as a new one.",
	}}, nil
}

// DeletedDeadLetter answers that a dead letter is gone.
type DeletedDeadLetter struct {
	ID      fleet.ID `json:"dlq_entry_id"`
	Deleted bool     `json:"deleted"`
	Message string   `json:"message"`
}

type deletedDeadReply struct{ Body DeletedDeadLetter }

func (a *API) deleteDeadLetter(ctx context.Context, in *JobInput) (*deletedDeadReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if err := a.o.Orchestrator.Jobs.DeleteDeadLetter(ctx, auth.From(ctx), id); err != nil {
		return nil, err
	}
	return &deletedDeadReply{DeletedDeadLetter{ID: id, Deleted: true, Message: "The dead letter is off the list; its job stays."}}, nil
}

type purgeReply struct{ Body PurgeAnswer }

type purgeInput struct {
	Days int `query:"older_than_days" doc:"In place of the body's."`
}

func (a *API) purgeDeadLetters(ctx context.Context, in *purgeInput) (*purgeReply, error) {
	body, err := optional[PurgeBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	if in.Days != 0 {
		body.Days = in.Days
	}
	n, err := a.o.Orchestrator.Jobs.PurgeDeadLetters(ctx, auth.From(ctx), body.Days)
	if err != nil {
		return nil, err
	}
	return &purgeReply{PurgeAnswer{Purged: n, Count: n, Days: body.Days, Message: fmt.Sprintf("%d entries are off the list; their jobs stay.", n)}}, nil
}

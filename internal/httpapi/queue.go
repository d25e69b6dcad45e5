package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// QueueBody is what is to hold of a queue; what is left out stays as it is, or is
// the default of a new one.
type QueueBody struct {
	Name                *string             `json:"name,omitempty"`
	Description         *string             `json:"description,omitempty"`
	MaxRetries          *int                `json:"max_retries,omitempty" doc:"How often an item is tried again after an ApplicationException; 3 for a new queue."`
	RetryDelaySeconds   *int                `json:"retry_delay_seconds,omitempty" doc:"60 for a new queue."`
	AutoRetry           *bool               `json:"auto_retry,omitempty"`
	Order               *fleet.ItemOrder    `json:"order,omitempty" enum:"default,fifo,earliest_deadline_first"`
	Unique              *fleet.Unique       `json:"unique,omitempty" enum:"none,forever,while_active,window" doc:"Among which items a reference stands once."`
	WindowSeconds       *int                `json:"window_seconds,omitempty" doc:"Of unique window."`
	EnforceUnique       *bool               `json:"enforce_unique_reference,omitempty" doc:"As the original calls it: true is unique forever, false is none."`
	AbandonAfterSeconds *int                `json:"abandon_after_seconds,omitempty" doc:"After how long an item that is held outside of a job is abandoned, unless its lease is renewed; 3600 for a new queue."`
	Schema              json.RawMessage     `json:"schema,omitempty" opaque:"true" doc:"A JSON Schema of the data of items; {} takes it away."`
	OutputSchema        json.RawMessage     `json:"output_schema,omitempty" opaque:"true" doc:"A JSON Schema of the output of successful items; {} takes it away."`
	OnDeadline          *fleet.DeadlineRule `json:"on_deadline,omitempty" enum:"warn,expire,boost" doc:"What becomes of a new item whose deadline passes."`
	SLASeconds          *int                `json:"sla_seconds,omitempty" doc:"The deadline of items that come without one, counted from when they can be taken; 0: none."`
	RiskSeconds         *int                `json:"risk_seconds,omitempty" doc:"So long before its deadline an item is at risk; 0: never."`
	RetentionDays       *int                `json:"retention_days,omitempty" doc:"How long items that have ended are kept; 90 for a new queue."`
}

// QueueAnswer is a queue with its counts.
type QueueAnswer struct {
	fleet.Queue
	EnforceUnique bool              `json:"enforce_unique_reference"`
	Status        string            `json:"status" enum:"active,paused"`
	ItemCount     int64             `json:"item_count" doc:"New and in progress."`
	Counts        fleet.QueueCounts `json:"counts"`
}

// QueueList is all queues by name.
type QueueList struct {
	Queues []QueueAnswer `json:"queues"`
	Total  int           `json:"total"`
}

// QueueStatsAnswer is how a queue stands.
type QueueStatsAnswer struct {
	fleet.QueueCounts
	Total      int64     `json:"total" doc:"All but the deleted ones."`
	Completed  int64     `json:"completed" doc:"The same as successful."`
	ItemCount  int64     `json:"item_count" doc:"New and in progress."`
	Status     string    `json:"status" enum:"active,paused"`
	OldestAge  int64     `json:"oldest_age_seconds" doc:"Of the oldest new item; 0 if there is none."`
	HandlingMS int64     `json:"average_handling_ms" doc:"Of the last 100 successful items."`
	SLA        fleet.SLA `json:"sla"`
}

// QueuePauseBody says why.
type QueuePauseBody struct {
	Note string `json:"note,omitempty"`
}

func (a *API) queueRoutes() {
	queues := Base + "/queues"
	read, run, write := need(fleet.QueuesRead), need(fleet.QueuesRun), need(fleet.QueuesWrite)
	route(a, operation{method: http.MethodGet, path: queues, id: "queues.list", summary: "List queues with their counts", may: read, rate: rateRead}, a.listQueues)
	route(a, operation{
		method: http.MethodPost, path: queues, id: "queues.create", summary: "Make a queue", may: write, rate: rateWrite, status: http.StatusCreated,
		body: jsonBody[QueueBody](plainBody, true),
	}, a.createQueue)
	one := queues + "/{id}"
	route(a, operation{method: http.MethodGet, path: one, id: "queues.get", summary: "Get a queue, by its id or its name", may: read, rate: rateRead}, a.getQueue)
	route(a, operation{
		method: http.MethodPatch, path: one, id: "queues.update", summary: "Change a queue", may: write, rate: rateWrite, body: jsonBody[QueueBody](plainBody, true),
	}, a.updateQueue)
	route(a, operation{
		method: http.MethodDelete, path: one, id: "queues.delete", summary: "Delete a queue that has nothing left to do", may: write, rate: rateWrite, status: http.StatusNoContent,
	}, a.deleteQueue)
	route(a, operation{method: http.MethodGet, path: one + "/stats", id: "queues.stats", summary: "How a queue stands, and whether its deadlines will be met", may: read, rate: rateRead}, a.queueStats)
	route(a, operation{
		method: http.MethodGet, path: one + "/depth", id: "queues.depth", summary: "How many items of a queue were new over time",
		description: "Read once a minute: by five minutes up to 12 hours, else by the hour, for 99 days.", may: read, rate: rateAnalytics,
	}, a.queueCourse)
	route(a, operation{
		method: http.MethodGet, path: Base + "/queue-figures", id: "queues.figures", summary: "How the queues stand: oldest item, deadlines, course of a day",
		description: "Of the first 100 queues by name.", may: read, rate: rateAnalytics,
	}, a.queueFigures)
	route(a, operation{
		method: http.MethodPost, path: one + "/pause", id: "queues.pause", summary: "Keep items from being taken", may: run, rate: rateWrite, body: jsonBody[QueuePauseBody](plainBody, false),
	}, a.pauseQueue(true))
	route(a, operation{
		method: http.MethodPost, path: one + "/resume", id: "queues.resume", summary: "Let items be taken again", may: run, rate: rateWrite, body: jsonBody[QueuePauseBody](plainBody, false),
	}, a.pauseQueue(false))
}

func showQueue(q fleet.Queue, c fleet.QueueCounts) QueueAnswer {
	stamp(&q.CreatedAt, &q.UpdatedAt)
	return QueueAnswer{Queue: q, EnforceUnique: q.Unique != fleet.UniqueNone, Status: pausedWord(q.Paused), ItemCount: c.Open(), Counts: c}
}

func pausedWord(paused bool) string {
	if paused {
		return "paused"
	}
	return "active"
}

func (b *QueueBody) change() orchestrator.QueueChange {
	if b.EnforceUnique != nil && b.Unique == nil {
		unique := fleet.UniqueNone
		if *b.EnforceUnique {
			unique = fleet.UniqueForever
		}
		b.Unique = &unique
	}
	return orchestrator.QueueChange{
		Name: b.Name, Description: b.Description, MaxRetries: b.MaxRetries, RetryDelaySeconds: b.RetryDelaySeconds, AutoRetry: b.AutoRetry,
		Order: b.Order, Unique: b.Unique, WindowSeconds: b.WindowSeconds, AbandonAfterSeconds: b.AbandonAfterSeconds, Schema: b.Schema,
		OutputSchema: b.OutputSchema, OnDeadline: b.OnDeadline, SLASeconds: b.SLASeconds, RiskSeconds: b.RiskSeconds, RetentionDays: b.RetentionDays,
	}
}

type queueInput struct {
	ID string `path:"id" doc:"The id or the name of the queue."`
}

type changeQueueInput struct {
	ID      string `path:"id" doc:"The id or the name of the queue."`
	IfMatch string `header:"If-Match" doc:"ETag of the queue as it was read; 412 if it has changed since."`
}

type (
	queuesReply struct{ Body QueueList }
	queueReply  struct {
		ETag string `header:"ETag"`
		Body QueueAnswer
	}
	newQueueReply struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     QueueAnswer
	}
	queueStatsReply struct{ Body QueueStatsAnswer }
)

func (a *API) listQueues(ctx context.Context, _ *struct{}) (*queuesReply, error) {
	list, err := a.o.Orchestrator.Queues.List(ctx, auth.From(ctx))
	if err != nil {
		return nil, err
	}
	out := QueueList{Queues: make([]QueueAnswer, len(list)), Total: len(list)}
	for k := range list {
		out.Queues[k] = showQueue(list[k].Queue, list[k].Counts)
	}
	return &queuesReply{out}, nil
}

func (a *API) createQueue(ctx context.Context, _ *struct{}) (*newQueueReply, error) {
	body, err := decode[QueueBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	q, err := a.o.Orchestrator.Queues.Create(ctx, auth.From(ctx), body.change())
	if err != nil {
		return nil, err
	}
	return &newQueueReply{Location: Base + "/queues/" + string(q.ID), ETag: etag(q.Version), Body: showQueue(q, fleet.QueueCounts{})}, nil
}

func (a *API) getQueue(ctx context.Context, in *queueInput) (*queueReply, error) {
	v, err := a.o.Orchestrator.Queues.Get(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &queueReply{ETag: etag(v.Version), Body: showQueue(v.Queue, v.Counts)}, nil
}

// queueNow answers with a queue as it is after a change.
func (a *API) queueNow(ctx context.Context, q fleet.Queue) (*queueReply, error) {
	v, err := a.o.Orchestrator.Queues.Get(ctx, auth.From(ctx), string(q.ID))
	if err != nil {
		return nil, err
	}
	return &queueReply{ETag: etag(v.Version), Body: showQueue(v.Queue, v.Counts)}, nil
}

func (a *API) updateQueue(ctx context.Context, in *changeQueueInput) (*queueReply, error) {
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[QueueBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	q, err := a.o.Orchestrator.Queues.Update(ctx, auth.From(ctx), in.ID, version, body.change())
	if err != nil {
		return nil, err
	}
	return a.queueNow(ctx, q)
}

func (a *API) deleteQueue(ctx context.Context, in *queueInput) (*struct{}, error) {
	return nil, a.o.Orchestrator.Queues.Delete(ctx, auth.From(ctx), in.ID)
}

func (a *API) pauseQueue(paused bool) func(context.Context, *queueInput) (*queueReply, error) {
	return func(ctx context.Context, in *queueInput) (*queueReply, error) {
		body, err := optional[QueuePauseBody](a, callOf(ctx).body)
		if err != nil {
			return nil, err
		}
		q, err := a.o.Orchestrator.Queues.Pause(ctx, auth.From(ctx), in.ID, paused, body.Note)
		if err != nil {
			return nil, err
		}
		return a.queueNow(ctx, q)
	}
}

func (a *API) queueStats(ctx context.Context, in *queueInput) (*queueStatsReply, error) {
	s, err := a.o.Orchestrator.Queues.Stats(ctx, auth.From(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	stamp(&s.Forecast.Tightest)
	return &queueStatsReply{QueueStatsAnswer{
		QueueCounts: s.Counts, Total: s.Counts.Total(), Completed: s.Counts.Successful, ItemCount: s.Counts.Open(), Status: pausedWord(s.Paused),
		OldestAge: int64(s.OldestAge.Seconds()), HandlingMS: s.Handling.Milliseconds(), SLA: s.Forecast,
	}}, nil
}

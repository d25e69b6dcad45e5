package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ClaimItemsBody asks for items.
type ClaimItemsBody struct {
	Count *int     `json:"count,omitempty" doc:"0 to 100; 1 if left out."`
	JobID fleet.ID `json:"job_id,omitempty" doc:"The job that will hold them, of which this robot holds the attempt; left out, whoever asks holds them."`
	Epoch int64    `json:"epoch,omitempty" doc:"The attempt of the job; the present one if left out."`
	Key   string   `json:"claim_key,omitempty" doc:"Within a job: the same key again gives what the claim gave before and is still held."`
}

// HolderBody names the job that holds an item, if one does.
type HolderBody struct {
	JobID fleet.ID `json:"job_id,omitempty" doc:"The job that holds the item; left out, whoever asks holds it."`
	Epoch int64    `json:"epoch,omitempty" doc:"The attempt of the job; the present one if left out."`
}

// CompleteItemBody says that an item is done.
type CompleteItemBody struct {
	JobID  fleet.ID        `json:"job_id,omitempty" doc:"The job that holds the item; left out, whoever asks holds it."`
	Epoch  int64           `json:"epoch,omitempty" doc:"The attempt of the job; the present one if left out."`
	Output json.RawMessage `json:"output,omitempty" opaque:"true" doc:"An object of at most 256 KiB."`
}

// FailItemBody says why an item could not be done.
type FailItemBody struct {
	JobID     fleet.ID        `json:"job_id,omitempty" doc:"The job that holds the item; left out, whoever asks holds it."`
	Epoch     int64           `json:"epoch,omitempty" doc:"The attempt of the job; the present one if left out."`
	Type      string          `json:"error_type,omitempty" doc:"ApplicationException (if left out), which is tried again, or BusinessException, which is not."`
	Message   string          `json:"error_message,omitempty"`
	Exception string          `json:"processing_exception_type,omitempty" doc:"As the workflow names it."`
	Output    json.RawMessage `json:"output,omitempty" opaque:"true"`
}

// PostponeItemBody puts an item back.
type PostponeItemBody struct {
	JobID fleet.ID  `json:"job_id,omitempty" doc:"The job that holds the item; left out, whoever asks holds it."`
	Epoch int64     `json:"epoch,omitempty" doc:"The attempt of the job; the present one if left out."`
	Until time.Time `json:"until"`
}

// ClaimedItems are the items that a holder was given.
type ClaimedItems struct {
	Items []fleet.QueueItem `json:"items"`
}

func (a *API) heldItemRoutes() {
	may := need(fleet.QueuesRun).orHolder()
	route(a, operation{
		method: http.MethodPost, path: Base + "/queues/{id}/items/claim", id: "items.claim", summary: "Take the next items of a queue", may: may, rate: rateRobot,
		body: jsonBody[ClaimItemsBody](plainBody, false), description: "Items that are held within a job are abandoned when its attempt ends without settling them; others after abandon_after_seconds without a renewal.",
	}, a.claimItems)
	one := Base + "/queue-items/{id}/"
	word := func(verb, summary string, body bodyRule) operation {
		return operation{method: http.MethodPost, path: one + verb, id: "items." + verb, summary: summary, may: may, rate: rateRobot, body: body}
	}
	queues := func() *orchestrator.Queues { return a.o.Orchestrator.Queues }
	route(a, word("complete", "Say that an item is done", jsonBody[CompleteItemBody](plainBody, false)), holds(a, func(ctx context.Context, p auth.Principal, b *CompleteItemBody, id fleet.ID) (fleet.QueueItem, error) {
		return queues().Complete(ctx, p, orchestrator.ItemWord{Item: id, Ref: orchestrator.Hold{JobID: b.JobID, Epoch: b.Epoch}, Output: b.Output})
	}))
	route(a, word("fail", "Say that an item could not be done", jsonBody[FailItemBody](plainBody, false)), holds(a, func(ctx context.Context, p auth.Principal, b *FailItemBody, id fleet.ID) (fleet.QueueItem, error) {
		return queues().Fail(ctx, p, orchestrator.ItemWord{
			Item: id, Ref: orchestrator.Hold{JobID: b.JobID, Epoch: b.Epoch}, Output: b.Output, Fault: fleet.ItemFault{Type: b.Type, Message: b.Message, Exception: b.Exception},
		})
	}))
	route(a, word("postpone", "Put an item back until a time", jsonBody[PostponeItemBody](plainBody, true)), holds(a, func(ctx context.Context, p auth.Principal, b *PostponeItemBody, id fleet.ID) (fleet.QueueItem, error) {
		return queues().Postpone(ctx, p, orchestrator.ItemWord{Item: id, Ref: orchestrator.Hold{JobID: b.JobID, Epoch: b.Epoch}, Until: b.Until.UTC()})
	}))
	route(a, word("release", "Give an item back unharmed", jsonBody[HolderBody](plainBody, false)), holds(a, func(ctx context.Context, p auth.Principal, b *HolderBody, id fleet.ID) (fleet.QueueItem, error) {
		return queues().Release(ctx, p, orchestrator.ItemWord{Item: id, Ref: orchestrator.Hold{JobID: b.JobID, Epoch: b.Epoch}})
	}))
	route(a, word("renew", "Prolong the lease of an item that is held outside of a job", jsonBody[HolderBody](plainBody, false)), holds(a, func(ctx context.Context, p auth.Principal, b *HolderBody, id fleet.ID) (fleet.QueueItem, error) {
		return queues().Renew(ctx, p, orchestrator.ItemWord{Item: id, Ref: orchestrator.Hold{JobID: b.JobID, Epoch: b.Epoch}})
	}))
}

// holds reads the id of an item and what its holder says of it.
func holds[T any](a *API, do func(ctx context.Context, p auth.Principal, body *T, id fleet.ID) (fleet.QueueItem, error)) func(context.Context, *itemInput) (*itemReply, error) {
	return func(ctx context.Context, in *itemInput) (*itemReply, error) {
		id, err := in.id()
		if err != nil {
			return nil, err
		}
		body, err := optional[T](a, callOf(ctx).body)
		if err != nil {
			return nil, err
		}
		return itemAnswer(do(ctx, auth.From(ctx), &body, id))
	}
}

type claimedReply struct{ Body ClaimedItems }

func (a *API) claimItems(ctx context.Context, in *queueInput) (*claimedReply, error) {
	body, err := optional[ClaimItemsBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	if len(body.Key) > 128 {
		return nil, fleet.Invalid("claim_key", "claim_key may have at most 128 characters.")
	}
	count := 1
	if body.Count != nil {
		count = *body.Count
	}
	list, err := a.o.Orchestrator.Queues.Claim(ctx, auth.From(ctx), orchestrator.ClaimRequest{
		Queue: in.ID, Ref: orchestrator.Hold{JobID: body.JobID, Epoch: body.Epoch}, Count: count, Key: body.Key,
	})
	if err != nil {
		return nil, err
	}
	return &claimedReply{ClaimedItems{showAll(list, showItem)}}, nil
}

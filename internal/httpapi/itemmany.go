package httpapi

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ManyItemsBody asks for one action on many items.
type ManyItemsBody struct {
	IDs      []fleet.ID              `json:"ids" doc:"1 to 500 items of the queue."`
	Do       orchestrator.ItemAction `json:"do" enum:"retry,verify,postpone,set_priority,move,delete" doc:"retry: those that failed or were abandoned. verify: note that a person has settled them. postpone, set_priority: new ones. move: new ones become new items of another queue. delete: those that nobody holds."`
	Until    *time.Time              `json:"until,omitempty" doc:"With postpone."`
	Priority *fleet.Priority         `json:"priority,omitempty" doc:"With set_priority: 0 (first) to 20."`
	To       string                  `json:"to,omitempty" doc:"With move: the id or the name of the other queue."`
}

// ManyItemsAnswer has a row for each item, in the order of the request.
type ManyItemsAnswer struct {
	Items   []ChangedItem `json:"items"`
	Done    int           `json:"done"`
	Refused int           `json:"refused"`
}

// ChangedItem is what became of one item.
type ChangedItem struct {
	ID   fleet.ID `json:"id"`
	Next fleet.ID `json:"next_item_id,omitempty" doc:"The new item of a retry or a move."`
	Why  string   `json:"why,omitempty" doc:"Why nothing was done with it."`
}

type manyItemsReply struct{ Body ManyItemsAnswer }

type manyItemsInput struct {
	ID string `path:"id" doc:"The id or the name of the queue."`
}

func (a *API) changeItems(ctx context.Context, in *manyItemsInput) (*manyItemsReply, error) {
	body, err := decode[ManyItemsBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	ask := orchestrator.ManyItems{Queue: in.ID, IDs: body.IDs, Do: body.Do, Priority: body.Priority, To: body.To}
	if body.Until != nil {
		ask.Until = *body.Until
	}
	list, err := a.o.Orchestrator.Queues.ChangeMany(ctx, auth.From(ctx), ask)
	if err != nil {
		return nil, err
	}
	out := ManyItemsAnswer{Items: make([]ChangedItem, len(list))}
	for i, c := range list {
		out.Items[i] = ChangedItem{ID: c.ID, Next: c.Next}
		if out.Done++; c.Err != nil {
			out.Done--
			out.Refused++
			out.Items[i].Why = fleet.AsError(c.Err).Message
		}
	}
	return &manyItemsReply{out}, nil
}

package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// ItemAction is what is done with many items of a queue.
type ItemAction string

// The actions.
const (
	ItemsRetry    ItemAction = "retry"
	ItemsVerify   ItemAction = "verify" // a person has settled what failed
	ItemsPostpone ItemAction = "postpone"
	ItemsPriority ItemAction = "set_priority"
	ItemsMove     ItemAction = "move"
	ItemsDelete   ItemAction = "delete"
)

// ManyItems asks for one action on many items of a queue.
type ManyItems struct {
	Queue    string
	IDs      []fleet.ID
	Do       ItemAction
	Until    time.Time       // of postpone
	Priority *fleet.Priority // of set_priority
	To       string          // of move: the id or the name of another queue
}

// ChangedItem is what became of one of them.
type ChangedItem struct {
	ID   fleet.ID
	Next fleet.ID // the new item of a retry or a move
	Err  error
}

// ChangeMany does the same with many items, each by itself: one that is in
// another state stops no other. The answers stand in the order of the request.
func (q *Queues) ChangeMany(ctx context.Context, p auth.Principal, m ManyItems) ([]ChangedItem, error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return nil, err
	}
	if len(m.IDs) == 0 || len(m.IDs) > fleet.PageMax {
		return nil, fleet.Invalid("ids", "ids must name 1 to %d items; got %d.", fleet.PageMax, len(m.IDs))
	}
	var in, to fleet.Queue
	if err := q.Store.View(ctx, p.Scope(), func(r store.Reader) (err error) {
		if in, err = find(r, m.Queue); err == nil && m.Do == ItemsMove && m.To != "" {
			to, err = find(r, m.To)
		}
		return err
	}); err != nil {
		return nil, err
	}
	do, err := q.actionOf(p, &m, in.ID, to.ID)
	if err != nil {
		return nil, err
	}
	out := make([]ChangedItem, len(m.IDs))
	for k, id := range m.IDs {
		out[k].ID = id
		item, err := q.Item(ctx, p, id)
		if err == nil && item.QueueID != in.ID {
			err = fleet.NotFound("item", string(id))
		}
		if err == nil {
			out[k].Next, err = do(ctx, id)
		}
		if e := fleet.AsError(err); err != nil && (ctx.Err() != nil || e.Code == fleet.CodeUnavailable || e.Code == fleet.CodeInternal) {
			return nil, err
		}
		out[k].Err = err
	}
	return out, nil
}

// actionOf checks what an action needs.
func (q *Queues) actionOf(p auth.Principal, m *ManyItems, in, to fleet.ID) (func(ctx context.Context, id fleet.ID) (fleet.ID, error), error) {
	edit := func(c fleet.ItemChange) func(ctx context.Context, id fleet.ID) (fleet.ID, error) {
		return func(ctx context.Context, id fleet.ID) (fleet.ID, error) {
			_, err := q.Edit(ctx, p, id, 0, c)
			return "", err
		}
	}
	switch m.Do {
	case ItemsRetry:
		return func(ctx context.Context, id fleet.ID) (fleet.ID, error) {
			next, err := q.RetryItem(ctx, p, id)
			return next.ID, err
		}, nil
	case ItemsVerify:
		return func(ctx context.Context, id fleet.ID) (fleet.ID, error) {
			_, err := q.Review(ctx, p, id, fleet.ReviewVerified, p.Name)
			return "", err
		}, nil
	case ItemsDelete:
		return func(ctx context.Context, id fleet.ID) (fleet.ID, error) { return "", q.DeleteItem(ctx, p, id) }, nil
	case ItemsMove:
		if to == "" || to == in {
			return nil, fleet.Invalid("to", "to must name another queue.")
		}
		return func(ctx context.Context, id fleet.ID) (fleet.ID, error) { return q.carry(ctx, p, id, to) }, nil
	case ItemsPostpone:
		if m.Until.IsZero() {
			return nil, fleet.Invalid("until", "until is needed: no item is taken before it.")
		}
		return edit(fleet.ItemChange{NotBefore: &m.Until}), nil
	case ItemsPriority:
		if m.Priority == nil {
			return nil, fleet.Invalid("priority", "priority is needed.")
		}
		return edit(fleet.ItemChange{Priority: m.Priority}), nil
	}
	return nil, fleet.Invalid("do", "do must be retry, verify, postpone, set_priority, move or delete; got %q.", string(m.Do))
}

// Package queue holds the nodes that work off transaction queues: take an item,
// say what became of it, add another.
//
// A node asks the orchestrator through its host, and the attempt of the job holds
// what it takes. Nothing here knows the order, retries or leases; those are the
// orchestrator's. An item that the workflow leaves without a word is abandoned
// when the job ends.
package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	return engine.Set{
		"QueueGetItemNode":      engine.Func(getItem),
		"QueueCompleteItemNode": engine.Func(completeItem),
		"QueueFailItemNode":     engine.Func(failItem),
		"QueuePostponeItemNode": engine.Func(postponeItem),
		"QueueReleaseItemNode":  engine.Func(releaseItem),
		"QueueAddItemNode":      engine.Func(addItem),
	}
}

// getItem takes the next item. That there is none is no error: the flow goes on
// at the port empty.
func getItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name := c.Text("queue")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "queue is empty: name the queue to take an item of")
	}
	list, err := c.Host().Queues().Claim(ctx, name, 1)
	if err != nil {
		return engine.Result{}, err
	}
	if len(list) == 0 {
		c.Set("found", false)
		return engine.Goto("empty"), nil
	}
	i := &list[0]
	data, err := object(i.Data)
	if err != nil {
		return engine.Result{}, err
	}
	item := value.NewMap()
	item.Set("id", string(i.ID))
	item.Set("reference", i.Reference)
	item.Set("data", data)
	item.Set("priority", int64(i.Priority))
	item.Set("retry_no", int64(i.RetryNo))
	c.Set("item", item)
	c.Set("item_id", string(i.ID))
	c.Set("reference", i.Reference)
	c.Set("data", data)
	c.Set("priority", int64(i.Priority))
	c.Set("retry_no", int64(i.RetryNo))
	c.Set("found", true)
	return engine.Goto("found"), nil
}

func object(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return value.NewMap(), nil
	}
	v, err := value.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read the data of an item: %w", err)
	}
	return v, nil
}

// given is an object that a node hands over; nil for an empty one.
func given(c *engine.Call, name string) (json.RawMessage, error) {
	v := c.Param(name)
	if text, ok := v.(string); ok {
		parsed, err := value.Parse([]byte(text))
		if err != nil {
			return nil, engine.Fail("ValueError", "%s must be an object", name)
		}
		v = parsed
	}
	m, ok := v.(*value.Map)
	switch {
	case v == nil || ok && m.Len() == 0:
		return nil, nil
	case !ok:
		return nil, engine.Fail("TypeError", "%s must be an object", name)
	}
	return value.Marshal(m)
}

func itemID(c *engine.Call) (fleet.ID, error) {
	id := fleet.ID(c.Text("item_id"))
	if !id.Valid() {
		return "", engine.Fail("ValueError", "item_id must be the id of an item, such as {{get_item.item_id}}; got %q", string(id))
	}
	return id, nil
}

func completeItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	id, err := itemID(c)
	if err != nil {
		return engine.Result{}, err
	}
	output, err := given(c, "output")
	if err != nil {
		return engine.Result{}, err
	}
	i, err := c.Host().Queues().Complete(ctx, id, output)
	c.Set("status", string(i.Status))
	return engine.Continue(), err
}

func failItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	id, err := itemID(c)
	if err != nil {
		return engine.Result{}, err
	}
	output, err := given(c, "output")
	if err != nil {
		return engine.Result{}, err
	}
	i, err := c.Host().Queues().Fail(ctx, id, fleet.ItemFault{
		Type: c.Text("error_type"), Message: c.Text("message"), Exception: c.Text("exception_type"),
	}, output)
	c.Set("status", string(i.Status))
	c.Set("retried", i.Status == fleet.ItemRetried)
	return engine.Continue(), err
}

func postponeItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	id, err := itemID(c)
	if err != nil {
		return engine.Result{}, err
	}
	until, err := moment(c, "until")
	if err != nil {
		return engine.Result{}, err
	}
	if until == nil {
		seconds, err := c.Float("seconds", 300)
		if err != nil {
			return engine.Result{}, err
		}
		t := c.Host().Now().Add(time.Duration(seconds * float64(time.Second))).UTC()
		until = &t
	}
	c.Set("until", until.Format(time.RFC3339))
	return engine.Continue(), c.Host().Queues().Postpone(ctx, id, *until)
}

func releaseItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	id, err := itemID(c)
	if err != nil {
		return engine.Result{}, err
	}
	return engine.Continue(), c.Host().Queues().Release(ctx, id)
}

func moment(c *engine.Call, name string) (*time.Time, error) {
	text := c.Text(name)
	if text == "" {
		return nil, nil //nolint:nilnil // none is given
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, engine.Fail("ValueError", "%s must be a time such as 2026-12-31T17:00:00Z; got %q", name, text)
	}
	t = t.UTC()
	return &t, nil
}

func addItem(ctx context.Context, c *engine.Call) (engine.Result, error) {
	name := c.Text("queue")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "queue is empty: name the queue to add the item to")
	}
	data, err := given(c, "data")
	if err != nil {
		return engine.Result{}, err
	}
	n, err := c.Int("priority", int64(fleet.PriorityDefault))
	if err != nil {
		return engine.Result{}, err
	}
	priority := fleet.Priority(n)
	s := fleet.ItemSpec{Reference: c.Text("reference"), Data: data, Priority: &priority}
	if s.Deadline, err = moment(c, "deadline"); err != nil {
		return engine.Result{}, err
	}
	if s.NotBefore, err = moment(c, "not_before"); err != nil {
		return engine.Result{}, err
	}
	i, err := c.Host().Queues().Add(ctx, name, s)
	c.Set("item_id", string(i.ID))
	return engine.Continue(), err
}

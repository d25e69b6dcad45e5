package orchestrator

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Queues are the use cases of transaction queues and their items.
type Queues struct{ *core }

// QueueChange is what is to hold of a queue; nil leaves things as they are.
type QueueChange struct {
	Name                *string
	Description         *string
	MaxRetries          *int
	RetryDelaySeconds   *int
	AutoRetry           *bool
	Order               *fleet.ItemOrder
	Unique              *fleet.Unique
	WindowSeconds       *int
	AbandonAfterSeconds *int
	Schema              json.RawMessage // null takes it away
	OutputSchema        json.RawMessage
	OnDeadline          *fleet.DeadlineRule
	SLASeconds          *int
	RiskSeconds         *int
	RetentionDays       *int
}

func (c *QueueChange) apply(q *fleet.Queue) {
	give(c.Name, &q.Name)
	give(c.Description, &q.Description)
	give(c.MaxRetries, &q.MaxRetries)
	give(c.RetryDelaySeconds, &q.RetryDelaySeconds)
	give(c.AutoRetry, &q.AutoRetry)
	give(c.Order, &q.Order)
	give(c.Unique, &q.Unique)
	if c.Unique != nil && *c.Unique != fleet.UniqueWindow {
		q.WindowSeconds = 0
	}
	give(c.WindowSeconds, &q.WindowSeconds)
	give(c.AbandonAfterSeconds, &q.AbandonAfterSeconds)
	give(c.OnDeadline, &q.OnDeadline)
	give(c.SLASeconds, &q.SLASeconds)
	give(c.RiskSeconds, &q.RiskSeconds)
	give(c.RetentionDays, &q.RetentionDays)
	for _, s := range []struct {
		from json.RawMessage
		into *json.RawMessage
	}{{c.Schema, &q.Schema}, {c.OutputSchema, &q.OutputSchema}} {
		switch {
		case string(s.from) == "null" || string(s.from) == "{}":
			*s.into = nil
		case len(s.from) > 0:
			*s.into = s.from
		}
	}
}

// check is what the queue itself cannot know: whether its schemas are some.
func (q *Queues) check(in *fleet.Queue) error {
	if err := in.Validate(); err != nil {
		return err
	}
	for field, text := range map[string]json.RawMessage{"schema": in.Schema, "output_schema": in.OutputSchema} {
		if len(text) > 0 {
			if _, err := compile(field, text, q.Limits.Pattern); err != nil {
				return err
			}
		}
	}
	return nil
}

func queueEvent(kind fleet.EventKind, p auth.Principal, q *fleet.Queue) fleet.EventDraft {
	return fleet.EventDraft{Kind: kind, Subject: fleet.SubjectQueue, SubjectID: string(q.ID), Actor: p.Name, Data: map[string]any{"name": q.Name}}
}

// Create makes a queue.
func (q *Queues) Create(ctx context.Context, p auth.Principal, c QueueChange) (out fleet.Queue, err error) {
	if err := p.Require(fleet.QueuesWrite); err != nil {
		return out, err
	}
	out = fleet.NewQueue("")
	c.apply(&out)
	now := q.Now()
	out.ID, out.Tenant, out.Version, out.CreatedAt, out.UpdatedAt, out.UpdatedBy = q.IDs.New(), p.Tenant, 1, now, now, p.Name
	if err := q.check(&out); err != nil {
		return out, err
	}
	err = q.act(ctx, p, string(fleet.EventQueueCreated), fleet.SubjectQueue, string(out.ID), func(tx store.Tx, d *fleet.AuditDraft) error {
		heads, err := tx.Queues()
		if err != nil {
			return err
		}
		if len(heads) >= q.Limits.Queues {
			return fleet.Errorf(fleet.CodeExhausted, "too_many_queues", "A tenant may have at most %d queues.", q.Limits.Queues).WithFix("Delete one that is no longer used.")
		}
		d.Object.Name = out.Name
		if err := errors.Join(changed(d, nil, out), tx.AddQueue(out)); err != nil {
			return err
		}
		return tx.Append(p.Tenant, queueEvent(fleet.EventQueueCreated, p, &out))
	})
	return out, err
}

// find reads a queue by its id or its name.
func find(r store.Reader, ref string) (fleet.Queue, error) {
	if id := fleet.ID(ref); id.Valid() {
		return r.Queue(id)
	}
	return r.QueueNamed(ref)
}

// change changes a queue; version 0 is any.
func (q *Queues) change(ctx context.Context, p auth.Principal, ref string, version int64, kind fleet.EventKind, do func(tx store.Tx, was fleet.Queue, is *fleet.Queue) error) (out fleet.Queue, err error) {
	// Its id first: whoever reads a queue inside a transaction locks it against
	// changes, and two that both did so would wait for each other.
	var named fleet.Queue
	if err := q.Store.View(ctx, p.Scope(), func(r store.Reader) error { named, err = find(r, ref); return err }); err != nil {
		return out, err
	}
	err = q.act(ctx, p, string(kind), fleet.SubjectQueue, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		was, err := tx.QueueToChange(named.ID)
		if err != nil {
			return err
		}
		if version != 0 && version != was.Version {
			return versionChanged("queue", was.Name)
		}
		out = was
		out.UpdatedAt, out.UpdatedBy = q.Now(), p.Name
		d.Object.ID, d.Object.Name = string(was.ID), was.Name
		if err := do(tx, was, &out); err != nil {
			return err
		}
		if err := tx.PutQueue(out); err != nil {
			return err
		}
		out.Version++
		var after any = out
		if !out.DeletedAt.IsZero() {
			after = nil
		}
		if err := changed(d, was, after); err != nil {
			return err
		}
		return tx.Append(p.Tenant, queueEvent(kind, p, &out))
	})
	return out, err
}

func versionChanged(noun, name string) *fleet.Error {
	e := fleet.Errorf(fleet.CodeConflict, "version_changed", "The %s %s has changed since it was read.", noun, name).WithFix("Read it again, and change that.")
	e.Status = 412
	return e
}

// Update changes a queue.
func (q *Queues) Update(ctx context.Context, p auth.Principal, ref string, version int64, c QueueChange) (fleet.Queue, error) {
	if err := p.Require(fleet.QueuesWrite); err != nil {
		return fleet.Queue{}, err
	}
	return q.change(ctx, p, ref, version, fleet.EventQueueUpdated, func(tx store.Tx, was fleet.Queue, is *fleet.Queue) error {
		c.apply(is)
		if err := q.check(is); err != nil {
			return err
		}
		if is.Order != was.Order {
			if err := tx.Reorder(is); err != nil {
				return err
			}
		}
		if is.Unique != was.Unique || is.WindowSeconds != was.WindowSeconds {
			return tx.KeepReferences(is, q.Now())
		}
		return nil
	})
}

// Pause keeps items from being taken, or lets them be taken again. What is held
// goes on.
func (q *Queues) Pause(ctx context.Context, p auth.Principal, ref string, paused bool, note string) (fleet.Queue, error) {
	if err := p.Require(fleet.QueuesRun); err != nil {
		return fleet.Queue{}, err
	}
	kind := fleet.EventQueueResumed
	if paused {
		kind = fleet.EventQueuePaused
	}
	return q.change(ctx, p, ref, 0, kind, func(_ store.Tx, _ fleet.Queue, is *fleet.Queue) error {
		is.Paused, is.Note = paused, note
		return is.Validate()
	})
}

// Delete takes away a queue that has nothing left to do. Its items go with the
// next round of retention.
func (q *Queues) Delete(ctx context.Context, p auth.Principal, ref string) error {
	if err := p.Require(fleet.QueuesWrite); err != nil {
		return err
	}
	_, err := q.change(ctx, p, ref, 0, fleet.EventQueueDeleted, func(tx store.Tx, was fleet.Queue, is *fleet.Queue) error {
		h, err := tx.QueueHead(was.ID)
		if err != nil {
			return err
		}
		if h.Open() > 0 {
			return fleet.Errorf(fleet.CodeConflict, "queue_not_empty", "Queue %s has %d new items and %d in progress.", was.Name, h.New, h.InProgress).
				WithFix("Let them be worked off, or delete them.")
		}
		is.DeletedAt = q.Now()
		return nil
	})
	return err
}

// QueueView is a queue with its counts.
type QueueView struct {
	fleet.Queue
	Counts fleet.QueueCounts
}

// Get returns a queue with its counts.
func (q *Queues) Get(ctx context.Context, p auth.Principal, ref string) (out QueueView, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return out, err
	}
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		if out.Queue, err = find(r, ref); err != nil {
			return err
		}
		h, err := r.QueueHead(out.ID)
		out.Counts = h.QueueCounts
		return err
	})
	return out, err
}

// List returns all queues by name, with their counts.
func (q *Queues) List(ctx context.Context, p auth.Principal) (out []QueueView, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return nil, err
	}
	err = q.Store.View(ctx, p.Reach(), func(r store.Reader) error {
		list, err := r.Queues()
		if err != nil {
			return err
		}
		heads, err := r.QueueHeads()
		if err != nil {
			return err
		}
		counts := make(map[fleet.ID]fleet.QueueCounts, len(heads))
		for _, h := range heads {
			counts[h.Queue] = h.QueueCounts
		}
		out = make([]QueueView, len(list))
		for k := range list {
			out[k] = QueueView{list[k], counts[list[k].ID]}
		}
		return nil
	})
	return out, err
}

// QueueStats is what is going on in a queue.
type QueueStats struct {
	Counts    fleet.QueueCounts
	Paused    bool
	OldestAge time.Duration // of the oldest new item
	Handling  time.Duration // mean of the last successful ones
	Forecast  fleet.SLA
}

// How much of a queue a forecast looks at.
const (
	handledItems = 100
	dueItems     = 10_000
)

// Stats tells how a queue stands, and whether its deadlines will be met.
func (q *Queues) Stats(ctx context.Context, p auth.Principal, ref string) (out QueueStats, err error) {
	if err := p.Require(fleet.QueuesRead); err != nil {
		return out, err
	}
	now := q.Now()
	err = q.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		queue, err := find(r, ref)
		if err != nil {
			return err
		}
		out, err = standing(r, &queue, dueItems, now)
		return err
	})
	return out, err
}

// standing tells how a queue stands, by up to so many of its items with a
// deadline, the earliest ones.
func standing(r store.Reader, queue *fleet.Queue, items int, now time.Time) (out QueueStats, err error) {
	h, err := r.QueueHead(queue.ID)
	if err != nil {
		return out, err
	}
	oldest, err := r.OldestItem(queue.ID)
	if err != nil {
		return out, err
	}
	times, err := r.HandlingTimes(queue.ID, handledItems)
	if err != nil {
		return out, err
	}
	due, err := r.DueItems(queue.ID, items)
	if err != nil {
		return out, err
	}
	out = QueueStats{Counts: h.QueueCounts, Paused: queue.Paused, Forecast: fleet.Forecast(due, times, h.Open(), int(h.InProgress), now)}
	out.Handling = time.Duration(out.Forecast.HandlingMS) * time.Millisecond
	if oldest.ID != "" {
		out.OldestAge = max(now.Sub(oldest.CreatedAt), 0)
	}
	return out, nil
}

package orchestrator

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Hold names the attempt of a job that holds items; none is whoever asks.
type Hold = store.Ref

// mayHold is what can be said without the database: a robot uses items for jobs
// that it holds, and everybody else needs the right to run queues.
func (q *Queues) mayHold(p auth.Principal, ref store.Ref) error {
	need := fleet.QueuesRun
	if p.RobotID != "" {
		need = fleet.RobotsConnect
	}
	if err := p.Require(need); err != nil {
		return err
	}
	if ref.JobID != "" && !ref.JobID.Valid() {
		return fleet.Invalid("job_id", "job_id must be an id; got %.80q.", ref.JobID)
	}
	return nil
}

// jobless refuses a robot that names no job, once what it names is there.
func (q *Queues) jobless(ctx context.Context, p auth.Principal, ref store.Ref, there func(r store.Reader) error) error {
	if p.RobotID == "" || ref.JobID != "" {
		return nil
	}
	if err := q.Store.View(ctx, p.Scope(), there); err != nil {
		return err
	}
	return fleet.Invalid("job_id", "job_id is needed: a robot uses items for a job that it holds.")
}

func namedQueue(ref string) func(r store.Reader) error {
	return func(r store.Reader) error { _, err := find(r, ref); return err }
}

// holder is who takes or settles items. Within a job it is the attempt, which
// must be live: one that has ended, or lost its lease, holds nothing. The job
// stays locked until the commit, so that it cannot end meanwhile.
func (q *Queues) holder(r store.Reader, p auth.Principal, ref store.Ref, claim string) (h fleet.ItemHolder, err error) {
	if err := q.mayHold(p, ref); err != nil {
		return h, err
	}
	actor := p.Actor()
	h = fleet.ItemHolder{Name: p.Name, ID: string(actor.Kind) + ":" + cmp.Or(actor.ID, actor.Name), ClaimKey: claim}
	if ref.JobID == "" {
		return h, nil
	}
	s, err := r.Subject(ref.JobID)
	if err != nil {
		return h, err
	}
	if ref.Epoch == 0 { // those who poll do not count attempts
		ref.Epoch = s.Job.Epoch
	}
	if !s.Attempt.Live() || s.Attempt.Epoch != ref.Epoch || p.RobotID != "" && s.Attempt.RobotID != p.RobotID {
		return h, fleet.Errorf(fleet.CodeConflict, "not_holder", "Attempt %d of job %s is not running; it can neither take nor settle items.", ref.Epoch, ref.JobID)
	}
	h.JobID, h.Epoch, h.RobotID = ref.JobID, ref.Epoch, s.Attempt.RobotID
	return h, nil
}

// ClaimRequest asks for items of a queue.
type ClaimRequest struct {
	Queue string
	Ref   store.Ref // of the job that will hold them; none: whoever asks
	Count int       // 0 to 100
	Key   string    // of the request: the same of one attempt again gives what it still holds
}

// Claim hands items to a holder, none if there are none.
func (q *Queues) Claim(ctx context.Context, p auth.Principal, c ClaimRequest) (out []fleet.QueueItem, err error) {
	if err := q.mayHold(p, c.Ref); err != nil {
		return nil, err
	}
	if err := q.jobless(ctx, p, c.Ref, namedQueue(c.Queue)); err != nil {
		return nil, err
	}
	if c.Count < 0 || c.Count > fleet.MaxClaimedItems {
		return nil, fleet.Invalid("count", "count must be between 0 and %d; got %d.", fleet.MaxClaimedItems, c.Count)
	}
	name := q.robotName(ctx, p)
	now := q.Now()
	err = q.tell(ctx, p, fleet.EventItemTaken, "", func(tx store.Tx, d *fleet.AuditDraft) error {
		out = nil
		d.Object.Kind = fleet.SubjectQueue
		h, err := q.holder(tx, p, c.Ref, c.Key)
		if err != nil {
			return err
		}
		h.RobotName = name
		if c.Key != "" && h.JobID != "" {
			if out, err = tx.ItemsOf(h.JobID, h.Epoch, c.Key); err != nil || len(out) > 0 {
				d.Action = ""
				return err
			}
		}
		in, err := find(tx, c.Queue)
		if err != nil {
			return err
		}
		d.Object.ID, d.Object.Name = string(in.ID), in.Name
		if in.Paused || c.Count == 0 {
			d.Action = ""
			return nil
		}
		if out, err = tx.ClaimItems(&in, h, c.Count, now); err != nil || len(out) == 0 {
			d.Action = ""
			return err
		}
		ids := make([]fleet.ID, len(out))
		for k := range out {
			ids[k] = out[k].ID
		}
		d.After = map[string]any{"items": ids}
		return nil
	})
	return out, err
}

// robotName is what people call the robot, as it was a moment ago.
func (q *Queues) robotName(ctx context.Context, p auth.Principal) string {
	if p.RobotID == "" {
		return ""
	}
	key := string(p.Tenant) + "/" + string(p.RobotID)
	if name, ok := q.robotNames.get(key, q.Now()); ok {
		return name
	}
	name := ""
	_ = q.Store.View(ctx, p.Scope(), func(r store.Reader) error { // a name for people; without it there is the id
		robot, err := r.Robot(p.RobotID)
		name = robot.Name
		return err
	})
	q.robotNames.put(key, name, q.Now().Add(time.Minute))
	return name
}

// ItemWord is what a holder says of an item.
type ItemWord struct {
	Item   fleet.ID
	Ref    store.Ref
	Output json.RawMessage
	Fault  fleet.ItemFault
	Until  time.Time
}

func (w *ItemWord) check() error {
	if len(w.Output) == 0 {
		return nil
	}
	return fleet.ValidateItemData("output", w.Output)
}

// said commits what a holder says of an item. A word that came before and did
// what it says now is no contradiction: the answer to it may have been lost.
func (q *Queues) said(ctx context.Context, p auth.Principal, kind fleet.EventKind, w ItemWord, done []fleet.ItemState, decide func(in *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error)) (out fleet.QueueItem, err error) {
	if err := q.mayHold(p, w.Ref); err != nil {
		return out, err
	}
	if err := q.jobless(ctx, p, w.Ref, func(r store.Reader) error { _, err := r.Item(w.Item); return err }); err != nil {
		return out, err
	}
	if err := w.check(); err != nil {
		return out, err
	}
	err = q.tell(ctx, p, kind, w.Item, func(tx store.Tx, d *fleet.AuditDraft) error {
		h, err := q.holder(tx, p, w.Ref, "") // jobs are locked before items
		if err != nil {
			return err
		}
		in, i, err := q.subject(tx, w.Item)
		if err != nil {
			return err
		}
		if out = i; i.Settled(h, done...) {
			d.Action = ""
			return nil
		}
		m, err := decide(&in, &i, h)
		if err != nil || m == nil {
			d.Action = ""
			return err
		}
		if err := tx.MoveItem(&in, m, p.Name); err != nil {
			return err
		}
		out = m.Item
		d.Object.Name = i.Reference
		if m.Kind != "" {
			d.Action = string(m.Kind)
		}
		d.Before, d.After = map[string]any{"status": i.Status}, map[string]any{"status": out.Status}
		return nil
	})
	return out, err
}

// Complete says that an item is done.
func (q *Queues) Complete(ctx context.Context, p auth.Principal, w ItemWord) (fleet.QueueItem, error) {
	return q.said(ctx, p, fleet.EventItemSuccessful, w, []fleet.ItemState{fleet.ItemSuccessful}, func(in *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error) {
		m, err := i.Complete(in, h, w.Output, q.Now())
		if err != nil {
			return nil, err
		}
		if len(in.OutputSchema) > 0 {
			output := w.Output
			if len(output) == 0 {
				output = json.RawMessage("{}")
			}
			err = q.schemas.check("output", in.OutputSchema, output)
		}
		return m, err
	})
}

// Fail says that it could not be done.
func (q *Queues) Fail(ctx context.Context, p auth.Principal, w ItemWord) (out fleet.QueueItem, err error) {
	if w.Fault, err = w.Fault.Normalize(); err != nil {
		return out, err
	}
	retry := q.IDs.New()
	return q.said(ctx, p, fleet.EventItemFailed, w, []fleet.ItemState{fleet.ItemFailed, fleet.ItemRetried}, func(in *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error) {
		return i.Fail(in, h, w.Fault, w.Output, retry, q.Now())
	})
}

// Postpone puts an item back until a time.
func (q *Queues) Postpone(ctx context.Context, p auth.Principal, w ItemWord) (fleet.QueueItem, error) {
	if w.Until.IsZero() {
		return fleet.QueueItem{}, fleet.Invalid("until", "until is needed: the time before which nobody takes the item.")
	}
	return q.said(ctx, p, fleet.EventItemPostponed, w, nil, func(_ *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error) {
		if h.JobID != "" && i.Status == fleet.ItemNew {
			return nil, fleet.Errorf(fleet.CodeConflict, "invalid_state", "Item %s is held by nobody; only its holder can postpone it within a job.", i.ID)
		}
		return i.Postpone(h, w.Until, q.Now())
	})
}

// Release gives an item back unharmed.
func (q *Queues) Release(ctx context.Context, p auth.Principal, w ItemWord) (fleet.QueueItem, error) {
	return q.said(ctx, p, fleet.EventItemReleased, w, nil, func(_ *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error) {
		return i.Release(h, q.Now())
	})
}

// Renew prolongs what a holder outside of a job may take.
func (q *Queues) Renew(ctx context.Context, p auth.Principal, w ItemWord) (fleet.QueueItem, error) {
	return q.said(ctx, p, fleet.EventItemUpdated, w, nil, func(in *fleet.Queue, i *fleet.QueueItem, h fleet.ItemHolder) (*fleet.ItemMove, error) {
		return i.Renew(in, h, q.Now())
	})
}

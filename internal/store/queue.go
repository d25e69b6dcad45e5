package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// QueueReader finds transaction queues. Missing ones, those that were deleted
// and those of other tenants are fleet.ErrNotFound.
type QueueReader interface {
	Queue(id fleet.ID) (fleet.Queue, error)
	QueueNamed(name string) (fleet.Queue, error)
	// Queues lists those of the scope, by name.
	Queues() ([]fleet.Queue, error)
	// QueueHeads are the counts of the queues of the scope, also of deleted ones. It
	// costs by the queues and not by their items.
	QueueHeads() ([]QueueHead, error)
	QueueHead(queue fleet.ID) (QueueHead, error)
	// HandlingTimes tells how long the newest successful items took, the newest
	// first; those that ended so among the newest that ended at all.
	HandlingTimes(queue fleet.ID, limit int) ([]time.Duration, error)
	// DueItems lists new items that have a deadline, the earliest first.
	DueItems(queue fleet.ID, limit int) ([]fleet.QueueItem, error)
	// OldestItem is the oldest new item of a queue; one without an id if there is
	// none.
	OldestItem(queue fleet.ID) (fleet.QueueItem, error)
}

// ItemReader finds items of queues.
type ItemReader interface {
	// Item comes with its data, output and comments.
	Item(id fleet.ID) (fleet.QueueItem, error)
	// ItemJob is the job that holds or held an item; empty: none. It locks nothing.
	ItemJob(id fleet.ID) (fleet.ID, error)
	// Items lists those of a queue without data, output and comments: the newest
	// first or, with a prefix of the reference, by that.
	Items(f ItemFilter, p fleet.Page) (list []fleet.QueueItem, next string, err error)
	// ItemsAfter lists all of a queue after an id, the oldest first, with
	// everything.
	ItemsAfter(queue, after fleet.ID, limit int) ([]fleet.QueueItem, error)
	// Chain lists the tries of one item, the first one first.
	Chain(chain fleet.ID) ([]fleet.QueueItem, error)
	// ItemsOf lists what an attempt holds or held by one claim.
	ItemsOf(job fleet.ID, epoch int64, claim string) ([]fleet.QueueItem, error)
	// HeldItems counts the items that jobs hold, of those named.
	HeldItems(queue fleet.ID, jobs []fleet.ID) (int64, error)
	// Forsaken lists items after an id whose holder is gone: the attempt has ended,
	// or the lease outside of a job.
	Forsaken(at QueueRef, after fleet.ID, now time.Time, limit int) ([]fleet.ID, error)
	// OverdueItems lists new items whose deadline has passed and that nobody was
	// told of, of all queues of the scope.
	OverdueItems(now time.Time, limit int) ([]ItemRef, error)
}

// QueueWriter changes queues.
type QueueWriter interface {
	AddQueue(q fleet.Queue) error
	// QueueToChange is Queue with a lock that keeps others from adding items until
	// the change is done.
	QueueToChange(id fleet.ID) (fleet.Queue, error)
	// PutQueue writes one; fleet.ErrConflict if it has changed since it was read.
	PutQueue(q fleet.Queue) error
	// Reorder puts the new items of a queue into its order.
	Reorder(q *fleet.Queue) error
	// KeepReferences makes the list of references anew; fleet.ErrConflict names two
	// items that have the same one.
	KeepReferences(q *fleet.Queue, now time.Time) error
	// PruneItems takes up to limit items of a queue that ended before a time, and
	// PruneQueue a deleted queue that has no items any more.
	PruneItems(at QueueRef, before time.Time, limit int) (int, error)
	PruneQueue(at QueueRef) error
}

// ItemWriter changes items. MoveItem is the only way in which an item's state is
// ever written.
type ItemWriter interface {
	// AddItems stores new items, with an answer for each: fleet.ErrConflict for a
	// reference that is taken. It writes no events.
	AddItems(q *fleet.Queue, items []fleet.QueueItem) ([]error, error)
	// ClaimItems hands up to limit items to a holder, in the order of the queue.
	// Items that nobody else is about to take are never passed over.
	ClaimItems(q *fleet.Queue, h fleet.ItemHolder, limit int, now time.Time) ([]fleet.QueueItem, error)
	// MoveItem commits a move with its event; fleet.ErrConflict if the item is no
	// longer as the move found it.
	MoveItem(q *fleet.Queue, m *fleet.ItemMove, actor string) error
	// PromoteItems ends the wait of up to limit items whose time has come.
	PromoteItems(at QueueRef, now time.Time, limit int) (int, error)
	// ItemAdded finds the item of a request that was made before, and RememberItem
	// keeps it.
	ItemAdded(k *IdempotencyKey) (fleet.ID, error)
	RememberItem(tenant fleet.TenantID, k *IdempotencyKey, item fleet.ID) error
}

// ItemFilter selects items of a list.
type ItemFilter struct {
	Queue     fleet.ID
	States    []fleet.ItemState // empty: all but deleted ones
	Reference string            // exactly
	Prefix    string            // of the reference
	Job       fleet.ID
	Line      fleet.ItemOrder // in the order in which a queue of this one is worked off; empty: the newest first
}

// QueueRef names a queue of any tenant.
type QueueRef struct {
	Tenant fleet.TenantID
	Queue  fleet.ID
}

// ItemRef names an item of any tenant.
type ItemRef struct {
	QueueRef
	ID fleet.ID
}

// QueueHead is the counts of a queue.
type QueueHead struct {
	QueueRef
	fleet.QueueCounts
}

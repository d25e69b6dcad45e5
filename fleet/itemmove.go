package fleet

import (
	"slices"
	"time"
)

// ItemMove is a change of an item that a store commits while the item is still
// as the move found it.
type ItemMove struct {
	From      ItemState
	Postponed bool  // before
	Version   int64 // before
	Item      QueueItem
	// Data says that data, output or comments change too.
	Data bool
	// Next is the retry that takes the item's place in line.
	Next *QueueItem
	// Free lets the reference of the chain go; Take asks for it again.
	Free, Take bool
	Reference  string // before
	Kind       EventKind
	About      map[string]any
}

func (i *QueueItem) move(to ItemState, kind EventKind, now time.Time) *ItemMove {
	m := &ItemMove{From: i.Status, Postponed: i.Postponed, Version: i.Version, Item: *i, Reference: i.Reference, Kind: kind}
	m.Item.Status, m.Item.UpdatedAt = to, now
	m.Item.Version++
	m.About = map[string]any{"queue_id": i.QueueID}
	if i.Reference != "" {
		m.About["reference"] = i.Reference
	}
	if i.JobID != "" {
		m.About["job_id"] = i.JobID
	}
	if i.RetryNo > 0 {
		m.About["retry_no"] = i.RetryNo
	}
	return m
}

// Allowed says whether the move is one that items make.
func (m *ItemMove) Allowed() bool { return slices.Contains(itemEdges[m.From], m.Item.Status) }

// end closes the item's own story.
func (m *ItemMove) end(now time.Time) {
	i := &m.Item
	i.CompletedAt, i.LeaseUntil, i.Postponed = now, time.Time{}, false
	if !i.StartedAt.IsZero() {
		i.DurationMS = max(now.Sub(i.StartedAt).Milliseconds(), 0)
	}
}

// ended lets the reference go where it is kept only while the chain goes on.
func (m *ItemMove) ended(q *Queue) {
	m.Free = m.Next == nil && q.Unique == UniqueWhileActive && m.Item.Reference != ""
}

// clear takes the holder away.
func (m *ItemMove) clear() {
	i := &m.Item
	i.RobotID, i.RobotName, i.JobID, i.Epoch, i.Holder, i.HolderID, i.ClaimKey = "", "", "", 0, "", "", ""
	i.StartedAt, i.LeaseUntil = time.Time{}, time.Time{}
}

// Take hands the item to a holder.
func (i *QueueItem) Take(q *Queue, h ItemHolder, now time.Time) (*ItemMove, error) {
	if i.Status != ItemNew || i.Postponed {
		return nil, i.wrongState("taken", ItemNew)
	}
	m := i.move(ItemInProgress, EventItemTaken, now)
	n := &m.Item
	n.RobotID, n.RobotName, n.JobID, n.Epoch, n.Holder, n.HolderID, n.ClaimKey = h.RobotID, h.RobotName, h.JobID, h.Epoch, h.Name, h.ID, h.ClaimKey
	n.StartedAt = now
	if h.JobID == "" {
		n.LeaseUntil = now.Add(q.AbandonAfter())
	} else {
		m.About["job_id"] = h.JobID
	}
	if h.RobotID != "" {
		m.About["robot_id"] = h.RobotID
	}
	return m, nil
}

// held refuses whoever does not hold the item.
func (i *QueueItem) held(h ItemHolder, what string) error {
	switch {
	case i.Status.Final():
		return i.itemFinal()
	case i.Status != ItemInProgress:
		return i.wrongState(what, ItemInProgress)
	case !h.Holds(i):
		return Errorf(CodeConflict, "not_holder", "Item %s is held by %s; only its holder can settle it.", i.ID, i.heldBy())
	}
	return nil
}

func (i *QueueItem) heldBy() string {
	if i.JobID != "" {
		return "job " + string(i.JobID)
	}
	return i.Holder
}

// Settled says whether a holder has already ended the item in one of some
// states, so that its word came twice.
func (i *QueueItem) Settled(h ItemHolder, states ...ItemState) bool {
	return h.JobID != "" && h.Holds(i) && slices.Contains(states, i.Status)
}

// Complete says that the work is done.
func (i *QueueItem) Complete(q *Queue, h ItemHolder, output []byte, now time.Time) (*ItemMove, error) {
	if err := i.held(h, "completed"); err != nil {
		return nil, err
	}
	m := i.move(ItemSuccessful, EventItemSuccessful, now)
	m.Item.Output, m.Data = output, len(output) > 0
	m.end(now)
	m.ended(q)
	m.About["duration_ms"] = m.Item.DurationMS
	return m, nil
}

// Fail says that it could not be done. An application error is tried again while
// the queue has retries left; retry is the id of the item that does.
func (i *QueueItem) Fail(q *Queue, h ItemHolder, f ItemFault, output []byte, retry ID, now time.Time) (*ItemMove, error) {
	if err := i.held(h, "failed"); err != nil {
		return nil, err
	}
	to, kind := ItemFailed, EventItemFailed
	again := f.Type == ApplicationItemType && q.AutoRetry && i.RetryNo < q.MaxRetries
	if again {
		to, kind = ItemRetried, EventItemRetried
	}
	m := i.move(to, kind, now)
	m.Item.ErrorType, m.Item.ErrorMessage, m.Item.ExceptionType = f.Type, f.Message, f.Exception
	m.Item.Output, m.Data = output, len(output) > 0
	m.end(now)
	m.About["error_type"], m.About["error_message"], m.About["duration_ms"] = f.Type, clip(f.Message, 200), m.Item.DurationMS
	if again {
		m.follow(retry, i.RetryNo+1, i.LostNo, now, q.RetryDelay())
	}
	m.ended(q)
	return m, nil
}

// follow puts a new item in the place of this one.
func (m *ItemMove) follow(id ID, retryNo, lostNo int, now time.Time, delay time.Duration) {
	i := &m.Item
	i.NextID = id
	n := QueueItem{
		Tenant: i.Tenant, ID: id, QueueID: i.QueueID, ChainID: i.ChainID, PreviousID: i.ID, Reference: i.Reference, Status: ItemNew,
		Priority: i.Priority, Data: i.Data, Deadline: i.Deadline, RiskAt: i.RiskAt, RetryNo: retryNo, LostNo: lostNo, Overdue: i.Overdue,
		Labels: i.Labels, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if delay > 0 {
		n.NotBefore, n.Postponed = now.Add(delay), true
	}
	m.Next = &n
	m.About["next_item_id"] = id
}

// Abandon says that the holder is gone. Within its budget the item stands in
// line again, as a new one.
func (i *QueueItem) Abandon(q *Queue, reason string, retry ID, now time.Time) (*ItemMove, error) {
	if i.Status != ItemInProgress {
		return nil, i.wrongState("abandoned", ItemInProgress)
	}
	m := i.move(ItemAbandoned, EventItemAbandoned, now)
	m.Item.ErrorType, m.Item.ErrorMessage = AbandonedItemType, reason
	m.end(now)
	m.About["reason"] = reason
	if q.AutoRetry && i.LostNo < AbandonBudget {
		m.follow(retry, i.RetryNo, i.LostNo+1, now, 0)
	}
	m.ended(q)
	return m, nil
}

// Release gives the item back unharmed.
func (i *QueueItem) Release(h ItemHolder, now time.Time) (*ItemMove, error) {
	if err := i.held(h, "released"); err != nil {
		return nil, err
	}
	m := i.move(ItemNew, EventItemReleased, now)
	m.clear()
	return m, nil
}

// Postpone puts the item back until a time: by its holder, or by a person while
// it is new.
func (i *QueueItem) Postpone(h ItemHolder, until, now time.Time) (*ItemMove, error) {
	if i.Status != ItemNew {
		if err := i.held(h, "postponed"); err != nil {
			return nil, err
		}
	}
	m := i.move(ItemNew, EventItemPostponed, now)
	m.clear()
	m.Item.NotBefore, m.Item.Postponed = until, until.After(now)
	m.About["not_before"] = until
	return m, m.Item.checkTimes()
}

func (i *QueueItem) checkTimes() error {
	if !i.Deadline.IsZero() && !i.NotBefore.Before(i.Deadline) {
		return Invalid("not_before", "not_before must lie before the deadline of the item (%s); got %s.", i.Deadline.Format(time.RFC3339), i.NotBefore.Format(time.RFC3339))
	}
	return nil
}

// Renew prolongs the lease of a holder outside of a job. That of a job is the
// lease of its attempt, so there is nothing to do: a nil move.
func (i *QueueItem) Renew(q *Queue, h ItemHolder, now time.Time) (*ItemMove, error) {
	if err := i.held(h, "renewed"); err != nil || i.JobID != "" {
		return nil, err
	}
	m := i.move(ItemInProgress, "", now)
	m.Item.LeaseUntil = now.Add(q.AbandonAfter())
	return m, nil
}

// Retry is a person's wish to try a failed or abandoned item again.
func (i *QueueItem) Retry(q *Queue, retry ID, now time.Time) (*ItemMove, error) {
	switch {
	case i.Status == ItemAbandoned && i.NextID != "":
		return nil, Errorf(CodeConflict, "retry_in_progress", "Item %s is already tried again, as item %s.", i.ID, i.NextID)
	case i.Status != ItemFailed && i.Status != ItemAbandoned:
		return nil, i.wrongState("retried", ItemFailed, ItemAbandoned)
	}
	m := i.move(ItemRetried, EventItemRetried, now)
	m.follow(retry, i.RetryNo+1, 0, now, 0)
	if !i.Deadline.IsZero() && !i.Deadline.After(now) { // it would fail again at once
		m.Next.Deadline, m.Next.RiskAt, m.Next.Overdue = time.Time{}, time.Time{}, false
	}
	m.Take = q.Unique == UniqueWhileActive && i.Reference != ""
	return m, nil
}

// ItemChange is what a person changes of a new item; nil leaves it as it is.
type ItemChange struct {
	Reference *string
	Data      []byte
	Priority  *Priority
	Deadline  *time.Time // the zero time takes it away
	RiskAt    *time.Time
	NotBefore *time.Time
	Labels    *map[string]string
}

// Edit changes a new item.
func (i *QueueItem) Edit(q *Queue, c ItemChange, now time.Time) (*ItemMove, error) {
	if i.Status != ItemNew {
		if i.Status.Final() {
			return nil, i.itemFinal()
		}
		return nil, i.wrongState("edited", ItemNew)
	}
	m := i.move(ItemNew, EventItemUpdated, now)
	n := &m.Item
	if c.Reference != nil && *c.Reference != i.Reference {
		if q.Unique != UniqueNone && (*c.Reference == "" || i.RetryNo > 0 || i.LostNo > 0) {
			return nil, Invalid("reference", "The reference of a retry, or in a queue that keeps references apart no reference, cannot be set.")
		}
		m.Free, m.Take = q.Unique != UniqueNone, q.Unique != UniqueNone
		n.Reference = *c.Reference
	}
	if c.Data != nil {
		n.Data, m.Data = c.Data, true
	}
	if c.Priority != nil {
		n.Priority = *c.Priority
	}
	if c.Deadline != nil {
		n.Deadline, n.Overdue = *c.Deadline, false
	}
	if c.RiskAt != nil {
		n.RiskAt = *c.RiskAt
	}
	if c.NotBefore != nil {
		n.NotBefore, n.Postponed = *c.NotBefore, c.NotBefore.After(now)
	}
	if c.Labels != nil {
		n.Labels = *c.Labels
	}
	return m, n.Validate()
}

// Delete takes an item out that nobody holds. Its row stays until the queue
// forgets it; its reference is free.
func (i *QueueItem) Delete(q *Queue, now time.Time) (*ItemMove, error) {
	switch i.Status { //nolint:exhaustive // the rest may go
	case ItemInProgress:
		return nil, Errorf(CodeConflict, "invalid_state", "Item %s is held by %s and cannot be deleted.", i.ID, i.heldBy())
	case ItemDeleted:
		return nil, NotFound("item", string(i.ID))
	}
	m := i.move(ItemDeleted, EventItemDeleted, now)
	m.Item.Postponed = false
	if i.CompletedAt.IsZero() {
		m.Item.CompletedAt = now
	}
	m.Free = q.Unique != UniqueNone && i.Reference != "" && i.NextID == ""
	return m, nil
}

// Leave takes a new item out because it goes on in another queue.
func (i *QueueItem) Leave(q *Queue, now time.Time) (*ItemMove, error) {
	switch {
	case i.Status.Final():
		return nil, i.itemFinal()
	case i.Status != ItemNew:
		return nil, i.wrongState("moved", ItemNew)
	}
	return i.Delete(q, now)
}

// Arrive gives the item the remarks of the one that it was in another queue, and
// one more where there is room. Its adding is what is told of it.
func (i *QueueItem) Arrive(was *QueueItem, text, by string, now time.Time) *ItemMove {
	m := i.move(i.Status, "", now)
	m.Item.Comments, m.Data = slices.Clone(was.Comments), true
	if len(m.Item.Comments) < MaxComments {
		m.Item.Comments = append(m.Item.Comments, Comment{At: now, By: by, Text: text})
	}
	return m
}

// Lapse is what the queue wants of a new item whose deadline has passed.
func (i *QueueItem) Lapse(q *Queue, now time.Time) (*ItemMove, error) {
	if i.Status != ItemNew || i.Overdue || i.Deadline.IsZero() || i.Deadline.After(now) {
		return nil, i.wrongState("overdue", ItemNew)
	}
	m := i.move(ItemNew, EventItemOverdue, now)
	m.Item.Overdue = true
	m.About["deadline"], m.About["on_deadline"] = i.Deadline, q.OnDeadline
	switch q.OnDeadline {
	case DeadlineExpire:
		m.Item.Status, m.Item.ErrorType, m.Item.ErrorMessage = ItemFailed, DeadlineErrorType, "The deadline has passed before anybody took the item."
		m.end(now)
		m.ended(q)
	case DeadlineBoost:
		m.Item.Priority = PriorityFirst
	case DeadlineWarn:
	}
	return m, nil
}

// Judge notes what a person says of a failed or abandoned item, and who is to
// look at it.
func (i *QueueItem) Judge(r Review, reviewer string, now time.Time) (*ItemMove, error) {
	if i.Status != ItemFailed && i.Status != ItemAbandoned && i.Status != ItemRetried {
		return nil, Errorf(CodeConflict, "invalid_state", "Only a failed, abandoned or retried item can be reviewed; item %s is %s.", i.ID, i.Status)
	}
	switch r {
	case ReviewNone, ReviewOpen, ReviewVerified:
	default:
		return nil, Invalid("review", "review must be in_review or verified, or empty; got %q.", clip(string(r), 40))
	}
	if len([]rune(reviewer)) > 128 {
		return nil, Invalid("reviewer", "reviewer may have at most 128 characters.")
	}
	m := i.move(i.Status, EventItemUpdated, now)
	m.Item.Review, m.Item.Reviewer = r, reviewer
	m.About["review"], m.About["reviewer"] = r, reviewer
	return m, nil
}

// Remark adds a comment to an item in whatever state.
func (i *QueueItem) Remark(text, by string, now time.Time) (*ItemMove, error) {
	n := len([]rune(text))
	switch {
	case i.Status == ItemDeleted:
		return nil, NotFound("item", string(i.ID))
	case n == 0 || n > MaxCommentChars:
		return nil, Invalid("text", "text must have 1 to %d characters; got %d.", MaxCommentChars, n)
	case len(i.Comments) >= MaxComments:
		return nil, Invalid("text", "An item may have at most %d comments.", MaxComments)
	}
	m := i.move(i.Status, EventItemUpdated, now)
	m.Item.Comments, m.Data = append(slices.Clone(i.Comments), Comment{At: now, By: by, Text: text}), true
	m.About["comments"] = len(m.Item.Comments)
	return m, nil
}

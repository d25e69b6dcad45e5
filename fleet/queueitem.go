package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// QueueItem is one entry of a queue: a piece of business work, or one of the
// tries of it. A retry is an item of its own in the same chain.
type QueueItem struct {
	Tenant    TenantID        `json:"tenant_id"`
	ID        ID              `json:"id"`
	QueueID   ID              `json:"queue_id"`
	Reference string          `json:"reference,omitempty"`
	Status    ItemState       `json:"status"`
	Priority  Priority        `json:"priority"`
	Data      json.RawMessage `json:"data,omitempty"`   // an object; left out in lists
	Output    json.RawMessage `json:"output,omitempty"` // an object; left out in lists
	Deadline  time.Time       `json:"deadline,omitzero"`
	RiskAt    time.Time       `json:"risk_at,omitzero"`
	NotBefore time.Time       `json:"not_before,omitzero"`
	// Postponed says that the item is new and waits for not_before.
	Postponed  bool    `json:"postponed,omitempty"`
	Overdue    bool    `json:"overdue,omitempty"` // the deadline passed while it was new
	RetryNo    int     `json:"retry_no"`
	LostNo     int     `json:"lost_no,omitempty"` // how often an item of the chain was abandoned before
	ChainID    ID      `json:"chain_id"`          // the first item of the chain
	PreviousID ID      `json:"previous_item_id,omitempty"`
	NextID     ID      `json:"next_item_id,omitempty"` // the retry
	RobotID    RobotID `json:"robot_id,omitempty"`
	RobotName  string  `json:"robot_name,omitempty"`
	JobID      ID      `json:"job_id,omitempty"`
	Epoch      int64   `json:"epoch,omitempty"`  // the attempt of the job that holds or held it
	Holder     string  `json:"holder,omitempty"` // who holds or held it, by name
	HolderID   string  `json:"-"`                // the principal, outside of a job
	// ClaimKey is that of the claim: the same claim again gives the same items.
	ClaimKey      string            `json:"-"`
	LeaseUntil    time.Time         `json:"lease_until,omitzero"` // of a holder outside of a job
	StartedAt     time.Time         `json:"started_at,omitzero"`
	CompletedAt   time.Time         `json:"completed_at,omitzero"`
	DurationMS    int64             `json:"duration_ms,omitempty"`
	ErrorMessage  string            `json:"error_message,omitempty"`
	ErrorType     string            `json:"error_type,omitempty"`
	ExceptionType string            `json:"processing_exception_type,omitempty"` // as the workflow names it
	Review        Review            `json:"review,omitempty"`
	Reviewer      string            `json:"reviewer,omitempty"`
	Comments      []Comment         `json:"comments,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	Version       int64             `json:"version"`
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

// Comment is a remark of a person on an item.
type Comment struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// ItemState is where an item stands.
type ItemState string

// The states. Postponed is a reason to be new.
const (
	ItemNew        ItemState = "new"
	ItemInProgress ItemState = "in_progress"
	ItemSuccessful ItemState = "successful"
	ItemFailed     ItemState = "failed"
	ItemAbandoned  ItemState = "abandoned"
	ItemRetried    ItemState = "retried"
	ItemDeleted    ItemState = "deleted"
)

// ItemStates lists the states in the order of an item's life.
func ItemStates() []ItemState {
	return []ItemState{ItemNew, ItemInProgress, ItemSuccessful, ItemFailed, ItemAbandoned, ItemRetried, ItemDeleted}
}

// Final says whether the item itself is done with; failed and abandoned ones may
// still be retried by hand.
func (s ItemState) Final() bool { return s != ItemNew && s != ItemInProgress }

// ParseItemState reads a state; the original's words completed and retry too.
func ParseItemState(text string) (ItemState, error) {
	switch s := ItemState(strings.ToLower(strings.TrimSpace(text))); s {
	case ItemNew, ItemInProgress, ItemSuccessful, ItemFailed, ItemAbandoned, ItemRetried, ItemDeleted:
		return s, nil
	case "completed":
		return ItemSuccessful, nil
	case "retry":
		return ItemRetried, nil
	}
	return "", Invalid("status", "status must be new, in_progress, successful, failed, abandoned, retried or deleted; got %q.", clip(text, 40))
}

// itemEdges is all that an item may do; nothing else is a move.
var itemEdges = map[ItemState][]ItemState{
	ItemNew:        {ItemNew, ItemInProgress, ItemFailed, ItemDeleted}, // failed: its deadline has passed
	ItemInProgress: {ItemNew, ItemInProgress, ItemSuccessful, ItemFailed, ItemAbandoned, ItemRetried},
	ItemSuccessful: {ItemSuccessful, ItemDeleted},
	ItemFailed:     {ItemFailed, ItemRetried, ItemDeleted},
	ItemAbandoned:  {ItemAbandoned, ItemRetried, ItemDeleted},
	ItemRetried:    {ItemRetried, ItemDeleted},
	ItemDeleted:    {},
}

// Review is what people say of a failed item.
type Review string

// The words of a review.
const (
	ReviewNone     Review = ""
	ReviewOpen     Review = "in_review"
	ReviewVerified Review = "verified" // rightly failed
)

// ItemHolder is who takes or holds an item: an attempt of a job, or somebody
// outside of one.
type ItemHolder struct {
	RobotID   RobotID
	RobotName string
	JobID     ID
	Epoch     int64
	Name      string
	ID        string // of the principal; names may change hands
	ClaimKey  string
}

// Holds says whether this is who holds, or held, an item.
func (h ItemHolder) Holds(i *QueueItem) bool {
	if h.JobID != "" || i.JobID != "" {
		return h.JobID == i.JobID && h.Epoch == i.Epoch
	}
	if i.HolderID == "" { // taken by a program that did not note it
		return h.Name == i.Holder
	}
	return h.ID == i.HolderID
}

// ItemPlace is the place of an item in its queue's line, as three parts that are
// compared in this order; after them comes the id of the chain, since ids rise
// with time, and a retry keeps the place of the item that it repeats.
func ItemPlace(o ItemOrder, i *QueueItem) (rank, due int64) {
	late := int64(0)
	if i.Deadline.IsZero() {
		late = 1
	}
	switch o {
	case OrderFIFO:
		return 0, 0
	case OrderEarliest:
		if late == 1 {
			return 1, int64(i.Priority)
		}
		return 0, i.Deadline.UnixMicro()
	case OrderDefault:
	}
	rank = late*int64(PriorityLast+1) + int64(i.Priority)
	if late == 0 {
		due = i.Deadline.UnixMicro()
	}
	return rank, due
}

// ItemSpec is what somebody who adds an item says of it.
type ItemSpec struct {
	Reference string            `json:"reference,omitempty"`
	Data      json.RawMessage   `json:"data,omitempty"`
	Priority  *Priority         `json:"priority,omitempty"`
	Deadline  *time.Time        `json:"deadline,omitempty"`
	RiskAt    *time.Time        `json:"risk_at,omitempty"`
	NotBefore *time.Time        `json:"not_before,omitempty"`
	Postpone  *time.Time        `json:"postpone_until,omitempty"` // not_before, as the original calls it
	Labels    map[string]string `json:"labels,omitempty"`
}

// NewItem makes an item of a queue. The schema of the queue is the caller's to
// hold against.
func NewItem(q *Queue, s ItemSpec, id ID, now time.Time) (QueueItem, error) {
	i := QueueItem{
		Tenant: q.Tenant, ID: id, QueueID: q.ID, ChainID: id, Reference: s.Reference, Status: ItemNew, Priority: PriorityDefault,
		Data: s.Data, Labels: s.Labels, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if s.Priority != nil {
		i.Priority = *s.Priority
	}
	for _, t := range []struct {
		from *time.Time
		into *time.Time
	}{{s.Deadline, &i.Deadline}, {s.RiskAt, &i.RiskAt}, {s.NotBefore, &i.NotBefore}, {s.Postpone, &i.NotBefore}} {
		if t.from != nil {
			*t.into = t.from.UTC()
		}
	}
	if i.Deadline.IsZero() && q.SLASeconds > 0 {
		i.Deadline = later(now, i.NotBefore).Add(time.Duration(q.SLASeconds) * time.Second)
	}
	if i.RiskAt.IsZero() && q.RiskSeconds > 0 && !i.Deadline.IsZero() {
		i.RiskAt = i.Deadline.Add(-time.Duration(q.RiskSeconds) * time.Second)
	}
	i.Postponed = i.NotBefore.After(now)
	if q.Unique != UniqueNone && i.Reference == "" {
		return i, Invalid("reference", "reference is needed: queue %s keeps the references of its items apart.", q.Name)
	}
	return i, i.Validate()
}

// Spec is what somebody who adds the item once more says of it.
func (i *QueueItem) Spec() ItemSpec {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	priority := i.Priority
	return ItemSpec{
		Reference: i.Reference, Data: i.Data, Priority: &priority, Deadline: at(i.Deadline), RiskAt: at(i.RiskAt), NotBefore: at(i.NotBefore), Labels: i.Labels,
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Validate checks what people and robots may set.
func (i *QueueItem) Validate() error {
	if n := len([]rune(i.Reference)); n > MaxReference {
		return Invalid("reference", "reference may have at most %d characters; got %d.", MaxReference, n)
	}
	if i.Reference != "" {
		if err := ValidateName("reference", i.Reference, MaxReference); err != nil {
			return err
		}
	}
	if err := i.Priority.Validate(); err != nil {
		return err
	}
	if err := ValidateLabels("labels", i.Labels); err != nil {
		return err
	}
	if len(i.Data) == 0 {
		i.Data = json.RawMessage("{}")
	}
	if err := ValidateItemData("data", i.Data); err != nil {
		return err
	}
	if !i.NotBefore.IsZero() && !i.Deadline.IsZero() && !i.Deadline.After(i.NotBefore) {
		return Invalid("deadline", "deadline must lie after not_before (%s); got %s.", i.NotBefore.Format(time.RFC3339), i.Deadline.Format(time.RFC3339))
	}
	return nil
}

// ValidateItemData checks the data or the output of an item.
func ValidateItemData(field string, raw json.RawMessage) error {
	switch {
	case len(raw) > MaxItemBytes:
		e := Invalid(field, "%s may have at most %d bytes; got %d.", field, MaxItemBytes, len(raw)).WithFix("Put the large part into a file, and its name into the item.")
		e.Status = 413
		return e
	case !json.Valid(raw) || bytes.TrimSpace(raw)[0] != '{':
		return Invalid(field, "%s must be a JSON object.", field)
	case Nesting(raw) > MaxNesting:
		return Invalid(field, "%s may be nested at most %d deep.", field, MaxNesting)
	}
	return nil
}

// ItemFault is why an item could not be processed.
type ItemFault struct {
	Type      string // ApplicationException or BusinessException
	Exception string // as the workflow names it
	Message   string
}

// Normalize reads the words for the two kinds of faults, and cuts texts.
func (f ItemFault) Normalize() (ItemFault, error) {
	switch strings.ToLower(f.Type) {
	case "", "application", "applicationexception":
		f.Type = ApplicationItemType
	case "business", "businessexception":
		f.Type = BusinessItemType
	default:
		return f, Invalid("error_type", "error_type must be ApplicationException, which is tried again, or BusinessException, which is not; got %q.", clip(f.Type, 40))
	}
	f.Message, f.Exception = cutRunes(f.Message, MaxItemErrorChars), cutRunes(f.Exception, 128)
	return f, nil
}

func cutRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// itemFinal refuses a change of an item that is done with.
func (i *QueueItem) itemFinal() *Error {
	return Errorf(CodeConflict, "item_final", "Item %s is %s; that does not change any more.", i.ID, i.Status)
}

func (i *QueueItem) wrongState(what string, wanted ...ItemState) *Error {
	if i.Status == ItemSuccessful || i.Status == ItemRetried || i.Status == ItemDeleted {
		return i.itemFinal()
	}
	return Errorf(CodeConflict, "invalid_state", "Only an item that is %s can be %s; item %s is %s.", orList(wanted), what, i.ID, i.Status)
}

func orList(states []ItemState) string {
	words := make([]string, len(states))
	for k, s := range states {
		words[k] = string(s)
	}
	return strings.Join(words, " or ")
}

// String names the item for logs.
func (i *QueueItem) String() string { return fmt.Sprintf("item %s (%s)", i.ID, i.Status) }

package fleet

import (
	"encoding/json"
	"strings"
	"time"
)

// Queue is a list of business work: items that robots take one by one.
type Queue struct {
	Tenant      TenantID `json:"tenant_id"`
	ID          ID       `json:"id"`
	Name        string   `json:"name"` // unique in its tenant, whatever the case of its letters
	Description string   `json:"description,omitempty"`
	// MaxRetries is how often an item is tried again after an application error.
	MaxRetries        int       `json:"max_retries"`
	RetryDelaySeconds int       `json:"retry_delay_seconds"`
	AutoRetry         bool      `json:"auto_retry"`
	Order             ItemOrder `json:"order"`
	Unique            Unique    `json:"unique"`
	WindowSeconds     int       `json:"window_seconds,omitempty"` // of unique window
	// AbandonAfterSeconds is the lease of a holder outside of a job; that of a job
	// is the lease of its attempt.
	AbandonAfterSeconds int             `json:"abandon_after_seconds"`
	Schema              json.RawMessage `json:"schema,omitempty"`        // of the data of items
	OutputSchema        json.RawMessage `json:"output_schema,omitempty"` // of what successful items give
	OnDeadline          DeadlineRule    `json:"on_deadline"`
	SLASeconds          int             `json:"sla_seconds,omitempty"`  // a new item without a deadline gets one this far off
	RiskSeconds         int             `json:"risk_seconds,omitempty"` // so long before its deadline an item is at risk
	RetentionDays       int             `json:"retention_days"`
	Paused              bool            `json:"paused"`
	Note                string          `json:"note,omitempty"` // why it is paused
	Version             int64           `json:"version"`
	CreatedAt           time.Time       `json:"created_at"`
	UpdatedAt           time.Time       `json:"updated_at"`
	UpdatedBy           string          `json:"updated_by,omitempty"`
	DeletedAt           time.Time       `json:"deleted_at,omitzero"`
}

// NewQueue is a queue with the defaults.
func NewQueue(name string) Queue {
	return Queue{
		Name: name, MaxRetries: 3, RetryDelaySeconds: 60, AutoRetry: true, Order: OrderDefault, Unique: UniqueNone,
		AbandonAfterSeconds: 3600, OnDeadline: DeadlineWarn, RetentionDays: 90,
	}
}

// ItemOrder says which new item of a queue is taken first.
type ItemOrder string

// The orders. In the default one items with a deadline go first, by priority and
// then by deadline; the rest go by priority, then first in first out.
const (
	OrderDefault  ItemOrder = "default"
	OrderFIFO     ItemOrder = "fifo"
	OrderEarliest ItemOrder = "earliest_deadline_first" // then those without one, by priority
)

// Unique says among which items of a queue a reference stands once. A retry is
// no second one.
type Unique string

// The scopes of unique references.
const (
	UniqueNone        Unique = "none"
	UniqueForever     Unique = "forever"      // until the item is deleted
	UniqueWhileActive Unique = "while_active" // until its chain has ended
	UniqueWindow      Unique = "window"       // for window_seconds after it was added
)

// DeadlineRule says what becomes of a new item whose deadline passes.
type DeadlineRule string

// What a deadline does; each is told by item.overdue.
const (
	DeadlineWarn   DeadlineRule = "warn"
	DeadlineExpire DeadlineRule = "expire" // the item has failed
	DeadlineBoost  DeadlineRule = "boost"  // its priority becomes 0
)

// The bounds of queues and items.
const (
	MaxItemBytes        = 256 << 10 // of data, and of output
	MaxReference        = 128       // characters
	MaxSchemaBytes      = 64 << 10
	MaxRetriesOfItem    = 100
	MinAbandonSeconds   = 60
	MaxAbandonSeconds   = 30 * 24 * 3600
	MaxQueueSeconds     = 366 * 24 * 3600
	MaxRetentionDays    = 3660
	MaxClaimedItems     = 100
	MaxComments         = 100
	MaxCommentChars     = 2000
	MaxItemErrorChars   = 2000
	AbandonBudget       = 3      // how often an item may be abandoned and stand in line again
	MaxReorderedItems   = 10_000 // new items of a queue whose order may still be changed
	MaxReferencedItems  = 100_000
	DeadlineErrorType   = "deadline"
	ApplicationItemType = "ApplicationException"
	BusinessItemType    = "BusinessException"
	AbandonedItemType   = "Abandoned"
)

// Key is the name as it is compared.
func (q *Queue) Key() string { return strings.ToLower(q.Name) }

// RetryDelay is how long a retry waits.
func (q *Queue) RetryDelay() time.Duration { return time.Duration(q.RetryDelaySeconds) * time.Second }

// AbandonAfter is the lease of a holder outside of a job.
func (q *Queue) AbandonAfter() time.Duration {
	return time.Duration(q.AbandonAfterSeconds) * time.Second
}

// Holds says until when the queue keeps the reference of an item that is added
// now; zero is without an end.
func (q *Queue) Holds(now time.Time) time.Time {
	if q.Unique == UniqueWindow {
		return now.Add(time.Duration(q.WindowSeconds) * time.Second)
	}
	return time.Time{}
}

// Validate checks all that can be set, except the schemas themselves.
func (q *Queue) Validate() error {
	if err := ValidateName("name", q.Name, 128); err != nil {
		return err
	}
	if len([]rune(q.Description)) > 500 || len([]rune(q.Note)) > 500 {
		return Invalid("description", "description and note may have at most 500 characters.")
	}
	for _, n := range []struct {
		field     string
		value     int
		from, to  int
		mayBeZero bool
	}{
		{"max_retries", q.MaxRetries, 0, MaxRetriesOfItem, false},
		{"retry_delay_seconds", q.RetryDelaySeconds, 0, MaxAbandonSeconds, false},
		{"abandon_after_seconds", q.AbandonAfterSeconds, MinAbandonSeconds, MaxAbandonSeconds, false},
		{"sla_seconds", q.SLASeconds, 1, MaxQueueSeconds, true},
		{"risk_seconds", q.RiskSeconds, 1, MaxQueueSeconds, true},
		{"retention_days", q.RetentionDays, 1, MaxRetentionDays, false},
	} {
		if (n.value < n.from || n.value > n.to) && (!n.mayBeZero || n.value != 0) {
			return Invalid(n.field, "%s must be between %d and %d; got %d.", n.field, n.from, n.to, n.value)
		}
	}
	switch q.Order {
	case OrderDefault, OrderFIFO, OrderEarliest:
	default:
		return Invalid("order", "order must be default, fifo or earliest_deadline_first; got %q.", clip(string(q.Order), 40))
	}
	switch q.Unique {
	case UniqueNone, UniqueForever, UniqueWhileActive:
		if q.WindowSeconds != 0 {
			return Invalid("window_seconds", "window_seconds is for unique window alone; unique is %s.", q.Unique)
		}
	case UniqueWindow:
		if q.WindowSeconds < 1 || q.WindowSeconds > MaxQueueSeconds {
			return Invalid("window_seconds", "window_seconds must be between 1 and %d where unique is window; got %d.", MaxQueueSeconds, q.WindowSeconds)
		}
	default:
		return Invalid("unique", "unique must be none, forever, while_active or window; got %q.", clip(string(q.Unique), 40))
	}
	switch q.OnDeadline {
	case DeadlineWarn, DeadlineExpire, DeadlineBoost:
	default:
		return Invalid("on_deadline", "on_deadline must be warn, expire or boost; got %q.", clip(string(q.OnDeadline), 40))
	}
	if len(q.Schema) > MaxSchemaBytes || len(q.OutputSchema) > MaxSchemaBytes {
		return Invalid("schema", "A schema may have at most %d bytes.", MaxSchemaBytes)
	}
	return nil
}

// QueueCounts is how many items of a queue are in each state. Postponed ones are
// among the new.
type QueueCounts struct {
	New        int64 `json:"new"`
	InProgress int64 `json:"in_progress"`
	Successful int64 `json:"successful"`
	Failed     int64 `json:"failed"`
	Abandoned  int64 `json:"abandoned"`
	Retried    int64 `json:"retried"`
	Deleted    int64 `json:"deleted"`
	Postponed  int64 `json:"postponed"`
}

// Add counts items of a state.
func (c *QueueCounts) Add(s ItemState, postponed bool, n int64) {
	switch s {
	case ItemNew:
		c.New += n
		if postponed {
			c.Postponed += n
		}
	case ItemInProgress:
		c.InProgress += n
	case ItemSuccessful:
		c.Successful += n
	case ItemFailed:
		c.Failed += n
	case ItemAbandoned:
		c.Abandoned += n
	case ItemRetried:
		c.Retried += n
	case ItemDeleted:
		c.Deleted += n
	}
}

// Total is all of them except those that were deleted.
func (c *QueueCounts) Total() int64 {
	return c.New + c.InProgress + c.Successful + c.Failed + c.Abandoned + c.Retried
}

// Open is how many are still to be done.
func (c *QueueCounts) Open() int64 { return c.New + c.InProgress }

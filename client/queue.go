package client

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// QueueChange is what is to hold of a queue; nil leaves things as they are.
type QueueChange struct {
	Name                *string             `json:"name,omitempty"`
	Description         *string             `json:"description,omitempty"`
	MaxRetries          *int                `json:"max_retries,omitempty"`
	RetryDelaySeconds   *int                `json:"retry_delay_seconds,omitempty"`
	AutoRetry           *bool               `json:"auto_retry,omitempty"`
	Order               *fleet.ItemOrder    `json:"order,omitempty"`
	Unique              *fleet.Unique       `json:"unique,omitempty"`
	WindowSeconds       *int                `json:"window_seconds,omitempty"`
	AbandonAfterSeconds *int                `json:"abandon_after_seconds,omitempty"`
	Schema              json.RawMessage     `json:"schema,omitempty"` // {} takes it away
	OutputSchema        json.RawMessage     `json:"output_schema,omitempty"`
	OnDeadline          *fleet.DeadlineRule `json:"on_deadline,omitempty"`
	SLASeconds          *int                `json:"sla_seconds,omitempty"`
	RiskSeconds         *int                `json:"risk_seconds,omitempty"`
	RetentionDays       *int                `json:"retention_days,omitempty"`
}

// Queue is a queue with its counts.
type Queue struct {
	fleet.Queue
	ItemCount int64             `json:"item_count"`
	Counts    fleet.QueueCounts `json:"counts"`
}

// QueueStats is how a queue stands.
type QueueStats struct {
	fleet.QueueCounts
	Total      int64     `json:"total"`
	Status     string    `json:"status"`
	OldestAge  int64     `json:"oldest_age_seconds"`
	HandlingMS int64     `json:"average_handling_ms"`
	SLA        fleet.SLA `json:"sla"`
}

// ItemFilter selects items of a queue; empty fields select all.
type ItemFilter struct {
	Status    []string
	Reference string // exactly
	Prefix    string // of the reference
	JobID     fleet.ID
	InLine    bool // as they are worked off; else the newest first
}

// ItemPage is a part of the items of a queue.
type ItemPage struct {
	Items []fleet.QueueItem `json:"items"`
	Next  string            `json:"next_cursor"`
}

// AddedItem answers one item of a bulk.
type AddedItem struct {
	Index  int
	Status string // added, refused; skipped: all right, but not added because of another
	ItemID fleet.ID
	Err    error // of a refused one
}

// UnmarshalJSON reads the row's problem as an error.
func (r *AddedItem) UnmarshalJSON(b []byte) error {
	var in struct {
		Index  int      `json:"index"`
		Status string   `json:"status"`
		ItemID fleet.ID `json:"item_id"`
		Error  *problem `json:"error"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*r = AddedItem{Index: in.Index, Status: in.Status, ItemID: in.ItemID}
	if in.Error != nil {
		r.Err = fill(&Error{Err: &fleet.Error{Code: fleet.CodeInternal}}, *in.Error)
	}
	return nil
}

// ItemHold says who holds an item: a job with its attempt, or whoever asks.
type ItemHold struct {
	JobID fleet.ID `json:"job_id,omitempty"`
	Epoch int64    `json:"epoch,omitempty"`
}

// ItemFault is why an item could not be done.
type ItemFault struct {
	Type      string // ApplicationException, which is tried again, or BusinessException
	Message   string
	Exception string // as the workflow names it
	Output    json.RawMessage
}

// ListQueues returns all queues by name.
func (c *Client) ListQueues(ctx context.Context) ([]Queue, error) {
	var out struct {
		Queues []Queue `json:"queues"`
	}
	err := c.get(ctx, at("queues"), nil, &out)
	return out.Queues, err
}

// GetQueue returns a queue, by its id or its name.
func (c *Client) GetQueue(ctx context.Context, queue string) (out Queue, err error) {
	err = c.get(ctx, at("queues", queue), nil, &out)
	return out, err
}

// CreateQueue makes a queue.
func (c *Client) CreateQueue(ctx context.Context, q QueueChange) (out Queue, err error) {
	err = c.once(ctx, http.MethodPost, at("queues"), q, &out)
	return out, err
}

// UpdateQueue changes a queue.
func (c *Client) UpdateQueue(ctx context.Context, queue string, q QueueChange) (out Queue, err error) {
	err = c.write(ctx, http.MethodPatch, at("queues", queue), q, &out)
	return out, err
}

// DeleteQueue deletes a queue that has nothing left to do.
func (c *Client) DeleteQueue(ctx context.Context, queue string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("queues", queue), safe: true})
	return err
}

// PauseQueue keeps items from being taken.
func (c *Client) PauseQueue(ctx context.Context, queue, note string) (out Queue, err error) {
	err = c.write(ctx, http.MethodPost, at("queues", queue, "pause"), map[string]any{"note": note}, &out)
	return out, err
}

// ResumeQueue lets them be taken again.
func (c *Client) ResumeQueue(ctx context.Context, queue string) (out Queue, err error) {
	err = c.write(ctx, http.MethodPost, at("queues", queue, "resume"), map[string]any{}, &out)
	return out, err
}

// QueueStats tells how a queue stands, and whether its deadlines will be met.
func (c *Client) QueueStats(ctx context.Context, queue string) (out QueueStats, err error) {
	err = c.get(ctx, at("queues", queue, "stats"), nil, &out)
	return out, err
}

// QueueDepth tells how many items of a queue were new over a range that ends now,
// such as 24h (if empty) or 7d.
func (c *Client) QueueDepth(ctx context.Context, queue, length string) (out fleet.QueueDepth, err error) {
	v := url.Values{}
	set(v, "range", length)
	err = c.get(ctx, at("queues", queue, "depth"), v, &out)
	return out, err
}

// QueueFigures tells of the first hundred queues by name how they stand.
func (c *Client) QueueFigures(ctx context.Context) ([]fleet.QueueFigures, error) {
	var out struct {
		Queues []fleet.QueueFigures `json:"queues"`
	}
	err := c.get(ctx, at("queue-figures"), nil, &out)
	return out.Queues, err
}

// ListItems returns a page of the items of a queue.
func (c *Client) ListItems(ctx context.Context, queue string, f ItemFilter, p fleet.Page) (out ItemPage, err error) {
	q := pageQuery(p)
	for _, s := range f.Status {
		q.Add("status", s)
	}
	set(q, "reference", f.Reference)
	set(q, "q", f.Prefix)
	set(q, "job_id", f.JobID)
	if f.InLine {
		q.Set("order", "line")
	}
	err = c.get(ctx, at("queues", queue, "items"), q, &out)
	return out, err
}

// AddItem adds an item. The client makes an idempotency key for each call, so
// that a repeated one gives the same item.
func (c *Client) AddItem(ctx context.Context, queue string, s fleet.ItemSpec) (out fleet.QueueItem, err error) {
	body, err := encode(s)
	if err != nil {
		return out, err
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("queues", queue, "items"), body: body, safe: true, header: idempotent("")}, &out)
	return out, err
}

// AddItems adds up to 10,000 items with an answer for each, or all or none.
func (c *Client) AddItems(ctx context.Context, queue string, items []fleet.ItemSpec, together bool) ([]AddedItem, error) {
	in := map[string]any{"items": items, "mode": "each_alone"}
	if together {
		in["mode"] = "all_or_nothing"
	}
	var out struct {
		Items []AddedItem `json:"items"`
	}
	err := c.once(ctx, http.MethodPost, at("queues", queue, "items", "bulk"), in, &out)
	return out.Items, err
}

// maxItemLine bounds one row of an export.
const maxItemLine = 4 << 20

// ExportItems gives every item of a queue after an id to take, the oldest first.
func (c *Client) ExportItems(ctx context.Context, queue string, after fleet.ID, take func(line json.RawMessage) error) error {
	q := url.Values{}
	if after != "" {
		q.Set("after", string(after))
	}
	resp, err := c.send(ctx, c.streams, request{method: http.MethodGet, path: at("queues", queue, "items", "export"), query: q, accept: "application/x-ndjson"})
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		_, err := readReply(resp)
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxItemLine)
	for lines.Scan() {
		if err := take(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return broken(resp.Request.URL.Host, err)
	}
	return nil
}

// ClaimItems takes up to count items. Those that are held within a job are the
// attempt's; others must be settled, or renewed in time.
func (c *Client) ClaimItems(ctx context.Context, queue string, count int, hold ItemHold) ([]fleet.QueueItem, error) {
	in := map[string]any{"count": count}
	safe := hold.JobID != ""
	if safe {
		in["job_id"], in["epoch"], in["claim_key"] = hold.JobID, hold.Epoch, newKey()
	}
	body, err := encode(in)
	if err != nil {
		return nil, err
	}
	var out struct {
		Items []fleet.QueueItem `json:"items"`
	}
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("queues", queue, "items", "claim"), body: body, safe: safe}, &out)
	return out.Items, err
}

// GetItem returns an item with its data, output and comments.
func (c *Client) GetItem(ctx context.Context, id fleet.ID) (out fleet.QueueItem, err error) {
	err = c.get(ctx, at("queue-items", string(id)), nil, &out)
	return out, err
}

// ItemChain returns all tries of an item, the first one first.
func (c *Client) ItemChain(ctx context.Context, id fleet.ID) ([]fleet.QueueItem, error) {
	var out ItemPage
	err := c.get(ctx, at("queue-items", string(id), "chain"), nil, &out)
	return out.Items, err
}

// ItemEdit changes a new item; nil leaves things as they are.
type ItemEdit struct {
	Reference *string            `json:"reference,omitempty"`
	Data      json.RawMessage    `json:"data,omitempty"`
	Priority  *fleet.Priority    `json:"priority,omitempty"`
	Deadline  *time.Time         `json:"deadline,omitempty"`
	RiskAt    *time.Time         `json:"risk_at,omitempty"`
	NotBefore *time.Time         `json:"not_before,omitempty"`
	Labels    *map[string]string `json:"labels,omitempty"`
	Clear     []string           `json:"clear,omitempty"` // any of deadline, risk_at, not_before
	// Version is the one that was read; 0 is any.
	Version int64 `json:"-"`
}

// UpdateItem changes a new item.
func (c *Client) UpdateItem(ctx context.Context, id fleet.ID, e ItemEdit) (out fleet.QueueItem, err error) {
	body, err := encode(e)
	if err != nil {
		return out, err
	}
	r := request{method: http.MethodPatch, path: at("queue-items", string(id)), body: body, safe: e.Version == 0}
	if e.Version > 0 {
		r.header = http.Header{"If-Match": {`"` + strconv.FormatInt(e.Version, 10) + `"`}}
	}
	_, err = c.call(ctx, r, &out)
	return out, err
}

// DeleteItem takes an item out that nobody holds.
func (c *Client) DeleteItem(ctx context.Context, id fleet.ID) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: at("queue-items", string(id)), safe: true})
	return err
}

// RetryItem tries a failed or abandoned item again, and returns the new item.
func (c *Client) RetryItem(ctx context.Context, id fleet.ID) (out fleet.QueueItem, err error) {
	err = c.once(ctx, http.MethodPost, at("queue-items", string(id), "retry"), map[string]any{}, &out)
	return out, err
}

// ItemsChange asks for one action on many items of a queue.
type ItemsChange struct {
	IDs      []fleet.ID      `json:"ids"`
	Do       string          `json:"do"` // retry, verify, postpone, set_priority, move, delete
	Until    *time.Time      `json:"until,omitempty"`
	Priority *fleet.Priority `json:"priority,omitempty"`
	To       string          `json:"to,omitempty"` // of move: id or name of the other queue
}

// ItemsChanged says what became of each, in the order of the request.
type ItemsChanged struct {
	Items []struct {
		ID   fleet.ID `json:"id"`
		Next fleet.ID `json:"next_item_id"`
		Why  string   `json:"why"`
	} `json:"items"`
	Done    int `json:"done"`
	Refused int `json:"refused"`
}

// ChangeItems does the same with many items, each by itself.
func (c *Client) ChangeItems(ctx context.Context, queue string, r ItemsChange) (out ItemsChanged, err error) {
	err = c.write(ctx, http.MethodPost, at("queues", queue, "items", "change"), r, &out)
	return out, err
}

// ReviewItem notes what a person says of an item that failed, and who looks at it.
func (c *Client) ReviewItem(ctx context.Context, id fleet.ID, review fleet.Review, reviewer string) (out fleet.QueueItem, err error) {
	err = c.write(ctx, http.MethodPost, at("queue-items", string(id), "review"), map[string]any{"review": review, "reviewer": reviewer}, &out)
	return out, err
}

// CommentItem adds a comment to an item.
func (c *Client) CommentItem(ctx context.Context, id fleet.ID, text string) (out fleet.QueueItem, err error) {
	err = c.once(ctx, http.MethodPost, at("queue-items", string(id), "comments"), map[string]any{"text": text}, &out)
	return out, err
}

func (c *Client) settle(ctx context.Context, id fleet.ID, verb string, hold ItemHold, more map[string]any) (out fleet.QueueItem, err error) {
	in := map[string]any{}
	if hold.JobID != "" {
		in["job_id"], in["epoch"] = hold.JobID, hold.Epoch
	}
	maps.Copy(in, more)
	body, err := encode(in)
	if err != nil {
		return out, err
	}
	// Within a job the same word twice is no contradiction.
	_, err = c.call(ctx, request{method: http.MethodPost, path: at("queue-items", string(id), verb), body: body, safe: hold.JobID != "" || verb == "renew"}, &out)
	return out, err
}

// CompleteItem says that an item is done; output is an object, or nil.
func (c *Client) CompleteItem(ctx context.Context, id fleet.ID, hold ItemHold, output json.RawMessage) (fleet.QueueItem, error) {
	more := map[string]any{}
	if len(output) > 0 {
		more["output"] = output
	}
	return c.settle(ctx, id, "complete", hold, more)
}

// FailItem says that an item could not be done.
func (c *Client) FailItem(ctx context.Context, id fleet.ID, hold ItemHold, f ItemFault) (fleet.QueueItem, error) {
	more := map[string]any{"error_type": f.Type, "error_message": f.Message, "processing_exception_type": f.Exception}
	if len(f.Output) > 0 {
		more["output"] = f.Output
	}
	return c.settle(ctx, id, "fail", hold, more)
}

// PostponeItem puts an item back until a time.
func (c *Client) PostponeItem(ctx context.Context, id fleet.ID, hold ItemHold, until time.Time) (fleet.QueueItem, error) {
	return c.settle(ctx, id, "postpone", hold, map[string]any{"until": until})
}

// ReleaseItem gives an item back unharmed.
func (c *Client) ReleaseItem(ctx context.Context, id fleet.ID, hold ItemHold) (fleet.QueueItem, error) {
	return c.settle(ctx, id, "release", hold, nil)
}

// RenewItem prolongs the lease of an item that is held outside of a job.
func (c *Client) RenewItem(ctx context.Context, id fleet.ID) (fleet.QueueItem, error) {
	return c.settle(ctx, id, "renew", ItemHold{}, nil)
}

// once is a change that is not sent again if the server may have seen it.
func (c *Client) once(ctx context.Context, method, path string, in, out any) error {
	body, err := encode(in)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, request{method: method, path: path, body: body}, out)
	return err
}

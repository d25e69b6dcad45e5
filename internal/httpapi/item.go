package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// ItemBody is an item to add.
type ItemBody struct {
	Reference string            `json:"reference,omitempty" doc:"At most 128 characters."`
	Data      json.RawMessage   `json:"data,omitempty" opaque:"true" doc:"An object of at most 256 KiB."`
	Priority  *fleet.Priority   `json:"priority,omitempty" doc:"0 (first) to 20, or a name; 10 if left out."`
	Deadline  *time.Time        `json:"deadline,omitempty"`
	RiskAt    *time.Time        `json:"risk_at,omitempty"`
	NotBefore *time.Time        `json:"not_before,omitempty"`
	Postpone  *time.Time        `json:"postpone_until,omitempty" doc:"The same as not_before."`
	Labels    map[string]string `json:"labels,omitempty"`
}

func (b *ItemBody) spec() fleet.ItemSpec {
	return fleet.ItemSpec{
		Reference: b.Reference, Data: b.Data, Priority: b.Priority, Deadline: b.Deadline, RiskAt: b.RiskAt, NotBefore: b.NotBefore,
		Postpone: b.Postpone, Labels: b.Labels,
	}
}

// NewItemBody is ItemBody with the job of a robot that adds it.
type NewItemBody struct {
	Reference string            `json:"reference,omitempty" doc:"At most 128 characters."`
	Data      json.RawMessage   `json:"data,omitempty" opaque:"true" doc:"An object of at most 256 KiB."`
	Priority  *fleet.Priority   `json:"priority,omitempty" doc:"0 (first) to 20, or a name; 10 if left out."`
	Deadline  *time.Time        `json:"deadline,omitempty"`
	RiskAt    *time.Time        `json:"risk_at,omitempty"`
	NotBefore *time.Time        `json:"not_before,omitempty"`
	Postpone  *time.Time        `json:"postpone_until,omitempty" doc:"The same as not_before."`
	Labels    map[string]string `json:"labels,omitempty"`
	JobID     fleet.ID          `json:"job_id,omitempty" doc:"For a robot: the job in which it adds the item."`
	Epoch     int64             `json:"epoch,omitempty" doc:"The attempt of the job."`
}

// ItemsBody is a bulk of items.
type ItemsBody struct {
	Items json.RawMessage `json:"items" opaque:"true"`
	Mode  string          `json:"mode,omitempty"`
}

// itemsSchema is ItemsBody as it is documented.
type itemsSchema struct {
	Items []ItemBody `json:"items" doc:"1 to 10,000 items."`
	Mode  string     `json:"mode,omitempty" enum:"each_alone,all_or_nothing" doc:"each_alone if left out."`
}

// AddedRow answers one item of a bulk.
type AddedRow struct {
	Index  int      `json:"index"`
	Status string   `json:"status" enum:"added,refused,skipped" doc:"skipped: all right, but not added because of another row."`
	ItemID fleet.ID `json:"item_id,omitempty"`
	Error  *Problem `json:"error,omitempty"`
}

// AddedAnswer has a row for each item, in the order of the request.
type AddedAnswer struct {
	Items   []AddedRow `json:"items"`
	Added   int        `json:"added"`
	Refused int        `json:"refused"`
}

// ItemList is a part of the items of a queue.
type ItemList struct {
	Items []fleet.QueueItem `json:"items"`
	Next  string            `json:"next_cursor,omitempty"`
}

// ItemEditBody changes a new item; what is left out stays as it is.
type ItemEditBody struct {
	Reference *string            `json:"reference,omitempty"`
	Data      json.RawMessage    `json:"data,omitempty" opaque:"true"`
	Priority  *fleet.Priority    `json:"priority,omitempty"`
	Deadline  *time.Time         `json:"deadline,omitempty"`
	RiskAt    *time.Time         `json:"risk_at,omitempty"`
	NotBefore *time.Time         `json:"not_before,omitempty"`
	Labels    *map[string]string `json:"labels,omitempty"`
	Clear     []string           `json:"clear,omitempty" doc:"Any of deadline, risk_at and not_before: takes that away."`
}

// ReviewBody is what a person says of an item that failed.
type ReviewBody struct {
	Review   fleet.Review `json:"review,omitempty" enum:"in_review,verified" doc:"None if left out."`
	Reviewer string       `json:"reviewer,omitempty" doc:"Who is to look at it."`
}

// CommentBody is a remark.
type CommentBody struct {
	Text string `json:"text"`
}

func (a *API) itemRoutes() {
	items, one := Base+"/queues/{id}/items", Base+"/queue-items/{id}"
	read, run := need(fleet.QueuesRead), need(fleet.QueuesRun)
	route(a, operation{method: http.MethodGet, path: items, id: "items.list", summary: "List items of a queue, the newest first", may: read, rate: rateRead}, a.listItems)
	route(a, operation{
		method: http.MethodPost, path: items, id: "items.add", summary: "Add an item to a queue", may: run.orHolder(), rate: rateWrite, status: http.StatusCreated,
		also: []int{http.StatusOK}, body: jsonBody[NewItemBody](plainBody, true),
		description: "Answers 200 with `Idempotent-Replay: true` when the same key and body were sent before.",
	}, a.addItem)
	route(a, operation{
		method: http.MethodPost, path: items + "/bulk", id: "items.add_many", summary: "Add many items to a queue", may: run, rate: rateWrite,
		body: bodyRule{limit: bulkBody, required: true, schema: schemaOf[itemsSchema]()},
	}, a.addItems)
	a.routePlain(operation{
		method: http.MethodGet, path: items + "/export", id: "items.export", summary: "Read all items of a queue as lines of JSON", may: read, rate: rateExport, stream: true,
	}, []*huma.Param{
		{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "after", In: "query", Description: "The id of the last item of the part before; everything if left out.", Schema: &huma.Schema{Type: huma.TypeString}},
	}, map[string]*huma.Response{
		"200": {Description: "One item on each line, the oldest first.", Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}}}},
	}, a.exportItems)
	route(a, operation{
		method: http.MethodPost, path: items + "/change", id: "items.change", summary: "Do the same with many items, each by itself", may: run, rate: rateWrite,
		body: jsonBody[ManyItemsBody](plainBody, true),
	}, a.changeItems)
	route(a, operation{method: http.MethodGet, path: one, id: "items.get", summary: "Get an item with its data, output and comments", may: read, rate: rateRead}, a.getItem)
	route(a, operation{method: http.MethodGet, path: one + "/chain", id: "items.chain", summary: "Get all tries of an item, the first one first", may: read, rate: rateRead}, a.itemChain)
	route(a, operation{
		method: http.MethodPatch, path: one, id: "items.update", summary: "Change a new item", may: run, rate: rateWrite, body: jsonBody[ItemEditBody](plainBody, true),
	}, a.editItem)
	route(a, operation{method: http.MethodDelete, path: one, id: "items.delete", summary: "Delete an item that nobody holds", may: run, rate: rateWrite, status: http.StatusNoContent}, a.deleteItem)
	route(a, operation{
		method: http.MethodPost, path: one + "/retry", id: "items.retry", summary: "Try a failed or abandoned item again", may: run, rate: rateWrite, status: http.StatusCreated,
		body: bodyRule{limit: plainBody, schema: anyObject("Empty.")},
	}, a.retryItem)
	route(a, operation{
		method: http.MethodPost, path: one + "/review", id: "items.review", summary: "Say what is to hold of an item that failed, and who looks at it", may: run, rate: rateWrite,
		body: jsonBody[ReviewBody](plainBody, false),
	}, a.reviewItem)
	route(a, operation{
		method: http.MethodPost, path: one + "/comments", id: "items.comment", summary: "Add a comment to an item", may: run, rate: rateWrite, body: jsonBody[CommentBody](plainBody, true),
	}, a.commentItem)
}

func showItem(i fleet.QueueItem) fleet.QueueItem {
	stamp(&i.Deadline, &i.RiskAt, &i.NotBefore, &i.LeaseUntil, &i.StartedAt, &i.CompletedAt, &i.CreatedAt, &i.UpdatedAt)
	for k := range i.Comments {
		stamp(&i.Comments[k].At)
	}
	return i
}

type listItemsInput struct {
	PageInput
	ID        string   `path:"id" doc:"The id or the name of the queue."`
	Status    []string `query:"status,explode" doc:"A state; may be repeated. All but deleted if left out."`
	Reference string   `query:"reference" doc:"Exactly this one."`
	Prefix    string   `query:"q" doc:"With which the reference begins; then in the order of references."`
	Job       string   `query:"job_id" doc:"Held by this job, now or at their end."`
	Order     string   `query:"order" enum:"newest,line" doc:"newest, the default, or line: as they are worked off, then what waits for its time, then the rest, the newest first. Without q, reference and job_id."`
}

type (
	itemsReply struct{ Body ItemList }
	itemReply  struct {
		ETag string `header:"ETag"`
		Body fleet.QueueItem
	}
	newItemReply struct {
		Status   int
		Location string `header:"Location"`
		Replay   string `header:"Idempotent-Replay"`
		ETag     string `header:"ETag"`
		Body     fleet.QueueItem
	}
	addedReply struct{ Body AddedAnswer }
)

func (a *API) listItems(ctx context.Context, in *listItemsInput) (*itemsReply, error) {
	f := orchestrator.ItemFilter{Reference: in.Reference, Prefix: in.Prefix, Job: fleet.ID(in.Job)}
	if in.Order == "line" {
		f.Line = fleet.OrderDefault // which of them is for the queue to say
	}
	for _, text := range in.Status {
		s, err := fleet.ParseItemState(text)
		if err != nil {
			return nil, err
		}
		f.States = append(f.States, s)
	}
	list, next, err := a.o.Orchestrator.Queues.Items(ctx, auth.From(ctx), in.ID, f, in.page())
	if err != nil {
		return nil, err
	}
	return &itemsReply{ItemList{Items: showAll(list, showItem), Next: next}}, nil
}

type addItemInput struct {
	ID  string `path:"id" doc:"The id or the name of the queue."`
	Key string `header:"Idempotency-Key" doc:"1 to 255 printable characters; kept for 24 hours."`
}

func (a *API) addItem(ctx context.Context, in *addItemInput) (*newItemReply, error) {
	raw := callOf(ctx).body
	body, err := decode[NewItemBody](raw, a.o.Limits)
	if err != nil {
		return nil, err
	}
	b := ItemBody{body.Reference, body.Data, body.Priority, body.Deadline, body.RiskAt, body.NotBefore, body.Postpone, body.Labels}
	var key *orchestrator.IdempotencyKey
	if in.Key != "" {
		if err := fleet.ValidateName("Idempotency-Key", in.Key, 255); err != nil {
			return nil, err
		}
		key = &orchestrator.IdempotencyKey{Key: in.Key, Hash: requestHash(raw, a.o.Limits, in.ID), ExpiresAt: time.Now().Add(24 * time.Hour)}
	}
	i, replayed, err := a.o.Orchestrator.Queues.Add(ctx, auth.From(ctx), in.ID, orchestrator.Hold{JobID: body.JobID, Epoch: body.Epoch}, b.spec(), key)
	if err != nil {
		return nil, err
	}
	out := &newItemReply{Status: http.StatusCreated, Location: Base + "/queue-items/" + string(i.ID), ETag: etag(i.Version), Body: showItem(i)}
	if replayed {
		out.Status, out.Replay = http.StatusOK, "true"
	}
	return out, nil
}

func (a *API) addItems(ctx context.Context, in *queueInput) (*addedReply, error) {
	body, err := decode[ItemsBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	together := body.Mode == "all_or_nothing"
	if body.Mode != "" && body.Mode != "each_alone" && !together {
		return nil, fleet.Invalid("mode", "mode must be each_alone or all_or_nothing; got %q.", clip(body.Mode, 40))
	}
	elements, err := list(body.Items, a.o.Limits)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 || len(elements) > a.o.Limits.BulkItems {
		return nil, fleet.Invalid("items", "items must hold 1 to %d entries; got %d.", a.o.Limits.BulkItems, len(elements))
	}
	out := AddedAnswer{Items: make([]AddedRow, len(elements))}
	faults := make([]error, len(elements))
	var specs []fleet.ItemSpec
	var index []int
	for k, e := range elements {
		item, err := decode[ItemBody](e.value, a.o.Limits)
		if err != nil {
			faults[k] = err
			continue
		}
		specs, index = append(specs, item.spec()), append(index, k)
	}
	if len(specs) > 0 && (!together || len(specs) == len(elements)) {
		added, err := a.o.Orchestrator.Queues.BulkAdd(ctx, auth.From(ctx), in.ID, specs, together)
		if err != nil {
			return nil, err
		}
		for n, k := range index {
			out.Items[k].ItemID, faults[k] = added[n].ID, added[n].Err
		}
	}
	for k := range out.Items {
		row := &out.Items[k]
		switch row.Index = k; {
		case faults[k] != nil:
			row.Status, row.Error = "refused", a.problem(ctx, faults[k]).Problem
			out.Refused++
		case row.ItemID == "":
			row.Status = "skipped"
		default:
			row.Status = "added"
			out.Added++
		}
	}
	return &addedReply{out}, nil
}

func (a *API) exportItems(w http.ResponseWriter, r *http.Request) error {
	ctx, first := r.Context(), true
	err := a.o.Orchestrator.Queues.Export(ctx, auth.From(ctx), r.PathValue("id"), fleet.ID(r.URL.Query().Get("after")), func(list []fleet.QueueItem) error {
		if first {
			w.Header().Set("Content-Type", "application/x-ndjson")
			w.Header().Set("Content-Disposition", `attachment; filename="items.jsonl"`)
			first = false
		}
		// Each part has its own time, so that a long export is not cut off.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTime))
		enc := json.NewEncoder(w)
		for k := range list {
			if err := enc.Encode(showItem(list[k])); err != nil {
				return errGone
			}
		}
		return nil
	})
	switch {
	case errors.Is(err, errGone):
		return nil
	case err != nil && !first:
		panic(http.ErrAbortHandler) //nolint:forbidigo // what was sent must not look whole
	}
	return err
}

// errGone says that nobody reads any more.
var errGone = errors.New("the reader is gone")

type itemInput struct {
	ID string `path:"id"`
}

func (in *itemInput) id() (fleet.ID, error) {
	if id := fleet.ID(in.ID); id.Valid() {
		return id, nil
	}
	return "", fleet.NotFound("item", in.ID)
}

func itemAnswer(i fleet.QueueItem, err error) (*itemReply, error) {
	if err != nil {
		return nil, err
	}
	return &itemReply{ETag: etag(i.Version), Body: showItem(i)}, nil
}

func (a *API) getItem(ctx context.Context, in *itemInput) (*itemReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return itemAnswer(a.o.Orchestrator.Queues.Item(ctx, auth.From(ctx), id))
}

func (a *API) itemChain(ctx context.Context, in *itemInput) (*itemsReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	list, err := a.o.Orchestrator.Queues.Chain(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &itemsReply{ItemList{Items: showAll(list, showItem)}}, nil
}

type editItemInput struct {
	ID      string `path:"id"`
	IfMatch string `header:"If-Match" doc:"ETag of the item as it was read; 412 if it has changed since."`
}

func (a *API) editItem(ctx context.Context, in *editItemInput) (*itemReply, error) {
	id, err := (&itemInput{in.ID}).id()
	if err != nil {
		return nil, err
	}
	version, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	body, err := decode[ItemEditBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	c := fleet.ItemChange{
		Reference: body.Reference, Data: body.Data, Priority: body.Priority, Deadline: body.Deadline, RiskAt: body.RiskAt, NotBefore: body.NotBefore, Labels: body.Labels,
	}
	for _, field := range body.Clear {
		switch field {
		case "deadline":
			c.Deadline = &time.Time{}
		case "risk_at":
			c.RiskAt = &time.Time{}
		case "not_before":
			c.NotBefore = &time.Time{}
		default:
			return nil, fleet.Invalid("clear", "clear may name deadline, risk_at and not_before; got %q.", clip(field, 40))
		}
	}
	return itemAnswer(a.o.Orchestrator.Queues.Edit(ctx, auth.From(ctx), id, version, c))
}

func (a *API) deleteItem(ctx context.Context, in *itemInput) (*struct{}, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	return nil, a.o.Orchestrator.Queues.DeleteItem(ctx, auth.From(ctx), id)
}

func (a *API) retryItem(ctx context.Context, in *itemInput) (*newItemReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	if _, err := optional[struct{}](a, callOf(ctx).body); err != nil {
		return nil, err
	}
	i, err := a.o.Orchestrator.Queues.RetryItem(ctx, auth.From(ctx), id)
	if err != nil {
		return nil, err
	}
	return &newItemReply{Status: http.StatusCreated, Location: Base + "/queue-items/" + string(i.ID), ETag: etag(i.Version), Body: showItem(i)}, nil
}

func (a *API) reviewItem(ctx context.Context, in *itemInput) (*itemReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := optional[ReviewBody](a, callOf(ctx).body)
	if err != nil {
		return nil, err
	}
	return itemAnswer(a.o.Orchestrator.Queues.Review(ctx, auth.From(ctx), id, body.Review, body.Reviewer))
}

func (a *API) commentItem(ctx context.Context, in *itemInput) (*itemReply, error) {
	id, err := in.id()
	if err != nil {
		return nil, err
	}
	body, err := decode[CommentBody](callOf(ctx).body, a.o.Limits)
	if err != nil {
		return nil, err
	}
	return itemAnswer(a.o.Orchestrator.Queues.Comment(ctx, auth.From(ctx), id, body.Text))
}

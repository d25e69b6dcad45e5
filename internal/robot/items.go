package robot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/protocol"
)

// items are the transaction queues for one run. They are asked over REST, with
// the key of the robot, for the attempt that the robot holds.
type items struct {
	r   *Robot
	run *run
}

// maxItems bounds the answer to a claim.
const maxItems = 64 << 20

// itemRequest is one request about items.
type itemRequest struct {
	path string
	body map[string]any
	key  string // of a request that may be sent twice and must count once
	out  any
}

// call sends a request until it is answered. While the orchestrator is away it
// waits, as a secret does: the fence ends the wait if it must.
func (i *items) call(ctx context.Context, q itemRequest) error {
	q.body["job_id"], q.body["epoch"] = i.run.offer.JobID, i.run.offer.Epoch
	body, err := json.Marshal(q.body)
	if err != nil {
		return err
	}
	var backoff protocol.Backoff
	for sent := false; ; {
		answered, err := i.try(ctx, q, body, &sent)
		if answered {
			return err
		}
		i.r.log.Info("a job waits for a queue until the orchestrator answers", "job_id", i.run.offer.JobID, "epoch", i.run.offer.Epoch, "error", err)
		t := time.NewTimer(backoff.Next(i.r.o.chance()) + 100*time.Millisecond)
		select {
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-i.run.soft:
			t.Stop()
			return errors.New("the attempt is being stopped")
		case <-t.C:
		}
	}
}

// try sends a request once; answered is false if it is worth another try.
func (i *items) try(ctx context.Context, q itemRequest, body []byte, sent *bool) (answered bool, err error) {
	c := i.r.current()
	if c == nil {
		return false, errors.New("not connected")
	}
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/api/v1/"+q.path, bytes.NewReader(body))
	if err != nil {
		return true, err
	}
	req.Header.Set("Authorization", "Bearer "+i.r.o.Key)
	req.Header.Set("Content-Type", "application/json")
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	again := *sent
	resp, err := i.r.o.HTTPClient.Do(req)
	// One that was told to wait did nothing; any other may have been heard.
	*sent = again || err != nil || resp.StatusCode != http.StatusTooManyRequests
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode < 300:
		if q.out == nil {
			return true, nil
		}
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxItems))
		if err != nil {
			return false, err
		}
		return true, json.Unmarshal(text, q.out)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		if wait, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
			sleep(ctx, time.Duration(min(wait, 10))*time.Second)
		}
		return false, fmt.Errorf("the orchestrator answered %d%s", resp.StatusCode, problem(resp))
	}
	var p struct{ Code, Detail string }
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what cannot be read says nothing
	_ = json.Unmarshal(text, &p)
	// The first of the two did it, and the item may be somebody else's by now.
	if again && q.out == nil && (p.Code == "invalid_state" || p.Code == "not_holder") {
		return true, nil
	}
	if p.Detail == "" {
		p.Detail = "the orchestrator answered " + resp.Status
	}
	return true, engine.Fail("QueueError", "%s", p.Detail)
}

func itemPath(id fleet.ID, verb string) string { return "queue-items/" + string(id) + "/" + verb }

// Claim takes items; sent twice, it gives the same ones.
func (i *items) Claim(ctx context.Context, queue string, count int) ([]fleet.QueueItem, error) {
	var out struct {
		Items []fleet.QueueItem `json:"items"`
	}
	err := i.call(ctx, itemRequest{path: "queues/" + url.PathEscape(queue) + "/items/claim", body: map[string]any{"count": count, "claim_key": i.r.ids.New()}, out: &out})
	return out.Items, err
}

// Complete says that an item is done.
func (i *items) Complete(ctx context.Context, id fleet.ID, output json.RawMessage) (out fleet.QueueItem, err error) {
	body := map[string]any{}
	if len(output) > 0 {
		body["output"] = output
	}
	err = i.call(ctx, itemRequest{path: itemPath(id, "complete"), body: body, out: &out})
	return out, err
}

// Fail says why it could not be done.
func (i *items) Fail(ctx context.Context, id fleet.ID, f fleet.ItemFault, output json.RawMessage) (out fleet.QueueItem, err error) {
	body := map[string]any{"error_type": f.Type, "error_message": f.Message, "processing_exception_type": f.Exception}
	if len(output) > 0 {
		body["output"] = output
	}
	err = i.call(ctx, itemRequest{path: itemPath(id, "fail"), body: body, out: &out})
	return out, err
}

// Postpone puts an item back until a time.
func (i *items) Postpone(ctx context.Context, id fleet.ID, until time.Time) error {
	return i.call(ctx, itemRequest{path: itemPath(id, "postpone"), body: map[string]any{"until": until}})
}

// Release gives an item back.
func (i *items) Release(ctx context.Context, id fleet.ID) error {
	return i.call(ctx, itemRequest{path: itemPath(id, "release"), body: map[string]any{}})
}

// Add adds an item, once.
func (i *items) Add(ctx context.Context, queue string, s fleet.ItemSpec) (out fleet.QueueItem, err error) {
	text, err := json.Marshal(s)
	if err != nil {
		return out, err
	}
	body := map[string]any{}
	if err := json.Unmarshal(text, &body); err != nil {
		return out, err
	}
	if len(s.Data) > 0 {
		body["data"] = s.Data
	}
	err = i.call(ctx, itemRequest{path: "queues/" + url.PathEscape(queue) + "/items", body: body, key: string(i.r.ids.New()), out: &out})
	return out, err
}

var _ engine.Queues = (*items)(nil)

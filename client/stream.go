package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// FleetSnapshot is all robots at one moment. A row has its cells in the order of
// Columns; a cell of a column that Tables names is an index into that table.
type FleetSnapshot struct {
	Cursor  string                       `json:"cursor"`
	Mark    string                       `json:"mark"`
	Now     time.Time                    `json:"now"`
	Columns []string                     `json:"columns"`
	Tables  map[string][]json.RawMessage `json:"tables"`
	Robots  [][]json.RawMessage          `json:"robots"`
}

// FleetSnapshot returns all robots and the cursor from which Stream goes on.
func (c *Client) FleetSnapshot(ctx context.Context) (out FleetSnapshot, err error) {
	err = c.get(ctx, at("fleet", "snapshot"), nil, &out)
	return out, err
}

// StreamQuery says what a stream carries and where it begins.
type StreamQuery struct {
	Topics       []string // robots, jobs, job:ID, log:ID, activity, events, …
	Environments []string // of robots and jobs; empty: all
	After        string   // cursor of a snapshot or a frame; empty: the present end
	Mark         string   // of a snapshot or a frame
	LogAfter     string   // EPOCH.LINE
}

// StreamFrame is one frame of a stream: facts (ev), samples (sm), lines of a log
// (lg) or a sign of life (hb).
type StreamFrame struct {
	Kind    string            `json:"t"`
	From    string            `json:"from"`
	To      string            `json:"to"`
	Now     time.Time         `json:"now"`
	Changes []StreamChange    `json:"ev"`
	Mark    string            `json:"mark"`
	Samples []json.RawMessage `json:"d"`
	Job     fleet.ID          `json:"job"`
	Lines   []fleet.LogLine   `json:"lines"`
}

// StreamChange is one fact. Row is the whole row as it is now when Op is put.
type StreamChange struct {
	Seq   int64           `json:"seq"`
	Topic string          `json:"topic"`
	Op    string          `json:"op"` // put, del or note
	ID    string          `json:"id"`
	V     int64           `json:"v"`
	Kind  fleet.EventKind `json:"type"`
	At    time.Time       `json:"at"`
	From  fleet.State     `json:"from_state"`
	To    fleet.State     `json:"to_state"`
	Row   json.RawMessage `json:"d"`
}

// Stream yields the frames of a stream until ctx ends or the loop is left. It
// goes on from its cursor over lost connections and restarts, so that every fact
// comes once. An error is yielded last, and only if going on is no use:
// fleet.ErrGone asks for a new snapshot.
func (c *Client) Stream(ctx context.Context, q StreamQuery) iter.Seq2[StreamFrame, error] {
	return func(yield func(StreamFrame, error) bool) {
		pause := firstReconnect
		for ctx.Err() == nil {
			before := q.After
			goOn, err := c.streamOnce(ctx, &q, yield)
			if !goOn {
				return
			}
			if err != nil && !passing(err) {
				yield(StreamFrame{}, err)
				return
			}
			if q.After != before {
				pause = firstReconnect
			}
			if wait(ctx, jitter(pause)) != nil {
				return
			}
			pause = min(2*pause, lastReconnect)
		}
	}
}

// streamOnce reads one connection to its end. q follows what was yielded.
func (c *Client) streamOnce(ctx context.Context, q *StreamQuery, yield func(StreamFrame, error) bool) (goOn bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(silence, cancel) // a connection that is not closed but gone
	defer dead.Stop()
	v := url.Values{"topics": {strings.Join(q.Topics, ",")}, "environment": q.Environments}
	set(v, "after", q.After)
	set(v, "mark", q.Mark)
	set(v, "log_after", q.LogAfter)
	resp, err := c.send(ctx, c.streams, request{method: http.MethodGet, path: at("stream"), query: v, accept: "text/event-stream"})
	if err != nil {
		return true, err
	}
	if resp.StatusCode != http.StatusOK {
		_, err := readReply(resp)
		return true, err
	}
	defer resp.Body.Close()
	frames := newFrames(resp.Body)
	for frames.next() {
		dead.Reset(silence)
		switch kind, data := frames.frame.kind, frames.frame.data; kind {
		case "": // a comment
		case "reset":
			return true, resetError(data)
		case "end":
			return true, endError(data)
		default:
			var f StreamFrame
			if err := json.Unmarshal(data, &f); err != nil {
				return true, fleet.Errorf(fleet.CodeUnavailable, "unreadable_answer", "A frame cannot be read: %w", err)
			}
			if f.Kind == "ev" && q.After != "" && f.From != q.After {
				return true, nil // does not follow: come back with the cursor
			}
			if f.To != "" {
				q.After = f.To
			}
			if f.Mark != "" {
				q.Mark = f.Mark
			}
			if !yield(f, nil) {
				return false, nil
			}
		}
	}
	return true, nil // cut off: come back
}

func resetError(data []byte) error {
	var in struct{ Reason, Message string }
	if err := json.Unmarshal(data, &in); err != nil || in.Message == "" {
		in.Message = "The cursor leads nowhere any more."
	}
	return fleet.Errorf(fleet.CodeGone, in.Reason, "%s", in.Message)
}

// endError says why a server closed: only the credential makes going on no use.
func endError(data []byte) error {
	var in struct {
		Code   int
		Reason string
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil //nolint:nilerr // cut off in the middle: come back
	}
	switch in.Code {
	case 4401:
		return fleet.Errorf(fleet.CodeUnauthenticated, "credential_ended", "The stream was closed: %s.", in.Reason)
	case 4403:
		return fleet.Errorf(fleet.CodeForbidden, "forbidden", "The stream was closed: %s.", in.Reason)
	}
	return nil
}

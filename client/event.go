package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// EventFilter selects events; empty fields select all.
type EventFilter struct {
	Kinds     []fleet.EventKind
	Subject   fleet.SubjectKind
	SubjectID string
}

// EventPage is a part of the log and where to go on.
type EventPage struct {
	Events []fleet.Event `json:"events"`
	Next   int64         `json:"next_after"` // everything up to it was looked at
	Head   int64         `json:"head"`       // number of the newest event of all
}

// ListEvents returns events after a number, oldest first, at most limit (0:
// 100). With wait it waits up to so long, at most 30 s, for the first one.
func (c *Client) ListEvents(ctx context.Context, after int64, limit int, hold time.Duration, filter ...EventFilter) (out EventPage, err error) {
	v := eventQuery(filter)
	v.Set("after", strconv.FormatInt(after, 10))
	set(v, "limit", limit)
	set(v, "wait_ms", hold.Milliseconds())
	err = c.get(ctx, at("events"), v, &out)
	return out, err
}

// Head returns the number of the newest event: whoever reads a list after it
// and then watches from it misses nothing.
func (c *Client) Head(ctx context.Context) (int64, error) {
	var out EventPage
	err := c.get(ctx, at("events"), url.Values{"after": {"now"}, "limit": {"1"}}, &out)
	return out.Head, err
}

func eventQuery(filter []EventFilter) url.Values {
	v := url.Values{}
	for _, f := range filter {
		for _, k := range f.Kinds {
			v.Add("type", string(k))
		}
		set(v, "subject", f.Subject)
		set(v, "subject_id", f.SubjectID)
	}
	return v
}

// The pauses between two connections of an iterator, and how long it believes
// in a silent one: the server sends a heartbeat every 5 seconds.
const (
	firstReconnect = 100 * time.Millisecond
	lastReconnect  = 5 * time.Second
	silence        = 16 * time.Second
)

// WatchEvents yields every event after a number, once and in order, until ctx
// ends or the loop is left. It goes on over lost connections and restarts of
// the server. An error is yielded last, and only if going on is no use: the
// key does not count, or the log no longer reaches back (fleet.ErrGone).
func (c *Client) WatchEvents(ctx context.Context, after int64, filter ...EventFilter) iter.Seq2[fleet.Event, error] {
	return func(yield func(fleet.Event, error) bool) {
		place, pause := after, firstReconnect
		for ctx.Err() == nil {
			before := place
			goOn, err := c.watchOnce(ctx, &place, filter, yield)
			if !goOn {
				return
			}
			if err != nil && !passing(err) {
				yield(fleet.Event{}, err)
				return
			}
			if place > before {
				pause = firstReconnect
			}
			if wait(ctx, jitter(pause)) != nil {
				return
			}
			pause = min(2*pause, lastReconnect)
		}
	}
}

// passing says whether an error may go away by itself.
func passing(err error) bool {
	return errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, fleet.ErrExhausted) || errors.Is(err, fleet.ErrInternal) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// watchOnce reads one stream to its end. place follows what was yielded.
func (c *Client) watchOnce(ctx context.Context, place *int64, filter []EventFilter, yield func(fleet.Event, error) bool) (goOn bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dead := time.AfterFunc(silence, cancel) // a connection that is not closed but gone
	defer dead.Stop()
	v := eventQuery(filter)
	v.Set("after", strconv.FormatInt(*place, 10))
	resp, err := c.send(ctx, c.streams, request{method: http.MethodGet, path: at("events"), query: v, accept: "text/event-stream"})
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
		f := frames.frame
		switch f.kind {
		case "": // a comment
		case "heartbeat":
			*place = max(*place, f.id)
		case "reset", "error":
			return true, streamError(f.data)
		default:
			var e fleet.Event
			if err := json.Unmarshal(f.data, &e); err != nil {
				return true, fleet.Errorf(fleet.CodeUnavailable, "unreadable_answer", "An event cannot be read: %w", err)
			}
			if e.Seq <= *place {
				continue
			}
			*place = e.Seq
			if !yield(e, nil) {
				return false, nil
			}
		}
	}
	return true, nil // cut off: come back
}

func streamError(data []byte) error {
	var in struct {
		Code    fleet.Code `json:"code"`
		Reason  string     `json:"reason"`
		Message string     `json:"message"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return fleet.Errorf(fleet.CodeUnavailable, "unreadable_answer", "The stream ended with an error that cannot be read: %w", err)
	}
	return &fleet.Error{Code: in.Code, Reason: in.Reason, Message: in.Message}
}

// frames reads server-sent events.
type frames struct {
	lines *bufio.Scanner
	frame frame
}

type frame struct {
	kind string
	id   int64
	data []byte
}

// maxFrame bounds one frame; events are small.
const maxFrame = 4 << 20

func newFrames(r interface{ Read([]byte) (int, error) }) *frames {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 8<<10), maxFrame)
	return &frames{lines: s}
}

// next reads up to the blank line that ends a frame. A frame that was cut off
// in the middle does not count.
func (f *frames) next() bool {
	f.frame = frame{}
	for f.lines.Scan() {
		line := f.lines.Bytes()
		if len(line) == 0 {
			return true
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(name) {
		case "event":
			f.frame.kind = string(value)
		case "id":
			f.frame.id, _ = strconv.ParseInt(string(value), 10, 64) // another server's id is no place
		case "data":
			f.frame.data = append(f.frame.data, value...)
		}
	}
	return false
}

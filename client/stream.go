package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/casarerpa/fleet/fleet"
)

// EventPage is a part of the event log.
type EventPage struct {
	Events []fleet.Event `json:"events"`
	Head   int64         `json:"head"` // number of the newest event
}

// EventQuery selects events.
type EventQuery struct {
	After     int64
	Limit     int
	Kinds     []fleet.EventKind
	Subject   fleet.SubjectKind
	SubjectID string
	WaitMS    int // wait up to so long for one; at most 30,000
}

// ListEvents returns events after a number, oldest first.
func (c *Client) ListEvents(ctx context.Context, q EventQuery) (page EventPage, err error) {
	v := url.Values{}
	v.Set("after", strconv.FormatInt(q.After, 10))
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	for _, k := range q.Kinds {
		v.Add("type", string(k))
	}
	set(v, "subject", string(q.Subject))
	set(v, "subject_id", q.SubjectID)
	if q.WaitMS > 0 {
		v.Set("wait_ms", strconv.Itoa(q.WaitMS))
	}
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/events", query: v}, nil, &page)
	return page, err
}

// WatchEvents yields events after a number for ever, each once and in order,
// also across restarts of the orchestrator. It ends with ctx, or with the
// first error that does not pass.
func (c *Client) WatchEvents(ctx context.Context, q EventQuery) iter.Seq2[fleet.Event, error] {
	return func(yield func(fleet.Event, error) bool) {
		q.WaitMS = 20_000
		for ctx.Err() == nil {
			page, err := c.ListEvents(ctx, q)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil && (errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, fleet.ErrExhausted)):
				continue // the request itself has paused between its tries
			case err != nil:
				yield(fleet.Event{}, err)
				return
			}
			for _, e := range page.Events {
				q.After = e.Seq
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// LogPage is a part of a job's log.
type LogPage struct {
	Lines []fleet.LogLine `json:"lines"`
}

// LogQuery selects lines of a job's log.
type LogQuery struct {
	Epoch int64
	From  int64
	Limit int
	Level string
}

// GetLog returns lines of a job's log, oldest first.
func (c *Client) GetLog(ctx context.Context, id fleet.ID, q LogQuery) (page LogPage, err error) {
	v := url.Values{}
	if q.Epoch > 0 {
		v.Set("epoch", strconv.FormatInt(q.Epoch, 10))
	}
	if q.From > 0 {
		v.Set("from_line", strconv.FormatInt(q.From, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	set(v, "level", q.Level)
	err = c.call(ctx, request{method: http.MethodGet, path: "/api/v1/jobs/" + string(id) + "/log", query: v}, nil, &page)
	return page, err
}

// FollowLog yields the lines of a job's log, each once and in order, until the
// job is final and its last line was read.
func (c *Client) FollowLog(ctx context.Context, id fleet.ID, level string) iter.Seq2[fleet.LogLine, error] {
	return func(yield func(fleet.LogLine, error) bool) {
		q := LogQuery{Epoch: 1, From: 1, Limit: 1000, Level: level}
		wait := pollLeast
		for ctx.Err() == nil {
			// The state is read before the lines: what was written before the end
			// is then among them.
			job, err := c.GetJob(ctx, id)
			var page LogPage
			if err == nil {
				page, err = c.GetLog(ctx, id, q)
			}
			switch {
			case ctx.Err() != nil:
				return
			case err != nil && (errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, fleet.ErrExhausted)):
				continue
			case err != nil:
				yield(fleet.LogLine{}, err)
				return
			}
			for _, l := range page.Lines {
				q.Epoch, q.From = l.Epoch, l.Line+1
				wait = pollLeast
				if !yield(l, nil) {
					return
				}
			}
			if len(page.Lines) > 0 {
				continue
			}
			if job.State.Final() {
				return
			}
			if sleep(ctx, wait) != nil {
				return
			}
			wait = min(wait*3/2, pollMost)
		}
	}
}

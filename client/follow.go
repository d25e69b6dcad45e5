package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// LogQuery selects lines of a job's log.
type LogQuery struct {
	Epoch int64         // attempt to start in; 0: the first
	From  int64         // line of that attempt to start at; 0 and 1 are the first
	Limit int           // 0: 1000
	Level string        // least level; empty: all
	Wait  time.Duration // up to so long, at most 30 s, for lines unless the job has ended
}

// LogPage is a part of a log and where to go on.
type LogPage struct {
	JobID     fleet.ID        `json:"job_id"`
	Status    fleet.State     `json:"status"`
	Lines     []fleet.LogLine `json:"lines"`
	NextEpoch int64           `json:"next_epoch"`
	NextLine  int64           `json:"next_line"`
	Final     bool            `json:"final"`
}

// JobLog returns lines of a job's log.
func (c *Client) JobLog(ctx context.Context, id fleet.ID, q LogQuery) (out LogPage, err error) {
	v := url.Values{}
	if q.Epoch > 0 {
		v.Set("epoch", strconv.FormatInt(q.Epoch, 10))
	}
	if q.From > 0 {
		v.Set("from_line", strconv.FormatInt(q.From, 10))
	}
	set(v, "limit", q.Limit)
	set(v, "level", q.Level)
	set(v, "wait_ms", q.Wait.Milliseconds())
	err = c.get(ctx, at("jobs", string(id), "log"), v, &out)
	return out, err
}

// lateLines is how long after a job's end its last lines may still arrive.
const lateLines = 400 * time.Millisecond

// FollowLog yields each line of a job's log once, of all its attempts, until
// the job has ended. It goes on over lost connections and restarts. An error
// is yielded last, and only if going on is no use.
func (c *Client) FollowLog(ctx context.Context, id fleet.ID, query ...LogQuery) iter.Seq2[fleet.LogLine, error] {
	return func(yield func(fleet.LogLine, error) bool) {
		q := LogQuery{}
		for _, given := range query {
			q = given
		}
		q.Wait = 20 * time.Second
		pause, ended := firstReconnect, false
		for ctx.Err() == nil {
			page, err := c.JobLog(ctx, id, q)
			switch {
			case err != nil && ctx.Err() != nil:
				return
			case err != nil && !passing(err):
				yield(fleet.LogLine{}, err)
				return
			case err != nil:
				if wait(ctx, jitter(pause)) != nil {
					return
				}
				pause = min(2*pause, lastReconnect)
				continue
			}
			pause = firstReconnect
			for _, line := range page.Lines {
				if !yield(line, nil) {
					return
				}
			}
			q.Epoch, q.From = page.NextEpoch, page.NextLine
			switch {
			case !page.Final:
				ended = false
			case ended:
				return
			default:
				ended = true // look once more
				if wait(ctx, lateLines) != nil {
					return
				}
			}
		}
	}
}

// WaitJob returns when a job has ended or needs a person's decision. It goes
// on over lost connections and restarts. onChange, which may be nil, is told
// of the job as it is at first and after every change, also of progress.
func (c *Client) WaitJob(ctx context.Context, id fleet.ID, onChange func(JobDetail)) (JobDetail, error) {
	hold := 20 * time.Second
	if onChange != nil {
		hold = time.Second // progress raises no event
	}
	var last JobDetail
	place, known, pause := int64(-1), false, firstReconnect
	for {
		job, err := c.look(ctx, id, &place)
		if err == nil {
			if onChange != nil && (!known || changed(last, job)) {
				onChange(job)
			}
			last, known, pause = job, true, firstReconnect
			if job.State.Final() || job.State == fleet.NeedsDecision {
				return job, nil
			}
			var page EventPage
			page, err = c.ListEvents(ctx, place, 100, hold, EventFilter{Subject: fleet.SubjectJob, SubjectID: string(id)})
			if err == nil {
				place = page.Next
				continue
			}
		}
		switch {
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !passing(err):
			return last, err
		}
		if err := wait(ctx, jitter(pause)); err != nil {
			return last, err
		}
		pause = min(2*pause, lastReconnect)
	}
}

// look reads the job, and before the first time the end of the log, so that
// no change falls between the two.
func (c *Client) look(ctx context.Context, id fleet.ID, place *int64) (JobDetail, error) {
	if *place < 0 {
		head, err := c.Head(ctx)
		if err != nil {
			return JobDetail{}, err
		}
		*place = head
	}
	return c.GetJob(ctx, id)
}

func changed(a, b JobDetail) bool {
	return a.Version != b.Version || a.State != b.State || a.Progress != b.Progress || a.CurrentNode != b.CurrentNode ||
		a.WaitingSummary != b.WaitingSummary || a.Silent != b.Silent
}

package stream

import (
	"context"
	"encoding/json"
	"errors"
	"sort"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// jobUpdate is a job as the original's live view shows it.
type jobUpdate struct {
	Type         string         `json:"type"`
	JobID        fleet.ID       `json:"job_id"`
	Status       string         `json:"status"`
	Progress     int            `json:"progress"`
	Node         string         `json:"current_node"`
	Error        string         `json:"error_message"`
	WorkflowID   fleet.ID       `json:"workflow_id"`
	WorkflowName string         `json:"workflow_name"`
	RobotID      *fleet.RobotID `json:"robot_id"`
	RobotName    string         `json:"robot_name"`
	At           time.Time      `json:"timestamp"`
	FleetStatus  fleet.State    `json:"fleet_status"`
}

// liveJob is a job with an attempt, as the reader knows it.
type liveJob struct {
	row   fleet.Job
	state fleet.State
	robot fleet.RobotID
	data  *fleet.JobData
}

// jobsPart is a stretch of the snapshot: jobs from an id on were read when the log
// ended at head.
type jobsPart struct {
	from fleet.ID
	head int64
}

// The bounds of what a view begins with, so that a connection costs the same
// however much waits.
const (
	legacyWaiting = 2000   // jobs that only wait: the newest so many
	lateFacts     = 20_000 // among which those are that ended lately
)

// beginJobs tells of the jobs that ended lately, as the log has it, of all that
// robots or people have to do with, and of the newest of those that wait. They are
// read part by part, each at a place in the log of its own, and facts up to that
// place are known for it.
func (v *viewer) beginJobs(ctx context.Context) error {
	if err := v.endedLately(ctx); err != nil {
		return err
	}
	var underway []fleet.State
	for _, s := range fleet.States() {
		if !s.Final() && s != fleet.Pending {
			underway = append(underway, s)
		}
	}
	if err := v.beginWith(ctx, underway, 0); err != nil {
		return err
	}
	return v.beginWith(ctx, []fleet.State{fleet.Pending}, v.h.o.Waiting)
}

// beginWith tells of the jobs in some states, the newest first; most 0: all.
func (v *viewer) beginWith(ctx context.Context, open []fleet.State, most int) error {
	page := fleet.Page{Limit: fleet.PageMax}
	if most > 0 {
		page.Limit = min(page.Limit, most)
	}
	for told := 0; ; {
		var list store.JobPage
		var head int64
		data := map[fleet.ID]*fleet.JobData{}
		err := v.h.o.Store.View(ctx, v.v.Who.Scope(), func(r store.Reader) (err error) {
			if head, err = r.Head(); err != nil {
				return err
			}
			if list, err = r.Jobs(store.JobFilter{States: open}, page); err != nil || !v.dashboard {
				return err
			}
			for i := range list.Jobs {
				d, err := r.JobData(list.Jobs[i].ID)
				if err != nil {
					return err
				}
				data[list.Jobs[i].ID] = &d
			}
			return nil
		})
		if err != nil {
			return err
		}
		part := jobsPart{head: head}
		if list.Next != "" && len(list.Jobs) > 0 {
			part.from = list.Jobs[len(list.Jobs)-1].ID
		}
		v.parts = append(v.parts, part)
		for i := range list.Jobs {
			j := &list.Jobs[i]
			if err := v.job(ctx, j, j.State, "", j.RobotID, data[j.ID]); err != nil {
				return err
			}
		}
		told += len(list.Jobs)
		if page.Cursor = list.Next; page.Cursor == "" || most > 0 && told >= most {
			return nil
		}
	}
}

// endedLately tells of the jobs that ended lately and before the reader's place.
func (v *viewer) endedLately(ctx context.Context) error {
	since := v.h.o.Now().Add(-v.h.o.Recent)
	var after int64
	err := v.h.o.Store.View(ctx, scope(v.v.Who.Tenant), func(r store.Reader) error {
		oldest, err := r.Oldest()
		if err != nil {
			return err
		}
		low := max(oldest-1, v.cursor-lateFacts, 0)
		after = low + int64(sort.Search(int(max(v.cursor-low, 0)), func(i int) bool {
			if err != nil {
				return true
			}
			var list []fleet.Event
			list, err = r.Events(store.EventFilter{After: low + int64(i), Limit: 1})
			return len(list) == 0 || !list[0].At.Before(since)
		}))
		return err
	})
	for err == nil && after < v.cursor {
		var facts []*fact
		err = v.h.o.Store.View(ctx, scope(v.v.Who.Tenant), func(r store.Reader) error {
			list, err := r.Events(store.EventFilter{After: after, Limit: min(2*page, int(v.cursor-after))})
			if err != nil || len(list) == 0 {
				after = v.cursor
				return err
			}
			after = list[len(list)-1].Seq
			var ends []fleet.Event
			for i := range list {
				if list[i].To.Final() {
					ends = append(ends, list[i])
				}
			}
			facts, err = v.h.rows(r, ends, v.cursor)
			return err
		})
		if err != nil {
			return err
		}
		data, err := v.dataOf(ctx, facts)
		if err != nil {
			return err
		}
		for _, f := range facts {
			if f.env == "" || v.sees(f.env) {
				if err := v.jobFact(ctx, f, data); err != nil {
					return err
				}
			}
		}
	}
	return err
}

// knows says whether a part of the snapshot is of a later time than a fact.
func (v *viewer) knows(id fleet.ID, seq int64) bool {
	for _, p := range v.parts { // the newest jobs come first
		if id >= p.from {
			return p.head >= seq
		}
	}
	return false
}

// dataOf reads what the dashboard shows of jobs beside their rows.
func (v *viewer) dataOf(ctx context.Context, facts []*fact) (map[fleet.ID]*fleet.JobData, error) {
	if !v.dashboard || !v.jobs || len(facts) == 0 {
		return nil, nil
	}
	out := map[fleet.ID]*fleet.JobData{}
	err := v.h.o.Store.View(ctx, v.v.Who.Scope(), func(r store.Reader) error {
		for _, f := range facts {
			if f.about == nil || f.event.To == "" || out[f.about.ID] != nil {
				continue
			}
			d, err := r.JobData(f.about.ID)
			if err != nil && !errors.Is(err, fleet.ErrNotFound) {
				return err
			}
			out[f.about.ID] = &d
		}
		return nil
	})
	return out, err
}

// jobFact tells of a job that moved. Its state is that of the fact, which the row
// may have left behind; what has ended is never said to go on.
func (v *viewer) jobFact(ctx context.Context, f *fact, data map[fleet.ID]*fleet.JobData) error {
	e := &f.event
	if f.about == nil || e.To == "" || e.From == e.To || e.Subject.Kind != fleet.SubjectJob {
		return nil
	}
	if !e.To.Final() && v.knows(f.about.ID, e.Seq) {
		return nil
	}
	var in struct{ Message, Reason string }
	if e.To == fleet.Failed || e.To == fleet.TimedOut {
		_ = json.Unmarshal(e.Data, &in) // the store wrote it
		if in.Message == "" {
			in.Message = in.Reason
		}
	}
	return v.job(ctx, f.about, e.To, in.Message, robotOf(e, f.about), data[f.about.ID])
}

// job sends one job in a state that it was in.
func (v *viewer) job(ctx context.Context, row *fleet.Job, state fleet.State, message string, robot fleet.RobotID, data *fleet.JobData) error {
	at := *row
	if state.Live() {
		if run := v.t.runOf(row.ID); run != nil && run.Epoch == row.Epoch {
			at.Progress, at.CurrentNode = run.Progress, run.Node
		}
		v.live[row.ID] = &liveJob{at, state, robot, data}
	} else {
		delete(v.live, row.ID)
	}
	if v.dashboard {
		if data == nil {
			data = &fleet.JobData{}
		}
		return v.wrap(ctx, "job_status", fleet.NewDashboardJob(&at, state, data))
	}
	u := jobUpdate{
		Type: "job_update", JobID: row.ID, Status: fleet.LegacyState(state), FleetStatus: state, WorkflowID: row.Workflow.ID,
		WorkflowName: row.Workflow.Name, At: moment(v.h.o.Now()), Error: message,
	}
	if robot != "" && state != fleet.Pending {
		u.RobotID, u.RobotName = &robot, v.t.name(robot)
	}
	switch {
	case state == fleet.Completed:
		u.Progress = 100
	case state.Live():
		u.Progress, u.Node = at.Progress, at.CurrentNode
	case state == fleet.NeedsDecision:
		u.Error = fleet.LegacyQuestion(row.ID)
	}
	return v.send(ctx, u)
}

// progress sends how far a job is that the reader knows to be under way.
func (v *viewer) progress(ctx context.Context, run *store.Running) error {
	known := v.live[run.JobID]
	if known == nil || known.row.Epoch != run.Epoch || known.row.Progress == run.Progress && known.row.CurrentNode == run.Node {
		return nil
	}
	return v.job(ctx, &known.row, known.state, "", known.robot, known.data)
}

// runOf is how far a job is, as it was read last; nil: it has no attempt.
func (t *tail) runOf(id fleet.ID) *store.Running {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.running[id]; s != nil {
		return &s.run
	}
	return nil
}

package orchestrator

import (
	"context"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// timelineSteps is how many steps a timeline looks at; a job with more is shown
// by its nodes alone and says so.
const timelineSteps = 20_000

// NodeTime is what one node did in one attempt, all its passes together.
type NodeTime struct {
	JobID     fleet.ID         `json:"job_id"` // the job, or the segment of it
	Epoch     int64            `json:"epoch"`
	Node      string           `json:"node_id"`
	NodeType  string           `json:"node_type"`
	Status    fleet.StepStatus `json:"status"`   // running while any pass runs, failed if any failed, else the last one's
	Passes    int              `json:"passes"`   // steps of the node
	Failed    int              `json:"failed"`   // of them
	TotalMS   int64            `json:"total_ms"` // time in ended passes, added up
	StartedAt time.Time        `json:"started_at"`
	EndedAt   time.Time        `json:"ended_at,omitzero"` // zero while a pass runs
	Error     string           `json:"error,omitempty"`   // of the last pass that failed
}

// Timeline says when what happened in a job.
type Timeline struct {
	Job      fleet.Job
	Parts    []fleet.Job     // the segments of a whole
	Attempts []fleet.Attempt // of the job or of its segments, in their order
	Nodes    []NodeTime      // in the order of the first starts
	Steps    int             // steps that were looked at
	Cut      bool            // there are more than those
}

// Timeline gathers the attempts and the nodes of a job.
func (j *Jobs) Timeline(ctx context.Context, p auth.Principal, id fleet.ID) (t Timeline, err error) {
	if err := p.Require(fleet.JobsRead); err != nil {
		return t, err
	}
	jobs := []fleet.ID{id}
	err = j.Store.View(ctx, p.Scope(), func(r store.Reader) error {
		t = Timeline{}
		if t.Job, err = r.Job(id); err != nil {
			return err
		}
		if t.Job.Segments > 0 {
			if t.Parts, err = r.Segments(id); err != nil {
				return err
			}
			jobs = jobs[:0]
			for i := range t.Parts {
				jobs = append(jobs, t.Parts[i].ID)
			}
		}
		for _, one := range jobs {
			list, err := r.Attempts(one)
			if err != nil {
				return err
			}
			t.Attempts = append(t.Attempts, list...)
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	for _, one := range jobs {
		if err := j.timelineOf(ctx, p, one, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

// timelineOf adds the nodes of one job.
func (j *Jobs) timelineOf(ctx context.Context, p auth.Principal, id fleet.ID, t *Timeline) error {
	const part = 5000
	type key struct {
		epoch int64
		node  string
	}
	at := map[key]int{}
	q := StepQuery{Limit: part}
	for {
		steps, err := j.Store.ReadSteps(ctx, p.Scope(), id, q)
		if err != nil {
			return err
		}
		for i := range steps {
			if t.Steps == timelineSteps {
				t.Cut = true
				return nil
			}
			t.Steps++
			s := &steps[i]
			k := key{s.Epoch, s.Node}
			n, known := at[k]
			if !known {
				n = len(t.Nodes)
				at[k] = n
				t.Nodes = append(t.Nodes, NodeTime{JobID: id, Epoch: s.Epoch, Node: s.Node, NodeType: s.NodeType, StartedAt: s.StartedAt})
			}
			t.Nodes[n].add(s)
		}
		if len(steps) < part {
			return nil
		}
		last := steps[len(steps)-1]
		q.Epoch, q.From = last.Epoch, last.Seq+1
	}
}

// add counts a pass.
func (n *NodeTime) add(s *fleet.Step) {
	n.Passes++
	n.TotalMS += s.DurationMS
	if s.Status == fleet.StepFailed {
		n.Failed++
		n.Error = s.Error
	}
	switch {
	case n.Status == fleet.StepRunning, s.Status == fleet.StepRunning:
		n.Status, n.EndedAt = fleet.StepRunning, time.Time{}
	case n.Failed > 0:
		n.Status, n.EndedAt = fleet.StepFailed, later(n.EndedAt, s.EndedAt)
	default:
		n.Status, n.EndedAt = s.Status, later(n.EndedAt, s.EndedAt)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

package orchestrator

import (
	"context"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// StepQuery selects steps of a job.
type StepQuery = store.StepQuery

// Steps returns the steps of a job, in the order of their starts, and the job as
// it was before they were read. A whole that is cut into segments has none of
// its own: they are those of its parts.
func (j *Jobs) Steps(ctx context.Context, p auth.Principal, id fleet.ID, q StepQuery) (job fleet.Job, steps []fleet.Step, err error) {
	if q.Epoch < 0 || q.From < 0 {
		return job, nil, fleet.Invalid("from_step", "epoch and from_step must not be negative; got %d and %d.", q.Epoch, q.From)
	}
	if job, q.Limit, err = j.told(ctx, p, id, q.Limit); err != nil {
		return job, nil, err
	}
	steps, err = j.Store.ReadSteps(ctx, p.Scope(), id, q)
	return job, steps, err
}

// LogMatch is a line that a search found.
type LogMatch struct {
	Epoch int64  `json:"epoch"`
	Line  int64  `json:"line"`
	Level string `json:"level"`
	Node  string `json:"node_id,omitempty"`
}

// LogSearch is what a search looks for; what is empty matches every line.
type LogSearch struct {
	Text  string // in any case; empty: every line
	Level string // least level
	Node  string
	Limit int // of matches, at most 5000; 0: 1000
}

// LogFound is the answer to a search: how the lines of a log are spread, and
// where the matches are.
type LogFound struct {
	Lines      int64            `json:"lines"`  // of the log
	Levels     map[string]int64 `json:"levels"` // lines for each level, in small letters
	FirstError *LogMatch        `json:"first_error,omitempty"`
	Matches    []LogMatch       `json:"matches"`
	Found      int64            `json:"found"` // matches in all; more than are listed if there were too many
}

// SearchLog looks through all lines of a job's log. It reads the log once, in
// parts, and holds one part and the matches in memory.
func (j *Jobs) SearchLog(ctx context.Context, p auth.Principal, id fleet.ID, s LogSearch) (LogFound, error) {
	out := LogFound{Levels: map[string]int64{}, Matches: []LogMatch{}}
	if s.Limit == 0 {
		s.Limit = 1000
	}
	if s.Limit < 1 || s.Limit > 5000 {
		return out, fleet.Invalid("limit", "limit must be between 1 and 5000; got %d.", s.Limit)
	}
	text, least := strings.ToLower(s.Text), 0
	if s.Level != "" {
		least = fleet.LogRank(s.Level)
	}
	q := store.LogQuery{Limit: 5000}
	for {
		_, lines, err := j.Log(ctx, p, id, q)
		if err != nil {
			return out, err
		}
		for i := range lines {
			l := &lines[i]
			level := strings.ToLower(l.Level)
			out.Lines++
			out.Levels[level]++
			m := LogMatch{Epoch: l.Epoch, Line: l.Line, Level: level, Node: l.Node}
			rank := fleet.LogRank(level)
			if out.FirstError == nil && rank == fleet.LogRank("error") {
				out.FirstError = &m
			}
			if rank < least || s.Node != "" && l.Node != s.Node || text != "" && !strings.Contains(strings.ToLower(l.Message), text) {
				continue
			}
			if out.Found++; len(out.Matches) < s.Limit {
				out.Matches = append(out.Matches, m)
			}
		}
		if len(lines) < q.Limit {
			return out, nil
		}
		last := lines[len(lines)-1]
		q.Epoch, q.From = last.Epoch, last.Line+1
	}
}

package stream

import (
	"context"
	"errors"
	"sort"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The log channel of the original: the lines of all attempts under way, or of
// those of one robot. Where the lines are kept, none says to which robot it
// belongs, so the attempts are asked one by one, once a second, and what was read is
// shared by all who follow.

// The reading of lines.
const (
	linesBack = 30 * time.Second // lines of attempts under way that a new reader gets: what it missed while it was away
	linesLate = 10 * time.Second // lines may come after the end of their attempt
	linesPage = 1000
)

// logRanks are the levels of the original in their order.
var logRanks = []string{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// logRank is the place of a level; false: there is no such level.
func logRank(level string) (int, bool) {
	switch level = strings.ToUpper(level); level {
	case "WARN":
		level = "WARNING"
	case "FATAL":
		level = "CRITICAL"
	}
	for i, l := range logRanks {
		if l == level {
			return i, true
		}
	}
	return 2, false // as INFO
}

// follower is what a reader of lines follows.
type follower struct {
	robot fleet.RobotID // empty: all
	least int
	jobs  map[fleet.ID]*followed
}

// followed is an attempt whose lines are read.
type followed struct {
	place logPlace
	robot fleet.RobotID
	name  string    // of the workflow
	env   string    // of the job
	ended time.Time // zero: it is under way
}

// heed begins an attempt with its start, and notes its end.
func (f *follower) heed(fact *fact, now time.Time) {
	e := &fact.event
	if fact.about == nil || e.To == "" || e.Subject.Kind != fleet.SubjectJob {
		return
	}
	id := fact.about.ID
	if !e.To.Live() {
		if known := f.jobs[id]; known != nil && known.ended.IsZero() {
			known.ended = now
		}
		return
	}
	robot := robotOf(e, fact.about)
	if known := f.jobs[id]; known != nil && known.place.epoch >= e.Epoch || f.robot != "" && robot != f.robot {
		return
	}
	f.jobs[id] = &followed{place: logPlace{epoch: e.Epoch}, robot: robot, name: fact.about.Workflow.Name, env: fact.about.Environment}
}

// beginLogs puts the reader a little before the end of what is written now.
func (v *viewer) beginLogs(ctx context.Context) error {
	v.t.mu.Lock()
	running := make([]store.Running, 0, len(v.t.running))
	for _, s := range v.t.running {
		running = append(running, s.run)
	}
	v.t.mu.Unlock()
	var ids []fleet.ID
	for i := range running {
		r := &running[i]
		if !v.sees(r.Environment) || v.lines.robot != "" && r.RobotID != v.lines.robot {
			continue
		}
		place, err := v.placeOf(ctx, r)
		if errors.Is(err, fleet.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		v.lines.jobs[r.JobID] = &followed{place: place, robot: r.RobotID, env: r.Environment}
		ids = append(ids, r.JobID)
	}
	err := v.h.o.Store.View(ctx, v.v.Who.Scope(), func(r store.Reader) error {
		jobs, err := r.JobsOf(ids)
		for i := range jobs {
			v.lines.jobs[jobs[i].ID].name = jobs[i].Workflow.Name
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.followLines(ctx)
}

// placeOf is the first line of an attempt that is not older than what a new reader
// gets.
func (v *viewer) placeOf(ctx context.Context, r *store.Running) (logPlace, error) {
	since := v.h.o.Now().Add(-linesBack)
	var fault error
	old := func(line int64) bool {
		if fault != nil {
			return false
		}
		var list []fleet.LogLine
		list, fault = v.t.lines(ctx, r.JobID, logPlace{r.Epoch, line}, 1)
		return len(list) == 1 && list[0].Epoch == r.Epoch && list[0].At.Before(since)
	}
	bound := int64(1)
	for old(bound) {
		bound *= 2
	}
	line := int64(sort.Search(int(bound), func(i int) bool { return !old(int64(i)) }))
	return logPlace{r.Epoch, line}, fault
}

// followLines sends the lines that are new.
func (v *viewer) followLines(ctx context.Context) error {
	now := v.h.o.Now()
	for id, f := range v.lines.jobs {
		for v.sees(f.env) {
			lines, err := v.t.lines(ctx, id, f.place, linesPage)
			if errors.Is(err, fleet.ErrNotFound) {
				break
			}
			if err != nil {
				return err
			}
			for i := range lines {
				if lines[i].Epoch != f.place.epoch {
					lines = lines[:i]
					break
				}
				if err := v.line(ctx, id, f, &lines[i]); err != nil {
					return err
				}
				f.place.line = lines[i].Line + 1
			}
			if len(lines) < linesPage {
				break
			}
		}
		if !f.ended.IsZero() && now.Sub(f.ended) > linesLate {
			delete(v.lines.jobs, id)
		}
	}
	return nil
}

func (v *viewer) line(ctx context.Context, id fleet.ID, f *followed, l *fleet.LogLine) error {
	rank, known := logRank(l.Level)
	if rank < v.lines.least {
		return nil
	}
	level := logRanks[rank]
	if !known && l.Level != "" {
		level = strings.ToUpper(l.Level)
	}
	return v.send(ctx, map[string]any{
		"type": "log_entry", "robot_id": f.robot, "timestamp": moment(l.At), "level": level, "message": l.Message,
		"source": firstOf(l.Node, f.name), "job_id": id,
	})
}

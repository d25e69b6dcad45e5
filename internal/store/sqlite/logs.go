package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/sqlstore"
)

// logs is logs.db: a file, a committer and readers of its own, so that a flood
// of lines never stands before a decision.
type logs struct {
	writer  *writer
	queue   *committer.Queue[change]
	readers *pool
}

func openLogs(ctx context.Context, s *Store) (*logs, error) {
	o := s.options
	f := file{path: filepath.Join(o.Dir, logsFile), synchronous: o.Synchronous, trace: o.Trace}
	if err := bring(ctx, f, logsScripts, o.Now); err != nil {
		return nil, err
	}
	c, err := f.open(true)
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn: c, env: sqlstore.Env{IDs: o.IDs, Now: o.Now, Lanes: sqlstore.NewLaneCache()}, log: o.Logger.With("file", "logs.db"),
		control: controls(), committed: func(*sqlstore.Batch) {},
	}
	return &logs{writer: w, queue: committer.New(o.Queue, w.commit), readers: newPool(f, 2)}, nil
}

func (l *logs) close() error {
	l.queue.Close()
	return errors.Join(l.readers.close(), l.writer.conn.db.Close())
}

// AppendLogs takes lines from the robot that holds or held the attempt. What
// comes from anybody else is answered as full, so that it stops.
func (s *Store) AppendLogs(ctx context.Context, sc store.Scope, in []fleet.LogBatch) ([]fleet.LogAck, error) {
	if err := sc.Valid(); err != nil {
		return nil, err
	}
	acks := make([]fleet.LogAck, len(in))
	var taken []fleet.LogBatch
	var at []int
	size := 0
	err := s.readers.view(ctx, func(c *conn) error {
		for i := range in {
			b := &in[i]
			if !sc.Covers(b.Tenant) {
				acks[i] = fleet.LogAck{NextLine: b.First + int64(len(b.Lines)), Full: true}
				continue
			}
			robot, err := sqlstore.Holder(c, b.Tenant, b.JobID, b.Epoch)
			if err != nil {
				return err
			}
			if robot == "" || robot != b.RobotID {
				acks[i] = fleet.LogAck{NextLine: b.First + int64(len(b.Lines)), Full: true}
				continue
			}
			taken, at = append(taken, *b), append(at, i)
			for _, l := range b.Lines {
				size += 128 + len(l.Message)
			}
			for _, step := range b.Steps {
				size += 256 + len(step.Error)
			}
		}
		return nil
	})
	if err != nil || len(taken) == 0 {
		return acks, err
	}
	err = s.logs.queue.Do(ctx, size, false, change{sc, func(tx *sqlstore.Tx) error {
		got, err := tx.AppendLogs(taken)
		for i := range got {
			acks[at[i]] = got[i]
		}
		return err
	}})
	return acks, err
}

// LogJobs lists old jobs that have lines.
func (s *Store) LogJobs(ctx context.Context, sc store.Scope, after fleet.ID, before time.Time, limit int) (out []fleet.ID, err error) {
	if err := sc.Valid(); err != nil {
		return nil, err
	}
	err = s.logs.readers.view(ctx, func(c *conn) (err error) {
		out, err = sqlstore.LogJobs(c, sc, after, before, limit)
		return err
	})
	return out, err
}

// PruneLogs takes the lines of jobs.
func (s *Store) PruneLogs(ctx context.Context, sc store.Scope, jobs []fleet.ID) error {
	if err := sc.Valid(); err != nil {
		return err
	}
	return s.logs.queue.Do(ctx, 1<<10, false, change{sc, func(tx *sqlstore.Tx) error { return tx.PruneLogs(jobs) }})
}

// ReadLogs returns lines of a job in order.
func (s *Store) ReadLogs(ctx context.Context, sc store.Scope, job fleet.ID, q store.LogQuery) ([]fleet.LogLine, error) {
	if err := sc.Valid(); err != nil {
		return nil, err
	}
	var out []fleet.LogLine
	err := s.logs.readers.view(ctx, func(c *conn) (err error) {
		out, err = sqlstore.ReadLogs(c, sc, job, q)
		return err
	})
	return out, err
}

// ReadSteps returns steps of a job in the order of their starts.
func (s *Store) ReadSteps(ctx context.Context, sc store.Scope, job fleet.ID, q store.StepQuery) ([]fleet.Step, error) {
	if err := sc.Valid(); err != nil {
		return nil, err
	}
	var out []fleet.Step
	err := s.logs.readers.view(ctx, func(c *conn) (err error) {
		out, err = sqlstore.ReadSteps(c, sc, job, q)
		return err
	})
	return out, err
}

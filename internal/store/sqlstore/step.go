package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Steps lie beside the lines of logs. Rows are only added: one for a step that
// was seen running and one for its end, so a repeated record changes nothing and
// a late one cannot hide the end.

var (
	stepInsert = stmt("log.step_insert", `insert into steps (job_id, epoch, seq, ended, tenant_id, node, node_type, iteration, branch, status,
		started_at, ended_at, error) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict do nothing`)
	stepRead = stmt("log.step_read", `select epoch, seq, node, node_type, iteration, branch, status, started_at, ended_at, error from steps s
		where job_id = $1 and (epoch, seq) >= ($2, $3) and ($4 or tenant_id = $5) and (ended = 1 or not exists
		(select 1 from steps e where e.job_id = s.job_id and e.epoch = s.epoch and e.seq = s.seq and e.ended = 1))
		order by epoch, seq limit $6`)
	stepPrune = stmt("log.step_prune", `delete from steps where job_id = $1 and ($2 or tenant_id = $3)`)
)

func (t *Tx) appendSteps(b *fleet.LogBatch) error {
	for i := range b.Steps {
		s := &b.Steps[i]
		if s.Seq > fleet.MaxSteps {
			continue
		}
		ended := 1
		if s.Status == fleet.StepRunning {
			ended = 0
		}
		if _, err := t.conn.Exec(stepInsert, b.JobID, b.Epoch, s.Seq, ended, b.Tenant, s.Node, s.NodeType, s.Iteration, s.Branch,
			string(s.Status), s.StartedAt, s.EndedAt, s.Error); err != nil {
			return err
		}
	}
	return nil
}

// ReadSteps returns the steps of a job in the order of their starts.
func ReadSteps(c Conn, s store.Scope, job fleet.ID, q store.StepQuery) ([]fleet.Step, error) {
	limit := q.Limit
	if limit <= 0 || limit > logLimit {
		limit = logLimit
	}
	all, tenant := s.Filter()
	out := []fleet.Step{}
	err := c.Query(stepRead, func(r *Row) error {
		step := fleet.Step{
			Epoch: r.int64(), Seq: r.int64(), Node: r.text(), NodeType: r.text(), Iteration: r.text(), Branch: r.text(),
			Status: str[fleet.StepStatus](r), StartedAt: r.time(), EndedAt: r.time(), Error: r.text(),
		}
		if !step.EndedAt.IsZero() {
			step.DurationMS = step.EndedAt.Sub(step.StartedAt).Milliseconds()
		}
		out = append(out, step)
		return nil
	}, job, q.Epoch, q.From, all, tenant, limit)
	return out, err
}

package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

var (
	checkpointPut = stmt("job_data.checkpoint_put", `update job_data set checkpoint = $3, checkpoint_epoch = $4, checkpoint_node = $5,
		checkpoint_reason = $6 where job_id = $1 and tenant_id = $2`)
	checkpointGet = stmt("job_data.checkpoint_get", `select checkpoint, checkpoint_epoch, checkpoint_node, checkpoint_reason, resumes, resumes_from
		from job_data where job_id = $1 and ($2 or tenant_id = $3)`)
)

// checkpoint keeps where an attempt stands that is about to say that it failed.
func (t *Tx) checkpoint(s *fleet.Subject, r *fleet.Report) (fleet.Verdict, error) {
	if !live(s, r) || s.Job.State != fleet.Running {
		return verdict(fleet.VerdictStale, "attempt_over"), nil
	}
	data := []byte(r.Outcome)
	switch {
	case len(data) > fleet.MaxCheckpoint:
		return verdict(fleet.VerdictInvalid, "checkpoint_too_large"), nil
	case r.Reason != "":
		data = nil
	case len(data) == 0 || !json.Valid(data):
		return verdict(fleet.VerdictInvalid, "no_checkpoint"), nil
	}
	if _, err := t.conn.Exec(checkpointPut, r.JobID, r.Tenant, data, r.Epoch, r.Node, r.Reason); err != nil {
		return fleet.Verdict{}, err
	}
	return verdict(fleet.VerdictApplied, ""), t.renew(s)
}

// Checkpoint reads both checkpoints of a job; see store.JobReader.
func (r *reader) Checkpoint(id fleet.ID) (left fleet.Checkpoint, starts *fleet.Resumption, err error) {
	found, err := one(r.conn, checkpointGet, func(row *Row) {
		left = fleet.Checkpoint{Data: row.bytes(), Epoch: row.int64(), Node: row.text(), Reason: row.text()}
		if data := row.bytes(); len(data) > 0 {
			starts = &fleet.Resumption{Data: data, From: str[fleet.ID](row)}
			_, starts.Node, starts.Before = fleet.CheckpointHead(data)
		}
	}, id, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("job", string(id))
	}
	return left, starts, err
}

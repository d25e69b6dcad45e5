package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AddEnded stores a job that ended elsewhere. It is written as one that waits for
// its time and moved at once, by the statements that write every other job.
func (t *Tx) AddEnded(j fleet.Job, d fleet.JobData, actor string) error {
	if err := t.covers(j.Tenant); err != nil {
		return err
	}
	if !j.State.Final() || j.EndedAt.IsZero() {
		return fleet.Invalid("status", "Only a job that has ended can be taken over; got %s.", j.State)
	}
	known := false
	if _, err := one(t.conn, jobLane, func(*Row) { known = true }, j.ID, j.Tenant); err != nil {
		return err
	}
	if known {
		return fleet.Errorf(fleet.CodeConflict, "job_exists", "There is already a job %s.", j.ID)
	}
	number, err := t.jobNumber(j.Tenant)
	if err != nil {
		return err
	}
	j.Seq, j.Version, j.Epoch, j.EpochSkipped = number, 1, 0, 0
	for _, at := range []*time.Time{&j.CreatedAt, &j.AvailableAt, &j.FirstStartedAt, &j.StartedAt, &j.EndedAt} {
		*at = Stored(*at)
	}
	labelled, err := labelText(j.Labels)
	if err != nil {
		return err
	}
	none := time.Time{}
	row := []any{
		j.ID, j.Tenant, j.Seq, j.Name, j.Workflow.ID, j.Workflow.Name, j.Workflow.Version,
		j.Workflow.Hash, fleet.Pending, opt(fleet.WaitingTime), "", j.CreatedAt, j.Version, j.Target,
		int(j.Priority), j.Environment, fleet.Capabilities{}.Key(), j.CreatedAt, j.CreatedAt, none, none, none,
		j.RunTimeout.Std().Milliseconds(), j.Retry.Max, j.Retry.MaxLost, j.Retry.Delay.Std().Milliseconds(), j.Retry.Factor,
		j.Retry.Ceiling.Std().Milliseconds(), j.Retry.Jitter, j.Retry.Timeout, j.RetrySafety, opt(fleet.ID("")), j.SubmittedBy, nil,
		fleet.Placement{}.Demands().Text(), "", labelled, "", "", 0, opt(fleet.ID("")),
		int64(0), false, "", j.EpochSkipped, 0, 0, opt(fleet.ID("")), none,
	}
	if err := t.writeJob(j.ID, row, dataRow(&j, d)); err != nil {
		return err
	}
	n, err := t.conn.Exec(jobMove, j.Tenant, j.ID, j.Epoch, fleet.Pending, j.Version,
		j.State, opt(fleet.WaitingOn("")), "", none, j.Epoch, j.Version, opt(j.RobotID), j.CreatedAt,
		none, none, j.FirstStartedAt, j.StartedAt, j.EndedAt, j.RetriesUsed, 0, 0,
		"", none, false, "", false, j.EndReason,
		string(j.ErrorClass), j.ErrorCode, false, "", nil, 0, none, j.RunTimeout.Std().Milliseconds(), 0)
	if err != nil {
		return err
	}
	if n == 0 {
		return changed(j.ID)
	}
	var broken []byte
	if d.Error != nil {
		if broken, err = encode(d.Error); err != nil {
			return err
		}
	}
	if _, err := t.conn.Exec(jobResult, j.ID, j.Tenant, []byte(d.Result), false, broken, d.DurationMS); err != nil {
		return err
	}
	count := t.delta(j.Tenant)
	if !t.batch.env.Shared {
		count.jobs++
	}
	count.counts[stateIndex(j.State)]++
	return t.Append(j.Tenant, fleet.EventDraft{
		Kind: fleet.EventJobImported, Subject: fleet.SubjectJob, SubjectID: string(j.ID), SubjectSeq: j.Version, Actor: actor,
		Data: map[string]any{"workflow_id": j.Workflow.ID, "workflow_name": j.Workflow.Name, "status": j.State},
	})
}

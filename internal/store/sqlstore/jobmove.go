package sqlstore

import (
	"fmt"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const topicReady = store.TopicReady

var (
	// jobMove is the one statement that changes a job's state.
	jobMove = stmt("job.move", `update jobs set state = $6, waiting_on = $7, waiting_code = $8, waiting_since = $9, epoch = $10,
		version = $11, robot_id = $12, available_at = $13, not_before = $14, assigned_at = $15, first_started_at = $16,
		started_at = $17, ended_at = $18, retries_used = $19, lost_used = $20, rejected_by = $21, stop_reason = $22,
		stop_deadline = $23, stop_force = $24, cancel_outcome = $25, cancel_too_late = $26, end_reason = $27,
		error_class = $28, error_code = $29, dead_letter = $30, dead_letter_reason = $31, lane_id = $32, deps_open = $33, expires_at = $34, timeout_ms = $35
		where tenant_id = $1 and id = $2 and epoch = $3 and state = $4 and version = $5 and children = $36`)
	jobAsk    = stmt("job.ask", `update jobs set priority = $3, target_robot_id = $4 where id = $1 and tenant_id = $2`)
	jobResult = stmt("job_data.result", `update job_data set result = coalesce($3, result),
		error = case when $4 then null else coalesce($5, error) end, duration_ms = $6 where job_id = $1 and tenant_id = $2`)
)

// robotsOwnWord are the rules by which a robot itself ended or took an attempt:
// it need not be told.
var robotsOwnWord = [...]fleet.Rule{"T4", "T6", "T11", "T12", "T13", "T14", "T23", "T24", "T26"}

// Apply commits a move if the job is still as the move found it.
func (t *Tx) Apply(m *fleet.Move) error {
	j := &m.Job
	if err := t.covers(j.Tenant); err != nil {
		return err
	}
	before, knew := t.known(j.ID)
	t.touch(j.ID)
	was, err := t.laneBefore(m)
	if err != nil {
		return err
	}
	var is int64
	if waits(j) {
		if is, err = t.lane(j); err != nil {
			return err
		}
	}
	n, err := t.conn.Exec(jobMove, j.Tenant, j.ID, m.Epoch, m.From, m.Version,
		j.State, opt(j.WaitingOn), string(j.WaitingCode), j.WaitingSince, j.Epoch, j.Version, opt(j.RobotID), j.AvailableAt,
		j.NotBefore, j.AssignedAt, j.FirstStartedAt, j.StartedAt, j.EndedAt, j.RetriesUsed, j.LostUsed, j.RejectedBy,
		string(j.StopReason), j.StopDeadline, j.StopForce, string(j.CancelOutcome), j.CancelTooLate, j.EndReason,
		string(j.ErrorClass), j.ErrorCode, j.DeadLetter, j.DeadLetterReason, lane(is), j.DepsOpen, j.ExpiresAt, j.RunTimeout.Std().Milliseconds(), j.Children)
	if err != nil {
		return fmt.Errorf("move job %s by %s: %w", j.ID, m.Rule, err)
	}
	if n == 0 {
		return changed(j.ID)
	}
	if m.From != j.State && counted(j) {
		d := t.delta(j.Tenant)
		d.counts[stateIndex(m.From)]--
		d.counts[stateIndex(j.State)]++
		d.served += t.batch.serve(m.From, j.State)
	}
	if was != is {
		t.laneMoved(was, -1)
		t.laneMoved(is, 1)
	}
	if err := t.companions(m); err != nil {
		return fmt.Errorf("move job %s by %s: %w", j.ID, m.Rule, err)
	}
	t.applied(m, before, knew)
	t.wake(m, is)
	if m.Event != nil {
		if err := t.Append(j.Tenant, *m.Event); err != nil {
			return err
		}
	}
	if j.Children > 0 && j.State.Final() && !m.From.Final() {
		if err := t.parentEnded(j); err != nil {
			return err
		}
	}
	if j.Schedule != "" && j.State.Final() && !m.From.Final() {
		if err := t.scheduledEnded(j); err != nil {
			return err
		}
	}
	if j.Parent != "" {
		return t.segmentMoved(j)
	}
	return nil
}

// serve is how a move changes what its tenant was served: less the time at
// which an attempt begins, plus the time at which it ends. With the live ones
// times now added, that is the time for which slots were used.
func (b *Batch) serve(from, to fleet.State) int64 {
	switch {
	case from.Live() == to.Live():
		return 0
	case to.Live():
		return -b.now.UnixMilli()
	}
	return b.now.UnixMilli()
}

func lane(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func (t *Tx) laneMoved(id, n int64) {
	if id != 0 {
		t.lanes = addLane(t.lanes, laneDelta{id, n})
	}
}

// laneBefore is the lane that the job leaves. Only a pending job has one; an
// offer needs no look, since only a ready job can be offered.
func (t *Tx) laneBefore(m *fleet.Move) (int64, error) {
	switch {
	case m.From != fleet.Pending:
		return 0, nil
	case m.Rule == "T3":
		return t.lane(&m.Job)
	}
	var id int64
	_, err := one(t.conn, jobLane, func(r *Row) { id = r.int64() }, m.Job.ID, m.Job.Tenant)
	return id, err
}

// companions are the rows that change with the job's own.
func (t *Tx) companions(m *fleet.Move) error {
	j := &m.Job
	if a := m.Attempt; a != nil {
		if m.NewAttempt {
			if err := t.insertAttempt(a); err != nil {
				return err
			}
		} else if err := t.changeAttempt(a, m.Renews); err != nil {
			return err
		}
	}
	if err := t.checkOut(m); err != nil {
		return err
	}
	if f := m.Refusal; f != nil {
		if _, err := t.conn.Exec(refusalPut, f.JobID, f.RobotID, f.Tenant, f.Until, string(f.Reason), f.Count); err != nil {
			return err
		}
	}
	// Refusals of a job that has ended hold nothing back; only a job that was
	// handed out before can have any.
	if j.State.Final() && (j.Epoch > 1 || !m.From.Live()) && j.Epoch > 0 {
		if _, err := t.conn.Exec(refusalDrop, j.ID, j.Tenant); err != nil {
			return err
		}
	}
	if err := t.tie(m); err != nil {
		return err
	}
	if j.DeadLetter && j.State.Final() && !m.From.Final() {
		if _, err := t.conn.Exec(deadPut, j.Tenant, j.ID, j.EndedAt); err != nil {
			return err
		}
	}
	if err := t.settle(j, m.Effects); err != nil {
		return err
	}
	if m.Asks {
		if _, err := t.conn.Exec(jobAsk, j.ID, j.Tenant, int(j.Priority), j.Target); err != nil {
			return err
		}
	}
	if m.Inputs != nil {
		if _, err := t.conn.Exec(inputsPut, j.ID, j.Tenant, m.Inputs); err != nil {
			return err
		}
	}
	if d := m.Data; d != nil {
		var broken []byte
		if d.Error != nil {
			var err error
			if broken, err = encode(d.Error); err != nil {
				return err
			}
		}
		if _, err := t.conn.Exec(jobResult, j.ID, j.Tenant, []byte(d.Result), d.ClearError, broken, d.DurationMS); err != nil {
			return err
		}
	}
	return nil
}

// wake collects the signals that follow from a move.
func (t *Tx) wake(m *fleet.Move, is int64) {
	j := &m.Job
	freed := m.Attempt != nil && !m.Attempt.SlotFreeAt.IsZero()
	if is != 0 || freed {
		t.signal(topicReady)
	}
	t.timerAt(j.StopDeadline)
	if j.State == fleet.Pending {
		t.timerAt(j.NotBefore)
		t.timerAt(j.ExpiresAt)
	}
	if m.NewAttempt {
		t.timerAt(m.Attempt.AcceptBy)
	}
	if m.Attempt != nil && m.From.Live() && !slices.Contains(robotsOwnWord[:], m.Rule) &&
		(j.State == fleet.Cancelling || m.Attempt.Outcome != "") {
		t.signal(store.RobotTopic(string(j.Tenant), string(m.Attempt.RobotID)))
	}
}

package sqlstore

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	robotBeat = stmt("robot.beat", `select session_epoch, session_id is not null, admin_mode from robots
		where id = $1 and tenant_id = $2 and deleted_at is null`)
	beatHeld = stmt("attempt.beat_held", `select a.job_id, a.epoch, j.state, j.stop_reason, j.stop_deadline, j.stop_force
		from attempts a join jobs j on j.id = a.job_id
		where a.robot_id = $1 and a.tenant_id = $2 and a.slot_free_at is null and a.outcome is null`)
)

// heldAttempt is a live attempt as a heartbeat needs it.
type heldAttempt struct {
	store.Ref
	state    fleet.State
	reason   fleet.StopReason
	deadline time.Time
	force    bool
}

// beating is what a heartbeat finds of its robot.
type beating struct {
	epoch     int64
	connected bool
	mode      fleet.AdminMode
	held      []heldAttempt
}

// Beat renews attempts; see store.Hot. Nothing is written for a session that
// is no longer the robot's newest.
func (t *Tx) Beat(in []store.Beat, now time.Time) ([]store.BeatAnswer, error) {
	now = Stored(now)
	out := make([]store.BeatAnswer, len(in))
	for i := range in {
		if err := t.covers(in[i].Tenant); err != nil {
			return nil, err
		}
	}
	found, err := t.beating(in)
	if err != nil {
		return nil, err
	}
	for i := range in {
		if err := t.beat(&in[i], &found[i], &out[i], now); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// beating reads the robots of all heartbeats before anything is written: a
// renewal changes nothing of what is read here.
func (t *Tx) beating(in []store.Beat) ([]beating, error) {
	out := make([]beating, len(in))
	lists := make([][]any, len(in))
	for i := range in {
		lists[i] = []any{in[i].RobotID, in[i].Tenant}
	}
	err := t.conn.Each(robotBeat, lists, func(i int, row *Row) error {
		out[i].epoch, out[i].connected, out[i].mode = row.int64(), row.bool(), str[fleet.AdminMode](row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, t.conn.Each(beatHeld, lists, func(i int, row *Row) error {
		out[i].held = append(out[i].held, heldAttempt{
			store.Ref{JobID: str[fleet.ID](row), Epoch: row.int64()},
			str[fleet.State](row), str[fleet.StopReason](row),
			row.time(), row.bool(),
		})
		return nil
	})
}

func (t *Tx) beat(b *store.Beat, found *beating, out *store.BeatAnswer, now time.Time) error {
	out.Mode = found.mode
	if !found.connected || found.epoch != b.SessionEpoch {
		return nil
	}
	out.Current = true
	held := found.held
	listed := make([]store.Ref, 0, len(b.Attempts))
	for _, a := range b.Attempts {
		ref := store.Ref{JobID: a.JobID, Epoch: a.Epoch}
		listed = append(listed, ref)
		i := slices.IndexFunc(held, func(h heldAttempt) bool { return h.Ref == ref })
		if i < 0 {
			out.Stale = append(out.Stale, ref)
			continue
		}
		t.touch(a.JobID)
		n, err := t.conn.Exec(attemptBeat, a.JobID, a.Epoch, b.RobotID, b.Tenant, a.Progress, a.Node, a.Message)
		if err != nil {
			return err
		}
		if n == 0 { // it ended since it was read
			out.Stale = append(out.Stale, ref)
			continue
		}
		if h := held[i]; h.state == fleet.Cancelling {
			out.Cancel = append(out.Cancel, store.Stop{
				Ref: ref, Reason: h.reason, Grace: max(h.deadline.Add(-fleet.StopConfirm).Sub(now), 0), Force: h.force,
			})
			continue
		}
		out.Renewed = append(out.Renewed, ref)
	}
	if b.Partial { // it says nothing about what it leaves out
		return nil
	}
	out.Missing = missing(held, listed)
	_, err := t.conn.Exec(samplePut, b.RobotID, b.Tenant, now, string(b.Reported), b.Metrics.CPUPercent, b.Metrics.MemoryPercent,
		b.Metrics.MemoryMB, b.Metrics.DiskPercent)
	return err
}

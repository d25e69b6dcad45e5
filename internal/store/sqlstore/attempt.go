package sqlstore

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const attemptColumns = `a.job_id, a.epoch, a.tenant_id, a.robot_id, a.session_epoch, a.start_mode, a.offered_at, a.accept_by,
	a.started_at, a.running_at, a.ended_at, a.silent_since, a.slot_free_at, a.renew_seq, a.progress, a.current_node,
	a.message, a.outcome, a.slots_after, a.slots_max, a.token_hash`

var (
	attemptInsert = stmt("attempt.insert", `insert into attempts (job_id, epoch, tenant_id, robot_id, session_epoch, start_mode,
		offered_at, accept_by, started_at, renew_seq, slots_after, slots_max, token_hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
	attemptMove = stmt("attempt.move", `update attempts set started_at = $4, ended_at = $5, silent_since = $6, slot_free_at = $7,
		renew_seq = renew_seq + $8, outcome = $9 where job_id = $1 and epoch = $2 and tenant_id = $3`)
	attemptRenew = stmt("attempt.renew", `update attempts set renew_seq = renew_seq + 1, silent_since = null
		where job_id = $1 and epoch = $2 and robot_id = $3 and ($4 or tenant_id = $5) and outcome is null`)
	attemptBeat = stmt("attempt.beat", `update attempts set renew_seq = renew_seq + 1, silent_since = null, progress = $5,
		current_node = $6, message = $7
		where job_id = $1 and epoch = $2 and robot_id = $3 and tenant_id = $4 and outcome is null`)
	attemptStarted = stmt("attempt.started", `update attempts set running_at = $3, renew_seq = renew_seq + 1, silent_since = null
		where job_id = $1 and epoch = $2 and ($4 or tenant_id = $5) and outcome is null and running_at is null`)
	attemptList = stmt("attempt.list", `select `+attemptColumns+` from attempts a
		where a.job_id = $1 and ($2 or a.tenant_id = $3) order by a.epoch`)
	attemptGet = stmt("attempt.get", `select `+attemptColumns+` from attempts a
		where a.job_id = $1 and a.epoch = $2 and a.tenant_id = $3`)
	attemptLate = stmt("attempt.late", `update attempts set late_result = true
		where job_id = $1 and epoch = $2 and tenant_id = $3 and not late_result`)
	attemptHeld = stmt("attempt.held", `select `+jobColumns+`,
		exists (select 1 from effects e where e.job_id = j.id and e.state = 'open'), `+attemptColumns+`
		from attempts a join jobs j on j.id = a.job_id
		where a.robot_id = $1 and a.slot_free_at is null and ($2 or a.tenant_id = $3) order by a.job_id`)

	// slotTaken and slotFree are about robots that cannot be stopped.
	slotTaken = stmt("attempt.slot_taken", `select a.job_id, a.epoch, a.tenant_id, a.robot_id, m.last_seen, r.lost_ms from attempts a
		left join robots r on r.tenant_id = a.tenant_id and r.id = a.robot_id
		left join robot_samples m on m.robot_id = a.robot_id and m.tenant_id = a.tenant_id
		where a.slot_free_at is null and a.outcome is not null and ($1 = '' or a.robot_id = $1) and ($2 or a.tenant_id = $3)`)
	slotFree = stmt("attempt.slot_free", `update attempts set slot_free_at = $4
		where job_id = $1 and epoch = $2 and robot_id = $3 and ($5 or tenant_id = $6) and outcome is not null and slot_free_at is null`)

	refusalPut = stmt("refusal.put", `insert into refusals (job_id, robot_id, tenant_id, until, reason, count)
		values ($1, $2, $3, $4, $5, $6) on conflict (job_id, robot_id)
		do update set until = excluded.until, reason = excluded.reason, count = excluded.count`)
	refusalDrop  = stmt("refusal.drop", `delete from refusals where job_id = $1 and tenant_id = $2`)
	refusalClear = stmt("refusal.clear", `delete from refusals where robot_id = $1 and ($2 or tenant_id = $3)
		and reason <> 'other_robot'`)
	refusalCount = stmt("refusal.count", `select count from refusals
		where job_id = $1 and robot_id = $2 and ($3 or tenant_id = $4)`)
	refusalHolds = soleStmt("refusal.holds", `select until, reason from refusals
		where job_id = $1 and robot_id = $2 and tenant_id = $3 and until > $4`)

	effectGet = stmt("effect.get", `select job_id, tenant_id, node, effect_key, epoch, state, outcome, begun_at, ended_at
		from effects where job_id = $1 and node = $2 and effect_key = $3 and ($4 or tenant_id = $5)`)
	effectPut = stmt("effect.put", `insert into effects (job_id, tenant_id, node, effect_key, epoch, state, outcome, begun_at, ended_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (job_id, node, effect_key) do update set
		epoch = excluded.epoch, state = excluded.state, outcome = excluded.outcome, begun_at = excluded.begun_at,
		ended_at = excluded.ended_at where effects.tenant_id = excluded.tenant_id`)
	effectOpen = stmt("effect.open", `select job_id, tenant_id, node, effect_key, epoch, state, outcome, begun_at, ended_at
		from effects where job_id = $1 and state = 'open' and ($2 or tenant_id = $3) order by node, effect_key limit $4`)
	effectSettle = stmt("effect.settle", `update effects set state = $6, outcome = $7, ended_at = $8
		where job_id = $1 and node = $2 and effect_key = $3 and epoch = $4 and state = 'open' and tenant_id = $5`)
)

func scanAttempt(r *Row) fleet.Attempt {
	return fleet.Attempt{
		JobID: str[fleet.ID](r), Epoch: r.int64(), Tenant: str[fleet.TenantID](r), RobotID: str[fleet.RobotID](r),
		SessionEpoch: r.int64(), StartMode: str[fleet.StartMode](r), OfferedAt: r.time(), AcceptBy: r.time(),
		StartedAt: r.time(), RunningAt: r.time(), EndedAt: r.time(), SilentSince: r.time(), SlotFreeAt: r.time(),
		RenewSeq: r.int64(), Progress: r.int(), CurrentNode: r.text(), Message: r.text(),
		Outcome: str[fleet.AttemptOutcome](r), SlotsAfter: r.int(), SlotsMax: r.int(), TokenHash: r.text(),
	}
}

func (t *Tx) insertAttempt(a *fleet.Attempt) error {
	_, err := t.conn.Exec(attemptInsert, a.JobID, a.Epoch, a.Tenant, a.RobotID, a.SessionEpoch, string(a.StartMode), a.OfferedAt,
		a.AcceptBy, a.StartedAt, a.RenewSeq, a.SlotsAfter, a.SlotsMax, a.TokenHash)
	return err
}

func (t *Tx) changeAttempt(a *fleet.Attempt, renews int) error {
	n, err := t.conn.Exec(attemptMove, a.JobID, a.Epoch, a.Tenant, a.StartedAt, a.EndedAt, a.SilentSince, a.SlotFreeAt,
		renews, opt(a.Outcome))
	if err == nil && n != 1 {
		err = changed(a.JobID)
	}
	return err
}

func (r *reader) Attempts(job fleet.ID) ([]fleet.Attempt, error) {
	var out []fleet.Attempt
	err := r.conn.Query(attemptList, func(row *Row) error {
		out = append(out, scanAttempt(row))
		return nil
	}, job, r.all(), r.tenant())
	return out, err
}

// HeldBy leaves out attempts that are over but whose slot is still taken.
func (r *reader) HeldBy(robot fleet.RobotID) ([]fleet.Subject, error) {
	var out []fleet.Subject
	err := r.conn.Query(attemptHeld, func(row *Row) error {
		if s := scanSubject(row); s.Attempt.Live() {
			out = append(out, s)
		}
		return nil
	}, robot, r.all(), r.tenant())
	return out, err
}

func (r *reader) TakenSlots(robot fleet.RobotID) ([]store.TakenSlot, error) {
	var out []store.TakenSlot
	err := r.conn.Query(slotTaken, func(row *Row) error {
		out = append(out, store.TakenSlot{
			Ref: store.Ref{JobID: str[fleet.ID](row), Epoch: row.int64()}, Tenant: str[fleet.TenantID](row),
			RobotID: str[fleet.RobotID](row), LastSeen: row.time(), LostAfter: milliseconds(row).Std(),
		})
		return nil
	}, string(robot), r.all(), r.tenant())
	return out, err
}

// FreeSlot wakes placement: there is room.
func (t *Tx) FreeSlot(ref store.Ref, robot fleet.RobotID, now time.Time) (bool, error) {
	t.touch(ref.JobID)
	n, err := t.conn.Exec(slotFree, ref.JobID, ref.Epoch, robot, Stored(now), t.all(), t.tenant())
	if n > 0 {
		t.signal(topicReady)
		err = t.handBack(ref)
	}
	return n > 0, err
}

func (r *reader) Refusals(job fleet.ID, robot fleet.RobotID) (int, error) {
	n := 0
	_, err := one(r.conn, refusalCount, func(row *Row) { n = row.int() }, job, robot, r.all(), r.tenant())
	return n, err
}

// Effect answers with fleet.ErrNotFound if the effect was never announced.
func (r *reader) Effect(job fleet.ID, node, key string) (fleet.Effect, error) {
	var e fleet.Effect
	found, err := one(r.conn, effectGet, func(row *Row) { e = scanEffect(row) }, job, node, key, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("effect", node)
	}
	return e, err
}

func scanEffect(row *Row) fleet.Effect {
	return fleet.Effect{
		JobID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), Node: row.text(), Key: row.text(), Epoch: row.int64(),
		State: str[fleet.EffectState](row), Outcome: row.bytes(), BegunAt: row.time(), EndedAt: row.time(),
	}
}

// OpenEffects lists the announced steps of a job whose end nobody told.
func (r *reader) OpenEffects(job fleet.ID) ([]fleet.Effect, error) {
	out := []fleet.Effect{}
	err := r.conn.Query(effectOpen, func(row *Row) error {
		out = append(out, scanEffect(row))
		return nil
	}, job, r.all(), r.tenant(), store.MaxOpenEffects)
	return out, err
}

// settle closes steps that nobody told the end of, as a person says. One that
// its robot has told of since is a change of the job.
func (t *Tx) settle(j *fleet.Job, effects []fleet.Effect) error {
	for i := range effects {
		e := &effects[i]
		n, err := t.conn.Exec(effectSettle, j.ID, e.Node, e.Key, e.Epoch, j.Tenant, string(e.State), e.Outcome, e.EndedAt)
		if err != nil {
			return err
		}
		if n == 0 {
			return changed(j.ID)
		}
	}
	return nil
}

// Renew is T8.
func (t *Tx) Renew(ref store.Ref, robot fleet.RobotID) (bool, error) {
	t.touch(ref.JobID)
	n, err := t.conn.Exec(attemptRenew, ref.JobID, ref.Epoch, robot, t.all(), t.tenant())
	return n == 1, err
}

// Started keeps the first word of the robot; later ones change nothing.
func (t *Tx) Started(ref store.Ref, at time.Time) error {
	t.touch(ref.JobID)
	_, err := t.conn.Exec(attemptStarted, ref.JobID, ref.Epoch, at, t.all(), t.tenant())
	return err
}

// PutEffect stores an announced step as it is now.
func (t *Tx) PutEffect(e fleet.Effect) error {
	if err := t.covers(e.Tenant); err != nil {
		return err
	}
	if len(e.Outcome) > fleet.MaxEffectOutcome {
		return fleet.Invalid("outcome", "The outcome of an effect may have %d bytes; got %d.", fleet.MaxEffectOutcome, len(e.Outcome))
	}
	t.touch(e.JobID)
	_, err := t.conn.Exec(effectPut, e.JobID, e.Tenant, e.Node, e.Key, e.Epoch, string(e.State), e.Outcome, e.BegunAt, e.EndedAt)
	return err
}

// ClearRefusals makes jobs that the robot refused open to it again.
func (t *Tx) ClearRefusals(robot fleet.RobotID) error {
	n, err := t.conn.Exec(refusalClear, robot, t.all(), t.tenant())
	if n > 0 {
		t.signal(topicReady)
	}
	return err
}

// missing are the live attempts of a robot that it should be executing but did
// not list.
func missing(held []heldAttempt, listed []store.Ref) []store.Ref {
	var out []store.Ref
	for _, h := range held {
		if h.state != fleet.Assigned && !slices.Contains(listed, h.Ref) {
			out = append(out, h.Ref)
		}
	}
	return out
}

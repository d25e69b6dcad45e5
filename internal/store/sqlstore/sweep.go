package sqlstore

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// readyOrder is the order of placement; the index jobs_ready has the same.
const readyOrder = `j.priority, j.deadline is null, j.deadline, j.available_at, j.seq`

// The timers are partial indexes over the columns that say when; each of these
// reads costs by what it returns.
const (
	dueFrom    = ` from jobs where not_before is not null and state = 'pending' `
	expireFrom = ` from jobs where expires_at is not null and state = 'pending' `
	stopFrom   = ` from jobs where stop_deadline is not null `
	acceptFrom = ` from attempts where outcome is null and started_at is null `
)

var (
	laneList = stmt("lane.list", `select id, tenant_id, environment, requires, target_robot_id, placement, waiting from lanes
		where waiting > 0 and ($1 or tenant_id = $2) order by id`)
	jobReady = stmt("job.ready", `select j.id, j.epoch, j.priority, j.deadline, j.available_at, j.seq, j.waiting_since,
		j.workflow_id, j.labels, j.sticky_key from jobs j where j.lane_id = $1 and ($2 or j.tenant_id = $3) and j.priority >= $5
		order by `+readyOrder+` limit $4`)
	refusalActive = stmt("refusal.active", `select job_id, tenant_id, robot_id, until, reason, count from refusals
		where job_id = $1 and until > $2 and ($3 or tenant_id = $4)`)
	refusalAny = stmt("refusal.any", `select 1 from refusals where until > $1 and ($2 or tenant_id = $3)
		order by until desc limit 1`)

	timerDue = stmt("timer.due", `select tenant_id, id, epoch, not_before`+dueFrom+
		`and not_before <= $1 and ($2 or tenant_id = $3) order by not_before limit $4`)
	timerExpire = stmt("timer.expire", `select tenant_id, id, epoch, expires_at`+expireFrom+
		`and expires_at <= $1 and ($2 or tenant_id = $3) order by expires_at limit $4`)
	timerStop = stmt("timer.stop", `select tenant_id, id, epoch, stop_deadline`+stopFrom+
		`and stop_deadline <= $1 and ($2 or tenant_id = $3) order by stop_deadline limit $4`)
	timerAccept = stmt("timer.accept", `select tenant_id, job_id, epoch, accept_by`+acceptFrom+
		`and accept_by <= $1 and ($2 or tenant_id = $3) order by accept_by limit $4`)
	timerNext = stmt("timer.next", `select (select min(not_before)`+dueFrom+`), (select min(expires_at)`+expireFrom+`),
		(select min(stop_deadline)`+stopFrom+`), (select min(accept_by)`+acceptFrom+`) /* tenant_id: all of them */`)

	attemptLive = stmt("attempt.live", `select a.job_id, a.epoch, a.tenant_id, a.robot_id, j.state, a.renew_seq, j.timeout_ms,
		a.silent_since, r.session_id is not null, r.lost_ms, r.suspect_ms
		from attempts a join jobs j on j.id = a.job_id
		left join robots r on r.tenant_id = a.tenant_id and r.id = a.robot_id
		where a.outcome is null and (a.job_id, a.epoch) > ($1, $2) and ($3 or a.tenant_id = $4)
		order by a.job_id, a.epoch limit $5`)
	countAll = stmt("head.counts", `select cast(sum(pending) as bigint), cast(sum(assigned) as bigint), cast(sum(running) as bigint), cast(sum(cancelling) as bigint), cast(sum(needs_decision) as bigint),
		cast(sum(completed) as bigint), cast(sum(failed) as bigint), cast(sum(cancelled) as bigint), cast(sum(timed_out) as bigint) from tenant_heads where ($1 or tenant_id = $2)`)
)

func (r *reader) Lanes() ([]store.Lane, error) {
	var out []store.Lane
	err := r.conn.Query(laneList, func(row *Row) error {
		out = append(out, scanLane(row))
		return nil
	}, r.all(), r.tenant())
	return out, err
}

func scanLane(row *Row) store.Lane {
	return store.Lane{
		ID: row.int64(), Tenant: str[fleet.TenantID](row), Environment: row.text(), Requires: row.words(),
		Target: str[fleet.RobotID](row), Placement: placement(row), Waiting: row.int64(),
	}
}

func (r *reader) Ready(lane store.Lane, limit int) ([]store.ReadyJob, error) {
	return r.ReadyFrom(lane, 0, limit)
}

func (r *reader) ReadyFrom(lane store.Lane, from fleet.Priority, limit int) ([]store.ReadyJob, error) {
	var out []store.ReadyJob
	err := r.conn.Query(jobReady, func(row *Row) error {
		out = append(out, store.ReadyJob{
			ID: str[fleet.ID](row), Epoch: row.int64(), Priority: fleet.Priority(row.int()), Deadline: row.time(),
			AvailableAt: row.time(), Seq: row.int64(), Since: row.time(),
			Workflow: str[fleet.ID](row), Labels: labels(row), StickyKey: row.text(),
		})
		return nil
	}, lane.ID, r.all(), r.tenant(), limit, int(from))
	return out, err
}

func (r *reader) ActiveRefusals(jobs []fleet.ID, now time.Time) ([]fleet.Refusal, error) {
	var out []fleet.Refusal
	if len(jobs) == 0 {
		return nil, nil
	}
	// Mostly nobody refuses anything: one look saves one per job.
	if anyone, err := one(r.conn, refusalAny, func(*Row) {}, now, r.all(), r.tenant()); err != nil || !anyone {
		return nil, err
	}
	lists := make([][]any, len(jobs))
	for i, id := range jobs {
		lists[i] = []any{id, now, r.all(), r.tenant()}
	}
	err := r.conn.Each(refusalActive, lists, func(_ int, row *Row) error {
		if f := scanRefusal(row); f.Holds(now) {
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

func scanRefusal(row *Row) fleet.Refusal {
	return fleet.Refusal{
		JobID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row), Until: row.time(),
		Reason: str[fleet.RejectReason](row), Count: row.int(),
	}
}

func (r *reader) Due(now time.Time, limit int) ([]store.Timer, error) {
	var out []store.Timer
	for _, k := range []struct {
		kind store.TimerKind
		q    *Stmt
	}{{store.TimerDue, timerDue}, {store.TimerExpire, timerExpire}, {store.TimerStop, timerStop}, {store.TimerAccept, timerAccept}} {
		err := r.conn.Query(k.q, func(row *Row) error {
			out = append(out, store.Timer{
				Kind: k.kind, Tenant: str[fleet.TenantID](row), JobID: str[fleet.ID](row), Epoch: row.int64(), At: row.time(),
			})
			return nil
		}, now, r.all(), r.tenant(), limit)
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b store.Timer) int { return a.At.Compare(b.At) })
	return out[:min(len(out), limit)], nil
}

func (r *reader) NextTimer() (time.Time, error) {
	var next time.Time
	_, err := one(r.conn, timerNext, func(row *Row) {
		for range 4 {
			if at := row.time(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
				next = at
			}
		}
	})
	return next, err
}

func (r *reader) LiveAttempts(after store.Ref, limit int) ([]store.LiveAttempt, error) {
	var out []store.LiveAttempt
	err := r.conn.Query(attemptLive, func(row *Row) error {
		out = append(out, store.LiveAttempt{
			Ref:    store.Ref{JobID: str[fleet.ID](row), Epoch: row.int64()},
			Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row), State: str[fleet.State](row), RenewSeq: row.int64(),
			RunTimeout: milliseconds(row).Std(), Silent: !row.time().IsZero(), Connected: row.bool(),
			LostAfter: milliseconds(row).Std(), SuspectAfter: milliseconds(row).Std(),
		})
		return nil
	}, after.JobID, after.Epoch, r.all(), r.tenant(), limit)
	return out, err
}

func (r *reader) Counts() (map[fleet.State]int64, error) {
	out := map[fleet.State]int64{}
	_, err := one(r.conn, countAll, func(row *Row) {
		for _, s := range stateOrder {
			if n := row.int64(); !s.Final() {
				out[s] = n
			}
		}
	}, r.all(), r.tenant())
	return out, err
}

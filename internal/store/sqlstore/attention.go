package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	heldJobs = stmt("job.held", `select j.id, j.workflow_name, j.waiting_since from jobs j where j.waiting_on = 'hold' and j.tenant_id = $1
		and j.waiting_since < $2 and `+within("j.environment", "$4")+` order by j.waiting_since limit $3`)
	missedFires = stmt("schedule_fire.missed", `select f.schedule_id, f.fire_at, f.made_at from schedule_fires f
		where f.outcome = 'missed' and f.tenant_id = $1 and f.made_at > $2 order by f.made_at desc limit $3`)
	keysExpiring = stmt("key.expiring", `select `+keyColumns+` from keys where tenant_id = $1 and revoked_at is null
		and ended_at is null and expires_at > $2 and expires_at <= $3 order by expires_at limit $4`)
)

func (r *reader) HeldJobs(before time.Time, limit int) (out []store.HeldJob, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(heldJobs, func(row *Row) error {
		out = append(out, store.HeldJob{ID: str[fleet.ID](row), Workflow: row.text(), Since: row.time()})
		return nil
	}, tenant, before, limit, r.scope.Bounds())
	return out, err
}

func (r *reader) MissedFires(after time.Time, limit int) (out []store.MissedFire, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(missedFires, func(row *Row) error {
		out = append(out, store.MissedFire{Schedule: str[fleet.ID](row), At: row.time(), Found: row.time()})
		return nil
	}, tenant, after, limit)
	return out, err
}

func (r *reader) ExpiringKeys(from, until time.Time, limit int) ([]fleet.Key, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.manyKeys(keysExpiring, tenant, from, until, limit)
}

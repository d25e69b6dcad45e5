package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

var (
	bulkGet  = stmt("bulk.get", `select tenant_id, id, version, body from bulk_operations where id = $1 and tenant_id = $2`)
	bulkList = stmt("bulk.list", `select tenant_id, id, version, body from bulk_operations where tenant_id = $1 and id < $2
		order by id desc limit $3`)
	bulkOpen = stmt("bulk.open", `select tenant_id, id, version, body from bulk_operations where ended_at is null
		and ($1 or tenant_id = $2) order by id`)
	bulkAdd = stmt("bulk.add", `insert into bulk_operations (tenant_id, id, version, body) values ($1, $2, 1, $3)`)
	bulkPut = stmt("bulk.put", `update bulk_operations set version = version + 1, body = $4, ended_at = $5
		where tenant_id = $1 and id = $2 and version = $3`)
	targetList = stmt("bulk_target.list", `select bulk_id, position, robot_id, wave, state, reason, command_id, job_id, made_id from bulk_targets
		where tenant_id = $1 and bulk_id = $2 order by wave, position`)
	targetWave = stmt("bulk_target.wave", `select bulk_id, position, robot_id, wave, state, reason, command_id, job_id, made_id from bulk_targets
		where tenant_id = $1 and bulk_id = $2 and wave = $3 order by wave, position`)
	targetNext = stmt("bulk_target.next", `select bulk_id, position, robot_id, wave, state, reason, command_id, job_id, made_id from bulk_targets
		where tenant_id = $1 and bulk_id = $2 and wave = 1 and position >= $3 and state = 'pending' order by position limit 1`)
	targetAdd = stmt("bulk_target.add", `insert into bulk_targets (tenant_id, bulk_id, position, robot_id, wave, state, reason, command_id, job_id, made_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	targetPut = stmt("bulk_target.put", `update bulk_targets set state = $5, reason = $6, command_id = $7, made_id = $8
		where tenant_id = $1 and bulk_id = $2 and wave = $3 and position = $4`)
	targetSkip = stmt("bulk_target.skip", `update bulk_targets set state = 'skipped', reason = $3
		where tenant_id = $1 and bulk_id = $2 and state = 'pending'`)
	bulkEnded = stmt("bulk.ended", `select tenant_id, id from bulk_operations where ended_at is not null and ended_at < $1
		and ($2 or tenant_id = $3) order by ended_at limit $4`)
	pruneTargets = stmt("bulk_target.prune", `delete from bulk_targets where tenant_id = $1 and bulk_id = $2 and (wave, position) in
		(select wave, position from bulk_targets where tenant_id = $1 and bulk_id = $2 order by wave, position limit $3)`)
	pruneBulk = stmt("bulk.prune", `delete from bulk_operations where tenant_id = $1 and id = $2 and ended_at is not null`)
)

func scanBulk(row *Row, b *fleet.Bulk) error {
	tenant, id, version := str[fleet.TenantID](row), str[fleet.ID](row), row.int64()
	err := json.Unmarshal([]byte(row.text()), b)
	b.Tenant, b.ID, b.Version = tenant, id, version
	return err
}

func (r *reader) bulks(s *Stmt, args ...any) (out []fleet.Bulk, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var b fleet.Bulk
		err := scanBulk(row, &b)
		out = append(out, b)
		return err
	}, args...)
	return out, err
}

// Bulk finds one.
func (r *reader) Bulk(id fleet.ID) (fleet.Bulk, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Bulk{}, err
	}
	list, err := r.bulks(bulkGet, id, tenant)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("bulk_operation", string(id))
	}
	if err != nil {
		return fleet.Bulk{}, err
	}
	return list[0], nil
}

// Bulks lists them, the newest first.
func (r *reader) Bulks(p fleet.Page) (list []fleet.Bulk, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	p, before, err := pageBefore(p)
	if err != nil {
		return nil, "", err
	}
	list, err = r.bulks(bulkList, tenant, before, p.Limit+1)
	if err == nil && len(list) > p.Limit {
		list = list[:p.Limit]
		next = makeCursor(string(list[p.Limit-1].ID))
	}
	return list, next, err
}

// OpenBulks lists those that have not ended.
func (r *reader) OpenBulks() ([]fleet.Bulk, error) { return r.bulks(bulkOpen, r.all(), r.tenant()) }

// BulkTargets lists the robots of one.
func (r *reader) BulkTargets(id fleet.ID, wave int) (out []fleet.BulkTarget, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	s, args := targetList, []any{tenant, id}
	if wave > 0 {
		s, args = targetWave, []any{tenant, id, wave}
	}
	err = r.conn.Query(s, func(row *Row) error {
		out = append(out, scanTarget(row))
		return nil
	}, args...)
	return out, err
}

// NextBulkTarget finds what an operation of jobs does next.
func (r *reader) NextBulkTarget(id fleet.ID, from int) (out fleet.BulkTarget, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	_, err = one(r.conn, targetNext, func(row *Row) { out = scanTarget(row) }, tenant, id, from)
	return out, err
}

func scanTarget(row *Row) fleet.BulkTarget {
	return fleet.BulkTarget{
		Bulk: str[fleet.ID](row), Position: row.int(), RobotID: str[fleet.RobotID](row), Wave: row.int(),
		State: str[fleet.BulkTargetState](row), Reason: row.text(), CommandID: str[fleet.ID](row), JobID: str[fleet.ID](row), MadeID: str[fleet.ID](row),
	}
}

// AddBulk stores a new one with its targets.
func (t *Tx) AddBulk(b fleet.Bulk, targets []fleet.BulkTarget) error {
	if err := t.covers(b.Tenant); err != nil {
		return err
	}
	body, err := encode(b)
	if err != nil {
		return err
	}
	if _, err := t.conn.Exec(bulkAdd, b.Tenant, b.ID, string(body)); err != nil {
		return err
	}
	for _, x := range targets {
		if _, err := t.conn.Exec(targetAdd, b.Tenant, b.ID, x.Position, x.RobotID, x.Wave, string(x.State), x.Reason, string(x.CommandID), string(x.JobID), string(x.MadeID)); err != nil {
			return err
		}
	}
	return nil
}

// PutBulk writes one, unless it has changed since it was read.
func (t *Tx) PutBulk(b fleet.Bulk) error {
	if err := t.covers(b.Tenant); err != nil {
		return err
	}
	body, err := encode(b)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(bulkPut, b.Tenant, b.ID, b.Version, string(body), b.EndedAt)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "bulk_changed", "The bulk operation %s was changed meanwhile.", b.ID)
	}
	return err
}

// PutBulkTarget writes how far a robot is.
func (t *Tx) PutBulkTarget(tenant fleet.TenantID, x fleet.BulkTarget) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(targetPut, tenant, x.Bulk, x.Wave, x.Position, string(x.State), x.Reason, string(x.CommandID), string(x.MadeID))
	return err
}

// SkipBulkTargets ends those that have not begun.
func (t *Tx) SkipBulkTargets(tenant fleet.TenantID, id fleet.ID, reason string) (int, error) {
	if err := t.covers(tenant); err != nil {
		return 0, err
	}
	return t.conn.Exec(targetSkip, tenant, id, reason)
}

// PruneBulks takes operations that ended long ago, the robots of each first, so
// that a large one goes in several steps.
func (t *Tx) PruneBulks(before time.Time, limit int) (n int, err error) {
	type old struct {
		tenant fleet.TenantID
		id     fleet.ID
	}
	var list []old
	err = t.conn.Query(bulkEnded, func(row *Row) error {
		list = append(list, old{str[fleet.TenantID](row), str[fleet.ID](row)})
		return nil
	}, before, t.all(), t.tenant(), limit)
	if err != nil {
		return 0, err
	}
	for _, b := range list {
		gone, err := t.conn.Exec(pruneTargets, b.tenant, b.id, limit-n)
		if err != nil {
			return 0, err
		}
		if n += gone; n >= limit {
			return n, nil
		}
		if gone, err = t.conn.Exec(pruneBulk, b.tenant, b.id); err != nil {
			return 0, err
		}
		if n += gone; n >= limit {
			return n, nil
		}
	}
	return n, nil
}

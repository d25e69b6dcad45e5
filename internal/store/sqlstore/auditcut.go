package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
)

var (
	pointList = stmt("audit_checkpoint.list", `select body from audit_checkpoints where tenant_id = $1 order by seq`)
	pointLast = stmt("audit_checkpoint.last", `select body from audit_checkpoints where tenant_id = $1 order by seq desc limit 1`)
	pointPut  = stmt("audit_checkpoint.put", `insert into audit_checkpoints (tenant_id, seq, at, body) values ($1, $2, $3, $4)
		on conflict (tenant_id, seq) do nothing`)
	// pointOld is the newest checkpoint whose row is older than a time.
	pointOld = stmt("audit_checkpoint.old", `select c.seq from audit_checkpoints c join audit a on a.tenant_id = c.tenant_id and a.seq = c.seq
		where c.tenant_id = $1 and a.at < $2 order by c.seq desc limit 1`)
	auditAt  = stmt("audit.at", `select hash from audit where tenant_id = $1 and seq = $2`)
	auditCut = stmt("audit.cut", `delete from audit where tenant_id = $1 and seq <= $2`)
	headCut  = stmt("audit.head_cut", `update audit_heads set cut_seq = $2, cut_hash = $3 where tenant_id = $1 and cut_seq < $2`)
)

func (r *reader) Checkpoints(newest bool) (out []auditchain.Checkpoint, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	list := pointList
	if newest {
		list = pointLast
	}
	err = r.conn.Query(list, bodies(&out), tenant)
	return out, err
}

// PutCheckpoint stores a checkpoint; one of that row which is there stays.
func (t *Tx) PutCheckpoint(c auditchain.Checkpoint) error {
	if err := t.covers(c.Tenant); err != nil {
		return err
	}
	body, err := encode(c)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(pointPut, c.Tenant, c.Seq, c.At, string(body))
	return err
}

// CutAudit lets the oldest rows of a tenant go.
func (t *Tx) CutAudit(tenant fleet.TenantID, before time.Time, limit int) (int, error) {
	if err := t.covers(tenant); err != nil {
		return 0, err
	}
	var last int64
	found, err := one(t.conn, pointOld, func(r *Row) { last = r.int64() }, tenant, before)
	if err != nil || !found {
		return 0, err
	}
	var cut int64
	if _, err := one(t.conn, auditEnds, func(r *Row) { _, _, cut, _ = r.int64(), r.text(), r.int64(), r.text() }, tenant); err != nil {
		return 0, err
	}
	upTo := min(last, cut+int64(limit))
	if upTo <= cut {
		return 0, nil
	}
	var hash string
	if _, err := one(t.conn, auditAt, func(r *Row) { hash = r.text() }, tenant, upTo); err != nil {
		return 0, err
	}
	if _, err := t.conn.Exec(headCut, tenant, upTo, hash); err != nil {
		return 0, err
	}
	_, err = t.conn.Exec(auditCut, tenant, upTo)
	return int(upTo - cut), err
}

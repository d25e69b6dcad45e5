package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
)

// Restored is what a store knows of its own restore.
type Restored struct {
	StoreID    string
	Generation int64 // since then
	BackupAt   time.Time
	Now        time.Time
}

// Reanchor writes into the audit of every tenant that the store went back to a
// backup, as the row after the last one of it, inside the transaction that
// makes the restore. See [auditchain.Restore].
func Reanchor(c Conn, s Restored) error {
	var tenants []fleet.TenantID
	err := c.Query(tenantList, func(row *Row) error { tenants = append(tenants, str[fleet.TenantID](row)); return nil })
	if err != nil {
		return err
	}
	b := NewBatch(c, Env{Now: func() time.Time { return s.Now }})
	for _, tenant := range tenants {
		r := auditchain.Restore{Generation: s.Generation, BackupAt: s.BackupAt, After: auditchain.Start()}
		var points []auditchain.Checkpoint
		if err := c.Query(pointLast, bodies(&points), tenant); err != nil {
			return err
		}
		if len(points) > 0 {
			r.Checkpoint = &points[0]
		}
		_, err := one(c, auditEnds, func(row *Row) {
			r.After = auditchain.Anchor{Seq: row.int64(), Hash: row.text()}
			_, _ = row.int64(), row.text()
		}, tenant)
		if err != nil {
			return err
		}
		d := r.Draft(s.StoreID)
		e := fleet.AuditEntry{At: b.now, Tenant: tenant, Actor: d.Actor, Action: d.Action, Object: d.Object, Outcome: fleet.AuditDone}
		if e.After, err = json.Marshal(d.After); err != nil {
			return fleet.Internal(err)
		}
		b.audits = append(b.audits, pendingAudit{tenant, e})
	}
	return b.writeAudits()
}

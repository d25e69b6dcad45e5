package sqlstore

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/store"
)

// The audit is a chain for each tenant. Its rows are numbered and hashed with
// the commit, under the lock of the tenant's audit head, which is taken before
// the tenant's other head: so the chain is in the order of commits, without a
// hole, however many processes write.

var (
	// auditHead takes the lock of the head, and makes one for a new tenant.
	auditHead = stmt("audit.head", `insert into audit_heads (tenant_id, seq, hash) values ($1, 0, $2)
		on conflict (tenant_id) do update set seq = audit_heads.seq returning seq, hash`)
	auditHeadPut = stmt("audit.head_put", `update audit_heads set seq = $2, hash = $3 where tenant_id = $1`)
	auditInsert  = stmt("audit.insert", `insert into audit (tenant_id, seq, at, action, actor_id, object_kind, object_id, outcome, body, prev_hash, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
	auditList = stmt("audit.list", `select body, prev_hash, hash from audit where tenant_id = $1 and seq > $2
		and ($3 = '' or action = $3) and ($4 = '' or actor_id = $4) and ($5 = '' or object_kind = $5) and ($6 = '' or object_id = $6)
		and ($7 = '' or outcome = $7) and at >= $8 and at < $9 order by seq limit $10`)
	// The same by the indexes of what is rare.
	auditOfObject = stmt("audit.of_object", strings.Replace(auditList.SQL, "($6 = '' or object_id = $6)",
		"seq in (select seq from audit where tenant_id = $1 and object_id = $6 and seq > $2)", 1))
	auditOfActor = stmt("audit.of_actor", strings.Replace(auditList.SQL, "($4 = '' or actor_id = $4)",
		"seq in (select seq from audit where tenant_id = $1 and actor_id = $4 and seq > $2)", 1))
	auditEnds = stmt("audit.ends", `select seq, hash, cut_seq, cut_hash from audit_heads where tenant_id = $1`)
)

// auditLimit bounds one read.
const auditLimit = 5000

type pendingAudit struct {
	tenant fleet.TenantID
	entry  fleet.AuditEntry
}

// Audit notes a row; it is numbered and written with the commit.
func (t *Tx) Audit(tenant fleet.TenantID, d fleet.AuditDraft) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	e := fleet.AuditEntry{
		At: t.batch.now, Tenant: tenant, Actor: d.Actor, Address: d.Address, RequestID: d.RequestID,
		Action: d.Action, Object: d.Object, Outcome: d.Outcome, Reason: d.Reason,
	}
	if e.Outcome == "" {
		e.Outcome = fleet.AuditDone
	}
	for from, into := range map[*map[string]any]*json.RawMessage{&d.Before: &e.Before, &d.After: &e.After} {
		if len(*from) == 0 {
			continue
		}
		text, err := encode(*from)
		if err != nil {
			return err
		}
		*into = text
	}
	t.audits = append(t.audits, pendingAudit{tenant, e})
	return nil
}

// writeAudits numbers the rows of the batch, tenant by tenant, and writes them.
func (b *Batch) writeAudits() error {
	slices.SortStableFunc(b.audits, func(x, y pendingAudit) int { return compareText(x.tenant, y.tenant) })
	for from := 0; from < len(b.audits); {
		tenant := b.audits[from].tenant
		seq, hash, err := b.auditHead(tenant)
		if err != nil {
			return err
		}
		for ; from < len(b.audits) && b.audits[from].tenant == tenant; from++ {
			e := &b.audits[from].entry
			seq++
			e.Seq = seq
			body, err := auditchain.Canonical(*e)
			if err != nil {
				return fleet.Internal(err)
			}
			next := auditchain.Hash(hash, body)
			if _, err := b.conn.Exec(auditInsert, tenant, seq, e.At, e.Action, e.Actor.ID, e.Object.Kind, e.Object.ID, e.Outcome, string(body), hash, next); err != nil {
				return err
			}
			hash = next
		}
		if _, err := b.conn.Exec(auditHeadPut, tenant, seq, hash); err != nil {
			return err
		}
	}
	return nil
}

func (b *Batch) auditHead(tenant fleet.TenantID) (seq int64, hash string, err error) {
	_, err = one(b.conn, auditHead, func(r *Row) { seq, hash = r.int64(), r.text() }, tenant, fleet.AuditStart)
	return seq, hash, err
}

func (r *reader) AuditRows(f store.AuditFilter) ([]fleet.AuditEntry, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	if limit <= 0 || limit > auditLimit {
		limit = auditLimit
	}
	from, to := f.From, f.To
	if from.IsZero() {
		from = time.UnixMicro(0)
	}
	if to.IsZero() {
		to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	list := auditList
	switch {
	case f.ObjectID != "":
		list = auditOfObject
	case f.ActorID != "":
		list = auditOfActor
	}
	var out []fleet.AuditEntry
	err = r.conn.Query(list, func(row *Row) error {
		e, err := auditchain.Parse([]byte(row.text()), row.text(), row.text())
		if err != nil {
			return fleet.Internal(err)
		}
		out = append(out, e)
		return nil
	}, tenant, f.After, f.Action, f.ActorID, f.ObjectKind, f.ObjectID, f.Outcome, from, to, limit)
	return out, err
}

func (r *reader) AuditHead() (h store.AuditHead, err error) {
	tenant, err := r.only()
	if err != nil {
		return h, err
	}
	_, err = one(r.conn, auditEnds, func(row *Row) {
		h = store.AuditHead{Seq: row.int64(), Hash: row.text(), CutSeq: row.int64(), CutHash: row.text()}
	}, tenant)
	return h, err
}

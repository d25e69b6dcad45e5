package sqlstore

import (
	"fmt"

	"github.com/casarerpa/fleet/fleet"
)

// Where several processes write to one database, the numbers of events and jobs
// come from the tenant's head, whose lock is held from there to the commit. It
// is taken last, so that what takes time is done before.

// pendingJob is a job that waits for its number.
type pendingJob struct {
	tenant fleet.TenantID
	row    []any  // of jobInsert; the number is missing
	data   []any  // of jobDataInsert
	seq    *int64 // where the submitter learns the number
}

// jobSeqArg is the place of the number among the arguments of jobInsert.
const jobSeqArg = 2

var (
	headAdd = sharedStmt("head.add", `insert into tenant_heads (tenant_id, seq, job_seq, pending, assigned, running, cancelling,
		needs_decision, completed, failed, cancelled, timed_out)
		values ($1, $2, $3, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		on conflict (tenant_id) do update set seq = tenant_heads.seq + $2, job_seq = tenant_heads.job_seq + $3
		returning seq, job_seq`)
	headCount = sharedStmt("head.count", `update tenant_heads set pending = pending + $2, assigned = assigned + $3,
		running = running + $4, cancelling = cancelling + $5, needs_decision = needs_decision + $6,
		completed = completed + $7, failed = failed + $8, cancelled = cancelled + $9, timed_out = timed_out + $10,
		served_ms = served_ms + $11 where tenant_id = $1`)
)

// number grows a tenant's head, gives what waits its number and writes it.
func (b *Batch) number(st *tenantState) error {
	var seq, jobSeq int64
	if _, err := one(b.conn, headAdd, func(r *Row) { seq, jobSeq = r.int64(), r.int64() }, st.id, st.seq, st.jobSeq); err != nil {
		return err
	}
	seq, jobSeq = seq-st.seq, jobSeq-st.jobSeq
	for i := range b.jobs {
		j := &b.jobs[i]
		if j.tenant != st.id {
			continue
		}
		jobSeq++
		*j.seq, j.row[jobSeqArg] = jobSeq, jobSeq
		n, err := b.conn.Exec(jobInsert, j.row...)
		if err == nil && n == 0 {
			err = fmt.Errorf("insert job %v: %w", j.row[0], ErrOvertaken)
		}
		if err != nil {
			return err
		}
		if _, err := b.conn.Exec(jobDataInsert, j.data...); err != nil {
			return err
		}
	}
	for i := range b.events {
		if e := &b.events[i]; e.tenant == st.id {
			seq++
			if err := b.writeEvent(seq, e); err != nil {
				return err
			}
		}
	}
	c := &st.counts
	_, err := b.conn.Exec(headCount, st.id, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], st.served)
	return err
}

// Pending says whether jobs wait for their numbers, be it of a caller who is
// not done yet: until they have them, no statement can see them.
func (b *Batch) Pending() bool { return b.unseen }

// jobNumber is the next number of a tenant's jobs. In a shared database the
// head stays locked from here on.
func (t *Tx) jobNumber(tenant fleet.TenantID) (int64, error) {
	st, err := t.batch.tenant(tenant)
	if err != nil || !t.batch.env.Shared {
		return st.jobSeqAfter(t), err
	}
	var n int64
	_, err = one(t.conn, headAdd, func(r *Row) { _, n = r.int64(), r.int64() }, tenant, 0, 1)
	return n, err
}

func (st *tenantState) jobSeqAfter(t *Tx) int64 {
	if st == nil {
		return 0
	}
	return st.jobSeq + t.delta(st.id).jobs + 1
}

package sqlstore

import (
	"fmt"
	"strings"

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
	// headGrow is both for a tenant that has a head already, as all but new ones
	// have. It is sent with what is numbered by it: those statements read the
	// head themselves, and add numbers that end with zero.
	headGrow = sharedStmt("head.grow", `update tenant_heads set seq = seq + $2, job_seq = job_seq + $3, pending = pending + $4,
		assigned = assigned + $5, running = running + $6, cancelling = cancelling + $7, needs_decision = needs_decision + $8,
		completed = completed + $9, failed = failed + $10, cancelled = cancelled + $11, timed_out = timed_out + $12,
		served_ms = served_ms + $13 where tenant_id = $1 returning job_seq`)
	jobNumber   = sharedStmt("job.number", numbered(jobInsert.SQL, "$3", "job_seq", "$2"))
	eventNumber = sharedStmt("event.number", numbered(eventInsert.SQL, "$1", "seq", "$3"))
	headCount   = sharedStmt("head.count", `update tenant_heads set pending = pending + $2, assigned = assigned + $3,
		running = running + $4, cancelling = cancelling + $5, needs_decision = needs_decision + $6,
		completed = completed + $7, failed = failed + $8, cancelled = cancelled + $9, timed_out = timed_out + $10,
		served_ms = served_ms + $11 where tenant_id = $1`)
)

// numbered is an insert one of whose arguments is added to a number of the
// tenant's head.
func numbered(sql, argument, column, tenant string) string {
	columns, values, _ := strings.Cut(sql, "values (")
	head := "(select " + column + " from tenant_heads where tenant_id = " + tenant + ") + cast(" + argument + " as bigint)"
	return columns + "values (" + strings.Replace(values, argument, head, 1)
}

// number grows a tenant's head, gives what waits its number and writes it.
func (b *Batch) number(st *tenantState) error {
	if b.env.Alone {
		return b.numberNow(st)
	}
	var waiting []*pendingJob
	for i := range b.jobs {
		if b.jobs[i].tenant == st.id {
			waiting = append(waiting, &b.jobs[i])
		}
	}
	c := &st.counts
	err := b.conn.Later(headGrow, func(r *Row) {
		first := r.int64() - int64(len(waiting)) + 1
		for i, j := range waiting {
			*j.seq = first + int64(i)
		}
	}, st.id, st.seq, st.jobSeq, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], st.served)
	if err != nil {
		return err
	}
	for i, j := range waiting {
		j.row[jobSeqArg] = int64(i + 1 - len(waiting))
		n, err := b.conn.Exec(jobNumber, j.row...)
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
	return b.writeEvents(st, eventNumber, -st.seq)
}

// numberNow is number for a caller who is alone: its jobs have their numbers,
// and its tenant may be new.
func (b *Batch) numberNow(st *tenantState) error {
	var seq int64
	if _, err := one(b.conn, headAdd, func(r *Row) { seq = r.int64() }, st.id, st.seq, st.jobSeq); err != nil {
		return err
	}
	if err := b.writeEvents(st, eventInsert, seq-st.seq); err != nil {
		return err
	}
	c := &st.counts
	_, err := b.conn.Exec(headCount, st.id, c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8], st.served)
	return err
}

// writeEvents writes the events of a tenant that wait, with numbers after seq.
func (b *Batch) writeEvents(st *tenantState, s *Stmt, seq int64) error {
	for i := range b.events {
		if e := &b.events[i]; e.tenant == st.id {
			seq++
			if err := b.writeEvent(s, seq, e); err != nil {
				return err
			}
		}
	}
	return nil
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
	if _, _, err := t.batch.auditHead(tenant); err != nil { // this lock always comes before that of the other head
		return 0, err
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

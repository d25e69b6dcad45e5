package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const deadColumns = `, d.at, d.reprocessed_at, d.reprocessed_by from dead_letters d join jobs j on j.id = d.job_id `

var (
	deadPut = stmt("dead_letter.put", `insert into dead_letters (tenant_id, job_id, at) values ($1, $2, $3) on conflict do nothing`)
	deadGet = stmt("dead_letter.get", `select `+jobColumns+deadColumns+`where d.job_id = $1 and d.tenant_id = $2`)
	// With $3 also those that were looked after.
	deadList = stmt("dead_letter.list", `select `+jobColumns+deadColumns+`where d.tenant_id = $1 and d.job_id < $2
		and ($3 or d.reprocessed_at is null) and `+within("j.environment", "$5")+` order by d.job_id desc limit $4`)
	deadCountIn = stmt("dead_letter.count_within", `select count(*), count(d.reprocessed_at) from dead_letters d
		join jobs j on j.id = d.job_id where d.tenant_id = $1 and `+within("j.environment", "$2"))
	deadCount = stmt("dead_letter.count", `select count(*), count(d.reprocessed_at) from dead_letters d where d.tenant_id = $1`)
	deadMark  = stmt("dead_letter.mark", `update dead_letters set reprocessed_at = $3, reprocessed_by = $4
		where tenant_id = $1 and job_id = $2 and reprocessed_at is null`)
	deadDelete = stmt("dead_letter.delete", `delete from dead_letters where tenant_id = $1 and job_id = $2`)
	deadPurge  = stmt("dead_letter.purge", `delete from dead_letters where tenant_id = $1 and reprocessed_at < $2`)
)

func scanDead(row *Row) fleet.DeadLetter {
	return fleet.DeadLetter{Job: scanJob(row), At: row.time(), ReprocessedAt: row.time(), ReprocessedBy: row.text()}
}

// DeadLetter finds one by its job.
func (r *reader) DeadLetter(job fleet.ID) (d fleet.DeadLetter, err error) {
	tenant, err := r.only()
	if err != nil {
		return d, err
	}
	found, err := one(r.conn, deadGet, func(row *Row) { d = scanDead(row) }, job, tenant)
	if err == nil && (!found || !r.scope.Sees(d.Job.Environment)) {
		return fleet.DeadLetter{}, fleet.NotFound("dead_letter", string(job))
	}
	return d, err
}

// DeadLetters lists them, the newest first.
func (r *reader) DeadLetters(all bool, p fleet.Page) (out store.DeadLetterPage, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	p, before, err := pageBefore(p)
	if err != nil {
		return out, err
	}
	err = r.conn.Query(deadList, func(row *Row) error {
		out.Letters = append(out.Letters, scanDead(row))
		return nil
	}, tenant, before, all, p.Limit+1, r.scope.Bounds())
	if err != nil {
		return out, err
	}
	if len(out.Letters) > p.Limit {
		out.Letters = out.Letters[:p.Limit]
		out.Next = makeCursor(string(out.Letters[p.Limit-1].Job.ID))
	}
	count, args := deadCount, []any{tenant}
	if r.scope.Bounds() != "" {
		count, args = deadCountIn, append(args, r.scope.Bounds())
	}
	_, err = one(r.conn, count, func(row *Row) { out.Total, out.Reprocessed = row.int64(), row.int64() }, args...)
	return out, err
}

// MarkReprocessed says who looked after a dead letter. False if somebody has
// done so before, or it is none.
func (t *Tx) MarkReprocessed(job fleet.ID, by string, now time.Time) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(deadMark, tenant, job, now, by)
	return n == 1, err
}

// DeleteDeadLetter takes one from the list; the job stays as it is.
func (t *Tx) DeleteDeadLetter(job fleet.ID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(deadDelete, tenant, job)
	if err == nil && n == 0 {
		err = fleet.NotFound("dead_letter", string(job))
	}
	return err
}

// PurgeDeadLetters takes those from the list that were looked after before a
// time.
func (t *Tx) PurgeDeadLetters(before time.Time) (int, error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	return t.conn.Exec(deadPurge, tenant, before)
}

package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// What is pruned is found by keys that begin with a time, the oldest first, so
// that a step costs by what it takes and a step that takes nothing costs
// nothing. Nothing that is not final is ever taken, and no parent of a job that
// is not: what the parent did still counts. Segments go with their whole. The count of children guards against
// one that came since the parent was found.
var (
	pruneFind = stmt("job.prune_find", `select id, tenant_id, state, children, segments from jobs where id > $1 and id < $2 and ended_at is not null
		and ended_at < $3 and parent_id is null and ($4 or tenant_id = $5) and (children = 0 or not exists (select 1 from job_parents d
		join jobs c on c.id = d.child_id where d.parent_id = jobs.id and c.ended_at is null)) order by id limit $6`)
	pruneCheck    = stmt("job.prune_check", `select children from jobs where id = $1 and tenant_id = $2 and ended_at is not null`)
	pruneJob      = stmt("job.prune", `delete from jobs where id = $1 and tenant_id = $2 and ended_at is not null`)
	pruneData     = stmt("job_data.prune", `delete from job_data where job_id = $1 and tenant_id = $2`)
	pruneAttempts = stmt("attempt.prune", `delete from attempts where job_id = $1 and tenant_id = $2`)
	pruneEffects  = stmt("effect.prune", `delete from effects where job_id = $1 and tenant_id = $2`)
	pruneRefusals = stmt("refusal.prune", `delete from refusals where job_id = $1 and tenant_id = $2`)
	pruneDead     = stmt("dead_letter.prune", `delete from dead_letters where job_id = $1 and tenant_id = $2`)

	pruneEvents = stmt("event.prune", `delete from events where tenant_id = $1 and seq in (select seq from (select seq, at from events
		where tenant_id = $1 order by seq limit $2) oldest where at < $3)`)
	eventOldest = stmt("event.oldest", `select seq from events where tenant_id = $1 order by seq limit 1`)

	logJobs = stmt("log.jobs", `select distinct job_id from log_heads where job_id > $1 and job_id < $2
		and ($3 or tenant_id = $4) order by job_id limit $5`)
	pruneLines = stmt("log.prune", `delete from log_lines where job_id = $1 and ($2 or tenant_id = $3)`)
	pruneHeads = stmt("log.prune_heads", `delete from log_heads where job_id = $1 and ($2 or tenant_id = $3)`)

	pruneSessions = stmt("session.prune", `delete from sessions where id in (select id from sessions where id < $1
		and closed_at is not null and ($2 or tenant_id = $3) order by id limit $4)`)
	pruneTies = stmt("tie.prune", `delete from ties where (tenant_id, sticky_key) in (select tenant_id, sticky_key from ties
		where until < $1 and ($2 or tenant_id = $3) order by until limit $4)`)
	pruneKeys = stmt("idempotency.prune", `delete from idempotency_keys where (tenant_id, route, key) in
		(select tenant_id, route, key from idempotency_keys where expires_at <= $1 and ($2 or tenant_id = $3) order by expires_at limit $4)`)
	pruneLapsed = stmt("refusal.lapsed", `delete from refusals where (job_id, robot_id) in (select job_id, robot_id from refusals
		where until < $1 and ($2 or tenant_id = $3) order by until limit $4)`)
)

// PruneJobs takes up to limit final jobs that ended before a time, with all
// that belongs to them, after a job in the order of ids. It returns where to go on;
// empty when that was the end.
func (t *Tx) PruneJobs(after fleet.ID, before time.Time, limit int) (last fleet.ID, n int, err error) {
	type old struct {
		id     fleet.ID
		tenant fleet.TenantID
		state  fleet.State
		kids   int
		parts  int
	}
	var list []old
	err = t.conn.Query(pruneFind, func(row *Row) error {
		list = append(list, old{str[fleet.ID](row), str[fleet.TenantID](row), str[fleet.State](row), row.int(), row.int()})
		return nil
	}, after, fleet.FirstID(before), before, t.all(), t.tenant(), limit)
	if err != nil {
		return after, 0, err
	}
	for _, j := range list {
		last = j.id
		kids := 0
		found, err := one(t.conn, pruneCheck, func(row *Row) { kids = row.int() }, j.id, j.tenant)
		if err != nil {
			return after, 0, err
		}
		if !found || kids != j.kids { // another member took it, or a job came to wait for it
			continue
		}
		if j.parts > 0 {
			segments, err := t.Segments(j.id)
			if err != nil {
				return after, 0, err
			}
			for i := range segments {
				if err := t.prune(&segments[i]); err != nil {
					return after, 0, err
				}
			}
			n += len(segments)
		}
		if err := t.prune(&fleet.Job{ID: j.id, Tenant: j.tenant, State: j.state, Segments: j.parts}); err != nil {
			return after, 0, err
		}
		n++
	}
	if len(list) < limit {
		last = ""
	}
	return last, n, nil
}

// prune takes a job with all that belongs to it.
func (t *Tx) prune(j *fleet.Job) error {
	for _, s := range []*Stmt{pruneData, pruneAttempts, pruneEffects, pruneRefusals, usePrune, pruneLinks, pruneDead, artifactPrune, pruneJob} {
		if _, err := t.conn.Exec(s, j.ID, j.Tenant); err != nil {
			return err
		}
	}
	t.touch(j.ID)
	if counted(j) {
		t.delta(j.Tenant).counts[stateIndex(j.State)]--
	}
	return nil
}

// PruneEvents takes the oldest events of a tenant, at most limit of them.
func (t *Tx) PruneEvents(tenant fleet.TenantID, before time.Time, limit int) (int, error) {
	if err := t.covers(tenant); err != nil {
		return 0, err
	}
	return t.conn.Exec(pruneEvents, tenant, limit, before)
}

// PruneKeys takes idempotency keys that have run out.
func (t *Tx) PruneKeys(now time.Time, limit int) (int, error) {
	return t.conn.Exec(pruneKeys, now, t.all(), t.tenant(), limit)
}

// PruneRest takes closed sessions, ended commands, and ties, refusals, sign-ins
// and tokens that have run out.
func (t *Tx) PruneRest(before time.Time, limit int) (n int, err error) {
	if n, err = t.conn.Exec(pruneSessions, fleet.FirstID(before), t.all(), t.tenant(), limit); err != nil {
		return 0, err
	}
	more, err := t.conn.Exec(pruneCommands, fleet.FirstID(before), t.all(), t.tenant(), limit)
	if err != nil {
		return 0, err
	}
	n += more
	for _, s := range []*Stmt{pruneTies, pruneLapsed, tokenPrune, signInOld, guardOld} {
		more, err := t.conn.Exec(s, before, t.all(), t.tenant(), limit)
		if err != nil {
			return 0, err
		}
		n += more
	}
	return n, nil
}

// LogJobs lists jobs that were submitted before a time and have lines, after one
// in the order of ids.
func LogJobs(c Conn, sc store.Scope, after fleet.ID, before time.Time, limit int) (out []fleet.ID, err error) {
	all, tenant := sc.Filter()
	err = c.Query(logJobs, func(row *Row) error { out = append(out, str[fleet.ID](row)); return nil }, after, fleet.FirstID(before), all, tenant, limit)
	return out, err
}

// PruneLogs takes the lines and the steps of jobs.
func (t *Tx) PruneLogs(jobs []fleet.ID) error {
	for _, id := range jobs {
		for _, s := range []*Stmt{pruneLines, stepPrune, pruneHeads} {
			if _, err := t.conn.Exec(s, id, t.all(), t.tenant()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Oldest is the number of the oldest event that is kept; 0 if there is none.
func (r *reader) Oldest() (int64, error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	var seq int64
	_, err = one(r.conn, eventOldest, func(row *Row) { seq = row.int64() }, tenant)
	return seq, err
}

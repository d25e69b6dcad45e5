package sqlstore

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const firingColumns = `f.tenant_id, f.id, f.trigger_id, f.at, f.outcome, f.job_id, f.reason, f.key, f.about, f.ended_at, f.job_state`

// A text joined with nothing is not looked up in an index.
var (
	firingList = stmt("trigger_firing.list", `select `+firingColumns+` from trigger_firings f where f.trigger_id = $1 and f.id < $2
		and f.tenant_id || '' = $3 and ($4 = '' or f.outcome = $4) order by f.id desc limit $5`)
	firingKey = stmt("trigger_firing.key", `select `+firingColumns+` from trigger_firings f where f.trigger_id = $1 and f.key = $2 and f.claims
		and f.tenant_id || '' = $3`)
	firingDepth = stmt("trigger_firing.depth", `select depth from trigger_firings where job_id = $1 and tenant_id || '' = $2 and outcome = 'accepted'`)
	// firingActive asks the jobs themselves: an end that was not noted yet is one.
	firingActive = stmt("trigger_firing.active", `select count(*) from trigger_firings f join jobs j on j.id = f.job_id
		where f.trigger_id = $1 and f.open and f.tenant_id || '' = $2 and j.ended_at is null`)
	firingTaken = stmt("trigger_firing.taken", `select count(*) from trigger_firings f join queue_items i on i.job_id = f.job_id
		where f.trigger_id = $1 and f.open and f.tenant_id || '' = $2 and i.status = 'in_progress' and i.queue_id || '' = $3`)

	firingAdd = stmt("trigger_firing.add", `insert into trigger_firings (id, tenant_id, trigger_id, at, outcome, job_id, reason, key, claims, about,
		depth, open, job_state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '') on conflict do nothing`)
	firingEnd = stmt("trigger_firing.end", `update trigger_firings set open = false, ended_at = $3, job_state = $4
		where job_id = $1 and tenant_id || '' = $2 and open returning trigger_id`)
	firingPrune = stmt("trigger_firing.prune", `delete from trigger_firings where id in
		(select id from trigger_firings where not open and at < $1 and ($2 or tenant_id = $3) order by at limit $4)`)
)

func scanFiring(r *Row) fleet.Firing {
	f := fleet.Firing{
		Tenant: str[fleet.TenantID](r), ID: str[fleet.ID](r), Trigger: str[fleet.ID](r), At: r.time(), Outcome: str[fleet.FiringOutcome](r),
		JobID: str[fleet.ID](r), Reason: r.text(), Key: r.text(),
	}
	if about := r.text(); about != "" {
		f.About = []byte(about)
	}
	f.Ended, f.End = r.time(), str[fleet.State](r)
	return f
}

// Firings lists those of a trigger.
func (r *reader) Firings(f store.FiringFilter, p fleet.Page) (list []fleet.Firing, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	err = r.conn.Query(firingList, func(row *Row) error { list = append(list, scanFiring(row)); return nil },
		f.Trigger, cmp.Or(p.Cursor, "g"), tenant, string(f.Outcome), p.Limit+1) // g comes after every id
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = string(list[p.Limit-1].ID)
	}
	return list, next, err
}

// FiringOf finds the firing of a key.
func (r *reader) FiringOf(trigger fleet.ID, key string) (f fleet.Firing, err error) {
	tenant, err := r.only()
	if err != nil {
		return f, err
	}
	found, err := one(r.conn, firingKey, func(row *Row) { f = scanFiring(row) }, trigger, key, tenant)
	if err == nil && !found {
		err = fleet.NotFound("firing", key)
	}
	return f, err
}

// TriggerDepth is how deep a job stands.
func (r *reader) TriggerDepth(job fleet.ID) (depth int, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	_, err = one(r.conn, firingDepth, func(row *Row) { depth = row.int() }, job, tenant)
	return depth, err
}

// TriggerActive counts jobs.
func (r *reader) TriggerActive(trigger fleet.ID) (n int64, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	_, err = one(r.conn, firingActive, func(row *Row) { n = row.int64() }, trigger, tenant)
	return n, err
}

// Backlog is what there is to do and who does it.
func (r *reader) Backlog(trigger, queue fleet.ID) (b fleet.Backlog, err error) {
	tenant, err := r.only()
	if err != nil {
		return b, err
	}
	q, err := r.Queue(queue)
	if err != nil {
		return b, err
	}
	h, err := r.QueueHead(queue)
	if err != nil {
		return b, err
	}
	if !q.Paused {
		b.Ready = h.New - h.Postponed
	}
	if b.Active, err = r.TriggerActive(trigger); err != nil {
		return b, err
	}
	_, err = one(r.conn, firingTaken, func(row *Row) { b.Taken = row.int64() }, trigger, tenant, queue)
	return b, err
}

// AddFirings writes rows. One whose key is taken is a fault of whoever did not
// look.
func (t *Tx) AddFirings(list []store.NewFiring) error {
	for i := range list {
		f := &list[i]
		if err := t.covers(f.Tenant); err != nil {
			return err
		}
		accepted := f.Outcome == fleet.FiringAccepted
		claims := f.Key != "" && accepted // what started nothing may come again
		n, err := t.conn.Exec(firingAdd, f.ID, f.Tenant, f.Trigger, Stored(f.At), string(f.Outcome), opt(f.JobID), f.Reason, f.Key, claims,
			string(f.About), f.Depth, accepted)
		if err == nil && n == 0 {
			err = fleet.Errorf(fleet.CodeConflict, "fired_already", "The trigger has fired for %.80q already.", f.Key)
		}
		if err == nil && accepted {
			_, err = t.conn.Exec(triggerFired, f.Tenant, f.Trigger, 1, Stored(f.At), f.JobID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// EndFirings notes ends of jobs, in the order of their times.
func (t *Tx) EndFirings(ends []store.FiringEnd) (out []store.TriggerEnded, err error) {
	tenant, err := t.only()
	if err != nil {
		return nil, err
	}
	type count struct {
		successes, failures, streak int64
		reset                       bool
	}
	counts := map[fleet.ID]*count{}
	for _, e := range ends {
		var of fleet.ID
		found, err := one(t.conn, firingEnd, func(row *Row) { of = str[fleet.ID](row) }, e.Job, tenant, Stored(e.At), string(e.State))
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		c := counts[of]
		if c == nil {
			c = &count{}
			counts[of] = c
		}
		switch e.State { //nolint:exhaustive // a cancelled one is neither
		case fleet.Completed:
			c.successes++
			c.reset, c.streak = true, 0
		case fleet.Failed, fleet.TimedOut:
			c.failures++
			c.streak++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) { // as whoever locks several does
		c, e := counts[id], store.TriggerEnded{Trigger: id}
		if _, err := one(t.conn, triggerEnded, func(row *Row) { e.Streak = row.int64() }, tenant, id, c.successes, c.failures, c.reset, c.streak); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// PruneFirings takes old ones.
func (t *Tx) PruneFirings(before time.Time, limit int) (int, error) {
	return t.conn.Exec(firingPrune, before, t.all(), t.tenant(), limit)
}

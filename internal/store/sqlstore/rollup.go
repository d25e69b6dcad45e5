package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// The rollups of a tenant are written under the row of its head: whoever moves
// it on holds it until the commit, so that what is read and added to in between
// is not read by a second one at the same time.

const (
	rollupNumbers = `created, completed, failed, timed_out, cancelled, run_ms, waited, wait_ms, busy_ms, capacity_ms,
	samples, pending_sum, pending_max, online_sum, lost, disconnects`
	rollupColumns = `tenant_id, span, dim, at, key, label, sample, ` + rollupNumbers + `, runs, waits`
)

var (
	rollupBehind = stmt("rollup_head.behind", `select h.tenant_id, coalesce(r.seq, 0), r.at, h.seq, r.sampled_at from tenant_heads h
		left join rollup_heads r on r.tenant_id = h.tenant_id where h.seq > coalesce(r.seq, 0) and ($1 or h.tenant_id = $2) order by h.tenant_id`)
	rollupHead  = stmt("rollup_head.get", `select seq, at, sampled_at from rollup_heads where tenant_id = $1`)
	rollupFirst = stmt("rollup_head.first", `insert into rollup_heads (tenant_id, seq) values ($1, 0) on conflict (tenant_id) do nothing`)
	rollupMove  = stmt("rollup_head.move", `update rollup_heads set seq = $3, at = $4 where tenant_id = $1 and seq = $2`)
	rollupRead  = stmt("rollup_head.read", `update rollup_heads set sampled_at = $2 where tenant_id = $1 and (sampled_at is null or sampled_at < $2)`)

	rollupGet = stmt("rollup.get", `select `+rollupColumns+` from rollups where tenant_id = $1 and span = $2 and dim = $3 and at = $4 and key = $5`)
	rollupPut = stmt("rollup.put", `insert into rollups (`+rollupColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)
		on conflict (tenant_id, span, dim, at, key) do update set label = excluded.label, sample = excluded.sample,
		created = excluded.created, completed = excluded.completed, failed = excluded.failed, timed_out = excluded.timed_out,
		cancelled = excluded.cancelled, run_ms = excluded.run_ms, waited = excluded.waited, wait_ms = excluded.wait_ms,
		busy_ms = excluded.busy_ms, capacity_ms = excluded.capacity_ms, samples = excluded.samples,
		pending_sum = excluded.pending_sum, pending_max = excluded.pending_max, online_sum = excluded.online_sum,
		lost = excluded.lost, disconnects = excluded.disconnects,
		runs = excluded.runs, waits = excluded.waits`)
	rollupKeys = stmt("rollup.keys", `select count(*) from rollups where tenant_id = $1 and span = $2 and dim = $3 and at = $4`)

	rollupList = stmt("rollup.list", `select tenant_id, span, dim, at, key, label, sample, `+rollupNumbers+` from rollups
		where tenant_id = $1 and span = $2 and dim = $3 and at >= $4 and at < $5 order by at, key`)
	rollupListKey = stmt("rollup.list_key", `select tenant_id, span, dim, at, key, label, sample, `+rollupNumbers+` from rollups
		where tenant_id = $1 and span = $2 and dim = $3 and key = $6 and at >= $4 and at < $5 order by at`)
	rollupSpread = stmt("rollup.spread", `select `+rollupColumns+` from rollups
		where tenant_id = $1 and span = $2 and dim = $3 and at >= $4 and at < $5 order by at, key`)
	rollupSpreadKey = stmt("rollup.spread_key", `select `+rollupColumns+` from rollups
		where tenant_id = $1 and span = $2 and dim = $3 and key = $6 and at >= $4 and at < $5 order by at`)
	rollupSums = stmt("rollup.sums", `select tenant_id, span, dim, max(at), key, max(label), max(sample),
		`+rollupSum("created")+rollupSum("completed")+rollupSum("failed")+rollupSum("timed_out")+rollupSum("cancelled")+
		rollupSum("run_ms")+rollupSum("waited")+rollupSum("wait_ms")+rollupSum("busy_ms")+rollupSum("capacity_ms")+
		rollupSum("samples")+rollupSum("pending_sum")+` max(pending_max), cast(sum(online_sum) as bigint), cast(sum(lost) as bigint), cast(sum(disconnects) as bigint)
		from rollups where tenant_id = $1 and span = $2 and dim = $3 and at >= $4 and at < $5
		group by tenant_id, span, dim, key order by key`)
	rollupPrune = stmt("rollup.prune", `delete from rollups where (tenant_id, span, dim, at, key) in (select tenant_id, span, dim, at, key
		from rollups where span = $1 and at < $2 and ($3 or tenant_id = $4) order by at limit $5)`)

	factJob   = stmt("job.fact", `select `+jobColumns+` from jobs j where j.id = $1 and j.tenant_id = $2`)
	factError = stmt("job_data.fact", `select error from job_data where job_id = $1 and tenant_id = $2`)
	factTry   = stmt("attempt.fact", `select `+attemptColumns+` from attempts a where a.job_id = $1 and a.tenant_id = $2 order by a.epoch`)
)

// rollupSum is a column added up, as a whole number on both databases.
func rollupSum(column string) string { return " cast(sum(" + column + ") as bigint)," }

func scanRollupHead(row *Row) store.RollupHead {
	return store.RollupHead{Tenant: str[fleet.TenantID](row), Seq: row.int64(), At: row.time(), Head: row.int64(), Sampled: row.time()}
}

func (r *reader) RollupHeads() (out []store.RollupHead, err error) {
	err = r.conn.Query(rollupBehind, func(row *Row) error { out = append(out, scanRollupHead(row)); return nil }, r.all(), r.tenant())
	return out, err
}

func (r *reader) RollupHead() (out store.RollupHead, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	out.Tenant = tenant
	if _, err = one(r.conn, rollupHead, func(row *Row) { out.Seq, out.At, out.Sampled = row.int64(), row.time(), row.time() }, tenant); err != nil {
		return out, err
	}
	out.Head, err = r.Head()
	return out, err
}

func (r *reader) JobFacts(ids []fleet.ID) (map[fleet.ID]fleet.JobFacts, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	out := make(map[fleet.ID]fleet.JobFacts, len(ids))
	lists := make([][]any, len(ids))
	for i, id := range ids {
		lists[i] = []any{id, tenant}
	}
	var ended []fleet.ID
	if err := r.conn.Each(factJob, lists, func(_ int, row *Row) error {
		j := scanJob(row)
		out[j.ID] = fleet.JobFacts{Job: j}
		if j.State.Final() {
			ended = append(ended, j.ID)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	byTenant := make([][]any, len(ended))
	var broken [][]any
	var failed []fleet.ID
	lists = lists[:0]
	for i, id := range ended {
		lists, byTenant[i] = append(lists, []any{id, tenant}), []any{tenant, fleet.SubjectJob, id, 0, eventLimit}
		if s := out[id].Job.State; s == fleet.Failed || s == fleet.TimedOut {
			broken, failed = append(broken, []any{id, tenant}), append(failed, id)
		}
	}
	with := func(id fleet.ID, change func(f *fleet.JobFacts)) error {
		f := out[id]
		change(&f)
		out[id] = f
		return nil
	}
	if err := r.conn.Each(factError, broken, func(i int, row *Row) error {
		b := row.bytes()
		if len(b) == 0 {
			return nil
		}
		var e fleet.JobError
		if json.Unmarshal(b, &e) != nil {
			return nil
		}
		return with(failed[i], func(f *fleet.JobFacts) { f.Error = &e })
	}); err != nil {
		return nil, err
	}
	if err := r.conn.Each(factTry, lists, func(i int, row *Row) error {
		a := scanAttempt(row)
		return with(ended[i], func(f *fleet.JobFacts) { f.Attempts = append(f.Attempts, a) })
	}); err != nil {
		return nil, err
	}
	return out, r.conn.Each(eventSubject, byTenant, func(i int, row *Row) error {
		e := scanEvent(row)
		return with(ended[i], func(f *fleet.JobFacts) { f.Events = append(f.Events, e) })
	})
}

func scanRollup(row *Row, spread bool) store.RollupRow {
	row.text() // the tenant
	out := store.RollupRow{RollupKey: fleet.RollupKey{Span: fleet.RollupSpan(row.int64()), Dim: str[fleet.RollupDim](row), At: row.time(), Key: row.text()}}
	t := &out.Tally
	t.Label, t.Sample = row.text(), str[fleet.ID](row)
	for _, n := range numbers(t) {
		*n = row.int64()
	}
	if spread {
		t.Runs, t.Waits = fleet.DecodeHistogram(row.bytes()), fleet.DecodeHistogram(row.bytes())
	}
	return out
}

func (r *reader) Rollups(q store.RollupQuery) (out []store.RollupRow, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	args := []any{tenant, int64(q.Span), string(q.Dim), q.From, q.To}
	s := rollupList
	switch {
	case q.Key != "" && q.Spread:
		s, args = rollupSpreadKey, append(args, q.Key)
	case q.Key != "":
		s, args = rollupListKey, append(args, q.Key)
	case q.Spread:
		s = rollupSpread
	}
	err = r.conn.Query(s, func(row *Row) error { out = append(out, scanRollup(row, q.Spread)); return nil }, args...)
	return out, err
}

func (r *reader) RollupSums(q store.RollupQuery) (out []store.RollupRow, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(rollupSums, func(row *Row) error { out = append(out, scanRollup(row, false)); return nil },
		tenant, int64(q.Span), string(q.Dim), q.From, q.To)
	return out, err
}

// AddRollups counts what lies between two events.
func (t *Tx) AddRollups(from store.RollupHead, seq int64, at time.Time, rows fleet.Rollup) (bool, error) {
	if err := t.covers(from.Tenant); err != nil {
		return false, err
	}
	if _, err := t.conn.Exec(rollupFirst, from.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(rollupMove, from.Tenant, from.Seq, seq, at)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.addRollups(from.Tenant, rows)
}

// AddReadings counts what was read in a minute.
func (t *Tx) AddReadings(tenant fleet.TenantID, minute time.Time, rows fleet.Rollup) (bool, error) {
	if err := t.covers(tenant); err != nil {
		return false, err
	}
	if _, err := t.conn.Exec(rollupFirst, tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(rollupRead, tenant, minute)
	if err != nil || n == 0 {
		return false, err
	}
	return true, t.addRollups(tenant, rows)
}

func (t *Tx) addRollups(tenant fleet.TenantID, rows fleet.Rollup) error {
	keys := make([]fleet.RollupKey, 0, len(rows))
	lists := make([][]any, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
		lists = append(lists, []any{tenant, int64(k.Span), string(k.Dim), k.At, k.Key})
	}
	stored := map[fleet.RollupKey]*fleet.Tally{}
	if err := t.readRollups(keys, lists, stored); err != nil {
		return err
	}
	room := map[fleet.RollupKey]int{} // of a bucket, for fingerprints; its key is empty
	for _, k := range keys {
		to := k
		if k.Dim == fleet.DimFailure && stored[k] == nil {
			left, err := t.failuresLeft(tenant, k, room)
			if err != nil {
				return err
			}
			if left <= 0 {
				to.Key = fleet.OtherFailures
				other := []fleet.RollupKey{to}
				if stored[to] == nil {
					if err := t.readRollups(other, [][]any{{tenant, int64(to.Span), string(to.Dim), to.At, to.Key}}, stored); err != nil {
						return err
					}
				}
			}
		}
		sum := stored[to]
		if sum == nil {
			sum = &fleet.Tally{}
			stored[to] = sum
		}
		sum.Add(rows[k])
		if to.Key == fleet.OtherFailures {
			sum.Label = ""
		}
	}
	for k, sum := range stored {
		args := []any{tenant, int64(k.Span), string(k.Dim), k.At, k.Key, sum.Label, string(sum.Sample)}
		for _, n := range numbers(sum) {
			args = append(args, *n)
		}
		if _, err := t.conn.Exec(rollupPut, append(args, sum.Runs.Encode(), sum.Waits.Encode())...); err != nil {
			return err
		}
	}
	return nil
}

func (t *Tx) readRollups(keys []fleet.RollupKey, lists [][]any, into map[fleet.RollupKey]*fleet.Tally) error {
	return t.conn.Each(rollupGet, lists, func(i int, row *Row) error {
		r := scanRollup(row, true)
		into[keys[i]] = &r.Tally
		return nil
	})
}

// failuresLeft takes one from how many fingerprints a bucket has room for.
func (t *Tx) failuresLeft(tenant fleet.TenantID, k fleet.RollupKey, room map[fleet.RollupKey]int) (int, error) {
	k.Key = ""
	left, known := room[k]
	if !known {
		if _, err := one(t.conn, rollupKeys, func(row *Row) { left = fleet.MaxFailures - row.int() }, tenant, int64(k.Span), string(k.Dim), k.At); err != nil {
			return 0, err
		}
	}
	room[k] = left - 1
	return left, nil
}

// PruneRollups takes old rows of a span.
func (t *Tx) PruneRollups(span fleet.RollupSpan, before time.Time, limit int) (int, error) {
	return t.conn.Exec(rollupPrune, int64(span), before, t.all(), t.tenant(), limit)
}

// numbers are the columns of rollupNumbers, in their order.
func numbers(t *fleet.Tally) []*int64 {
	return []*int64{
		&t.Created, &t.Completed, &t.Failed, &t.TimedOut, &t.Cancelled, &t.RunMS, &t.Waited, &t.WaitMS, &t.BusyMS, &t.CapacityMS,
		&t.Samples, &t.PendingSum, &t.PendingMax, &t.OnlineSum, &t.Lost, &t.Disconnects,
	}
}

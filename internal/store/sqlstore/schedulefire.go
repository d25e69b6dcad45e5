package sqlstore

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const fireColumns = `f.tenant_id, f.schedule_id, f.fire_at, f.source, f.kind, f.due_at, f.outcome, f.job_id, f.reason, f.moved, f.made_at,
	f.ended_at, f.job_state, f.late, f.watch_at`

var (
	fireList = stmt("schedule_fire.list", `select `+fireColumns+` from schedule_fires f where f.schedule_id = $1 and f.tenant_id || '' = $2
		and (f.fire_at < $3 or (f.fire_at = $3 and f.source < $4)) and ($5 = '' or f.outcome = $5) order by f.fire_at desc, f.source desc limit $6`)
	fireAt = stmt("schedule_fire.at", `select f.fire_at, f.outcome from schedule_fires f where f.schedule_id = $1 and f.fire_at >= $2
		and f.fire_at <= $3 and f.source = '' and f.tenant_id || '' = $4`)
	// fireLive asks the jobs themselves: an end that was not counted yet is one.
	fireLive = stmt("schedule_fire.live", `select f.job_id from schedule_fires f join jobs j on j.id = f.job_id
		where f.schedule_id = $1 and f.open and f.tenant_id || '' = $2 and j.ended_at is null order by f.job_id desc limit $3`)
	fireLast = stmt("schedule_fire.last", `select f.job_state from schedule_fires f where f.schedule_id = $1 and f.tenant_id || '' = $2
		and f.job_state <> '' order by f.fire_at desc, f.source desc limit $3`)
	fireLiveBackfill = stmt("schedule_fire.live_backfill", `select count(*) from schedule_fires f join jobs j on j.id = f.job_id
		where f.schedule_id = $1 and f.job_id > '' and f.open and f.source || '' = $2 and f.tenant_id || '' = $3 and j.ended_at is null`)
	fireWatched = stmt("schedule_fire.watched", `select `+fireColumns+` from schedule_fires f where f.watch_at <= $1 and f.watch_at >= $2
		and (f.watch_at > $2 or f.schedule_id > $3 or (f.schedule_id = $3 and (f.fire_at > $4 or (f.fire_at = $4 and f.source > $5))))
		and ($6 or f.tenant_id = $7) order by f.watch_at, f.schedule_id, f.fire_at, f.source limit $8`)
	fireNextWatch = stmt("schedule_fire.next_watch", `select watch_at from schedule_fires where watch_at is not null and ($1 or tenant_id = $2) order by watch_at limit 1`)

	fireInsert = stmt("schedule_fire.insert", `insert into schedule_fires (schedule_id, fire_at, source, tenant_id, kind, due_at, outcome, job_id,
		reason, moved, made_at, open, job_state, late, watch_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', '', $13)
		on conflict do nothing`)
	fireEnd = stmt("schedule_fire.end", `update schedule_fires set open = false, ended_at = $3, job_state = $4, watch_at = null
		where job_id = $1 and outcome = 'fired' and tenant_id || '' = $2`)
	fireWatch = stmt("schedule_fire.watch", `update schedule_fires set late = $5, watch_at = $6
		where schedule_id = $1 and fire_at = $2 and source = $3 and tenant_id || '' = $4 and late = $7 and open`)
	firePrune = stmt("schedule_fire.prune", `delete from schedule_fires where (schedule_id, fire_at, source) in
		(select schedule_id, fire_at, source from schedule_fires where not open and made_at < $1 and ($2 or tenant_id = $3) order by made_at limit $4)`)

	endAdd = stmt("schedule_end.add", `insert into schedule_ends (job_id, tenant_id, schedule_id, state, ended_at) values ($1, $2, $3, $4, $5)
		on conflict do nothing`)
	endList = stmt("schedule_end.list", `select tenant_id, schedule_id, job_id, state, ended_at from schedule_ends
		where job_id > $1 and ($2 or tenant_id = $3) order by job_id limit $4`)
	endTake = stmt("schedule_end.take", `delete from schedule_ends where job_id = $1 and tenant_id = $2 returning job_id`)
)

func scanFire(r *Row) fleet.Fire {
	return fleet.Fire{
		Tenant: str[fleet.TenantID](r), Schedule: str[fleet.ID](r), At: r.time(), Source: r.text(), Kind: str[fleet.FireKind](r), DueAt: r.time(),
		Outcome: str[fleet.FireOutcome](r), JobID: str[fleet.ID](r), Reason: r.text(), Moved: r.bool(), MadeAt: r.time(),
		EndedAt: r.time(), End: str[fleet.State](r), Late: str[fleet.FireLate](r), WatchAt: r.time(),
	}
}

// farFuture is after every instant.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// Fires lists those of a schedule. The cursor is an instant in microseconds and a
// source.
func (r *reader) Fires(f store.FireFilter, p fleet.Page) (list []fleet.Fire, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	before, source := farFuture, ""
	if p.Cursor != "" {
		at, rest, _ := cutCursor(p.Cursor)
		if at.IsZero() {
			return nil, "", fleet.Invalid("cursor", "The cursor is not one of this list.")
		}
		before, source = at, rest
	}
	err = r.conn.Query(fireList, func(row *Row) error { list = append(list, scanFire(row)); return nil },
		f.Schedule, tenant, before, source, string(f.Outcome), p.Limit+1)
	if len(list) > p.Limit {
		list = list[:p.Limit]
		last := &list[p.Limit-1]
		next = strconv.FormatInt(last.At.UnixMicro(), 10) + "." + last.Source
	}
	return list, next, err
}

func cutCursor(text string) (at time.Time, rest string, ok bool) {
	for i := range text {
		if text[i] == '.' {
			n, err := strconv.ParseInt(text[:i], 10, 64)
			if err != nil || n <= 0 || n > farFuture.UnixMicro() {
				return time.Time{}, "", false
			}
			return time.UnixMicro(n).UTC(), text[i+1:], true
		}
	}
	return time.Time{}, "", false
}

// FiredAt tells what became of the instants of a span.
func (r *reader) FiredAt(schedule fleet.ID, from, until time.Time) (map[time.Time]fleet.FireOutcome, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	out := map[time.Time]fleet.FireOutcome{}
	err = r.conn.Query(fireAt, func(row *Row) error {
		at := row.time()
		out[at.UTC()] = str[fleet.FireOutcome](row)
		return nil
	}, schedule, Stored(from), Stored(until), tenant)
	return out, err
}

// LiveFires lists the jobs of schedules that go on.
func (r *reader) LiveFires(schedules []fleet.ID) ([][]fleet.ID, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	lists := make([][]any, len(schedules))
	for i, id := range schedules {
		lists[i] = []any{id, tenant, store.MaxLiveFires}
	}
	out := make([][]fleet.ID, len(schedules))
	err = r.conn.Each(fireLive, lists, func(i int, row *Row) error { out[i] = append(out[i], str[fleet.ID](row)); return nil })
	for i := range out {
		slices.Reverse(out[i])
	}
	return out, err
}

// LastEnds tells how the newest jobs of schedules ended.
func (r *reader) LastEnds(schedules []fleet.ID, limit int) ([][]fleet.State, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	lists := make([][]any, len(schedules))
	for i, id := range schedules {
		lists[i] = []any{id, tenant, limit}
	}
	out := make([][]fleet.State, len(schedules))
	err = r.conn.Each(fireLast, lists, func(i int, row *Row) error { out[i] = append(out[i], str[fleet.State](row)); return nil })
	for i := range out {
		slices.Reverse(out[i])
	}
	return out, err
}

// LiveBackfill counts the jobs of a backfill that go on.
func (r *reader) LiveBackfill(schedule, backfill fleet.ID) (n int, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	_, err = one(r.conn, fireLiveBackfill, func(row *Row) { n = row.int() }, schedule, backfill, tenant)
	return n, err
}

// WatchedFires lists those to look at.
func (r *reader) WatchedFires(now time.Time, after store.WatchRef, limit int) (list []fleet.Fire, err error) {
	if after.At.IsZero() {
		after.At, after.FireAt = time.Unix(0, 0), time.Unix(0, 0)
	}
	err = r.conn.Query(fireWatched, func(row *Row) error { list = append(list, scanFire(row)); return nil },
		now, after.At, after.Schedule, after.FireAt, after.Source, r.all(), r.tenant(), limit)
	return list, err
}

// NextWatch is the end of the next limit.
func (r *reader) NextWatch() (at time.Time, err error) {
	_, err = one(r.conn, fireNextWatch, func(row *Row) { at = row.time() }, r.all(), r.tenant())
	return at, err
}

// ScheduleEnds lists what was not counted yet.
func (r *reader) ScheduleEnds(after fleet.ID, limit int) (list []store.ScheduleEnd, err error) {
	err = r.conn.Query(endList, func(row *Row) error {
		list = append(list, store.ScheduleEnd{
			Tenant: str[fleet.TenantID](row), Schedule: str[fleet.ID](row), Job: str[fleet.ID](row), State: str[fleet.State](row), At: row.time(),
		})
		return nil
	}, after, r.all(), r.tenant(), limit)
	return list, err
}

// AddFires writes rows.
func (t *Tx) AddFires(list []fleet.Fire) error {
	for i := range list {
		f := &list[i]
		if err := t.covers(f.Tenant); err != nil {
			return err
		}
		fired := f.Outcome == fleet.FireFired
		n, err := t.conn.Exec(fireInsert, f.Schedule, Stored(f.At), f.Source, f.Tenant, string(f.Kind), Stored(f.DueAt), string(f.Outcome), opt(f.JobID),
			f.Reason, f.Moved, Stored(f.MadeAt), fired, Stored(f.WatchAt))
		if err == nil && n == 0 {
			err = fleet.Errorf(fleet.CodeConflict, "fired_already", "The instant %s of the schedule has its row.", f.At.UTC().Format(time.RFC3339))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scheduledEnded notes the end of a job of a schedule.
func (t *Tx) scheduledEnded(j *fleet.Job) error {
	t.signal(store.TopicSchedules)
	_, err := t.conn.Exec(endAdd, j.ID, j.Tenant, j.Schedule, string(j.State), j.EndedAt)
	return err
}

// ends is what the ends of jobs of one schedule come to.
type endCount struct {
	id                  fleet.ID
	successes, failures int64
	reset               bool
	streak              int64
}

// CountEnds counts ends, each once: only who takes it out of the list does.
func (t *Tx) CountEnds(list []store.ScheduleEnd) (map[fleet.ID]int64, error) {
	tenant, err := t.only()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b store.ScheduleEnd) int { return compareText(a.Job, b.Job) })
	lists := make([][]any, len(list))
	for i := range list {
		lists[i] = []any{list[i].Job, tenant}
	}
	var mine []store.ScheduleEnd
	if err := t.conn.Each(endTake, lists, func(i int, _ *Row) error { mine = append(mine, list[i]); return nil }); err != nil {
		return nil, err
	}
	slices.SortStableFunc(mine, func(a, b store.ScheduleEnd) int {
		return cmp.Or(compareText(a.Schedule, b.Schedule), a.At.Compare(b.At), compareText(a.Job, b.Job))
	})
	var counts []endCount
	for i := range mine {
		e := &mine[i]
		if n := len(counts); n == 0 || counts[n-1].id != e.Schedule {
			counts = append(counts, endCount{id: e.Schedule})
		}
		c := &counts[len(counts)-1]
		switch e.State { //nolint:exhaustive // a cancelled one is neither
		case fleet.Completed:
			c.successes++
			c.reset, c.streak = true, 0
		case fleet.Failed, fleet.TimedOut:
			c.failures++
			c.streak++
		}
		if _, err := t.conn.Exec(fireEnd, e.Job, tenant, Stored(e.At), string(e.State)); err != nil {
			return nil, err
		}
	}
	rows := make([][]any, len(counts))
	for i, c := range counts {
		rows[i] = []any{tenant, c.id, c.successes, c.failures, c.reset, c.streak}
	}
	raised := map[fleet.ID]int64{}
	err = t.conn.Each(scheduleEnded, rows, func(i int, row *Row) error {
		if n := row.int64(); counts[i].streak > 0 {
			raised[counts[i].id] = n
		}
		return nil
	})
	return raised, err
}

// WatchFire notes what a fire's job has broken.
func (t *Tx) WatchFire(f *fleet.Fire, late fleet.FireLate, again time.Time) (bool, error) {
	if err := t.covers(f.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(fireWatch, f.Schedule, Stored(f.At), f.Source, f.Tenant, string(late), Stored(again), string(f.Late))
	return n > 0, err
}

// PruneFires takes old ones.
func (t *Tx) PruneFires(before time.Time, limit int) (int, error) {
	return t.conn.Exec(firePrune, before, t.all(), t.tenant(), limit)
}

package sqlstore

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const scheduleColumns = `tenant_id, id, enabled, revision, cursor_at, since_at, due_at, runs, successes, failures, streak,
	last_run_at, last_job_id, deleted_at, body`

// A text joined with nothing is not looked up in an index.
var (
	scheduleGet   = stmt("schedule.get", `select `+scheduleColumns+` from schedules where id = $1 and tenant_id = $2`)
	scheduleLock  = stmt("schedule.to_change", `select `+scheduleColumns+` from schedules where id = $1 and tenant_id = $2`)
	scheduleNamed = stmt("schedule.named", `select `+scheduleColumns+` from schedules where tenant_id || '' = $1 and name = $2
		and deleted_at is null order by id limit $3`)
	scheduleList = stmt("schedule.list", `select `+scheduleColumns+` from schedules where tenant_id = $1 and id < $2 and deleted_at is null
		and ($3 or enabled = $4) order by id desc limit $5`)
	scheduleOf = stmt("schedule.of_workflow", `select `+scheduleColumns+` from schedules where tenant_id || '' = $1 and workflow_id = $2 and id < $3
		and deleted_at is null and ($4 or enabled = $5) order by id desc limit $6`)
	scheduleCount = stmt("schedule.count", `select count(*) from schedules where tenant_id = $1 and deleted_at is null
		and ($2 = '' or workflow_id = $2) and ($3 or enabled = $4)`)
	scheduleDue = stmt("schedule.due", `select `+scheduleColumns+` from schedules where due_at <= $1 and due_at >= $2
		and (due_at > $2 or id > $3) and ($4 or tenant_id = $5) order by due_at, id limit $6`)
	scheduleNext = stmt("schedule.next", `select due_at from schedules where due_at is not null and ($1 or tenant_id = $2) order by due_at limit 1`)

	scheduleAdd = stmt("schedule.add", `insert into schedules (tenant_id, id, name, workflow_id, body, enabled, revision, cursor_at, since_at,
		due_at, runs, successes, failures, streak) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0)`)
	schedulePut = stmt("schedule.put", `update schedules set revision = revision + 1, name = $5, workflow_id = $6, body = $7, enabled = $8,
		cursor_at = $9, since_at = $10, due_at = $11, deleted_at = $12, streak = case when $13 then 0 else streak end
		where tenant_id = $1 and id = $2 and revision = $3 and cursor_at = $4`)
	// scheduleMove returns a row if it moved the cursor.
	scheduleMove = stmt("schedule.move", `update schedules set cursor_at = $5, due_at = $6, runs = runs + $7,
		last_run_at = coalesce($8, last_run_at), last_job_id = coalesce($9, last_job_id)
		where tenant_id = $1 and id = $2 and revision = $3 and cursor_at = $4 returning id`)
	scheduleRan = stmt("schedule.ran", `update schedules set runs = runs + 1, last_run_at = $3, last_job_id = $4 where tenant_id = $1 and id = $2`)
	// scheduleEnded returns the failures in a row. $5 says that there was a success, after which $6 failures came.
	scheduleEnded = stmt("schedule.ended", `update schedules set successes = successes + $3, failures = failures + $4,
		streak = case when $5 then $6 else streak + $6 end where tenant_id = $1 and id = $2 returning streak`)
	scheduleAgain = stmt("schedule.again", `update schedules set due_at = $3 where tenant_id = $1 and id = $2 and enabled and deleted_at is null`)
	schedulePrune = stmt("schedule.prune", `delete from schedules where (tenant_id, id) in (select tenant_id, id from schedules s
		where s.deleted_at is not null and ($1 or s.tenant_id = $2) and not exists (select 1 from schedule_fires f where f.schedule_id = s.id) limit $3)`)
	scheduleBackfillPrune = stmt("schedule_backfill.prune", `delete from schedule_backfills where not exists
		(select 1 from schedules s where s.tenant_id = schedule_backfills.tenant_id and s.id = schedule_backfills.schedule_id)
		and ($1 or tenant_id = $2)`)
)

func scanSchedule(row *Row, s *fleet.Schedule) error {
	tenant, id, enabled, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.bool(), row.int64()
	state := fleet.ScheduleState{
		Cursor: row.time(), Since: row.time(), DueAt: row.time(), Runs: row.int64(), Successes: row.int64(), Failures: row.int64(),
		Streak: row.int64(), LastRun: row.time(), LastJob: str[fleet.ID](row),
	}
	gone := row.time()
	err := json.Unmarshal([]byte(row.text()), s)
	s.Tenant, s.ID, s.Enabled, s.Revision, s.ScheduleState, s.DeletedAt = tenant, id, enabled, revision, state, gone
	return err
}

func (r *reader) schedules(s *Stmt, args ...any) (out []fleet.Schedule, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var one fleet.Schedule
		err := scanSchedule(row, &one)
		out = append(out, one)
		return err
	}, args...)
	return out, err
}

// Schedule finds one that was not deleted.
func (r *reader) Schedule(id fleet.ID) (fleet.Schedule, error) { return r.schedule(scheduleGet, id) }

// ScheduleToChange keeps others from changing it.
func (t *Tx) ScheduleToChange(id fleet.ID) (fleet.Schedule, error) {
	return t.schedule(scheduleLock, id)
}

func (r *reader) schedule(s *Stmt, id fleet.ID) (fleet.Schedule, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Schedule{}, err
	}
	list, err := r.schedules(s, id, tenant)
	if err == nil && (len(list) == 0 || !list[0].DeletedAt.IsZero()) {
		err = fleet.NotFound("schedule", string(id))
	}
	if err != nil {
		return fleet.Schedule{}, err
	}
	return list[0], nil
}

// SchedulesNamed lists those of a name.
func (r *reader) SchedulesNamed(name string, limit int) ([]fleet.Schedule, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.schedules(scheduleNamed, tenant, name, limit)
}

// Schedules lists some, the newest first.
func (r *reader) Schedules(f store.ScheduleFilter, p fleet.Page) (out store.SchedulePage, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	if p.Cursor == "" {
		p.Cursor = "g" // after every id
	}
	enabled := f.Enabled != nil && *f.Enabled
	for {
		want := p.Limit + 1 - len(out.Schedules)
		if f.Calendar != "" { // looked for among all
			want = max(want, fleet.PageMax)
		}
		s, args := scheduleList, []any{tenant, p.Cursor, f.Enabled == nil, enabled, want}
		if f.Workflow != "" {
			s, args = scheduleOf, []any{tenant, f.Workflow, p.Cursor, f.Enabled == nil, enabled, want}
		}
		list, err := r.schedules(s, args...)
		if err != nil {
			return out, err
		}
		whole := len(list) < want
		for i := range list {
			if f.Calendar != "" && !slices.Contains(list[i].Calendars, f.Calendar) {
				continue
			}
			if len(out.Schedules) == p.Limit {
				out.Next = string(out.Schedules[p.Limit-1].ID)
				return out, nil
			}
			out.Schedules = append(out.Schedules, list[i])
		}
		if whole {
			return out, nil
		}
		p.Cursor = string(list[len(list)-1].ID)
	}
}

// CountSchedules counts them.
func (r *reader) CountSchedules(f store.ScheduleFilter) (n int64, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	enabled := f.Enabled != nil && *f.Enabled
	_, err = one(r.conn, scheduleCount, func(row *Row) { n = row.int64() }, tenant, f.Workflow, f.Enabled == nil, enabled)
	return n, err
}

// DueSchedules lists those that are due.
func (r *reader) DueSchedules(now time.Time, after store.DueRef, limit int) ([]fleet.Schedule, error) {
	if after.At.IsZero() {
		after.At = time.Unix(0, 0)
	}
	return r.schedules(scheduleDue, now, after.At, after.ID, r.all(), r.tenant(), limit)
}

// NextSchedule is the earliest due time.
func (r *reader) NextSchedule() (at time.Time, err error) {
	_, err = one(r.conn, scheduleNext, func(row *Row) { at = row.time() }, r.all(), r.tenant())
	return at, err
}

// AddSchedule stores a new one.
func (t *Tx) AddSchedule(s fleet.Schedule) error {
	if err := t.covers(s.Tenant); err != nil {
		return err
	}
	body, err := encode(s)
	if err != nil {
		return err
	}
	t.signal(store.TopicSchedules)
	_, err = t.conn.Exec(scheduleAdd, s.Tenant, s.ID, s.Name, s.WorkflowID, string(body), s.Enabled, s.Revision, Stored(s.Cursor), Stored(s.Since), Stored(s.DueAt))
	return err
}

// PutSchedule writes one that has changed.
func (t *Tx) PutSchedule(s fleet.Schedule, was time.Time, reset bool) error {
	if err := t.covers(s.Tenant); err != nil {
		return err
	}
	body, err := encode(s)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(schedulePut, s.Tenant, s.ID, s.Revision, Stored(was), s.Name, s.WorkflowID, string(body), s.Enabled,
		Stored(s.Cursor), Stored(s.Since), Stored(s.DueAt), Stored(s.DeletedAt), reset)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "schedule_changed", "Schedule %s has changed since it was read.", s.Name)
	}
	t.signal(store.TopicSchedules)
	return err
}

// MoveSchedules moves cursors, in the order of ids so that two members do not
// wait for each other.
func (t *Tx) MoveSchedules(moves []store.ScheduleMove) ([]bool, error) {
	order := make([]int, len(moves))
	for i := range moves {
		if err := t.covers(moves[i].Tenant); err != nil {
			return nil, err
		}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compareText(moves[a].ID, moves[b].ID) })
	lists := make([][]any, len(moves))
	for k, i := range order {
		m := &moves[i]
		lists[k] = []any{m.Tenant, m.ID, m.Revision, Stored(m.From), Stored(m.To), Stored(m.DueAt), m.Runs, Stored(m.LastRun), opt(m.LastJob)}
	}
	moved := make([]bool, len(moves))
	err := t.conn.Each(scheduleMove, lists, func(k int, _ *Row) error { moved[order[k]] = true; return nil })
	return moved, err
}

// RanByHand counts a job.
func (t *Tx) RanByHand(tenant fleet.TenantID, schedule, job fleet.ID, now time.Time) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(scheduleRan, tenant, schedule, Stored(now), job)
	if err == nil && n == 0 {
		err = fleet.NotFound("schedule", string(schedule))
	}
	return err
}

// LookAgain has schedules looked at.
func (t *Tx) LookAgain(calendar fleet.ID, now time.Time) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	enabled := true
	var ids []fleet.ID
	for p := (fleet.Page{Limit: fleet.PageMax}); ; {
		list, err := t.Schedules(store.ScheduleFilter{Calendar: calendar, Enabled: &enabled}, p)
		if err != nil {
			return err
		}
		for i := range list.Schedules {
			ids = append(ids, list.Schedules[i].ID)
		}
		if p.Cursor = list.Next; p.Cursor == "" {
			break
		}
	}
	slices.Sort(ids) // as whoever moves several does
	for _, id := range ids {
		if _, err := t.conn.Exec(scheduleAgain, tenant, id, Stored(now)); err != nil {
			return err
		}
	}
	t.signal(store.TopicSchedules)
	return nil
}

// PruneSchedules takes deleted ones whose fires are gone.
func (t *Tx) PruneSchedules(limit int) (int, error) {
	n, err := t.conn.Exec(schedulePrune, t.all(), t.tenant(), limit)
	if err != nil || n == 0 {
		return n, err
	}
	_, err = t.conn.Exec(scheduleBackfillPrune, t.all(), t.tenant())
	return n, err
}

package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

var (
	calendarGet   = stmt("calendar.get", `select tenant_id, id, revision, body from calendars where id = $1 and tenant_id = $2`)
	calendarList  = stmt("calendar.list", `select tenant_id, id, revision, body from calendars where ($1 or tenant_id = $2) order by name_key, tenant_id`)
	calendarTaken = stmt("calendar.taken", `select id from calendars where tenant_id = $1 and name_key = $2 and id <> $3`)
	calendarAdd   = stmt("calendar.add", `insert into calendars (tenant_id, id, name_key, body, revision) values ($1, $2, $3, $4, 1) on conflict do nothing`)
	calendarPut   = stmt("calendar.put", `update calendars set name_key = $4, body = $5, revision = revision + 1
		where tenant_id = $1 and id = $2 and revision = $3`)
	calendarDelete = stmt("calendar.delete", `delete from calendars where id = $1 and tenant_id = $2`)

	backfillLock = stmt("schedule_backfill.to_change", `select tenant_id, body from schedule_backfills where tenant_id = $1 and schedule_id = $2 and id = $3`)
	backfillList = stmt("schedule_backfill.list", `select tenant_id, body from schedule_backfills where tenant_id = $1 and schedule_id = $2 order by id desc limit 1000`)
	backfillOpen = stmt("schedule_backfill.running", `select tenant_id, body from schedule_backfills where running and ($1 or tenant_id = $2) order by id`)
	backfillPut  = stmt("schedule_backfill.put", `insert into schedule_backfills (tenant_id, schedule_id, id, body, running) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id, schedule_id, id) do update set body = excluded.body, running = excluded.running`)
)

func (r *reader) calendars(s *Stmt, args ...any) (out []fleet.WorkCalendar, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var c fleet.WorkCalendar
		tenant, id, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.int64()
		err := json.Unmarshal([]byte(row.text()), &c)
		c.Tenant, c.ID, c.Revision = tenant, id, revision
		out = append(out, c)
		return err
	}, args...)
	return out, err
}

// WorkCalendar finds one.
func (r *reader) WorkCalendar(id fleet.ID) (fleet.WorkCalendar, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.WorkCalendar{}, err
	}
	list, err := r.calendars(calendarGet, id, tenant)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("calendar", string(id))
	}
	if err != nil {
		return fleet.WorkCalendar{}, err
	}
	return list[0], nil
}

// WorkCalendars lists them by name.
func (r *reader) WorkCalendars() ([]fleet.WorkCalendar, error) {
	return r.calendars(calendarList, r.all(), r.tenant())
}

// PutWorkCalendar writes one.
func (t *Tx) PutWorkCalendar(c fleet.WorkCalendar) error {
	if err := t.covers(c.Tenant); err != nil {
		return err
	}
	taken, err := one(t.conn, calendarTaken, func(*Row) {}, c.Tenant, c.Key(), c.ID)
	if err != nil || taken {
		return orErr(err, calendarExists(c.Name))
	}
	body, err := encode(c)
	if err != nil {
		return err
	}
	if c.Revision == 0 {
		n, err := t.conn.Exec(calendarAdd, c.Tenant, c.ID, c.Key(), string(body))
		if err == nil && n == 0 {
			err = calendarExists(c.Name)
		}
		return err
	}
	n, err := t.conn.Exec(calendarPut, c.Tenant, c.ID, c.Revision, c.Key(), string(body))
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "calendar_changed", "Calendar %s has changed since it was read.", c.Name)
	}
	return err
}

func calendarExists(name string) error {
	return fleet.Errorf(fleet.CodeConflict, "calendar_exists", "There is already a calendar %q.", name)
}

// DeleteWorkCalendar takes one away.
func (t *Tx) DeleteWorkCalendar(id fleet.ID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(calendarDelete, id, tenant)
	if err == nil && n == 0 {
		err = fleet.NotFound("calendar", string(id))
	}
	return err
}

// storedBackfill carries the tenant, which the body leaves out.
func (r *reader) backfills(s *Stmt, args ...any) (out []fleet.Backfill, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var b fleet.Backfill
		tenant := str[fleet.TenantID](row)
		err := json.Unmarshal([]byte(row.text()), &b)
		b.Tenant = tenant
		out = append(out, b)
		return err
	}, args...)
	return out, err
}

// Backfills lists those of a schedule.
func (r *reader) Backfills(schedule fleet.ID) ([]fleet.Backfill, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.backfills(backfillList, tenant, schedule)
}

// RunningBackfills lists those that are not over.
func (r *reader) RunningBackfills() ([]fleet.Backfill, error) {
	return r.backfills(backfillOpen, r.all(), r.tenant())
}

// BackfillToChange keeps others from changing it.
func (t *Tx) BackfillToChange(schedule, id fleet.ID) (fleet.Backfill, error) {
	tenant, err := t.only()
	if err != nil {
		return fleet.Backfill{}, err
	}
	list, err := t.backfills(backfillLock, tenant, schedule, id)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("backfill", string(id))
	}
	if err != nil {
		return fleet.Backfill{}, err
	}
	return list[0], nil
}

// PutBackfill writes one.
func (t *Tx) PutBackfill(b fleet.Backfill) error {
	if err := t.covers(b.Tenant); err != nil {
		return err
	}
	body, err := encode(b)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(backfillPut, b.Tenant, b.Schedule, b.ID, string(body), b.State == fleet.BackfillRunning)
	return err
}

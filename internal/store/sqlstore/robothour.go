package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

var (
	hourGet  = stmt("robot_hour.get", `select at, body, minutes from robot_hours where tenant_id = $1 and robot_id = $2 and at = $3`)
	hourList = stmt("robot_hour.list", `select at, body, case when $5 then minutes else null end from robot_hours
		where tenant_id = $1 and robot_id = $2 and at >= $3 and at < $4 order by at`)
	hourPut = stmt("robot_hour.put", `insert into robot_hours (tenant_id, robot_id, at, body, minutes) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id, robot_id, at) do update set body = excluded.body, minutes = excluded.minutes`)
	hourPrune = stmt("robot_hour.prune", `delete from robot_hours where (tenant_id, robot_id, at) in (select tenant_id, robot_id, at
		from robot_hours where at < $1 and ($2 or tenant_id = $3) order by at limit $4)`)
	hourThin = stmt("robot_hour.thin", `update robot_hours set minutes = null where (tenant_id, robot_id, at) in (select tenant_id, robot_id, at
		from robot_hours where minutes is not null and at < $1 and ($2 or tenant_id = $3) order by at limit $4)`)
)

func scanHour(row *Row) fleet.RobotHour {
	at := row.time()
	var h fleet.RobotHour
	_ = json.Unmarshal([]byte(row.text()), &h)
	h.At, h.Minutes = at, fleet.DecodeMinutes(row.bytes())
	return h
}

func (r *reader) RobotHours(robot fleet.RobotID, from, to time.Time, minutes bool) (out []fleet.RobotHour, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(hourList, func(row *Row) error { out = append(out, scanHour(row)); return nil }, tenant, robot, from, to, minutes)
	return out, err
}

// AddRobotMinutes adds a minute to the hours of robots.
func (t *Tx) AddRobotMinutes(tenant fleet.TenantID, at time.Time, robots map[fleet.RobotID]fleet.RobotMinute) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	hour := fleet.SpanHour.Floor(at)
	ids := make([]fleet.RobotID, 0, len(robots))
	lists := make([][]any, 0, len(robots))
	for id := range robots {
		ids, lists = append(ids, id), append(lists, []any{tenant, id, hour})
	}
	stored := map[fleet.RobotID]fleet.RobotHour{}
	if err := t.conn.Each(hourGet, lists, func(i int, row *Row) error { stored[ids[i]] = scanHour(row); return nil }); err != nil {
		return err
	}
	for _, id := range ids {
		h, m := stored[id], robots[id]
		if m.Minute = at.UTC().Minute(); !h.With(m) {
			continue
		}
		body, err := encode(h)
		if err != nil {
			return err
		}
		if _, err := t.conn.Exec(hourPut, tenant, id, hour, string(body), fleet.EncodeMinutes(h.Minutes)); err != nil {
			return err
		}
	}
	return nil
}

// PruneRobotHours takes old hours, and the minutes of less old ones.
func (t *Tx) PruneRobotHours(hours, minutes time.Time, limit int) (int, error) {
	n, err := t.conn.Exec(hourPrune, hours, t.all(), t.tenant(), limit)
	if err != nil {
		return 0, err
	}
	thin, err := t.conn.Exec(hourThin, minutes, t.all(), t.tenant(), limit)
	return n + thin, err
}

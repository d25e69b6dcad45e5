package sqlstore

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	usualList = stmt("usual_robot.list", `select workflow_id, robot_id, is_default, priority, notes, created_at from usual_robots
		where workflow_id = $1 and ($2 or tenant_id = $3)`)
	usualOf = stmt("usual_robot.of", `select workflow_id, robot_id, is_default, priority, notes, created_at from usual_robots
		where robot_id = $1 and ($2 or tenant_id = $3)`)
	usualPut = stmt("usual_robot.put", `insert into usual_robots (tenant_id, workflow_id, robot_id, is_default, priority, notes,
		created_at) values ($1, $2, $3, $4, $5, $6, $7) on conflict (workflow_id, robot_id) do update set
		is_default = excluded.is_default, priority = excluded.priority, notes = excluded.notes
		where usual_robots.tenant_id = excluded.tenant_id`)
	usualDelete = stmt("usual_robot.delete", `delete from usual_robots where tenant_id = $1 and workflow_id = $2 and robot_id = $3`)

	tieGet = stmt("tie.get", `select robot_id from ties where tenant_id = $1 and sticky_key = $2 and until > $3`)
	tiePut = stmt("tie.put", `insert into ties (tenant_id, sticky_key, robot_id, until) values ($1, $2, $3, $4)
		on conflict (tenant_id, sticky_key) do update set robot_id = excluded.robot_id, until = excluded.until`)

	reservationGet  = stmt("reservation.get", `select body from reservations where id = $1 and ($2 or tenant_id = $3)`)
	reservationList = stmt("reservation.list", `select body from reservations where ($1 or tenant_id = $2) order by id`)
	reservationPut  = stmt("reservation.put", `insert into reservations (tenant_id, id, name, body) values ($1, $2, $3, $4)
		on conflict (id) do update set name = excluded.name, body = excluded.body
		where reservations.tenant_id = excluded.tenant_id`)
	reservationNamed  = stmt("reservation.named", `select id from reservations where tenant_id = $1 and name = $2 and id <> $3`)
	reservationDelete = stmt("reservation.delete", `delete from reservations where id = $1 and ($2 or tenant_id = $3)`)

	holderList = stmt("attempt.holders", `select a.job_id, a.epoch, j.state, a.started_at, a.tenant_id, a.robot_id, j.workflow_id, j.priority, j.labels
		from attempts a join jobs j on j.id = a.job_id where a.slot_free_at is null and ($1 or a.tenant_id = $2)
		order by a.robot_id, a.job_id`)
	shareList = stmt("head.shares", `select h.tenant_id, coalesce(t.weight, h.share_weight), h.served_ms, h.assigned + h.running + h.cancelling
		from tenant_heads h left join tenants t on t.tenant_id = h.tenant_id
		where h.pending > 0 and ($1 or h.tenant_id = $2) order by h.tenant_id`)
)

// UsualRobots lists them in the order in which they are tried.
func (r *reader) UsualRobots(workflow fleet.ID) ([]fleet.UsualRobot, error) {
	return r.usual(usualList, workflow)
}

// UsualWorkflows lists what usually runs on a robot, in the same order.
func (r *reader) UsualWorkflows(robot fleet.RobotID) ([]fleet.UsualRobot, error) {
	return r.usual(usualOf, robot)
}

func (r *reader) usual(s *Stmt, of any) ([]fleet.UsualRobot, error) {
	var out []fleet.UsualRobot
	err := r.conn.Query(s, func(row *Row) error {
		out = append(out, fleet.UsualRobot{
			WorkflowID: str[fleet.ID](row), RobotID: str[fleet.RobotID](row), Default: row.bool(), Priority: row.int(),
			Notes: row.text(), CreatedAt: row.time(),
		})
		return nil
	}, of, r.all(), r.tenant())
	slices.SortFunc(out, func(a, b fleet.UsualRobot) int {
		switch {
		case a.Default != b.Default && a.Default:
			return -1
		case a.Default != b.Default:
			return 1
		}
		return cmp.Or(a.Priority-b.Priority, compareText(a.RobotID, b.RobotID), compareText(a.WorkflowID, b.WorkflowID))
	})
	return out, err
}

// PutUsualRobot writes one of the usual robots of a workflow.
func (t *Tx) PutUsualRobot(tenant fleet.TenantID, u fleet.UsualRobot) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(usualPut, tenant, u.WorkflowID, u.RobotID, u.Default, u.Priority, u.Notes, u.CreatedAt)
	return err
}

// DeleteUsualRobot answers with fleet.ErrNotFound if the robot is not one of
// the workflow's.
func (t *Tx) DeleteUsualRobot(workflow fleet.ID, robot fleet.RobotID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(usualDelete, tenant, workflow, robot)
	if err == nil && n == 0 {
		err = fleet.NotFound("assignment", string(robot))
	}
	return err
}

// Ties finds the robots of sticky keys.
func (r *reader) Ties(keys []store.TieKey, now time.Time) (map[store.TieKey]fleet.RobotID, error) {
	out := map[store.TieKey]fleet.RobotID{}
	lists, at := make([][]any, 0, len(keys)), make([]store.TieKey, 0, len(keys))
	for _, k := range keys {
		if r.scope.Covers(k.Tenant) {
			lists, at = append(lists, []any{k.Tenant, k.Key, now}), append(at, k)
		}
	}
	return out, r.conn.Each(tieGet, lists, func(i int, row *Row) error {
		out[at[i]] = str[fleet.RobotID](row)
		return nil
	})
}

// defaultTie is how long a tie lasts when its placement does not say.
const defaultTie = time.Hour

// tie remembers the robot that ended a job with a sticky key.
func (t *Tx) tie(m *fleet.Move) error {
	s := m.Job.Placement.Sticky
	if s == nil || s.Key == "" || s.Mode == fleet.StickyNone || m.Attempt == nil || !m.From.Live() || !m.Job.State.Final() {
		return nil
	}
	last := defaultTie
	if s.TTLSeconds > 0 {
		last = time.Duration(s.TTLSeconds) * time.Second
	}
	_, err := t.conn.Exec(tiePut, m.Job.Tenant, s.Key, m.Attempt.RobotID, m.Job.EndedAt.Add(last))
	return err
}

// Reservation finds one.
func (r *reader) Reservation(id fleet.ID) (out fleet.Reservation, err error) {
	var body string
	found, err := one(r.conn, reservationGet, func(row *Row) { body = row.text() }, id, r.all(), r.tenant())
	switch {
	case err != nil:
		return out, err
	case !found:
		return out, fleet.NotFound("reservation", string(id))
	}
	return out, json.Unmarshal([]byte(body), &out)
}

// Reservations lists them; their ids are in the order of their making.
func (r *reader) Reservations() (out []fleet.Reservation, err error) {
	err = r.conn.Query(reservationList, bodies(&out), r.all(), r.tenant())
	return out, err
}

// PutReservation refuses a name that another one of the tenant has.
func (t *Tx) PutReservation(r fleet.Reservation) error {
	if err := t.covers(r.Tenant); err != nil {
		return err
	}
	taken, err := one(t.conn, reservationNamed, func(*Row) {}, r.Tenant, r.Name, r.ID)
	if err != nil {
		return err
	}
	if taken {
		return fleet.Errorf(fleet.CodeConflict, "reservation_name_taken", "There is already a reservation named %q.", r.Name)
	}
	body, err := encode(r)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(reservationPut, r.Tenant, r.ID, r.Name, string(body))
	t.signal(topicReady)
	return err
}

// DeleteReservation lets its slots go.
func (t *Tx) DeleteReservation(id fleet.ID) error {
	n, err := t.conn.Exec(reservationDelete, id, t.all(), t.tenant())
	if err == nil && n == 0 {
		err = fleet.NotFound("reservation", string(id))
	}
	t.signal(topicReady)
	return err
}

// Holders lists the attempts that hold slots.
func (r *reader) Holders() ([]store.Holder, error) {
	var out []store.Holder
	err := r.conn.Query(holderList, func(row *Row) error {
		out = append(out, store.Holder{
			JobID: str[fleet.ID](row), Epoch: row.int64(), State: str[fleet.State](row), Started: row.time(),
			Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row), Workflow: str[fleet.ID](row),
			Priority: fleet.Priority(row.int()), Labels: labels(row),
		})
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// Shares reads what was served up to now.
func (r *reader) Shares(now time.Time) ([]fleet.Share, error) {
	var out []fleet.Share
	err := r.conn.Query(shareList, func(row *Row) error {
		s := fleet.Share{Tenant: str[fleet.TenantID](row), Weight: row.int()}
		served, live := row.int64(), row.int64()
		s.Served = time.Duration(max(served+live*now.UnixMilli(), 0)) * time.Millisecond
		out = append(out, s)
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// facts reads what factText wrote.
func facts(r *Row) (out fleet.Facts) {
	if text := r.text(); text != "" {
		_ = json.Unmarshal([]byte(text), &out)
	}
	return out
}

// factText is a set of facts in one fixed form; empty for none.
func factText(f fleet.Facts) (string, error) {
	if len(f) == 0 {
		return "", nil
	}
	b, err := encode(f)
	return string(b), err
}

// tenants reads what tenantText wrote.
func tenants(r *Row) (out []fleet.TenantID) {
	for _, t := range splitWords(r.text()) {
		out = append(out, fleet.TenantID(t))
	}
	return out
}

// tenantText lists tenants in order.
func tenantText(list []fleet.TenantID) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = string(t)
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}

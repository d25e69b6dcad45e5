package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const commandColumns = `select id, tenant_id, robot_id, kind, state, requested_by, instance_id, message, created_at,
	delivered_at, ended_at, expires_at from commands `

var (
	commandPut = stmt("command.put", `insert into commands (id, tenant_id, robot_id, kind, state, requested_by, instance_id, message,
		created_at, delivered_at, ended_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict do nothing`)
	commandMove = stmt("command.move", `update commands set state = $4, instance_id = $5, message = $6, delivered_at = $7, ended_at = $8
		where id = $1 and tenant_id = $2 and state = $3`)
	commandGet  = stmt("command.get", commandColumns+`where id = $1 and tenant_id = $2`)
	commandList = stmt("command.list", commandColumns+`where tenant_id = $1 and robot_id = $2 and id < $3 order by id desc limit $4`)
	commandOpen = stmt("command.open", commandColumns+`where tenant_id = $1 and robot_id = $2 and ended_at is null order by kind`)
	commandDue  = stmt("command.due", commandColumns+`where ended_at is null and expires_at <= $1 and ($2 or tenant_id = $3)
		order by expires_at limit $4`)
	pruneCommands = stmt("command.prune", `delete from commands where id in (select id from commands where id < $1
		and ended_at is not null and ($2 or tenant_id = $3) order by id limit $4)`)
)

func scanCommand(row *Row) fleet.Command {
	return fleet.Command{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), RobotID: str[fleet.RobotID](row), Kind: str[fleet.CommandKind](row),
		State: str[fleet.CommandState](row), By: row.text(), InstanceID: row.text(), Message: row.text(), CreatedAt: row.time(),
		Delivered: row.time(), EndedAt: row.time(), ExpiresAt: row.time(),
	}
}

// Command finds one.
func (r *reader) Command(id fleet.ID) (c fleet.Command, err error) {
	tenant, err := r.only()
	if err != nil {
		return c, err
	}
	found, err := one(r.conn, commandGet, func(row *Row) { c = scanCommand(row) }, id, tenant)
	if err == nil && !found {
		err = fleet.NotFound("command", string(id))
	}
	return c, err
}

// Commands lists what was asked of a robot, the newest first.
func (r *reader) Commands(robot fleet.RobotID, p fleet.Page) (list []fleet.Command, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	p, before, err := pageBefore(p)
	if err != nil {
		return nil, "", err
	}
	list, err = r.commands(commandList, tenant, robot, before, p.Limit+1)
	if err == nil && len(list) > p.Limit {
		list = list[:p.Limit]
		next = makeCursor(string(list[p.Limit-1].ID))
	}
	return list, next, err
}

// OpenCommands lists what a robot still has to do.
func (r *reader) OpenCommands(robot fleet.RobotID) ([]fleet.Command, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.commands(commandOpen, tenant, robot)
}

// DueCommands lists open ones whose time is over.
func (r *reader) DueCommands(now time.Time, limit int) ([]fleet.Command, error) {
	return r.commands(commandDue, now, r.all(), r.tenant(), limit)
}

func (r *reader) commands(s *Stmt, args ...any) (out []fleet.Command, err error) {
	err = r.conn.Query(s, func(row *Row) error { out = append(out, scanCommand(row)); return nil }, args...)
	return out, err
}

// AddCommand stores a new one; false if one of its kind is open already.
func (t *Tx) AddCommand(c fleet.Command) (bool, error) {
	if err := t.covers(c.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(commandPut, c.ID, c.Tenant, c.RobotID, string(c.Kind), string(c.State), c.By, c.InstanceID, c.Message,
		c.CreatedAt, c.Delivered, c.EndedAt, c.ExpiresAt)
	if c.Open() {
		t.signal(store.RobotTopic(string(c.Tenant), string(c.RobotID)))
	}
	return n == 1, err
}

// MoveCommand writes a command that was changed; false if it was no longer in
// the state it was changed from.
func (t *Tx) MoveCommand(c fleet.Command, from fleet.CommandState) (bool, error) {
	if err := t.covers(c.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(commandMove, c.ID, c.Tenant, string(from), string(c.State), c.InstanceID, c.Message, c.Delivered, c.EndedAt)
	return n == 1, err
}

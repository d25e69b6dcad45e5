package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const triggerColumns = `tenant_id, id, enabled, revision, since_seq, fired, successes, failures, streak, last_fired_at, last_job_id, deleted_at, place, fault, body`

var (
	triggerGet      = stmt("trigger.get", `select `+triggerColumns+` from triggers where id = $1 and tenant_id = $2`)
	triggerToChange = stmt("trigger.to_change", `select `+triggerColumns+` from triggers where id = $1 and tenant_id = $2`)
	triggerNamed    = stmt("trigger.named", `select `+triggerColumns+` from triggers where tenant_id = $1 and name_key = $2 and deleted_at is null`)
	triggerList     = stmt("trigger.list", `select `+triggerColumns+` from triggers where tenant_id = $1 and deleted_at is null order by name_key`)
	// triggerOf and triggerOfAll leave out what is called: it waits for nothing. A
	// tenant between itself and itself is looked for by the index of kinds.
	triggerOf = stmt("trigger.of_kind", `select `+triggerColumns+` from triggers where kind = $1 and kind <> 'webhook' and enabled
		and deleted_at is null and tenant_id between $2 and $2 order by tenant_id, id`)
	triggerOfAll = stmt("trigger.of_kind_all", `select `+triggerColumns+` from triggers where kind = $1 and kind <> 'webhook' and enabled
		and deleted_at is null order by tenant_id, id`)
	triggerWatched = stmt("trigger.watched", `select `+triggerColumns+` from triggers where robot_id = $1 and robot_id is not null and enabled
		and deleted_at is null and tenant_id between $2 and $2 order by tenant_id, id`)
	triggerPath = stmt("trigger.path", `select tenant_id, id from triggers where path = $1 and path <> '' and deleted_at is null and ($2 or tenant_id = $3)`)
	triggerID   = stmt("trigger.id", `select tenant_id, id from triggers where id = $1 and kind = 'webhook' and deleted_at is null and ($2 or tenant_id = $3)`)

	triggerAdd = stmt("trigger.add", `insert into triggers (tenant_id, id, name_key, kind, path, body, enabled, revision,
		since_seq, fired, successes, failures, streak, robot_id) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, 0, $10) on conflict do nothing`)
	triggerTaken = stmt("trigger.taken", `select id from triggers where tenant_id = $1 and name_key = $2 and deleted_at is null and id <> $3`)
	triggerPut   = stmt("trigger.put", `update triggers set revision = revision + 1, name_key = $4, path = $5, body = $6, enabled = $7, since_seq = $8,
		streak = $9, deleted_at = $10, kind = $11, robot_id = $12, place = $13, fault = $14 where tenant_id = $1 and id = $2 and revision = $3`)
	// triggerEnded returns the failures in a row. $5 says that there was a success, after which $6 failures came.
	triggerEnded = stmt("trigger.ended", `update triggers set successes = successes + $3, failures = failures + $4,
		streak = case when $5 then $6 else streak + $6 end where tenant_id = $1 and id = $2 returning streak`)
	triggerPlace = stmt("trigger.place", `update triggers set place = $5, fault = '' where tenant_id = $1 and id = $2 and revision = $3 and place = $4
		and enabled and deleted_at is null`)
	triggerFault = stmt("trigger.fault", `update triggers set fault = $3 where tenant_id = $1 and id = $2 and fault <> $3`)
	triggerFired = stmt("trigger.fired", `update triggers set fired = fired + $3, last_fired_at = $4, last_job_id = $5 where tenant_id = $1 and id = $2`)
	triggerPrune = stmt("trigger.prune", `delete from triggers where (tenant_id, id) in (select tenant_id, id from triggers t
		where t.deleted_at is not null and ($1 or t.tenant_id = $2) and not exists (select 1 from trigger_firings f where f.trigger_id = t.id) limit $3)`)

	triggerHeads = stmt("trigger_head.list", `select h.tenant_id, coalesce(r.seq, 0), h.seq from tenant_heads h
		left join trigger_heads r on r.tenant_id = h.tenant_id where h.seq > coalesce(r.seq, 0) and ($1 or h.tenant_id = $2)
		and exists (select 1 from triggers t where t.tenant_id = h.tenant_id) order by h.tenant_id`)
	triggerHeadPut   = stmt("trigger_head.put", `insert into trigger_heads (tenant_id, seq) values ($1, $2) on conflict (tenant_id) do nothing`)
	triggerHeadPrune = stmt("trigger_head.prune", `delete from trigger_heads where ($1 or tenant_id = $2)
		and not exists (select 1 from triggers t where t.tenant_id = trigger_heads.tenant_id)`)
	triggerHeadMove = stmt("trigger_head.move", `update trigger_heads set seq = $3 where tenant_id = $1 and seq = $2`)
)

func scanTrigger(row *Row, t *fleet.Trigger) error {
	tenant, id, enabled, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.bool(), row.int64()
	state := fleet.TriggerState{
		Since: row.int64(), Fired: row.int64(), Successes: row.int64(), Failures: row.int64(), Streak: row.int64(),
		LastFired: row.time(), LastJob: str[fleet.ID](row),
	}
	gone := row.time()
	state.Place, state.Fault = row.text(), row.text()
	err := json.Unmarshal([]byte(row.text()), t)
	t.Tenant, t.ID, t.Enabled, t.Revision, t.TriggerState, t.DeletedAt = tenant, id, enabled, revision, state, gone
	return err
}

func (r *reader) triggers(s *Stmt, args ...any) (out []fleet.Trigger, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		var one fleet.Trigger
		err := scanTrigger(row, &one)
		out = append(out, one)
		return err
	}, args...)
	return out, err
}

func (r *reader) oneTrigger(ref string, s *Stmt, args ...any) (fleet.Trigger, error) {
	list, err := r.triggers(s, args...)
	if err == nil && (len(list) == 0 || !list[0].DeletedAt.IsZero()) {
		err = fleet.NotFound("trigger", ref)
	}
	if err != nil {
		return fleet.Trigger{}, err
	}
	return list[0], nil
}

// Trigger finds one that was not deleted.
func (r *reader) Trigger(id fleet.ID) (fleet.Trigger, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Trigger{}, err
	}
	return r.oneTrigger(string(id), triggerGet, id, tenant)
}

// TriggerNamed finds one by its name.
func (r *reader) TriggerNamed(name string) (fleet.Trigger, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Trigger{}, err
	}
	return r.oneTrigger(name, triggerNamed, tenant, (&fleet.Trigger{Name: name}).Key())
}

// Triggers lists them by name.
func (r *reader) Triggers() ([]fleet.Trigger, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.triggers(triggerList, tenant)
}

// TriggersOf lists the enabled ones of a kind.
func (r *reader) TriggersOf(kind fleet.TriggerKind) ([]fleet.Trigger, error) {
	if r.all() {
		return r.triggers(triggerOfAll, string(kind))
	}
	return r.triggers(triggerOf, string(kind), r.tenant())
}

// TriggersWatchedBy lists the enabled ones of files that a robot looks for.
func (r *reader) TriggersWatchedBy(robot fleet.RobotID) ([]fleet.Trigger, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.triggers(triggerWatched, robot, tenant)
}

// HookAt finds a webhook.
func (r *reader) HookAt(path string) (tenant fleet.TenantID, id fleet.ID, err error) {
	s := triggerPath
	if fleet.ID(path).Valid() {
		s = triggerID
	}
	found, err := one(r.conn, s, func(row *Row) { tenant, id = str[fleet.TenantID](row), str[fleet.ID](row) }, path, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("webhook", path)
	}
	return tenant, id, err
}

// TriggerHeads lists whose logs are to be followed.
func (r *reader) TriggerHeads() (out []store.TriggerHead, err error) {
	err = r.conn.Query(triggerHeads, func(row *Row) error {
		out = append(out, store.TriggerHead{Tenant: str[fleet.TenantID](row), Seq: row.int64(), Head: row.int64()})
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// TriggerToChange is Trigger with a lock.
func (t *Tx) TriggerToChange(id fleet.ID) (fleet.Trigger, error) {
	tenant, err := t.only()
	if err != nil {
		return fleet.Trigger{}, err
	}
	return t.oneTrigger(string(id), triggerToChange, id, tenant)
}

func hookPath(t *fleet.Trigger) string {
	if t.Webhook == nil || t.Webhook.Path == "" {
		return ""
	}
	return t.Webhook.Address(t.Tenant)
}

// watcher is the robot that looks for files.
func watcher(t *fleet.Trigger) any {
	if t.File == nil {
		return nil
	}
	return opt(t.File.RobotID)
}

// AddTrigger stores a new one. The log is followed from where the first one of a
// tenant found it.
func (t *Tx) AddTrigger(g fleet.Trigger) error {
	if err := t.covers(g.Tenant); err != nil {
		return err
	}
	body, err := encode(g)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(triggerAdd, g.Tenant, g.ID, g.Key(), string(g.Kind), hookPath(&g), string(body), g.Enabled, g.Revision, g.Since, watcher(&g))
	if err == nil && n == 0 {
		return t.triggerClash(&g)
	}
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(triggerHeadPut, g.Tenant, g.Since)
	return err
}

// triggerClash says what is taken: the name, or else the path.
func (t *Tx) triggerClash(g *fleet.Trigger) error {
	named, err := one(t.conn, triggerTaken, func(*Row) {}, g.Tenant, g.Key(), g.ID)
	switch {
	case err != nil:
		return err
	case named:
		return fleet.Errorf(fleet.CodeConflict, "trigger_exists", "There is already a trigger %q.", g.Name)
	}
	e := fleet.Invalid("webhook.path", "The path %s is taken by another trigger.", g.Webhook.Path)
	e.Reason = "path_taken"
	return e
}

// PutTrigger writes one that has changed.
func (t *Tx) PutTrigger(g fleet.Trigger) error {
	if err := t.covers(g.Tenant); err != nil {
		return err
	}
	body, err := encode(g)
	if err != nil {
		return err
	}
	if g.DeletedAt.IsZero() {
		clash, err := one(t.conn, triggerTaken, func(*Row) {}, g.Tenant, g.Key(), g.ID)
		if err != nil {
			return err
		}
		if path := hookPath(&g); path != "" && !clash {
			_, id, err := t.HookAt(path)
			clash = err == nil && id != g.ID
		}
		if clash {
			return t.triggerClash(&g)
		}
	}
	n, err := t.conn.Exec(triggerPut, g.Tenant, g.ID, g.Revision, g.Key(), hookPath(&g), string(body), g.Enabled, g.Since, g.Streak, Stored(g.DeletedAt), string(g.Kind),
		watcher(&g), g.Place, g.Fault)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "trigger_changed", "Trigger %s has changed since it was read.", g.Name)
	}
	return err
}

// MoveTriggerHead says how far the log was followed.
func (t *Tx) MoveTriggerHead(tenant fleet.TenantID, from, to int64) (bool, error) {
	if err := t.covers(tenant); err != nil {
		return false, err
	}
	if from == 0 {
		n, err := t.conn.Exec(triggerHeadPut, tenant, to)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	n, err := t.conn.Exec(triggerHeadMove, tenant, from, to)
	return n > 0, err
}

// MoveTriggerPlace says how far the source of an enabled one was read, if it is
// still of this revision and was read up to from.
func (t *Tx) MoveTriggerPlace(id fleet.ID, revision int64, from, to string) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(triggerPlace, tenant, id, revision, from, to)
	return n > 0, err
}

// SetTriggerFault says why a trigger cannot look at its source; empty: it can.
func (t *Tx) SetTriggerFault(id fleet.ID, fault string) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(triggerFault, tenant, id, fault)
	return n > 0, err
}

// PruneTriggers takes deleted ones whose firings are gone. Of a tenant without
// any, nobody follows the log.
func (t *Tx) PruneTriggers(limit int) (int, error) {
	n, err := t.conn.Exec(triggerPrune, t.all(), t.tenant(), limit)
	if err != nil || n == 0 {
		return n, err
	}
	_, err = t.conn.Exec(triggerHeadPrune, t.all(), t.tenant())
	return n, err
}

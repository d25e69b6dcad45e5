package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	alertRules   = stmt("alert_rule.list", `select tenant_id, id, revision, body from alert_rules where tenant_id = $1 order by name_key`)
	alertRuleAdd = stmt("alert_rule.add", `insert into alert_rules (tenant_id, id, name_key, body, revision) values ($1, $2, $3, $4, 1) on conflict do nothing`)
	alertRulePut = stmt("alert_rule.put", `update alert_rules set name_key = $4, body = $5, revision = revision + 1 where tenant_id = $1 and id = $2
		and revision = $3`)
	alertRuleDelete = stmt("alert_rule.delete", `delete from alert_rules where tenant_id = $1 and id = $2`)
	alertRuleTaken  = stmt("alert_rule.taken", `select id from alert_rules where tenant_id = $1 and name_key = $2 and id <> $3`)

	channelList = stmt("alert_channel.list", `select tenant_id, id, revision, streak, fault, last_ok_at, body from alert_channels where tenant_id = $1
		order by name_key`)
	channelAdd = stmt("alert_channel.add", `insert into alert_channels (tenant_id, id, name_key, body, revision, streak, fault)
		values ($1, $2, $3, $4, 1, 0, '') on conflict do nothing`)
	channelPut = stmt("alert_channel.put", `update alert_channels set name_key = $4, body = $5, revision = revision + 1 where tenant_id = $1 and id = $2
		and revision = $3`)
	channelDelete = stmt("alert_channel.delete", `delete from alert_channels where tenant_id = $1 and id = $2`)
	channelTaken  = stmt("alert_channel.taken", `select id from alert_channels where tenant_id = $1 and name_key = $2 and id <> $3`)
	channelWell   = stmt("alert_channel.well", `update alert_channels set streak = 0, fault = '', last_ok_at = $3 where tenant_id = $1 and id = $2`)
	channelFault  = stmt("alert_channel.fault", `update alert_channels set streak = streak + 1, fault = $3 where tenant_id = $1 and id = $2 returning streak`)

	silenceList = stmt("alert_silence.list", `select tenant_id, id, revision, body from alert_silences where tenant_id = $1 order by name_key`)
	silenceAdd  = stmt("alert_silence.add", `insert into alert_silences (tenant_id, id, name_key, body, revision) values ($1, $2, $3, $4, 1)
		on conflict do nothing`)
	silencePut = stmt("alert_silence.put", `update alert_silences set name_key = $4, body = $5, revision = revision + 1 where tenant_id = $1 and id = $2
		and revision = $3`)
	silenceDelete = stmt("alert_silence.delete", `delete from alert_silences where tenant_id = $1 and id = $2`)
	silenceTaken  = stmt("alert_silence.taken", `select id from alert_silences where tenant_id = $1 and name_key = $2 and id <> $3`)

	alertHeads = stmt("alert_head.list", `select h.tenant_id, coalesce(a.seq, 0), h.seq from tenant_heads h
		left join alert_heads a on a.tenant_id = h.tenant_id where h.seq > coalesce(a.seq, 0) and ($1 or h.tenant_id = $2) order by h.tenant_id`)
	alertHeadPut  = stmt("alert_head.put", `insert into alert_heads (tenant_id, seq) values ($1, $2) on conflict (tenant_id) do nothing`)
	alertHeadMove = stmt("alert_head.move", `update alert_heads set seq = $3 where tenant_id = $1 and seq = $2`)
	// alertHeadLock changes nothing, and so holds whoever would change it.
	alertHeadLock = stmt("alert_head.lock", `update alert_heads set seq = seq where tenant_id = $1`)
)

// AlertRules lists those that are stored.
func (r *reader) AlertRules() (out []fleet.AlertRule, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(alertRules, func(row *Row) error {
		var one fleet.AlertRule
		owner, id, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.int64()
		err := json.Unmarshal([]byte(row.text()), &one)
		one.Tenant, one.ID, one.Revision = owner, id, revision
		out = append(out, one)
		return err
	}, tenant)
	return out, err
}

// named is one row of rules, channels and silences as it is written.
type namedRow struct {
	noun            string
	tenant          fleet.TenantID
	id              fleet.ID
	name, key       string
	revision        int64
	add, put, taken *Stmt
	body            any
}

// putNamed writes such a row: a new one at revision 0.
func (t *Tx) putNamed(n namedRow) error {
	if err := t.covers(n.tenant); err != nil {
		return err
	}
	exists := fleet.Errorf(fleet.CodeConflict, n.noun+"_exists", "There is already a %s %q.", words(n.noun), n.name)
	taken, err := one(t.conn, n.taken, func(*Row) {}, n.tenant, n.key, n.id)
	if err != nil || taken {
		return orErr(err, exists)
	}
	body, err := encode(n.body)
	if err != nil {
		return err
	}
	if n.revision == 0 {
		count, err := t.conn.Exec(n.add, n.tenant, n.id, n.key, string(body))
		if err == nil && count == 0 {
			return exists
		}
		return err
	}
	count, err := t.conn.Exec(n.put, n.tenant, n.id, n.revision, n.key, string(body))
	if err == nil && count == 0 {
		err = fleet.Errorf(fleet.CodeConflict, n.noun+"_changed", "The %s %s has changed since it was read.", words(n.noun), n.name)
	}
	return err
}

// words is a noun as people read it.
func words(noun string) string {
	switch noun {
	case "alert_rule":
		return "rule"
	case "alert_channel":
		return "channel"
	}
	return noun
}

// deleteNamed takes such a row away.
func (t *Tx) deleteNamed(s *Stmt, id fleet.ID) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(s, tenant, id)
	return n > 0, err
}

// PutAlertRule writes a rule.
func (t *Tx) PutAlertRule(r fleet.AlertRule) error {
	return t.putNamed(namedRow{"alert_rule", r.Tenant, r.ID, r.Name, r.Key(), r.Revision, alertRuleAdd, alertRulePut, alertRuleTaken, r})
}

// DeleteAlertRule takes one away.
func (t *Tx) DeleteAlertRule(id fleet.ID) (bool, error) { return t.deleteNamed(alertRuleDelete, id) }

// AlertChannels lists them by name.
func (r *reader) AlertChannels() (out []fleet.AlertChannel, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(channelList, func(row *Row) error {
		var one fleet.AlertChannel
		owner, id, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.int64()
		state := fleet.ChannelState{Streak: row.int64(), Fault: row.text(), LastOK: row.time()}
		err := json.Unmarshal([]byte(row.text()), &one)
		one.Tenant, one.ID, one.Revision, one.State = owner, id, revision, state
		out = append(out, one)
		return err
	}, tenant)
	return out, err
}

// PutAlertChannel writes a channel.
func (t *Tx) PutAlertChannel(c fleet.AlertChannel) error {
	return t.putNamed(namedRow{"alert_channel", c.Tenant, c.ID, c.Name, c.Key(), c.Revision, channelAdd, channelPut, channelTaken, c})
}

// DeleteAlertChannel takes one away.
func (t *Tx) DeleteAlertChannel(id fleet.ID) (bool, error) { return t.deleteNamed(channelDelete, id) }

// ChannelSent notes how a channel did.
func (t *Tx) ChannelSent(id fleet.ID, fault string, now time.Time) (streak int64, err error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	if fault == "" {
		_, err := t.conn.Exec(channelWell, tenant, id, Stored(now))
		return 0, err
	}
	_, err = one(t.conn, channelFault, func(row *Row) { streak = row.int64() }, tenant, id, fault)
	return streak, err
}

// Silences lists them by name.
func (r *reader) Silences() (out []fleet.Silence, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(silenceList, func(row *Row) error {
		var one fleet.Silence
		owner, id, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.int64()
		err := json.Unmarshal([]byte(row.text()), &one)
		one.Tenant, one.ID, one.Revision = owner, id, revision
		out = append(out, one)
		return err
	}, tenant)
	return out, err
}

// PutSilence writes a silence.
func (t *Tx) PutSilence(s fleet.Silence) error {
	return t.putNamed(namedRow{"silence", s.Tenant, s.ID, s.Name, s.Key(), s.Revision, silenceAdd, silencePut, silenceTaken, s})
}

// DeleteSilence takes one away.
func (t *Tx) DeleteSilence(id fleet.ID) (bool, error) { return t.deleteNamed(silenceDelete, id) }

// AlertHeads lists whose logs are to be followed.
func (r *reader) AlertHeads() (out []store.AlertHead, err error) {
	err = r.conn.Query(alertHeads, func(row *Row) error {
		out = append(out, store.AlertHead{Tenant: str[fleet.TenantID](row), Seq: row.int64(), Head: row.int64()})
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// LockAlerts holds whoever else looks for alerts of a tenant.
func (t *Tx) LockAlerts(tenant fleet.TenantID) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(alertHeadLock, tenant)
	if err != nil || n > 0 {
		return err
	}
	if _, err := t.conn.Exec(alertHeadPut, tenant, 0); err != nil {
		return err
	}
	_, err = t.conn.Exec(alertHeadLock, tenant)
	return err
}

// MoveAlertHead says how far the log was followed.
func (t *Tx) MoveAlertHead(tenant fleet.TenantID, from, to int64) (bool, error) {
	if err := t.covers(tenant); err != nil {
		return false, err
	}
	if from == 0 {
		n, err := t.conn.Exec(alertHeadPut, tenant, to)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	n, err := t.conn.Exec(alertHeadMove, tenant, from, to)
	return n > 0, err
}

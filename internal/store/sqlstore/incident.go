package sqlstore

import (
	"cmp"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const (
	incidentColumns = `tenant_id, id, rule_id, rule_name, kind, severity, state, cause, title, subject, subject_id, count, data, first_at, last_at,
		opened_at, acknowledged_at, acknowledged_by, note, resolved_at, resolved_by, step, escalate_at, due_at`
	noticeColumns = `tenant_id, id, incident_id, channel_id, kind, state, attempts, fault, held, due_at, created_at, sent_at`
)

var (
	incidentGet    = stmt("incident.get", `select `+incidentColumns+` from incidents where id = $1 and tenant_id || '' = $2`)
	incidentChange = stmt("incident.to_change", `select `+incidentColumns+` from incidents where id = $1 and tenant_id || '' = $2`)
	incidentOf     = stmt("incident.of", `select `+incidentColumns+` from incidents where tenant_id = $1 and rule_id = $2 and cause = $3 and state <> 'resolved'`)
	incidentBefore = stmt("incident.before", `select `+incidentColumns+` from incidents where state = 'resolved' and resolved_at > $4
		and tenant_id || '' = $1 and rule_id = $2 and cause = $3 order by resolved_at desc limit 1`)
	incidentList = stmt("incident.list", `select `+incidentColumns+` from incidents where tenant_id = $1 and id < $2 and state <> 'watched'
		and ($3 = '' or state = $3) and ($4 = '' or rule_id = $4) and ($5 = '' or kind = $5) order by id desc limit $6`)
	incidentLive = stmt("incident.live", `select `+incidentColumns+` from incidents where tenant_id = $1 and state in ('open', 'acknowledged')
		and state <> 'resolved' and id < $2 and ($3 = '' or rule_id = $3) and ($4 = '' or kind = $4) order by id desc limit $5`)
	incidentCounts = stmt("incident.counts", `select state, count(*) from incidents where tenant_id = $1 and state in ('open', 'acknowledged')
		and state <> 'resolved' group by state`)
	incidentDue = stmt("incident.due", `select tenant_id, id from (select tenant_id, id, due_at, row_number() over (partition by tenant_id order by due_at, id)
		as turn from incidents where state <> 'resolved' and due_at <= $1 and ($2 or tenant_id || '' = $3)) i where turn <= $4
		order by turn, due_at, id limit $5`)
	incidentEscalate = stmt("incident.escalate", `select tenant_id, id from (select tenant_id, id, escalate_at,
		row_number() over (partition by tenant_id order by escalate_at, id) as turn from incidents where escalate_at is not null and escalate_at <= $1
		and ($2 or tenant_id || '' = $3)) i where turn <= $4 order by turn, escalate_at, id limit $5`)
	incidentAdd = stmt("incident.add", `insert into incidents (`+incidentColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
		$15, $16, $17, $18, $19, $20, $21, $22, $23, $24) on conflict do nothing`)
	incidentPut = stmt("incident.put", `update incidents set state = $3, title = $4, subject = $5, subject_id = $6, count = $7, data = $8, first_at = $9,
		last_at = $10, opened_at = $11, acknowledged_at = $12, acknowledged_by = $13, note = $14, resolved_at = $15, resolved_by = $16, step = $17,
		escalate_at = $18, due_at = $19 where id = $1 and tenant_id || '' = $2`)
	incidentForget = stmt("incident.forget", `delete from incidents where id = $1 and tenant_id || '' = $2 and state = 'watched'`)
	incidentPrune  = stmt("incident.prune", `delete from incidents where id in (select id from incidents where state = 'resolved' and resolved_at < $1
		and ($2 or tenant_id || '' = $3) order by resolved_at limit $4) returning id, tenant_id`)
	noticePrune = stmt("alert_notice.prune", `delete from alert_notices where incident_id = $1 and tenant_id || '' = $2`)

	noticeGet = stmt("alert_notice.get", `select `+noticeColumns+` from alert_notices where id = $1 and tenant_id || '' = $2`)
	noticesOf = stmt("alert_notice.of", `select `+noticeColumns+` from alert_notices where incident_id = $1 and tenant_id || '' = $2 order by id`)
	noticeDue = stmt("alert_notice.due", `select `+noticeColumns+` from (select `+noticeColumns+`, row_number() over (partition by tenant_id
		order by due_at, id) as turn from alert_notices where state = 'waiting' and due_at <= $1 and ($2 or tenant_id || '' = $3)) n
		where turn <= $4 order by turn, due_at, id limit $5`)
	noticeAdd = stmt("alert_notice.add", `insert into alert_notices (`+noticeColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict do nothing`)
	noticeClaim = stmt("alert_notice.claim", `update alert_notices set attempts = attempts + 1, due_at = $4, held = false
		where id = $1 and tenant_id || '' = $2 and state = 'waiting' and attempts = $3`)
	noticeSettle = stmt("alert_notice.settle", `update alert_notices set state = $4, fault = $5, held = $6, due_at = $7, sent_at = $8
		where id = $1 and tenant_id || '' = $2 and state = 'waiting' and attempts = $3`)
	noticeRest = stmt("alert_notice.rest", `update alert_notices set attempts = attempts - 1, due_at = $4
		where id = $1 and tenant_id || '' = $2 and state = 'waiting' and attempts = $3 and attempts > 0`)
	noticeFree = stmt("alert_notice.free", `update alert_notices set due_at = $2, held = true where tenant_id = $1 and held and state = 'waiting'`)
)

func scanIncident(r *Row) fleet.Incident {
	i := fleet.Incident{
		Tenant: str[fleet.TenantID](r), ID: str[fleet.ID](r), RuleID: str[fleet.ID](r), RuleName: r.text(), Kind: str[fleet.AlertKind](r),
		Severity: str[fleet.Severity](r), State: str[fleet.IncidentState](r), Cause: r.text(), Title: r.text(),
		Subject: fleet.EventSubject{Kind: str[fleet.SubjectKind](r), ID: r.text()}, Count: r.int64(),
	}
	if data := r.text(); data != "" {
		i.Data = []byte(data)
	}
	i.FirstAt, i.LastAt, i.OpenedAt, i.AcknowledgedAt = r.time(), r.time(), r.time(), r.time()
	i.AcknowledgedBy, i.Note, i.ResolvedAt, i.ResolvedBy = r.text(), r.text(), r.time(), r.text()
	i.Step, i.EscalateAt, i.DueAt = r.int(), r.time(), r.time()
	return i
}

func scanNotice(r *Row) fleet.Notice {
	return fleet.Notice{
		Tenant: str[fleet.TenantID](r), ID: str[fleet.ID](r), Incident: str[fleet.ID](r), Channel: str[fleet.ID](r), Kind: str[fleet.NoticeKind](r),
		State: str[fleet.NoticeState](r), Attempts: r.int(), Fault: r.text(), Held: r.bool(), DueAt: r.time(), CreatedAt: r.time(), SentAt: r.time(),
	}
}

func (r *reader) oneIncident(ref string, s *Stmt, args ...any) (i fleet.Incident, err error) {
	found, err := one(r.conn, s, func(row *Row) { i = scanIncident(row) }, args...)
	if err == nil && !found {
		err = fleet.NotFound("incident", ref)
	}
	return i, err
}

// Incident finds one.
func (r *reader) Incident(id fleet.ID) (fleet.Incident, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Incident{}, err
	}
	return r.oneIncident(string(id), incidentGet, id, tenant)
}

// IncidentToChange is Incident with a lock.
func (t *Tx) IncidentToChange(id fleet.ID) (fleet.Incident, error) {
	tenant, err := t.only()
	if err != nil {
		return fleet.Incident{}, err
	}
	return t.oneIncident(string(id), incidentChange, id, tenant)
}

// IncidentOf finds the one of a cause.
func (r *reader) IncidentOf(rule fleet.ID, cause string) (fleet.Incident, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Incident{}, err
	}
	return r.oneIncident(cause, incidentOf, tenant, rule, cause)
}

// IncidentBefore finds one that is over.
func (r *reader) IncidentBefore(rule fleet.ID, cause string, after time.Time) (fleet.Incident, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Incident{}, err
	}
	return r.oneIncident(cause, incidentBefore, tenant, rule, cause, Stored(after))
}

// Incidents lists those that people see.
func (r *reader) Incidents(f store.IncidentFilter, p fleet.Page) (list []fleet.Incident, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	after := cmp.Or(p.Cursor, "g") // g comes after every id
	s, args := incidentList, []any{tenant, after, string(f.State), f.Rule, string(f.Kind), p.Limit + 1}
	if f.Live {
		s, args = incidentLive, []any{tenant, after, f.Rule, string(f.Kind), p.Limit + 1}
	}
	err = r.conn.Query(s, func(row *Row) error { list = append(list, scanIncident(row)); return nil }, args...)
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = string(list[p.Limit-1].ID)
	}
	return list, next, err
}

// IncidentCounts counts those that are not resolved.
func (r *reader) IncidentCounts() (out store.IncidentCounts, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	err = r.conn.Query(incidentCounts, func(row *Row) error {
		switch state, n := str[fleet.IncidentState](row), row.int64(); state { //nolint:exhaustive // it asks for these two
		case fleet.IncidentOpen:
			out.Open = n
		case fleet.IncidentAcknowledged:
			out.Acknowledged = n
		}
		return nil
	}, tenant)
	return out, err
}

// DueIncidents lists those whose time has come, to be looked at or to be told on.
func (r *reader) DueIncidents(now time.Time, each, limit int) (out []store.IncidentRef, err error) {
	seen := map[fleet.ID]bool{}
	for _, s := range []*Stmt{incidentDue, incidentEscalate} {
		err := r.conn.Query(s, func(row *Row) error {
			ref := store.IncidentRef{Tenant: str[fleet.TenantID](row), ID: str[fleet.ID](row)}
			if !seen[ref.ID] {
				out = append(out, ref)
			}
			seen[ref.ID] = true
			return nil
		}, Stored(now), r.all(), r.tenant(), each, limit)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AddIncident stores a new one.
func (t *Tx) AddIncident(i fleet.Incident) error {
	if err := t.covers(i.Tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(incidentAdd, i.Tenant, i.ID, i.RuleID, i.RuleName, string(i.Kind), string(i.Severity), string(i.State), i.Cause, i.Title,
		string(i.Subject.Kind), i.Subject.ID, i.Count, string(i.Data), Stored(i.FirstAt), Stored(i.LastAt), Stored(i.OpenedAt), Stored(i.AcknowledgedAt),
		i.AcknowledgedBy, i.Note, Stored(i.ResolvedAt), i.ResolvedBy, i.Step, Stored(i.EscalateAt), Stored(i.DueAt))
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "incident_exists", "There is an incident of this cause already.")
	}
	return err
}

// PutIncident writes one that has changed.
func (t *Tx) PutIncident(i fleet.Incident) error {
	if err := t.covers(i.Tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(incidentPut, i.ID, i.Tenant, string(i.State), i.Title, string(i.Subject.Kind), i.Subject.ID, i.Count, string(i.Data),
		Stored(i.FirstAt), Stored(i.LastAt), Stored(i.OpenedAt), Stored(i.AcknowledgedAt), i.AcknowledgedBy, i.Note, Stored(i.ResolvedAt), i.ResolvedBy,
		i.Step, Stored(i.EscalateAt), Stored(i.DueAt))
	if err == nil && n == 0 {
		err = fleet.NotFound("incident", string(i.ID))
	}
	return err
}

// ForgetIncident takes one away that was only watched.
func (t *Tx) ForgetIncident(id fleet.ID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(incidentForget, id, tenant)
	return err
}

// PruneIncidents takes old ones with their notices.
func (t *Tx) PruneIncidents(before time.Time, limit int) (int, error) {
	var gone []store.IncidentRef
	err := t.conn.Query(incidentPrune, func(row *Row) error {
		id := str[fleet.ID](row)
		gone = append(gone, store.IncidentRef{ID: id, Tenant: str[fleet.TenantID](row)})
		return nil
	}, Stored(before), t.all(), t.tenant(), limit)
	if err != nil {
		return 0, err
	}
	for _, g := range gone {
		if _, err := t.conn.Exec(noticePrune, g.ID, g.Tenant); err != nil {
			return 0, err
		}
	}
	return len(gone), nil
}

func (r *reader) notices(s *Stmt, args ...any) (out []fleet.Notice, err error) {
	err = r.conn.Query(s, func(row *Row) error { out = append(out, scanNotice(row)); return nil }, args...)
	return out, err
}

// NoticesOf lists those of an incident.
func (r *reader) NoticesOf(incident fleet.ID) ([]fleet.Notice, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.notices(noticesOf, incident, tenant)
}

// Notice finds one.
func (r *reader) Notice(id fleet.ID) (fleet.Notice, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Notice{}, err
	}
	list, err := r.notices(noticeGet, id, tenant)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("notice", string(id))
	}
	if err != nil {
		return fleet.Notice{}, err
	}
	return list[0], nil
}

// DueNotices lists those that are to be sent.
func (r *reader) DueNotices(now time.Time, each, limit int) ([]fleet.Notice, error) {
	return r.notices(noticeDue, Stored(now), r.all(), r.tenant(), each, limit)
}

// AddNotices stores notices.
func (t *Tx) AddNotices(list []fleet.Notice) error {
	for i := range list {
		n := &list[i]
		if err := t.covers(n.Tenant); err != nil {
			return err
		}
		_, err := t.conn.Exec(noticeAdd, n.Tenant, n.ID, n.Incident, n.Channel, string(n.Kind), string(n.State), n.Attempts, n.Fault, n.Held, Stored(n.DueAt),
			Stored(n.CreatedAt), Stored(n.SentAt))
		if err != nil {
			return err
		}
	}
	return nil
}

// ClaimNotice takes one to be sent.
func (t *Tx) ClaimNotice(id fleet.ID, attempts int, until time.Time) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(noticeClaim, id, tenant, attempts, Stored(until))
	return n > 0, err
}

// RestNotice gives back an attempt that was not made.
func (t *Tx) RestNotice(id fleet.ID, attempts int, until time.Time) (bool, error) {
	tenant, err := t.only()
	if err != nil {
		return false, err
	}
	n, err := t.conn.Exec(noticeRest, id, tenant, attempts, Stored(until))
	return n > 0, err
}

// SettleNotice writes what became of one.
func (t *Tx) SettleNotice(n fleet.Notice) (bool, error) {
	if err := t.covers(n.Tenant); err != nil {
		return false, err
	}
	count, err := t.conn.Exec(noticeSettle, n.ID, n.Tenant, n.Attempts, string(n.State), n.Fault, n.Held, Stored(n.DueAt), Stored(n.SentAt))
	return count > 0, err
}

// FreeNotices lets those that a silence holds be looked at again.
func (t *Tx) FreeNotices(now time.Time) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(noticeFree, tenant, Stored(now))
	return err
}

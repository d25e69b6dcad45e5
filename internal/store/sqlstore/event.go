package sqlstore

import (
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const eventColumns = `seq, id, tenant_id, at, kind, subject, subject_id, subject_seq, from_state, to_state, epoch, actor, data`

var (
	eventInsert = stmt("event.insert", `insert into events (`+eventColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
	eventTail = stmt("event.tail", `select `+eventColumns+` from events
		where tenant_id = $1 and seq > $2 order by seq limit $3`)
	eventSubject = stmt("event.subject", `select `+eventColumns+` from events
		where tenant_id = $1 and seq in (select seq from events where tenant_id = $1 and subject = $2 and subject_id = $3
		and seq > $4 order by seq limit $5) order by seq`)  // the inner one needs nothing but the index of subjects
	eventCounts = stmt("event.counts", `select kind, count(*) from events where tenant_id = $1 and seq > $2 and at > $3 group by kind`)
	tenantList  = stmt("head.tenants", `select tenant_id from tenant_heads union select tenant_id from robots
		union select tenant_id from workflows union select tenant_id from keys union select tenant_id from tenants union select tenant_id from audit_heads order by 1`)
)

// eventLimit bounds one read of the log.
const eventLimit = 10000

// Append notes an event; it is numbered and written when the caller's part ends.
func (t *Tx) Append(tenant fleet.TenantID, e fleet.EventDraft) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	t.events = append(t.events, pendingEvent{tenant, e})
	return nil
}

func (b *Batch) writeEvent(s *Stmt, seq int64, p *pendingEvent) error {
	e := &p.draft
	var data any
	if len(e.Data) > 0 {
		text, err := encode(e.Data)
		if err != nil {
			return err
		}
		data = text
	}
	_, err := b.conn.Exec(s, seq, b.env.IDs.New(), p.tenant, b.now, e.Kind, e.Subject, e.SubjectID,
		e.SubjectSeq, opt(e.From), opt(e.To), e.Epoch, e.Actor, data)
	return err
}

func scanEvent(r *Row) fleet.Event {
	e := fleet.Event{
		Seq: r.int64(), ID: str[fleet.ID](r), Tenant: str[fleet.TenantID](r), At: r.time(), Kind: str[fleet.EventKind](r),
		Subject: fleet.EventSubject{Kind: str[fleet.SubjectKind](r), ID: r.text()}, SubjectSeq: r.int64(),
		From: str[fleet.State](r), To: str[fleet.State](r), Epoch: r.int64(), Actor: r.text(), Data: r.bytes(),
	}
	e.Name = e.Kind.Name()
	return e
}

func (r *reader) Events(f store.EventFilter) ([]fleet.Event, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	if limit <= 0 || limit > eventLimit {
		limit = eventLimit
	}
	if f.SubjectID != "" && f.Subject != "" {
		return r.events(f, limit, func(after int64, keep func(*Row) error) error {
			return r.conn.Query(eventSubject, keep, tenant, f.Subject, f.SubjectID, after, limit)
		})
	}
	return r.events(f, limit, func(after int64, keep func(*Row) error) error {
		return r.conn.Query(eventTail, keep, tenant, after, limit)
	})
}

func (r *reader) EventCounts(after int64, since time.Time) (map[fleet.EventKind]int64, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	if since.IsZero() {
		since = time.Unix(0, 0)
	}
	out := map[fleet.EventKind]int64{}
	return out, r.conn.Query(eventCounts, func(row *Row) error {
		kind := str[fleet.EventKind](row)
		out[kind] = row.int64()
		return nil
	}, tenant, after, since)
}

// events pages through a read until enough events of the wanted kinds are found.
func (r *reader) events(f store.EventFilter, limit int, page func(after int64, keep func(*Row) error) error) ([]fleet.Event, error) {
	var out []fleet.Event
	for after := f.After; ; {
		read := 0
		err := page(after, func(row *Row) error {
			e := scanEvent(row)
			read++
			after = e.Seq
			if len(out) < limit && (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) &&
				(f.Subject == "" || f.Subject == e.Subject.Kind) && (f.SubjectID == "" || f.SubjectID == e.Subject.ID) {
				out = append(out, e)
			}
			return nil
		})
		if err != nil || read < limit || len(out) >= limit {
			return out, err
		}
	}
}

// TailEvents returns the events of one tenant after a number.
func TailEvents(c Conn, tenant fleet.TenantID, after int64, limit int) ([]fleet.Event, error) {
	if limit <= 0 || limit > eventLimit {
		limit = eventLimit
	}
	var out []fleet.Event
	err := c.Query(eventTail, func(r *Row) error {
		out = append(out, scanEvent(r))
		return nil
	}, tenant, after, limit)
	return out, err
}

func (r *reader) Head() (int64, error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	var seq int64
	_, err = one(r.conn, headGet, func(row *Row) { seq = row.int64() }, tenant)
	return seq, err
}

// Head inside a transaction counts what the same commit carries already.
func (t *Tx) Head() (int64, error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	st, err := t.batch.tenant(tenant)
	if err != nil {
		return 0, err
	}
	if t.batch.env.Shared { // the state says by how much it grows
		seq, err := t.reader.Head()
		return seq + st.seq, err
	}
	return st.seq, nil
}

func (r *reader) Tenants() ([]fleet.TenantID, error) {
	if !r.all() {
		tenant, err := r.only()
		return []fleet.TenantID{tenant}, err
	}
	var out []fleet.TenantID
	err := r.conn.Query(tenantList, func(row *Row) error {
		out = append(out, str[fleet.TenantID](row))
		return nil
	})
	return out, err
}

package sqlstore

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const (
	deliveryBrief   = `d.tenant_id, d.webhook_id, d.seq, d.event_id, d.kind, d.subject, d.event_at, d.state, d.tries, d.next_at, d.ended_at, d.status, d.reason, d.version`
	deliveryColumns = deliveryBrief + `, d.body, d.log`
)

// A text joined with nothing is not looked up in an index.
var (
	deliveryList = stmt("webhook_delivery.list", `select `+deliveryBrief+` from webhook_deliveries d where d.webhook_id = $1 and d.seq < $2
		and d.tenant_id || '' = $3 order by d.seq desc limit $4`)
	deliveryIn = stmt("webhook_delivery.in_state", `select `+deliveryBrief+` from webhook_deliveries d where d.webhook_id = $1 and d.state = $5
		and d.seq < $2 and d.tenant_id || '' = $3 order by d.seq desc limit $4`)
	deliveryGet = stmt("webhook_delivery.get", `select `+deliveryColumns+` from webhook_deliveries d where d.webhook_id = $1 and d.event_id = $2
		and d.tenant_id || '' = $3`)
	deliveryDue = stmt("webhook_delivery.due", `select `+deliveryColumns+` from webhook_deliveries d where d.webhook_id = $1 and d.open
		and d.next_at <= $2 and d.tenant_id || '' = $3 order by d.next_at, d.seq limit $4`)
	deliveryFirst = stmt("webhook_delivery.first", `select `+deliveryColumns+` from webhook_deliveries d where d.webhook_id = $1 and d.open
		and d.next_at <= $2 and d.tenant_id || '' = $3 and not exists (select 1 from webhook_deliveries e where e.webhook_id = d.webhook_id
		and e.subject = d.subject and e.open and e.seq < d.seq) order by d.next_at, d.seq limit $4`)
	deliveryOpen = stmt("webhook_delivery.open", `select count(*) from webhook_deliveries d where d.webhook_id = $1 and d.open and d.tenant_id || '' = $2`)

	deliveryAdd = stmt("webhook_delivery.add", `insert into webhook_deliveries (tenant_id, webhook_id, seq, event_id, kind, subject, event_at, state, open,
		tries, next_at, status, reason, body, log, version) values ($1, $2, $3, $4, $5, $6, $7, 'waiting', true, 0, $8, 0, '', $9, '', 1)
		on conflict (webhook_id, seq) do update set state = 'waiting', open = true, tries = 0, next_at = excluded.next_at, ended_at = null,
		version = webhook_deliveries.version + 1`)
	deliveryPut = stmt("webhook_delivery.put", `update webhook_deliveries set version = version + 1, state = $4, open = $5, tries = $6, next_at = $7,
		ended_at = $8, status = $9, reason = $10, log = $11 where webhook_id = $1 and seq = $2 and version = $3 and tenant_id || '' = $12`)
	deliveryHurry = stmt("webhook_delivery.hurry", `update webhook_deliveries set version = version + 1, tries = 0, next_at = $2
		where webhook_id = $1 and open and tenant_id || '' = $3`)
	deliveryDrop = stmt("webhook_delivery.drop", `update webhook_deliveries set version = version + 1, state = 'given_up', open = false, next_at = null,
		ended_at = $2, reason = $3 where webhook_id = $1 and open and tenant_id || '' = $4`)
	deliveryPrune = stmt("webhook_delivery.prune", `delete from webhook_deliveries where (webhook_id, seq) in
		(select webhook_id, seq from webhook_deliveries where event_at < $1 and not open and ($2 or tenant_id = $3) order by event_at limit $4)`)
	deliveryOrphans = stmt("webhook_delivery.orphans", `delete from webhook_deliveries where (webhook_id, seq) in
		(select d.webhook_id, d.seq from webhooks w join webhook_deliveries d on d.webhook_id = w.id
		where w.deleted_at is not null and ($1 or w.tenant_id = $2) limit $3)`)
)

func scanDelivery(r *Row) fleet.Delivery {
	return fleet.Delivery{
		Tenant: str[fleet.TenantID](r), WebhookID: str[fleet.ID](r), Seq: r.int64(), ID: str[fleet.ID](r), Kind: str[fleet.EventKind](r), Subject: r.text(),
		EventAt: r.time(), State: str[fleet.DeliveryState](r), Tries: r.int(), NextAt: r.time(), Ended: r.time(), Status: r.int(), Reason: r.text(),
		Version: r.int64(),
	}
}

func (r *reader) deliveries(s *Stmt, args ...any) (out []fleet.Delivery, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		d := scanDelivery(row)
		d.Body = json.RawMessage(row.text())
		if log := row.text(); log != "" {
			if err := json.Unmarshal([]byte(log), &d.Log); err != nil {
				return err
			}
		}
		out = append(out, d)
		return nil
	}, args...)
	return out, err
}

// DeliveriesDue lists what is to be sent.
func (r *reader) DeliveriesDue(webhook fleet.ID, ordered bool, now time.Time, limit int) ([]fleet.Delivery, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	s := deliveryDue
	if ordered {
		s = deliveryFirst
	}
	return r.deliveries(s, webhook, Stored(now), tenant, limit)
}

// Deliveries lists those of a webhook.
func (r *reader) Deliveries(f store.DeliveryFilter, p fleet.Page) (list []fleet.Delivery, next string, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, "", err
	}
	before := int64(math.MaxInt64)
	if p.Cursor != "" {
		if before, err = strconv.ParseInt(p.Cursor, 10, 64); err != nil {
			return nil, "", fleet.Invalid("cursor", "The cursor is not one of this list.")
		}
	}
	s, args := deliveryList, []any{f.Webhook, before, tenant, p.Limit + 1}
	if f.State != "" {
		s, args = deliveryIn, append(args, string(f.State))
	}
	err = r.conn.Query(s, func(row *Row) error { list = append(list, scanDelivery(row)); return nil }, args...)
	if len(list) > p.Limit {
		list = list[:p.Limit]
		next = strconv.FormatInt(list[p.Limit-1].Seq, 10)
	}
	return list, next, err
}

// Delivery finds the one of an event.
func (r *reader) Delivery(webhook, event fleet.ID) (fleet.Delivery, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Delivery{}, err
	}
	list, err := r.deliveries(deliveryGet, webhook, event, tenant)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("delivery", string(event))
	}
	if err != nil {
		return fleet.Delivery{}, err
	}
	return list[0], nil
}

// DeliveriesOpen counts what is under way.
func (r *reader) DeliveriesOpen(webhook fleet.ID) (n int64, err error) {
	tenant, err := r.only()
	if err != nil {
		return 0, err
	}
	_, err = one(r.conn, deliveryOpen, func(row *Row) { n = row.int64() }, webhook, tenant)
	return n, err
}

// AddDeliveries stores new ones, or lets old ones be sent again as they were.
func (t *Tx) AddDeliveries(list []fleet.Delivery) error {
	for i := range list {
		d := &list[i]
		if err := t.covers(d.Tenant); err != nil {
			return err
		}
		if _, err := t.conn.Exec(deliveryAdd, d.Tenant, d.WebhookID, d.Seq, d.ID, string(d.Kind), d.Subject, Stored(d.EventAt), Stored(d.NextAt), string(d.Body)); err != nil {
			return err
		}
	}
	return nil
}

// PutDelivery writes one that was read.
func (t *Tx) PutDelivery(d fleet.Delivery) (bool, error) {
	if err := t.covers(d.Tenant); err != nil {
		return false, err
	}
	log := ""
	if len(d.Log) > 0 {
		text, err := encode(d.Log)
		if err != nil {
			return false, err
		}
		log = string(text)
	}
	n, err := t.conn.Exec(deliveryPut, d.WebhookID, d.Seq, d.Version, string(d.State), d.State == fleet.DeliveryWaiting, d.Tries, Stored(d.NextAt),
		Stored(d.Ended), d.Status, d.Reason, log, d.Tenant)
	return n > 0, err
}

// HurryDeliveries lets what is under way be tried anew.
func (t *Tx) HurryDeliveries(webhook fleet.ID, now time.Time) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(deliveryHurry, webhook, Stored(now), tenant)
	return err
}

// DropDeliveries gives up what is under way.
func (t *Tx) DropDeliveries(webhook fleet.ID, reason string, now time.Time) (int, error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	return t.conn.Exec(deliveryDrop, webhook, Stored(now), reason, tenant)
}

// PruneDeliveries takes old ones and those of deleted webhooks.
func (t *Tx) PruneDeliveries(before time.Time, limit int) (int, error) {
	n, err := t.conn.Exec(deliveryPrune, Stored(before), t.all(), t.tenant(), limit)
	if err != nil || n >= limit {
		return n, err
	}
	more, err := t.conn.Exec(deliveryOrphans, t.all(), t.tenant(), limit-n)
	return n + more, err
}

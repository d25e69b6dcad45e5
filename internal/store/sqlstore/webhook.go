package sqlstore

import (
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const webhookColumns = `w.tenant_id, w.id, w.enabled, w.revision, w.seq, w.replay_from, w.replay_to, w.missed, w.failing_since, w.hold_until, w.deleted_at, w.state, w.body`

var (
	webhookGet      = stmt("webhook.get", `select `+webhookColumns+` from webhooks w where id = $1 and tenant_id = $2`)
	webhookToChange = stmt("webhook.to_change", `select `+webhookColumns+` from webhooks w where id = $1 and tenant_id = $2`)
	webhookNamed    = stmt("webhook.named", `select `+webhookColumns+` from webhooks w where tenant_id = $1 and name_key = $2 and deleted_at is null`)
	webhookList     = stmt("webhook.list", `select `+webhookColumns+` from webhooks w where tenant_id = $1 and deleted_at is null order by name_key`)
	webhookTaken    = stmt("webhook.taken", `select id from webhooks where tenant_id = $1 and name_key = $2 and deleted_at is null and id <> $3`)

	webhookBehind = stmt("webhook.behind", `select `+webhookColumns+`, h.seq,
		(select count(*) from webhook_deliveries d where d.webhook_id = w.id and d.open)
		from webhooks w join tenant_heads h on h.tenant_id = w.tenant_id where w.enabled and w.deleted_at is null
		and (w.seq < h.seq or w.replay_from < w.replay_to) and ($1 or w.tenant_id = $2) order by w.tenant_id, w.id`)
	webhookDue = stmt("webhook.due", `select `+webhookColumns+` from (select `+webhookColumns+`, row_number() over (partition by w.tenant_id
		order by (select min(d.next_at) from webhook_deliveries d where d.webhook_id = w.id and d.open), w.id) as turn
		from webhooks w where w.enabled and w.deleted_at is null and (w.hold_until is null or w.hold_until <= $1) and ($2 or w.tenant_id = $3)
		and exists (select 1 from webhook_deliveries d where d.webhook_id = w.id and d.open and d.next_at <= $1)) w
		where w.turn <= $4 order by w.turn, w.tenant_id limit $5`)
	webhookFailing = stmt("webhook.failing", `select `+webhookColumns+` from webhooks w where w.enabled and w.deleted_at is null
		and w.failing_since < $1 and ($2 or w.tenant_id = $3) order by w.tenant_id, w.id`)

	webhookAdd = stmt("webhook.add", `insert into webhooks (tenant_id, id, name_key, body, enabled, revision, seq, replay_from, replay_to, missed, state)
		values ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $8) on conflict do nothing`)
	webhookPut = stmt("webhook.put", `update webhooks set revision = revision + 1, name_key = $4, body = $5, enabled = $6, seq = $7, replay_from = $8,
		replay_to = $9, state = $10, failing_since = $11, hold_until = $12, deleted_at = $13, missed = $14 where tenant_id = $1 and id = $2 and revision = $3`)
	webhookState = stmt("webhook.state", `update webhooks set state = $3, failing_since = $4, hold_until = $5 where tenant_id = $1 and id = $2`)
	webhookMove  = stmt("webhook.move", `update webhooks set seq = $5, missed = missed + $6 where tenant_id = $1 and id = $2 and revision = $3 and seq = $4
		and enabled and deleted_at is null`)
	webhookReplay = stmt("webhook.replay", `update webhooks set replay_from = $5 where tenant_id = $1 and id = $2 and revision = $3 and replay_from = $4
		and enabled and deleted_at is null`)
	webhookPrune = stmt("webhook.prune", `delete from webhooks where (tenant_id, id) in (select tenant_id, id from webhooks w
		where w.deleted_at is not null and ($1 or w.tenant_id = $2)
		and not exists (select 1 from webhook_deliveries d where d.webhook_id = w.id) limit $3)`)

	webhookSecretList = stmt("webhook_secret.list", `select tenant_id, webhook_id, number, key_version, sealed, until from webhook_secrets
		where tenant_id = $1 and webhook_id = $2 order by number desc`)
	webhookSecretOld = stmt("webhook_secret.old", `select tenant_id, webhook_id, number, key_version, sealed, until from webhook_secrets
		where key_version < $1 and ($2 or tenant_id = $3) order by key_version, tenant_id, webhook_id, number limit $4`)
	webhookSecretPut = stmt("webhook_secret.put", `insert into webhook_secrets (tenant_id, webhook_id, number, key_version, sealed, until)
		values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, webhook_id, number) do update set until = excluded.until`)
	webhookSecretReplace = stmt("webhook_secret.replace", `update webhook_secrets set key_version = $4, sealed = $5
		where tenant_id = $1 and webhook_id = $2 and number = $3 and sealed = $6`)
	webhookSecretDrop = stmt("webhook_secret.drop", `delete from webhook_secrets where tenant_id = $1 and webhook_id = $2 and number < $3`)
)

// scanWebhook reads one; what follows its columns is left to the caller.
func scanWebhook(row *Row) (w fleet.Webhook, err error) {
	tenant, id, enabled, revision := str[fleet.TenantID](row), str[fleet.ID](row), row.bool(), row.int64()
	s := fleet.WebhookState{Seq: row.int64(), ReplayFrom: row.int64(), ReplayTo: row.int64(), Missed: row.int64(), FailingSince: row.time(), HoldUntil: row.time()}
	gone := row.time()
	state, body := row.text(), row.text()
	if err := json.Unmarshal([]byte(state), &w.WebhookState); err != nil {
		return w, err
	}
	kept := w.WebhookState
	err = json.Unmarshal([]byte(body), &w)
	kept.Seq, kept.ReplayFrom, kept.ReplayTo, kept.Missed, kept.FailingSince, kept.HoldUntil = s.Seq, s.ReplayFrom, s.ReplayTo, s.Missed, s.FailingSince, s.HoldUntil
	w.Tenant, w.ID, w.Enabled, w.Revision, w.DeletedAt, w.WebhookState = tenant, id, enabled, revision, gone, kept
	return w, err
}

func (r *reader) webhooks(s *Stmt, args ...any) (out []fleet.Webhook, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		w, err := scanWebhook(row)
		out = append(out, w)
		return err
	}, args...)
	return out, err
}

func (r *reader) oneWebhook(ref string, s *Stmt, args ...any) (fleet.Webhook, error) {
	list, err := r.webhooks(s, args...)
	if err == nil && (len(list) == 0 || !list[0].DeletedAt.IsZero()) {
		err = fleet.NotFound("webhook", ref)
	}
	if err != nil {
		return fleet.Webhook{}, err
	}
	return list[0], nil
}

// Webhook finds one that was not deleted.
func (r *reader) Webhook(id fleet.ID) (fleet.Webhook, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Webhook{}, err
	}
	return r.oneWebhook(string(id), webhookGet, id, tenant)
}

// WebhookNamed finds one by its name.
func (r *reader) WebhookNamed(name string) (fleet.Webhook, error) {
	tenant, err := r.only()
	if err != nil {
		return fleet.Webhook{}, err
	}
	return r.oneWebhook(name, webhookNamed, tenant, (&fleet.Webhook{Name: name}).Key())
}

// Webhooks lists them by name.
func (r *reader) Webhooks() ([]fleet.Webhook, error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.webhooks(webhookList, tenant)
}

// WebhooksBehind lists those with something to read.
func (r *reader) WebhooksBehind() (out []store.WebhookBehind, err error) {
	err = r.conn.Query(webhookBehind, func(row *Row) error {
		w, err := scanWebhook(row)
		out = append(out, store.WebhookBehind{Webhook: w, Head: row.int64(), Open: row.int64()})
		return err
	}, r.all(), r.tenant())
	return out, err
}

// WebhooksDue lists those with something to send, the tenants by turns.
func (r *reader) WebhooksDue(now time.Time, each, limit int) ([]fleet.Webhook, error) {
	return r.webhooks(webhookDue, Stored(now), r.all(), r.tenant(), each, limit)
}

// WebhooksFailing lists those that nothing has reached since before a time.
func (r *reader) WebhooksFailing(before time.Time) ([]fleet.Webhook, error) {
	return r.webhooks(webhookFailing, Stored(before), r.all(), r.tenant())
}

// WebhookSecrets lists the secrets of one.
func (r *reader) WebhookSecrets(webhook fleet.ID) (out []store.WebhookSecret, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	return r.webhookSecrets(webhookSecretList, tenant, webhook)
}

// WebhookSecretsBefore lists those of older master keys.
func (r *reader) WebhookSecretsBefore(keyVersion, limit int) ([]store.WebhookSecret, error) {
	return r.webhookSecrets(webhookSecretOld, keyVersion, r.all(), r.tenant(), limit)
}

func (r *reader) webhookSecrets(s *Stmt, args ...any) (out []store.WebhookSecret, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		out = append(out, store.WebhookSecret{
			Tenant: str[fleet.TenantID](row), Webhook: str[fleet.ID](row), Number: row.int64(), KeyVersion: row.int(), Text: row.text(), Until: row.time(),
		})
		return nil
	}, args...)
	return out, err
}

// WebhookToChange is Webhook with a lock.
func (t *Tx) WebhookToChange(id fleet.ID) (fleet.Webhook, error) {
	tenant, err := t.only()
	if err != nil {
		return fleet.Webhook{}, err
	}
	return t.oneWebhook(string(id), webhookToChange, id, tenant)
}

// AddWebhook stores a new one.
func (t *Tx) AddWebhook(w fleet.Webhook) error {
	if err := t.covers(w.Tenant); err != nil {
		return err
	}
	body, err := encode(w)
	if err != nil {
		return err
	}
	state, err := encode(w.WebhookState)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(webhookAdd, w.Tenant, w.ID, w.Key(), string(body), w.Enabled, w.Revision, w.Seq, string(state))
	if err == nil && n == 0 {
		err = webhookExists(&w)
	}
	return err
}

func webhookExists(w *fleet.Webhook) error {
	return fleet.Errorf(fleet.CodeConflict, "webhook_exists", "There is already a webhook %q.", w.Name)
}

// PutWebhook writes one that has changed.
func (t *Tx) PutWebhook(w fleet.Webhook) error {
	if err := t.covers(w.Tenant); err != nil {
		return err
	}
	body, err := encode(w)
	if err != nil {
		return err
	}
	state, err := encode(w.WebhookState)
	if err != nil {
		return err
	}
	if w.DeletedAt.IsZero() {
		taken, err := one(t.conn, webhookTaken, func(*Row) {}, w.Tenant, w.Key(), w.ID)
		if err != nil {
			return err
		}
		if taken {
			return webhookExists(&w)
		}
	}
	n, err := t.conn.Exec(webhookPut, w.Tenant, w.ID, w.Revision, w.Key(), string(body), w.Enabled, w.Seq, w.ReplayFrom, w.ReplayTo, string(state),
		Stored(w.FailingSince), Stored(w.HoldUntil), Stored(w.DeletedAt), w.Missed)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "webhook_changed", "Webhook %s has changed since it was read.", w.Name)
	}
	return err
}

// PutWebhookState notes how one fares.
func (t *Tx) PutWebhookState(w fleet.Webhook) error {
	if err := t.covers(w.Tenant); err != nil {
		return err
	}
	state, err := encode(w.WebhookState)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(webhookState, w.Tenant, w.ID, string(state), Stored(w.FailingSince), Stored(w.HoldUntil))
	return err
}

// MoveWebhook says how far the log was read.
func (t *Tx) MoveWebhook(w fleet.Webhook, to, missed int64) (bool, error) {
	if err := t.covers(w.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(webhookMove, w.Tenant, w.ID, w.Revision, w.Seq, to, missed)
	return n > 0, err
}

// MoveWebhookReplay says up to where events were taken to be sent again.
func (t *Tx) MoveWebhookReplay(w fleet.Webhook, to int64) (bool, error) {
	if err := t.covers(w.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(webhookReplay, w.Tenant, w.ID, w.Revision, w.ReplayFrom, to)
	return n > 0, err
}

// PutWebhookSecret adds a secret or ends one.
func (t *Tx) PutWebhookSecret(s store.WebhookSecret) error {
	if err := t.covers(s.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(webhookSecretPut, s.Tenant, s.Webhook, s.Number, s.KeyVersion, s.Text, Stored(s.Until))
	return err
}

// ReplaceWebhookSecret writes one that is wrapped anew.
func (t *Tx) ReplaceWebhookSecret(s store.WebhookSecret, was string) (bool, error) {
	if err := t.covers(s.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(webhookSecretReplace, s.Tenant, s.Webhook, s.Number, s.KeyVersion, s.Text, was)
	return n > 0, err
}

// DropWebhookSecrets takes old ones away.
func (t *Tx) DropWebhookSecrets(webhook fleet.ID, below int64) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(webhookSecretDrop, tenant, webhook, below)
	return err
}

// PruneWebhooks takes deleted ones whose deliveries are gone. Their secrets went
// when they were deleted.
func (t *Tx) PruneWebhooks(limit int) (int, error) {
	return t.conn.Exec(webhookPrune, t.all(), t.tenant(), limit)
}

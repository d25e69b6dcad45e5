package sqlstore

import (
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const keyColumns = `id, tenant_id, kind, name, robot_id, environment, role, hash, hint, created_at, expires_at, revoked_at`

var (
	keyByHash = stmt("key.by_hash", `select `+keyColumns+` from keys where hash = $1 and ($2 or tenant_id = $3)`)
	keyList   = stmt("key.list", `select `+keyColumns+` from keys where ($1 or tenant_id = $2) order by id`)
	keyPut    = stmt("key.put", `insert into keys (`+keyColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		on conflict (id) do update set name = excluded.name, robot_id = excluded.robot_id, environment = excluded.environment,
		role = excluded.role, hash = excluded.hash, hint = excluded.hint, expires_at = excluded.expires_at,
		revoked_at = excluded.revoked_at where keys.tenant_id = excluded.tenant_id`)
	keyRevoke = stmt("key.revoke", `update keys set revoked_at = coalesce(revoked_at, $4) where id = $1 and ($2 or tenant_id = $3)`)

	idempotencyGet = stmt("idempotency.get", `select request_hash, job_id from idempotency_keys
		where tenant_id = $1 and route = $2 and key = $3 and expires_at > $4`)
	idempotencyPut = stmt("idempotency.put", `insert into idempotency_keys (tenant_id, route, key, request_hash, job_id, expires_at)
		values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, route, key) do update set
		request_hash = excluded.request_hash, job_id = excluded.job_id, expires_at = excluded.expires_at
		where idempotency_keys.expires_at <= $7`)
	keySweep = stmt("idempotency.sweep", `delete from idempotency_keys where (tenant_id, route, key) in
		(select tenant_id, route, key from idempotency_keys where expires_at <= $1 order by expires_at limit $2)`)
)

func scanKey(row *Row) fleet.Key {
	return fleet.Key{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), Kind: str[fleet.KeyKind](row), Name: row.text(),
		RobotID: str[fleet.RobotID](row), Env: row.text(), Role: row.text(), Hash: row.text(), Hint: row.text(),
		CreatedAt: row.time(), ExpiresAt: row.time(), RevokedAt: row.time(),
	}
}

// KeyByHash gives expired and revoked keys too: whoever asks says why not.
func (r *reader) KeyByHash(hash string) (fleet.Key, error) {
	var k fleet.Key
	found, err := one(r.conn, keyByHash, func(row *Row) { k = scanKey(row) }, hash, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.Errorf(fleet.CodeNotFound, "key_not_found", "There is no such key.")
	}
	return k, err
}

func (r *reader) Keys() ([]fleet.Key, error) {
	var out []fleet.Key
	err := r.conn.Query(keyList, func(row *Row) error {
		out = append(out, scanKey(row))
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// PutKey is fleet.ErrConflict if another key has the same hash.
func (t *Tx) PutKey(k fleet.Key) error {
	if err := t.covers(k.Tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(keyPut, k.ID, k.Tenant, string(k.Kind), k.Name, string(k.RobotID), k.Env, k.Role, k.Hash, k.Hint,
		k.CreatedAt, k.ExpiresAt, k.RevokedAt)
	if err == nil && n == 0 {
		err = fleet.NotFound("key", string(k.ID))
	}
	return err
}

// RevokeKey keeps the first time at which a key was revoked.
func (t *Tx) RevokeKey(id fleet.ID, now time.Time) error {
	n, err := t.conn.Exec(keyRevoke, id, t.all(), t.tenant(), now)
	if err == nil && n == 0 {
		err = fleet.NotFound("key", string(id))
	}
	return err
}

// replay looks for the answer to an earlier request with the same key.
func (t *Tx) replay(tenant fleet.TenantID, k *store.IdempotencyKey) (fleet.Job, bool, error) {
	hash, id, found, err := t.answered(tenant, k)
	if err != nil || !found {
		return fleet.Job{}, false, err
	}
	if hash != k.Hash {
		return fleet.Job{}, false, fleet.Errorf(fleet.CodeInvalid, "idempotency_key_reused",
			"The idempotency key was already used for another request.").WithFix("Use a new key for a new request.")
	}
	j, err := t.Job(id)
	return j, true, err
}

func (t *Tx) remember(tenant fleet.TenantID, k *store.IdempotencyKey, job fleet.ID) error {
	t.keys = true
	t.batch.env.Known.answer(tenant, k, job)
	n, err := t.conn.Exec(idempotencyPut, tenant, k.Route, k.Key, k.Hash, job, k.ExpiresAt, t.batch.now)
	if err == nil && n == 0 {
		err = fmt.Errorf("remember idempotency key: %w", ErrOvertaken)
	}
	return err
}

// answered looks for the job of an earlier request.
func (t *Tx) answered(tenant fleet.TenantID, k *store.IdempotencyKey) (hash string, id fleet.ID, found bool, err error) {
	if a, known := t.batch.env.Known.answered(tenant, k); known {
		return a.hash, a.job, a.job != "", nil
	}
	found, err = one(t.conn, idempotencyGet, func(row *Row) { hash, id = row.text(), str[fleet.ID](row) },
		tenant, k.Route, k.Key, t.batch.now)
	return hash, id, found, err
}

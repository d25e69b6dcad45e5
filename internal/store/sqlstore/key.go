package sqlstore

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const keyColumns = `id, tenant_id, kind, name, robot_id, environment, role, hash, hint, created_at, expires_at, revoked_at,
	description, scopes, environments, ranges, owner_id, replaced_by, last_used_ip, first_used_at, last_used_at, late_used_at,
	warned_at, ended_at, created_by`

var (
	keyByHash = stmt("key.by_hash", `select `+keyColumns+` from keys where hash = $1 and ($2 or tenant_id = $3)`)
	keyGet    = stmt("key.get", `select `+keyColumns+` from keys where id = $1 and ($2 or tenant_id = $3)`)
	keyList   = stmt("key.list", `select `+keyColumns+` from keys where ($1 or tenant_id = $2) order by id`)
	keyLive   = stmt("key.live", `select id, expires_at from keys where ($1 or tenant_id = $2) and revoked_at is null
		and (expires_at is null or expires_at > $3)`)
	keyEnding = stmt("key.ending", `select `+keyColumns+` from keys where ($1 or tenant_id = $2) and revoked_at is null
		and ended_at is null and expires_at <= $4 and (warned_at is null or expires_at <= $3) order by expires_at limit $5`)
	keyPut = stmt("key.put", `insert into keys (`+keyColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
		$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`)
	keyEdit    = stmt("key.edit", `update keys set name = $4, description = $5 where id = $1 and ($2 or tenant_id = $3)`)
	keyReplace = stmt("key.replace", `update keys set replaced_by = $4, expires_at = $5, ended_at = null where id = $1
		and ($2 or tenant_id = $3) and replaced_by = '' and revoked_at is null and (expires_at is null or expires_at > $6)`)
	keyRevoke      = stmt("key.revoke", `update keys set revoked_at = coalesce(revoked_at, $4) where id = $1 and ($2 or tenant_id = $3)`)
	keyRevokeRobot = stmt("key.revoke_robot", `update keys set revoked_at = $4 where robot_id = $1 and ($2 or tenant_id = $3)
		and robot_id <> '' and revoked_at is null`)
	keyFirst = stmt("key.first", `update keys set first_used_at = $4 where id = $1 and ($2 or tenant_id = $3) and first_used_at is null`)
	keyLate  = stmt("key.late", `update keys set late_used_at = $4 where id = $1 and ($2 or tenant_id = $3) and late_used_at is null
		and replaced_by <> ''`)
	keyUsed = stmt("key.used", `update keys set last_used_at = $4, last_used_ip = $5 where id = $1 and ($2 or tenant_id = $3)
		and (last_used_at is null or last_used_at < $4)`)
	keyCount = stmt("key.count", `insert into key_uses (tenant_id, key_id, day, uses)
		select tenant_id, id, $4, $5 from keys where id = $1 and ($2 or tenant_id = $3)
		on conflict (tenant_id, key_id, day) do update set uses = key_uses.uses + excluded.uses`)
	keyUses   = stmt("key.uses", `select key_id, cast(sum(uses) as bigint) from key_uses where ($1 or tenant_id = $2) and day >= $3 group by key_id`)
	keyForget = stmt("key.forget", `delete from key_uses where (tenant_id, key_id, day) in
		(select tenant_id, key_id, day from key_uses where day < $1 order by day limit $2)`)
	keyWarned = stmt("key.warned", `update keys set warned_at = $4 where id = $1 and ($2 or tenant_id = $3) and warned_at is null`)
	keyEnded  = stmt("key.ended", `update keys set ended_at = $4 where id = $1 and ($2 or tenant_id = $3) and ended_at is null
		and expires_at <= $4`)

	keyPeppered = stmt("key.end_peppered", `update keys set revoked_at = $3 where ($1 or tenant_id = $2) and revoked_at is null
		and hash like 'hmac:%'`)
	pepperGet = stmt("store_meta.pepper", `select pepper_check from store_meta`)
	pepperSet = stmt("store_meta.set_pepper", `update store_meta set pepper_check = $2 where pepper_check = $1`)

	revocationsRaise = stmt("revocations.raise", `insert into revocations (tenant_id, number) values ($1, 1)
		on conflict (tenant_id) do update set number = revocations.number + 1`)
	revocationsSum = stmt("revocations.sum", `select cast(coalesce(sum(number), 0) as bigint) from revocations where ($1 or tenant_id = $2)`)

	idempotencyGet = stmt("idempotency.get", `select request_hash, job_id from idempotency_keys
		where tenant_id = $1 and route = $2 and key = $3 and expires_at > $4`)
	idempotencyPut = stmt("idempotency.put", `insert into idempotency_keys (tenant_id, route, key, request_hash, job_id, expires_at)
		values ($1, $2, $3, $4, $5, $6) on conflict (tenant_id, route, key) do update set
		request_hash = excluded.request_hash, job_id = excluded.job_id, expires_at = excluded.expires_at
		where idempotency_keys.expires_at <= $7`)
	keySweep = stmt("idempotency.sweep", `delete from idempotency_keys where (tenant_id, route, key) in
		(select tenant_id, route, key from idempotency_keys where expires_at <= $1 order by expires_at limit $2)`)
)

func scanKey(row *Row) (fleet.Key, error) {
	k := fleet.Key{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), Kind: str[fleet.KeyKind](row), Name: row.text(),
		RobotID: str[fleet.RobotID](row), Env: row.text(), Role: row.text(), Hash: row.text(), Hint: row.text(),
		CreatedAt: row.time(), ExpiresAt: row.time(), RevokedAt: row.time(), Description: row.text(),
	}
	for _, scope := range list(row) {
		k.Scopes = append(k.Scopes, fleet.Permission(scope))
	}
	k.Environments = list(row)
	for _, text := range list(row) {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return k, fmt.Errorf("address range of key %s: %w", k.ID, err)
		}
		k.Ranges = append(k.Ranges, prefix)
	}
	k.OwnerID, k.ReplacedBy, k.LastUsedIP = str[fleet.ID](row), str[fleet.ID](row), row.text()
	k.FirstUsedAt, k.LastUsedAt, k.LateUsedAt, k.WarnedAt, k.EndedAt = row.time(), row.time(), row.time(), row.time(), row.time()
	k.CreatedBy = row.text()
	return k, nil
}

// list reads texts that were joined by lines; none are nil.
func list(row *Row) []string {
	text := row.text()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// lines joins texts, none of which has a line break.
func lines[T ~string](texts []T) string {
	var b strings.Builder
	for i, t := range texts {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(t))
	}
	return b.String()
}

func (r *reader) oneKey(s *Stmt, by string) (k fleet.Key, err error) {
	found := false
	err = r.conn.Query(s, func(row *Row) (err error) {
		found = true
		k, err = scanKey(row)
		return err
	}, by, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.Errorf(fleet.CodeNotFound, "key_not_found", "There is no such key.")
	}
	return k, err
}

func (r *reader) manyKeys(s *Stmt, args ...any) (out []fleet.Key, err error) {
	err = r.conn.Query(s, func(row *Row) error {
		k, err := scanKey(row)
		out = append(out, k)
		return err
	}, args...)
	return out, err
}

// KeyByHash gives expired and revoked keys too: whoever asks says why not.
func (r *reader) KeyByHash(hash string) (fleet.Key, error) { return r.oneKey(keyByHash, hash) }

// Key finds a key by its id.
func (r *reader) Key(id fleet.ID) (fleet.Key, error) { return r.oneKey(keyGet, string(id)) }

// Keys lists all.
func (r *reader) Keys() ([]fleet.Key, error) { return r.manyKeys(keyList, r.all(), r.tenant()) }

// LiveKeys says when each key that counts will end.
func (r *reader) LiveKeys(now time.Time) (map[fleet.ID]time.Time, error) {
	out := map[fleet.ID]time.Time{}
	err := r.conn.Query(keyLive, func(row *Row) error {
		id := str[fleet.ID](row)
		out[id] = row.time()
		return nil
	}, r.all(), r.tenant(), now)
	return out, err
}

// EndingKeys lists those of whose end somebody should be told.
func (r *reader) EndingKeys(now, soon time.Time, limit int) ([]fleet.Key, error) {
	return r.manyKeys(keyEnding, r.all(), r.tenant(), now, soon, limit)
}

// Revocations is the number of the scope.
func (r *reader) Revocations() (n int64, err error) {
	_, err = one(r.conn, revocationsSum, func(row *Row) { n = row.int64() }, r.all(), r.tenant())
	return n, err
}

// KeyUses adds up days.
func (r *reader) KeyUses(since int64) (map[fleet.ID]int64, error) {
	out := map[fleet.ID]int64{}
	err := r.conn.Query(keyUses, func(row *Row) error {
		id := str[fleet.ID](row)
		out[id] = row.int64()
		return nil
	}, r.all(), r.tenant(), since)
	return out, err
}

// PepperCheck is empty in a new store.
func (r *reader) PepperCheck() (check string, err error) {
	_, err = one(r.conn, pepperGet, func(row *Row) { check = row.text() })
	return check, err
}

// SetPepperCheck ends what no orchestrator could check any more.
func (t *Tx) SetPepperCheck(was, is string, now time.Time) (bool, error) {
	if err := t.system(); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(pepperSet, was, is)
	if err != nil || n == 0 {
		return false, err
	}
	if was == "" {
		return true, nil
	}
	if n, err = t.conn.Exec(keyPeppered, t.all(), t.tenant(), now); err != nil || n == 0 {
		return true, err
	}
	return true, t.Revoked(fleet.DefaultTenant)
}

// PutKey is fleet.ErrConflict if another key has the same hash.
func (t *Tx) PutKey(k fleet.Key) error {
	if err := t.covers(k.Tenant); err != nil {
		return err
	}
	ranges := make([]string, len(k.Ranges))
	for i, r := range k.Ranges {
		ranges[i] = r.String()
	}
	_, err := t.conn.Exec(keyPut, k.ID, k.Tenant, string(k.Kind), k.Name, string(k.RobotID), k.Env, k.Role, k.Hash, k.Hint,
		k.CreatedAt, k.ExpiresAt, k.RevokedAt, k.Description, lines(k.Scopes), lines(k.Environments), lines(ranges), k.OwnerID,
		k.ReplacedBy, k.LastUsedIP, k.FirstUsedAt, k.LastUsedAt, k.LateUsedAt, k.WarnedAt, k.EndedAt, k.CreatedBy)
	return err
}

// guarded runs a statement about one key; false: no row was as it must be.
func (t *Tx) guarded(s *Stmt, id fleet.ID, args ...any) (bool, error) {
	n, err := t.conn.Exec(s, append([]any{id, t.all(), t.tenant()}, args...)...)
	return n > 0, err
}

// EditKey changes what people read.
func (t *Tx) EditKey(id fleet.ID, name, description string) error {
	ok, err := t.guarded(keyEdit, id, name, description)
	if err == nil && !ok {
		err = fleet.NotFound("key", string(id))
	}
	return err
}

// ReplaceKey ends the old one later.
func (t *Tx) ReplaceKey(id, by fleet.ID, end, now time.Time) (bool, error) {
	ok, err := t.guarded(keyReplace, id, by, end, now)
	if err != nil || !ok {
		return false, err
	}
	return true, t.revokedKey(id)
}

// RevokeKey keeps the first time at which a key was revoked.
func (t *Tx) RevokeKey(id fleet.ID, now time.Time) error {
	ok, err := t.guarded(keyRevoke, id, now)
	switch {
	case err != nil:
		return err
	case !ok:
		return fleet.NotFound("key", string(id))
	}
	return t.revokedKey(id)
}

// revokedKey raises the number of the tenant that a key belongs to.
func (t *Tx) revokedKey(id fleet.ID) error {
	k, err := t.Key(id)
	if err != nil {
		return err
	}
	return t.Revoked(k.Tenant)
}

// RevokeRobotKeys ends what a robot has.
func (t *Tx) RevokeRobotKeys(robot fleet.RobotID, now time.Time) (int, error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	n, err := t.conn.Exec(keyRevokeRobot, string(robot), t.all(), t.tenant(), now)
	if err != nil || n == 0 {
		return n, err
	}
	return n, t.Revoked(tenant)
}

// Revoked raises the tenant's number, and tells those who hold connections.
func (t *Tx) Revoked(tenant fleet.TenantID) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(revocationsRaise, tenant)
	t.signal(store.TopicKeys)
	return err
}

// UseKey is one use, or the newest of several.
func (t *Tx) UseKey(id fleet.ID, u store.KeyUse) (news store.KeyNews, err error) {
	if news.First, err = t.guarded(keyFirst, id, u.At); err != nil {
		return news, err
	}
	if news.Late, err = t.guarded(keyLate, id, u.At); err != nil {
		return news, err
	}
	if u.Times > 0 {
		if _, err = t.guarded(keyCount, id, fleet.KeyUseDay(u.At), u.Times); err != nil {
			return news, err
		}
	}
	_, err = t.guarded(keyUsed, id, u.At, u.Address)
	return news, err
}

// SweepKeyUses forgets old days.
func (t *Tx) SweepKeyUses(before int64, limit int) (int, error) {
	if err := t.system(); err != nil {
		return 0, err
	}
	return t.conn.Exec(keyForget, before, limit)
}

// NoteKeyEnd is true for the first who tells.
func (t *Tx) NoteKeyEnd(id fleet.ID, ended bool, now time.Time) (bool, error) {
	if ended {
		return t.guarded(keyEnded, id, now)
	}
	return t.guarded(keyWarned, id, now)
}

// replay looks for the answer to an earlier request with the same key.
func (t *Tx) replay(tenant fleet.TenantID, k *store.IdempotencyKey) (fleet.Job, bool, error) {
	hash, id, found, err := t.answered(tenant, k)
	if err != nil || !found {
		return fleet.Job{}, false, err
	}
	if hash != k.Hash {
		return fleet.Job{}, false, keyReused()
	}
	j, err := t.Job(id)
	return j, true, err
}

func keyReused() error {
	return fleet.Errorf(fleet.CodeInvalid, "idempotency_key_reused",
		"The idempotency key was already used for another request.").WithFix("Use a new key for a new request.")
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

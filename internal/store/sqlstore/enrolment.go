package sqlstore

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

const enrolmentColumns = `id, tenant_id, name_pattern, environment, pool, tags, hash, hint, uses_max, uses, created_at, created_by,
	expires_at, revoked_at`

var (
	enrolmentByHash = stmt("enrolment.by_hash", `select `+enrolmentColumns+` from enrolments where hash = $1 and ($2 or tenant_id = $3)`)
	enrolmentList   = stmt("enrolment.list", `select `+enrolmentColumns+` from enrolments where ($1 or tenant_id = $2) order by id`)
	enrolmentPut    = stmt("enrolment.put", `insert into enrolments (`+enrolmentColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`)
	enrolmentRevoke = stmt("enrolment.revoke", `update enrolments set revoked_at = coalesce(revoked_at, $4)
		where id = $1 and ($2 or tenant_id = $3)`)
	enrolmentSpend = stmt("enrolment.spend", `update enrolments set uses = uses + 1 where id = $1 and ($2 or tenant_id = $3)
		and uses < uses_max and revoked_at is null and expires_at > $4`)
)

func scanEnrolment(row *Row) fleet.Enrolment {
	return fleet.Enrolment{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), NamePattern: row.text(), Environment: row.text(),
		Pool: row.text(), Tags: row.words(), Hash: row.text(), Hint: row.text(), UsesMax: row.int(), Uses: row.int(),
		CreatedAt: row.time(), CreatedBy: row.text(), ExpiresAt: row.time(), RevokedAt: row.time(),
	}
}

// EnrolmentByHash gives those that are over too: whoever asks says why not.
func (r *reader) EnrolmentByHash(hash string) (e fleet.Enrolment, err error) {
	found, err := one(r.conn, enrolmentByHash, func(row *Row) { e = scanEnrolment(row) }, hash, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.Errorf(fleet.CodeNotFound, "enrolment_not_found", "There is no such enrolment token.")
	}
	return e, err
}

// Enrolments lists all.
func (r *reader) Enrolments() (out []fleet.Enrolment, err error) {
	err = r.conn.Query(enrolmentList, func(row *Row) error {
		out = append(out, scanEnrolment(row))
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// PutEnrolment stores a new token.
func (t *Tx) PutEnrolment(e fleet.Enrolment) error {
	if err := t.covers(e.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(enrolmentPut, e.ID, e.Tenant, e.NamePattern, e.Environment, e.Pool, e.Tags.Key(), e.Hash, e.Hint,
		e.UsesMax, e.Uses, e.CreatedAt, e.CreatedBy, e.ExpiresAt, e.RevokedAt)
	return err
}

// RevokeEnrolment keeps the first time.
func (t *Tx) RevokeEnrolment(id fleet.ID, now time.Time) error {
	ok, err := t.guarded(enrolmentRevoke, id, now)
	if err == nil && !ok {
		err = fleet.NotFound("enrolment token", string(id))
	}
	return err
}

// SpendEnrolment counts under the row's own guard, so that a token is never
// used more often than it says, whoever asks at once.
func (t *Tx) SpendEnrolment(id fleet.ID, now time.Time) (bool, error) {
	return t.guarded(enrolmentSpend, id, now)
}

package sqlstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const (
	userColumns   = `u.id, u.tenant_id, u.name, u.email, u.role, u.disabled, u.password, u.version, u.issuer, u.subject, u.created_at, u.updated_at, u.signed_in_at`
	tokenColumns  = `t.hash, t.tenant_id, t.user_id, t.sign_in_id, t.kind, t.created_at, t.expires_at, t.used_at`
	signInColumns = `s.id, s.tenant_id, s.user_id, s.kind, s.created_at, s.seen_at, s.ends_at, s.address, s.agent`
)

var (
	userGet     = stmt("user.get", `select `+userColumns+` from users u where u.id = $1 and ($2 or u.tenant_id = $3)`)
	userNamed   = stmt("user.named", `select `+userColumns+` from users u where u.tenant_id = $1 and u.name_key = $2`)
	userVouched = stmt("user.vouched", `select `+userColumns+` from users u where u.tenant_id = $1 and u.issuer = $2 and u.subject = $3 and u.issuer <> ''`)
	userList    = stmt("user.list", `select `+userColumns+` from users u where u.tenant_id = $1 and u.id > $2 order by u.id limit $3`)
	userListAll = stmt("user.list_all", `select `+userColumns+` from users u where ($1 or u.tenant_id = $2) and u.id > $3 order by u.id limit $4`)
	userAny     = stmt("user.any", `select 1 from users where ($1 or tenant_id = $2) limit 1`)
	userAdd     = stmt("user.add", `insert into users (tenant_id, id, name, name_key, email, role, disabled, password, issuer, subject, created_at,
		updated_at, signed_in_at, version) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)`)
	userPut = stmt("user.put", `update users set name = $4, name_key = $5, email = $6, role = $7, disabled = $8, password = $9, updated_at = $10,
		signed_in_at = $11, version = version + 1 where tenant_id = $1 and id = $2 and version = $3`)
	userDelete = stmt("user.delete", `delete from users where tenant_id = $1 and id = $2`)
	// An update that changes nothing locks the rows where several processes write.
	userAdmins = stmt("user.admins", `update users set role = role where tenant_id = $1 and role in ('admin', 'super_admin') and not disabled`)

	tokenGet    = stmt("user_token.get", `select `+tokenColumns+` from user_tokens t where t.hash = $1 and ($2 or t.tenant_id = $3)`)
	tokenSigned = stmt("user_token.signed", `select `+tokenColumns+`, `+signInColumns+`, `+userColumns+` from user_tokens t
		join sign_ins s on s.tenant_id = t.tenant_id and s.user_id = t.user_id and s.id = t.sign_in_id
		join users u on u.tenant_id = t.tenant_id and u.id = t.user_id where t.hash = $1 and ($2 or t.tenant_id = $3)`)
	tokenAdd   = stmt("user_token.add", `insert into user_tokens (hash, tenant_id, user_id, sign_in_id, kind, created_at, expires_at) values ($1, $2, $3, $4, $5, $6, $7)`)
	tokenUse   = stmt("user_token.use", `update user_tokens set used_at = $4 where hash = $1 and ($2 or tenant_id = $3) and used_at is null`)
	tokenLive  = stmt("user_token.live", `update user_tokens set expires_at = $3 where hash = $1 and tenant_id = $2`)
	tokenDrop  = stmt("user_token.drop", `delete from user_tokens where tenant_id = $1 and user_id = $2 and sign_in_id = $3`)
	tokenRest  = stmt("user_token.drop_rest", `delete from user_tokens where tenant_id = $1 and user_id = $2 and sign_in_id <> $3`)
	tokenKind  = stmt("user_token.drop_kind", `delete from user_tokens where tenant_id = $1 and user_id = $2 and sign_in_id = $3 and kind = $4`)
	tokenPrune = stmt("user_token.prune", `delete from user_tokens where hash in (select hash from user_tokens where expires_at < $1
		and ($2 or tenant_id = $3) order by expires_at limit $4)`)

	signInAdd  = stmt("sign_in.add", `insert into sign_ins (id, tenant_id, user_id, kind, created_at, seen_at, ends_at, address, agent) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	signInList = stmt("sign_in.list", `select `+signInColumns+` from sign_ins s where s.tenant_id = $1 and s.user_id = $2 order by s.id`)
	signInSeen = stmt("sign_in.seen", `update sign_ins set seen_at = $4 where tenant_id = $1 and user_id = $2 and id = $3`)
	signInDrop = stmt("sign_in.drop", `delete from sign_ins where tenant_id = $1 and user_id = $2 and id = $3`)
	signInRest = stmt("sign_in.drop_rest", `delete from sign_ins where tenant_id = $1 and user_id = $2 and id <> $3`)
	signInOld  = stmt("sign_in.prune", `delete from sign_ins where (tenant_id, user_id, id) in (select tenant_id, user_id, id from sign_ins where ends_at < $1
		and ($2 or tenant_id = $3) order by ends_at limit $4)`)

	// It changes nothing, but locks the row where several processes write.
	guardLock = stmt("sign_in_guard.lock", `insert into sign_in_guards (tenant_id, subject, failures, since) values ($1, $2, 0, $3)
		on conflict (tenant_id, subject) do update set failures = sign_in_guards.failures returning failures, since, locked_until`)
	guardPut = stmt("sign_in_guard.put", `insert into sign_in_guards (tenant_id, subject, failures, since, locked_until) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id, subject) do update set failures = excluded.failures, since = excluded.since, locked_until = excluded.locked_until`)
	guardOld = stmt("sign_in_guard.prune", `delete from sign_in_guards where (tenant_id, subject) in (select tenant_id, subject from sign_in_guards where since < $1
		and ($2 or tenant_id = $3) order by since limit $4)`)
)

func scanUser(row *Row) fleet.User {
	return fleet.User{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), Name: row.text(), Email: row.text(), Role: str[fleet.Role](row), Disabled: row.bool(),
		Password: row.text(), Version: row.int64(), Issuer: row.text(), Subject: row.text(), CreatedAt: row.time(), UpdatedAt: row.time(), SignedInAt: row.time(),
	}
}

func scanToken(row *Row) fleet.Token {
	return fleet.Token{
		Hash: row.text(), Tenant: str[fleet.TenantID](row), User: str[fleet.ID](row), SignIn: str[fleet.ID](row), Kind: str[fleet.TokenKind](row),
		CreatedAt: row.time(), ExpiresAt: row.time(), UsedAt: row.time(),
	}
}

func scanSignIn(row *Row) fleet.SignIn {
	return fleet.SignIn{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), User: str[fleet.ID](row), Kind: str[fleet.SignInKind](row),
		CreatedAt: row.time(), SeenAt: row.time(), EndsAt: row.time(), Address: row.text(), Agent: row.text(),
	}
}

func (r *reader) user(what string, s *Stmt, args ...any) (u fleet.User, err error) {
	found, err := one(r.conn, s, func(row *Row) { u = scanUser(row) }, args...)
	if err == nil && !found {
		err = fleet.NotFound("user", what)
	}
	return u, err
}

func (r *reader) User(id fleet.ID) (fleet.User, error) {
	return r.user(string(id), userGet, id, r.all(), r.tenant())
}

func (r *reader) UserByName(tenant fleet.TenantID, key string) (fleet.User, error) {
	if err := r.covers(tenant); err != nil {
		return fleet.User{}, err
	}
	return r.user(key, userNamed, tenant, key)
}

func (r *reader) UserBySubject(tenant fleet.TenantID, issuer, subject string) (fleet.User, error) {
	if err := r.covers(tenant); err != nil {
		return fleet.User{}, err
	}
	return r.user(subject, userVouched, tenant, issuer, subject)
}

func (r *reader) Users(p fleet.Page) (list []fleet.User, next string, err error) {
	p, err = p.Normalize()
	if err != nil {
		return nil, "", err
	}
	at, err := cursor(p.Cursor, 1)
	if err != nil {
		return nil, "", err
	}
	after := at[0]
	s, args := userListAll, []any{r.all(), r.tenant(), after, p.Limit + 1}
	if tenant, ok := r.scope.One(); ok {
		s, args = userList, []any{tenant, after, p.Limit + 1}
	}
	err = r.conn.Query(s, func(row *Row) error { list = append(list, scanUser(row)); return nil }, args...)
	if err == nil && len(list) > p.Limit {
		list = list[:p.Limit]
		next = makeCursor(string(list[p.Limit-1].ID))
	}
	return list, next, err
}

func (r *reader) AnyUser() (bool, error) {
	return one(r.conn, userAny, func(*Row) {}, r.all(), r.tenant())
}

func (r *reader) Token(hash string) (t fleet.Token, err error) {
	found, err := one(r.conn, tokenGet, func(row *Row) { t = scanToken(row) }, hash, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("token", "")
	}
	return t, err
}

func (r *reader) Signed(hash string) (out store.Signed, err error) {
	found, err := one(r.conn, tokenSigned, func(row *Row) {
		out = store.Signed{Token: scanToken(row), SignIn: scanSignIn(row), User: scanUser(row)}
	}, hash, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("token", "")
	}
	return out, err
}

func (r *reader) SignIns(user fleet.ID) (out []fleet.SignIn, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(signInList, func(row *Row) error { out = append(out, scanSignIn(row)); return nil }, tenant, user)
	return out, err
}

// AddUser is fleet.ErrConflict if another person of the tenant has the name.
func (t *Tx) AddUser(u fleet.User) error {
	if err := t.covers(u.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(userAdd, u.Tenant, u.ID, u.Name, fleet.NameKey(u.Name), u.Email, string(u.Role), u.Disabled, u.Password, u.Issuer, u.Subject,
		u.CreatedAt, u.UpdatedAt, u.SignedInAt)
	return nameTaken(&u, err)
}

// PutUser changes a person who is as the caller read them; otherwise the
// transaction is run again.
func (t *Tx) PutUser(u fleet.User) error {
	if err := t.covers(u.Tenant); err != nil {
		return err
	}
	n, err := t.conn.Exec(userPut, u.Tenant, u.ID, u.Version, u.Name, fleet.NameKey(u.Name), u.Email, string(u.Role), u.Disabled, u.Password,
		u.UpdatedAt, u.SignedInAt)
	if err == nil && n == 0 {
		err = fmt.Errorf("change user %s: %w", u.ID, ErrOvertaken)
	}
	return nameTaken(&u, err)
}

func nameTaken(u *fleet.User, err error) error {
	if errors.Is(err, fleet.ErrConflict) {
		return fleet.Errorf(fleet.CodeConflict, "name_taken", "There is a user %s already.", u.Name)
	}
	return err
}

// DeleteUser takes a person with all that belongs to them.
func (t *Tx) DeleteUser(id fleet.ID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	if _, err := t.EndSignIns(id, "", ""); err != nil {
		return err
	}
	n, err := t.conn.Exec(userDelete, tenant, id)
	if err == nil && n == 0 {
		err = fleet.NotFound("user", string(id))
	}
	return err
}

// LockAdmins counts those that may still sign in.
func (t *Tx) LockAdmins(tenant fleet.TenantID) (int, error) {
	if err := t.covers(tenant); err != nil {
		return 0, err
	}
	return t.conn.Exec(userAdmins, tenant)
}

// AddSignIn stores both or neither.
func (t *Tx) AddSignIn(s fleet.SignIn, tokens ...fleet.Token) error {
	if err := t.covers(s.Tenant); err != nil {
		return err
	}
	if _, err := t.conn.Exec(signInAdd, s.ID, s.Tenant, s.User, string(s.Kind), s.CreatedAt, s.SeenAt, s.EndsAt, s.Address, s.Agent); err != nil {
		return err
	}
	for _, token := range tokens {
		if err := t.AddToken(token); err != nil {
			return err
		}
	}
	return nil
}

// AddToken stores a new one.
func (t *Tx) AddToken(k fleet.Token) error {
	if err := t.covers(k.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(tokenAdd, k.Hash, k.Tenant, k.User, k.SignIn, string(k.Kind), k.CreatedAt, k.ExpiresAt)
	return err
}

// UseToken counts under the row's own guard, whoever asks at once.
func (t *Tx) UseToken(hash string, now time.Time) (bool, error) {
	n, err := t.conn.Exec(tokenUse, hash, t.all(), t.tenant(), now)
	return n == 1, err
}

// EndTokens leaves the sign-in and its other tokens.
func (t *Tx) EndTokens(user, signIn fleet.ID, kind fleet.TokenKind) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(tokenKind, tenant, user, signIn, string(kind))
	return err
}

// SeeSignIn writes what the caller has put into it.
func (t *Tx) SeeSignIn(s store.Signed, now time.Time) error {
	if err := t.covers(s.Token.Tenant); err != nil {
		return err
	}
	if _, err := t.conn.Exec(signInSeen, s.Token.Tenant, s.User.ID, s.SignIn.ID, now); err != nil {
		return err
	}
	_, err := t.conn.Exec(tokenLive, s.Token.Hash, s.Token.Tenant, s.Token.ExpiresAt)
	return err
}

// EndSignIns takes those of known browsers too, which belong to no sign-in,
// unless only one is to end.
func (t *Tx) EndSignIns(user, single, but fleet.ID) (int, error) {
	tenant, err := t.only()
	if err != nil {
		return 0, err
	}
	tokens, signIns, id := tokenRest, signInRest, but
	if but == "" {
		id = "-" // no sign-in's, and not that of a token without one
	}
	if single != "" {
		tokens, signIns, id = tokenDrop, signInDrop, single
	}
	if _, err := t.conn.Exec(tokens, tenant, user, id); err != nil {
		return 0, err
	}
	return t.conn.Exec(signIns, tenant, user, id)
}

// LockSignInGuard gives what is known, and keeps it for this transaction.
func (t *Tx) LockSignInGuard(tenant fleet.TenantID, subject string, now time.Time) (fleet.SignInGuard, error) {
	g := fleet.SignInGuard{Tenant: tenant, Subject: subject}
	if err := t.covers(tenant); err != nil {
		return g, err
	}
	_, err := one(t.conn, guardLock, func(row *Row) { g.Failures, g.Since, g.LockedUntil = row.int(), row.time(), row.time() }, tenant, subject, now)
	return g, err
}

// PutSignInGuard wants the lock of LockSignInGuard.
func (t *Tx) PutSignInGuard(g fleet.SignInGuard) error {
	if err := t.covers(g.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(guardPut, g.Tenant, g.Subject, g.Failures, g.Since, g.LockedUntil)
	return err
}

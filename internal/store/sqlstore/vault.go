package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

const sealedColumns = `tenant_id, name, environment, robot_id, version, key_version, sealed`

var (
	secretGet  = stmt("secret.get", `select body from secrets where tenant_id = $1 and name = $2`)
	secretList = stmt("secret.list", `select body from secrets where ($1 or tenant_id = $2) order by name, tenant_id`)
	secretPut  = stmt("secret.put", `insert into secrets (tenant_id, name, body, exclusive) values ($1, $2, $3, $4)
		on conflict (tenant_id, name) do update set body = excluded.body, exclusive = excluded.exclusive`)
	secretDelete = stmt("secret.delete", `delete from secrets where tenant_id = $1 and name = $2`)

	sealedList = stmt("secret_value.list", `select `+sealedColumns+` from secret_values where tenant_id = $1 and name = $2
		order by environment, robot_id`)
	sealedOld = stmt("secret_value.old", `select `+sealedColumns+` from secret_values where key_version < $1 and ($2 or tenant_id = $3)
		order by key_version, tenant_id, name, environment, robot_id limit $4`)
	sealedPut = stmt("secret_value.put", `insert into secret_values (`+sealedColumns+`) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (tenant_id, name, environment, robot_id) do update set version = excluded.version, key_version = excluded.key_version,
		sealed = excluded.sealed`)
	sealedReplace = stmt("secret_value.replace", `update secret_values set key_version = $5, sealed = $6
		where tenant_id = $1 and name = $2 and environment = $3 and robot_id = $4 and sealed = $7`)
	sealedDelete = stmt("secret_value.delete", `delete from secret_values where tenant_id = $1 and name = $2 and environment = $3 and robot_id = $4`)
	sealedAll    = stmt("secret_value.delete_all", `delete from secret_values where tenant_id = $1 and name = $2`)

	assetGet  = stmt("asset.get", `select body from assets where tenant_id = $1 and name = $2`)
	assetList = stmt("asset.list", `select body from assets where ($1 or tenant_id = $2) order by name, tenant_id`)
	assetPut  = stmt("asset.put", `insert into assets (tenant_id, name, body) values ($1, $2, $3)
		on conflict (tenant_id, name) do update set body = excluded.body`)
	assetDelete = stmt("asset.delete", `delete from assets where tenant_id = $1 and name = $2`)
)

// named reads the one thing of a name.
func named[T any](r *reader, s *Stmt, noun, name string) (out T, err error) {
	tenant, err := r.only()
	if err != nil {
		return out, err
	}
	var list []T
	err = r.conn.Query(s, bodies(&list), tenant, name)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound(noun, name)
	}
	if err != nil {
		return out, err
	}
	return list[0], nil
}

func (r *reader) Secret(name string) (fleet.Secret, error) {
	return named[fleet.Secret](r, secretGet, "secret", name)
}

func (r *reader) Secrets() (out []fleet.Secret, err error) {
	err = r.conn.Query(secretList, bodies(&out), r.all(), r.tenant())
	return out, err
}

func scanSealed(row *Row) store.Sealed {
	return store.Sealed{
		Tenant: str[fleet.TenantID](row), Name: row.text(), Place: fleet.Place{Environment: row.text(), RobotID: str[fleet.RobotID](row)},
		Version: row.int64(), KeyVersion: row.int(), Text: row.text(),
	}
}

func (r *reader) Sealed(name string) (out []store.Sealed, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(sealedList, func(row *Row) error { out = append(out, scanSealed(row)); return nil }, tenant, name)
	return out, err
}

func (r *reader) SealedBefore(keyVersion, limit int) (out []store.Sealed, err error) {
	err = r.conn.Query(sealedOld, func(row *Row) error { out = append(out, scanSealed(row)); return nil }, keyVersion, r.all(), r.tenant(), limit)
	return out, err
}

func (r *reader) Asset(name string) (fleet.Asset, error) {
	return named[fleet.Asset](r, assetGet, "asset", name)
}

func (r *reader) Assets() (out []fleet.Asset, err error) {
	err = r.conn.Query(assetList, bodies(&out), r.all(), r.tenant())
	return out, err
}

func (t *Tx) putBody(s *Stmt, tenant fleet.TenantID, name string, v any, more ...any) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	body, err := encode(v)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(s, append([]any{tenant, name, string(body)}, more...)...)
	return err
}

// drop takes away the one thing of a name.
func (t *Tx) drop(s *Stmt, noun, name string) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(s, tenant, name)
	if err == nil && n == 0 {
		err = fleet.NotFound(noun, name)
	}
	return err
}

// PutSecret writes what is known of a secret, and wakes placement: jobs may wait
// for one that is exclusive no more.
func (t *Tx) PutSecret(s fleet.Secret) error {
	t.signal(topicReady)
	return t.putBody(secretPut, s.Tenant, s.Name, s, s.Exclusive)
}

// DeleteSecret takes a secret away with its values.
func (t *Tx) DeleteSecret(name string) error {
	if err := t.drop(secretDelete, "secret", name); err != nil {
		return err
	}
	t.signal(topicReady)
	_, err := t.conn.Exec(sealedAll, t.tenant(), name)
	return err
}

// PutSealed writes a value.
func (t *Tx) PutSealed(s store.Sealed) error {
	if err := t.covers(s.Tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(sealedPut, s.Tenant, s.Name, s.Place.Environment, s.Place.RobotID, s.Version, s.KeyVersion, s.Text)
	return err
}

// ReplaceSealed changes how a value is wrapped.
func (t *Tx) ReplaceSealed(s store.Sealed, was string) (bool, error) {
	if err := t.covers(s.Tenant); err != nil {
		return false, err
	}
	n, err := t.conn.Exec(sealedReplace, s.Tenant, s.Name, s.Place.Environment, s.Place.RobotID, s.KeyVersion, s.Text, was)
	return n > 0, err
}

// DeleteSealed takes one value away.
func (t *Tx) DeleteSealed(name string, at fleet.Place) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(sealedDelete, tenant, name, at.Environment, at.RobotID)
	if err == nil && n == 0 {
		err = fleet.NotFound("secret_value", name)
	}
	return err
}

// PutAsset writes an asset with all its values.
func (t *Tx) PutAsset(a fleet.Asset) error { return t.putBody(assetPut, a.Tenant, a.Name, a) }

// DeleteAsset takes an asset away.
func (t *Tx) DeleteAsset(name string) error { return t.drop(assetDelete, "asset", name) }

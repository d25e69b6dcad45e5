package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

const viewColumns = `id, owner, revision, body`

var (
	viewGet  = stmt("view.get", `select `+viewColumns+` from views where tenant_id = $1 and id = $2`)
	viewList = stmt("view.list", `select `+viewColumns+` from views where tenant_id = $1 and (owner = '' or owner = $2)
		and ($3 = '' or page = $3) order by page, name_key, owner`)
	viewTaken = stmt("view.taken", `select id from views where tenant_id = $1 and page = $2 and owner = $3 and name_key = $4 and id <> $5`)
	viewAdd   = stmt("view.add", `insert into views (tenant_id, id, page, owner, name_key, body, revision) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict do nothing`)
	viewPut = stmt("view.put", `update views set page = $4, owner = $5, name_key = $6, body = $7, revision = revision + 1
		where tenant_id = $1 and id = $2 and revision = $3`)
	viewDelete = stmt("view.delete", `delete from views where tenant_id = $1 and id = $2`)
)

func (r *reader) views(s *Stmt, args ...any) (out []fleet.View, err error) {
	tenant, err := r.only()
	if err != nil {
		return nil, err
	}
	err = r.conn.Query(s, func(row *Row) error {
		id, owner, revision := str[fleet.ID](row), row.text(), row.int64()
		var v fleet.View
		err := json.Unmarshal([]byte(row.text()), &v)
		v.ID, v.Tenant, v.Owner, v.Shared, v.Revision = id, tenant, owner, owner == "", revision
		out = append(out, v)
		return err
	}, append([]any{tenant}, args...)...)
	return out, err
}

// KeptView finds one.
func (r *reader) KeptView(id fleet.ID) (fleet.View, error) {
	list, err := r.views(viewGet, id)
	if err == nil && len(list) == 0 {
		err = fleet.NotFound("view", string(id))
	}
	if err != nil {
		return fleet.View{}, err
	}
	return list[0], nil
}

// KeptViews lists those of an owner and the shared ones.
func (r *reader) KeptViews(owner, page string) ([]fleet.View, error) {
	return r.views(viewList, owner, page)
}

func viewExists(v *fleet.View) error {
	return fleet.Errorf(fleet.CodeConflict, "view_exists", "There is already a view %q of this page.", v.Name)
}

// AddView stores a new one.
func (t *Tx) AddView(v fleet.View) error {
	if err := t.covers(v.Tenant); err != nil {
		return err
	}
	body, err := encode(v)
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(viewAdd, v.Tenant, v.ID, v.Page, v.Owner, v.Key(), string(body), v.Revision)
	if err == nil && n == 0 {
		err = viewExists(&v)
	}
	return err
}

// PutView writes one that has changed.
func (t *Tx) PutView(v fleet.View) error {
	if err := t.covers(v.Tenant); err != nil {
		return err
	}
	body, err := encode(v)
	if err != nil {
		return err
	}
	taken, err := one(t.conn, viewTaken, func(*Row) {}, v.Tenant, v.Page, v.Owner, v.Key(), v.ID)
	if err != nil {
		return err
	}
	if taken {
		return viewExists(&v)
	}
	n, err := t.conn.Exec(viewPut, v.Tenant, v.ID, v.Revision, v.Page, v.Owner, v.Key(), string(body))
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "view_changed", "The view %s has changed since it was read.", v.Name)
	}
	return err
}

// DeleteView takes one away.
func (t *Tx) DeleteView(id fleet.ID) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(viewDelete, tenant, id)
	return err
}

package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

var (
	environmentList = stmt("environment.list", `select body from environments where ($1 or tenant_id = $2) order by tenant_id, name`)
	environmentPut  = stmt("environment.put", `insert into environments (tenant_id, name, body) values ($1, $2, $3)
		on conflict (tenant_id, name) do update set body = excluded.body`)
)

// Environments lists those of which something is set.
func (r *reader) Environments() (out []fleet.Environment, err error) {
	err = r.conn.Query(environmentList, func(row *Row) error {
		var x fleet.Environment
		if err := json.Unmarshal([]byte(row.text()), &x); err != nil {
			return err
		}
		out = append(out, x)
		return nil
	}, r.all(), r.tenant())
	return out, err
}

// PutEnvironment writes what is set.
func (t *Tx) PutEnvironment(e fleet.Environment) error {
	if err := t.covers(e.Tenant); err != nil {
		return err
	}
	body, err := encode(e)
	if err != nil {
		return err
	}
	_, err = t.conn.Exec(environmentPut, e.Tenant, e.Name, string(body))
	t.signal(topicReady)
	return err
}

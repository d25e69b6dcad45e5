package sqlstore

import "github.com/casarerpa/fleet/fleet"

var metaInsert = stmt("store_meta.insert", `insert into store_meta (one, store_id, generation, created_at)
	values (1, $1, 1, $2) on conflict do nothing`)

// Identify gives a new store its name; one that has a name keeps it.
func (t *Tx) Identify(id fleet.ID) error {
	_, err := t.conn.Exec(metaInsert, id, t.batch.now)
	return err
}

package sqlstore

import (
	"encoding/json"
	"slices"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

var (
	environmentList = stmt("environment.list", `select body from environments where ($1 or tenant_id = $2) order by tenant_id, name`)
	environmentGet  = stmt("environment.get", `select body from environments where tenant_id = $1 and name = $2`)
	environmentPut  = stmt("environment.put", `insert into environments (tenant_id, name, body) values ($1, $2, $3)
		on conflict (tenant_id, name) do update set body = excluded.body`)
)

// Environments lists those of which something is set.
func (r *reader) Environments() (out []fleet.Environment, err error) {
	err = r.conn.Query(environmentList, bodies(&out), r.all(), r.tenant())
	return slices.DeleteFunc(out, func(e fleet.Environment) bool { return !r.scope.Sees(e.Name) }), err
}

// Environment is what is set of one; of one that is not there nothing is.
func (r *reader) Environment(tenant fleet.TenantID, name string) (fleet.Environment, error) {
	out := []fleet.Environment{{Tenant: tenant, Name: name}}
	if !r.scope.Covers(tenant) || !r.scope.Sees(name) {
		return out[0], nil
	}
	err := r.conn.Query(environmentGet, bodies(&out), tenant, name)
	return out[len(out)-1], err
}

// bodies reads rows that are one JSON text each.
func bodies[T any](into *[]T) func(*Row) error {
	return func(row *Row) error {
		var x T
		if err := json.Unmarshal([]byte(row.text()), &x); err != nil {
			return err
		}
		*into = append(*into, x)
		return nil
	}
}

// Standing asks for all of it at once.
func (r *reader) Standing() (out store.Standing, err error) {
	mine := [][]any{{r.all(), r.tenant()}}
	reservation, environment, exclusive := bodies(&out.Reservations), bodies(&out.Environments), scanExclusive(&out.Exclusives)
	err = r.conn.Asks([]Ask{
		{laneList, mine, func(_ int, row *Row) error { out.Lanes = append(out.Lanes, scanLane(row)); return nil }},
		{reservationList, mine, func(_ int, row *Row) error { return reservation(row) }},
		{environmentList, mine, func(_ int, row *Row) error { return environment(row) }},
		{exclusiveList, mine, func(_ int, row *Row) error { return exclusive(row) }},
		{holdList, mine, func(_ int, row *Row) error { out.Holds = append(out.Holds, scanHold(row)); return nil }},
	})
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

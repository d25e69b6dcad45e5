package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
)

var (
	tenantGet = stmt("tenant.get", `select body from tenants where tenant_id = $1 and ($2 or tenant_id = $3)`)
	tenantAll = stmt("tenant.list", `select body from tenants where ($1 or tenant_id = $2) order by tenant_id`)
	tenantAdd = stmt("tenant.add", `insert into tenants (tenant_id, weight, suspended, running_most, body) values ($1, $2, $3, $4, $5)
		on conflict (tenant_id) do nothing`)
	tenantPut = stmt("tenant.put", `update tenants set weight = $2, suspended = $3, running_most = $4, body = $5 where tenant_id = $1`)
	holdList  = stmt("tenant.holds", `select t.tenant_id, t.suspended, t.running_most, coalesce(h.assigned + h.running + h.cancelling, 0)
		from tenants t left join tenant_heads h on h.tenant_id = t.tenant_id
		where (t.suspended or t.running_most > 0) and ($1 or t.tenant_id = $2) order by t.tenant_id`)
)

func (r *reader) Tenant(id fleet.TenantID) (fleet.Tenant, error) {
	var out []fleet.Tenant
	err := r.conn.Query(tenantGet, bodies(&out), id, r.all(), r.tenant())
	if err == nil && len(out) == 0 {
		return fleet.Tenant{}, fleet.NotFound("tenant", string(id))
	}
	if err != nil {
		return fleet.Tenant{}, err
	}
	return out[0], nil
}

func (r *reader) TenantList() (out []fleet.Tenant, err error) {
	err = r.conn.Query(tenantAll, bodies(&out), r.all(), r.tenant())
	return out, err
}

func scanHold(row *Row) fleet.Hold {
	return fleet.Hold{Tenant: str[fleet.TenantID](row), Suspended: row.bool(), Most: row.int(), Running: row.int()}
}

// AddTenant is fleet.ErrConflict if there is one of that id.
func (t *Tx) AddTenant(x fleet.Tenant) error {
	n, err := t.writeTenant(tenantAdd, &x)
	if err == nil && n == 0 {
		err = fleet.Errorf(fleet.CodeConflict, "tenant_exists", "There is a tenant %s already.", x.ID)
	}
	return err
}

// PutTenant changes what is set of one that is there.
func (t *Tx) PutTenant(x fleet.Tenant) error {
	n, err := t.writeTenant(tenantPut, &x)
	if err == nil && n == 0 {
		err = fleet.NotFound("tenant", string(x.ID))
	}
	t.signal(topicReady) // its jobs may start now
	return err
}

func (t *Tx) writeTenant(s *Stmt, x *fleet.Tenant) (int, error) {
	if err := t.covers(x.ID); err != nil {
		return 0, err
	}
	body, err := encode(x)
	if err != nil {
		return 0, err
	}
	return t.conn.Exec(s, x.ID, x.Weight, x.Suspended, x.Quotas.RunningJobs, string(body))
}

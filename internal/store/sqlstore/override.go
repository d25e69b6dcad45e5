package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
)

var (
	overrideList = stmt("node_override.list", `select workflow_id, node_id, placement, same_as, reason, is_active, created_at, created_by
		from node_overrides where workflow_id = $1 and ($2 or tenant_id = $3) order by node_id`)
	overridePut = stmt("node_override.put", `insert into node_overrides (tenant_id, workflow_id, node_id, placement, same_as, reason,
		is_active, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (workflow_id, node_id) do update set
		placement = excluded.placement, same_as = excluded.same_as, reason = excluded.reason, is_active = excluded.is_active,
		created_at = excluded.created_at, created_by = excluded.created_by where node_overrides.tenant_id = excluded.tenant_id`)
	overrideDelete = stmt("node_override.delete", `delete from node_overrides where tenant_id = $1 and workflow_id = $2 and node_id = $3`)
)

// NodeOverrides lists where nodes of a workflow run, by node.
func (r *reader) NodeOverrides(workflow fleet.ID) ([]fleet.NodeOverride, error) {
	var out []fleet.NodeOverride
	err := r.conn.Query(overrideList, func(row *Row) error {
		o := fleet.NodeOverride{WorkflowID: str[fleet.ID](row), NodeID: row.text()}
		o.SetPlacement(placement(row))
		o.SameAs, o.Reason, o.Active, o.CreatedAt, o.CreatedBy = row.text(), row.text(), row.bool(), row.time(), row.text()
		out = append(out, o)
		return nil
	}, workflow, r.all(), r.tenant())
	return out, err
}

// PutNodeOverride writes where a node runs.
func (t *Tx) PutNodeOverride(tenant fleet.TenantID, o fleet.NodeOverride) error {
	if err := t.covers(tenant); err != nil {
		return err
	}
	_, err := t.conn.Exec(overridePut, tenant, o.WorkflowID, o.NodeID, o.Whole().Text(), o.SameAs, o.Reason, o.Active, o.CreatedAt, o.CreatedBy)
	return err
}

// DeleteNodeOverride answers with fleet.ErrNotFound if there is none.
func (t *Tx) DeleteNodeOverride(workflow fleet.ID, node string) error {
	tenant, err := t.only()
	if err != nil {
		return err
	}
	n, err := t.conn.Exec(overrideDelete, tenant, workflow, node)
	if err == nil && n == 0 {
		err = fleet.NotFound("node_override", node)
	}
	return err
}

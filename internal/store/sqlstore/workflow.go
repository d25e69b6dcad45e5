package sqlstore

import (
	"encoding/json"

	"github.com/casarerpa/fleet/fleet"
)

const (
	workflowColumns = `id, tenant_id, name, newest, hash, created_at, updated_at, deleted_at`
	versionColumns  = `workflow_id, version, hash, requires, node_count, created_at, created_by, placement, retry, retry_safety`
)

var (
	workflowGet = stmt("workflow.get", `select `+workflowColumns+` from workflows
		where id = $1 and ($2 or tenant_id = $3) and deleted_at is null`)
	workflowNamed = stmt("workflow.named", `select `+workflowColumns+` from workflows
		where name = $1 and ($2 or tenant_id = $3) and deleted_at is null`)
	workflowList = stmt("workflow.list", `select `+workflowColumns+` from workflows
		where ($1 or tenant_id = $2) and deleted_at is null and (name, tenant_id) > ($3, $4) order by name, tenant_id limit $5`)
	workflowPut = stmt("workflow.put", `insert into workflows (`+workflowColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8)
		on conflict (id) do update set name = excluded.name, newest = excluded.newest, hash = excluded.hash,
		updated_at = excluded.updated_at, deleted_at = excluded.deleted_at where workflows.tenant_id = excluded.tenant_id`)
	workflowTaken = stmt("workflow.taken", `select id from workflows
		where name = $1 and tenant_id = $2 and deleted_at is null and id <> $3`)
	versionInsert = stmt("workflow_version.insert", `insert into workflow_versions (tenant_id, `+versionColumns+`)
		select tenant_id, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 from workflows where id = $1 and ($11 or tenant_id = $12)
		on conflict do nothing`)
	versionGet = stmt("workflow_version.get", `select `+versionColumns+` from workflow_versions
		where workflow_id = $1 and version = $2 and ($3 or tenant_id = $4)`)
	versionList = stmt("workflow_version.list", `select `+versionColumns+` from workflow_versions
		where workflow_id = $1 and ($2 or tenant_id = $3) order by version desc`)
	// Bodies are found by the hash of their content, which only those know who
	// may read a version that names it.
	bodyPut = stmt("workflow_body.put", `insert into workflow_bodies (hash, body) values ($1, $2) on conflict do nothing`)
	bodyGet = stmt("workflow_body.get", `select hash, body from workflow_bodies where hash = $1`)
)

func scanWorkflow(row *Row) fleet.Workflow {
	return fleet.Workflow{
		ID: str[fleet.ID](row), Tenant: str[fleet.TenantID](row), Name: row.text(), Newest: row.int(), Hash: row.text(),
		CreatedAt: row.time(), UpdatedAt: row.time(), DeletedAt: row.time(),
	}
}

func scanVersion(row *Row) fleet.WorkflowVersion {
	return fleet.WorkflowVersion{
		WorkflowID: str[fleet.ID](row), Version: row.int(), Hash: row.text(), Requires: row.words(), NodeCount: row.int(),
		CreatedAt: row.time(), CreatedBy: row.text(), Placement: placement(row), Retry: retryChange(row), Safety: str[fleet.RetrySafety](row),
	}
}

// retryChange reads what AddWorkflowVersion wrote.
func retryChange(row *Row) (out *fleet.RetryChange) {
	if text := row.text(); text != "" {
		_ = json.Unmarshal([]byte(text), &out)
	}
	return out
}

func (r *reader) Workflow(id fleet.ID) (fleet.Workflow, error) {
	return r.workflow(workflowGet, string(id))
}

func (r *reader) WorkflowByName(name string) (fleet.Workflow, error) {
	return r.workflow(workflowNamed, name)
}

func (r *reader) workflow(q *Stmt, key string) (fleet.Workflow, error) {
	var w fleet.Workflow
	found, err := one(r.conn, q, func(row *Row) { w = scanWorkflow(row) }, key, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("workflow", key)
	}
	return w, err
}

func (r *reader) WorkflowVersion(id fleet.ID, version int) (fleet.WorkflowVersion, error) {
	var v fleet.WorkflowVersion
	found, err := one(r.conn, versionGet, func(row *Row) { v = scanVersion(row) }, id, version, r.all(), r.tenant())
	if err == nil && !found {
		err = fleet.NotFound("workflow_version", string(id))
	}
	return v, err
}

// WorkflowVersions lists the newest version first.
func (r *reader) WorkflowVersions(id fleet.ID) ([]fleet.WorkflowVersion, error) {
	var out []fleet.WorkflowVersion
	err := r.conn.Query(versionList, func(row *Row) error {
		out = append(out, scanVersion(row))
		return nil
	}, id, r.all(), r.tenant())
	return out, err
}

// Workflows lists by name.
func (r *reader) Workflows(p fleet.Page) ([]fleet.Workflow, string, error) {
	p, err := p.Normalize()
	if err != nil {
		return nil, "", err
	}
	after, err := cursor(p.Cursor, 2)
	if err != nil {
		return nil, "", err
	}
	var out []fleet.Workflow
	err = r.conn.Query(workflowList, func(row *Row) error {
		out = append(out, scanWorkflow(row))
		return nil
	}, r.all(), r.tenant(), after[0], after[1], p.Limit+1)
	if err != nil || len(out) <= p.Limit {
		return out, "", err
	}
	out = out[:p.Limit]
	last := &out[p.Limit-1]
	return out, makeCursor(last.Name, string(last.Tenant)), nil
}

func (r *reader) Body(hash string) ([]byte, error) {
	var body []byte
	found, err := one(r.conn, bodyGet, func(row *Row) { _, body = row.text(), row.bytes() }, hash)
	if err == nil && !found {
		err = fleet.NotFound("workflow_body", hash)
	}
	return body, err
}

func (r *reader) Bodies(hashes []string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(hashes))
	at := make([][]any, len(hashes))
	for i, hash := range hashes {
		at[i] = []any{hash}
	}
	err := r.conn.Each(bodyGet, at, func(_ int, row *Row) error {
		hash := row.text()
		out[hash] = row.bytes()
		return nil
	})
	return out, err
}

// PutBody keeps the first document of a hash.
func (t *Tx) PutBody(hash string, body []byte) error {
	_, err := t.conn.Exec(bodyPut, hash, body)
	return err
}

// PutWorkflow refuses a name that another living workflow of the tenant has.
func (t *Tx) PutWorkflow(w fleet.Workflow) error {
	if err := t.covers(w.Tenant); err != nil {
		return err
	}
	if w.DeletedAt.IsZero() {
		taken, err := one(t.conn, workflowTaken, func(*Row) {}, w.Name, w.Tenant, w.ID)
		if err != nil {
			return err
		}
		if taken {
			return fleet.Errorf(fleet.CodeConflict, "workflow_name_taken", "There is already a workflow named %q.", w.Name)
		}
	}
	err := t.writeWorkflow(w)
	if err == nil {
		t.batch.env.Known.renamed(w)
	}
	return err
}

// writeWorkflow is PutWorkflow for a name that is known to be free or its own.
func (t *Tx) writeWorkflow(w fleet.Workflow) error {
	n, err := t.conn.Exec(workflowPut, w.ID, w.Tenant, w.Name, w.Newest, w.Hash, w.CreatedAt, w.UpdatedAt, w.DeletedAt)
	if err == nil && n == 0 { // the id belongs to another tenant
		err = fleet.NotFound("workflow", string(w.ID))
	}
	if err == nil {
		t.batch.env.Known.learnWorkflow(w.Tenant, w.Name, w)
	}
	return err
}

// AddWorkflowVersion answers with fleet.ErrConflict if the version exists.
func (t *Tx) AddWorkflowVersion(v fleet.WorkflowVersion) error {
	retry := ""
	if v.Retry != nil {
		b, err := encode(v.Retry)
		if err != nil {
			return err
		}
		retry = string(b)
	}
	n, err := t.conn.Exec(versionInsert, v.WorkflowID, v.Version, v.Hash, v.Requires.Key(), v.NodeCount, v.CreatedAt, v.CreatedBy, v.Placement.Text(),
		retry, string(v.Safety), t.all(), t.tenant())
	if err != nil || n == 1 {
		return err
	}
	if _, err := t.Workflow(v.WorkflowID); err != nil {
		return err
	}
	return fleet.Errorf(fleet.CodeConflict, "workflow_version_exists", "Workflow %s already has a version %d.", v.WorkflowID, v.Version)
}

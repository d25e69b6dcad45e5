package sqlstore

import (
	"github.com/casarerpa/fleet/fleet"
)

const artifactColumns = `job_id, tenant_id, epoch, name, node, media, size, sha256, created_at`

var (
	artifactList = stmt("artifact.list", `select `+artifactColumns+` from artifacts where job_id = $1 and ($2 or tenant_id = $3)
		order by epoch, name`)
	artifactGet = stmt("artifact.get", `select `+artifactColumns+`, body from artifacts where job_id = $1 and ($2 or tenant_id = $3)
		and name = $4 and ($5 = 0 or epoch = $5) order by epoch desc limit 1`)
	artifactPut = stmt("artifact.put", `insert into artifacts (`+artifactColumns+`, body) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (job_id, epoch, name) do update set node = excluded.node, media = excluded.media, size = excluded.size,
		sha256 = excluded.sha256, created_at = excluded.created_at, body = excluded.body`)
	artifactPrune = stmt("artifact.prune", `delete from artifacts where job_id = $1 and tenant_id = $2`)
)

func scanArtifact(r *Row) fleet.Artifact {
	return fleet.Artifact{
		JobID: str[fleet.ID](r), Tenant: str[fleet.TenantID](r), Epoch: r.int64(), Name: r.text(), Node: r.text(), Type: r.text(),
		Size: r.int64(), SHA256: r.text(), CreatedAt: r.time(),
	}
}

func (r *reader) Artifacts(job fleet.ID) ([]fleet.Artifact, error) {
	out := []fleet.Artifact{}
	err := r.conn.Query(artifactList, func(row *Row) error { out = append(out, scanArtifact(row)); return nil }, job, r.all(), r.tenant())
	return out, err
}

func (r *reader) Artifact(job fleet.ID, epoch int64, name string) (a fleet.Artifact, body []byte, err error) {
	found, err := one(r.conn, artifactGet, func(row *Row) { a, body = scanArtifact(row), row.bytes() }, job, r.all(), r.tenant(), name, epoch)
	if err == nil && !found {
		err = fleet.NotFound("artifact", name)
	}
	return a, body, err
}

// PutArtifact keeps a file of a job.
func (t *Tx) PutArtifact(a fleet.Artifact, body []byte) error {
	if err := t.covers(a.Tenant); err != nil {
		return err
	}
	if body == nil {
		body = []byte{}
	}
	_, err := t.conn.Exec(artifactPut, a.JobID, a.Tenant, a.Epoch, a.Name, a.Node, a.Type, a.Size, a.SHA256, a.CreatedAt, body)
	return err
}

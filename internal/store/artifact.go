package store

import "github.com/casarerpa/fleet/fleet"

// ArtifactReader finds the files that jobs left. That the job may be seen is for
// the caller to look at; those of other tenants are not there.
type ArtifactReader interface {
	// Artifacts lists those of a job by attempt and name, without their bytes.
	Artifacts(job fleet.ID) ([]fleet.Artifact, error)
	// Artifact gives one with its bytes; that of the newest attempt if epoch is 0.
	Artifact(job fleet.ID, epoch int64, name string) (fleet.Artifact, []byte, error)
}

// ArtifactWriter keeps them. They go when their job is pruned.
type ArtifactWriter interface {
	// PutArtifact keeps a file, in place of one of the same attempt and name.
	PutArtifact(a fleet.Artifact, body []byte) error
}

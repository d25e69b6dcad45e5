package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
)

// AuditReader reads the audit of the scope's tenant.
type AuditReader interface {
	// Audit returns rows after a number, oldest first.
	AuditRows(f AuditFilter) ([]fleet.AuditEntry, error)
	// AuditHead is the number and hash of the newest row, and of the one after
	// which the rows begin that are kept; all zero where there never was one.
	AuditHead() (AuditHead, error)
	// Checkpoints lists the tenant's, oldest first; newest only the last.
	Checkpoints(newest bool) ([]auditchain.Checkpoint, error)
}

// AuditWriter adds to it; nothing changes what is there.
type AuditWriter interface {
	// Audit adds a row to the tenant's chain. It is numbered and written with the
	// commit of the change that it tells of, or not at all.
	Audit(tenant fleet.TenantID, d fleet.AuditDraft) error
	PutCheckpoint(c auditchain.Checkpoint) error
	// CutAudit lets go up to limit of a tenant's oldest rows that are older than a
	// time, but none after its newest checkpoint that is so old. The head keeps
	// where they ended. It says how many went.
	CutAudit(tenant fleet.TenantID, before time.Time, limit int) (int, error)
}

// AuditHead is where a tenant's audit ends, and after which row it begins.
type AuditHead struct {
	Seq     int64
	Hash    string
	CutSeq  int64
	CutHash string
}

// AuditFilter selects rows; empty fields select all.
type AuditFilter struct {
	After      int64
	Limit      int // at most 5000; 0 is that
	Action     string
	ActorID    string
	ObjectKind fleet.SubjectKind
	ObjectID   string
	Outcome    fleet.AuditOutcome
	From, To   time.Time
}

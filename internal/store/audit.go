package store

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// AuditReader reads the audit of the scope's tenant.
type AuditReader interface {
	// Audit returns rows after a number, oldest first.
	AuditRows(f AuditFilter) ([]fleet.AuditEntry, error)
	// AuditHead is the number and hash of the newest row, and the number of the
	// oldest one that is kept; all zero where there is none.
	AuditHead() (AuditHead, error)
}

// AuditWriter adds to it; nothing takes away or changes.
type AuditWriter interface {
	// Audit adds a row to the tenant's chain. It is numbered and written with the
	// commit of the change that it tells of, or not at all.
	Audit(tenant fleet.TenantID, d fleet.AuditDraft) error
}

// AuditHead is where a tenant's audit ends and begins.
type AuditHead struct {
	Seq    int64
	Hash   string
	Oldest int64
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

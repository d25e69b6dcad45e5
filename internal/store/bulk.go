package store

import "github.com/casarerpa/fleet/fleet"

// BulkReader finds bulk operations.
type BulkReader interface {
	Bulk(id fleet.ID) (fleet.Bulk, error)
	// Bulks lists them, the newest first.
	Bulks(p fleet.Page) (list []fleet.Bulk, next string, err error)
	// OpenBulks lists those that have not ended.
	OpenBulks() ([]fleet.Bulk, error)
	// BulkTargets lists the robots of one in their order; of one wave, or of all
	// with wave 0.
	BulkTargets(id fleet.ID, wave int) ([]fleet.BulkTarget, error)
	// NextBulkTarget is the first one of the first wave, from a position on, that
	// has not begun; one without a robot and a job if there is none.
	NextBulkTarget(id fleet.ID, from int) (fleet.BulkTarget, error)
}

// BulkWriter changes them.
type BulkWriter interface {
	AddBulk(b fleet.Bulk, targets []fleet.BulkTarget) error
	// PutBulk writes one; fleet.ErrConflict if it has changed since it was read.
	PutBulk(b fleet.Bulk) error
	PutBulkTarget(tenant fleet.TenantID, t fleet.BulkTarget) error
	// SkipBulkTargets ends those that have not begun, and counts them.
	SkipBulkTargets(tenant fleet.TenantID, id fleet.ID, reason string) (int, error)
}

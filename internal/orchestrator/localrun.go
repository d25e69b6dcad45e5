package orchestrator

import (
	"context"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// NoteLocal writes into the audit that somebody did something on the machine
// that serves the page. Nothing of it is in the store besides.
func (a *Audits) NoteLocal(ctx context.Context, p auth.Principal, action, id, name string) error {
	return a.act(ctx, p, action, fleet.SubjectLocal, id, func(_ store.Tx, d *fleet.AuditDraft) error {
		d.Object.Name = name
		return nil
	})
}

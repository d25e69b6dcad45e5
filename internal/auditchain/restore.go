package auditchain

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// ActionRestore is the action of the row that a restore puts into each chain.
const ActionRestore = "store.restore"

// Restore says that the store went back to a backup at a row of the chain: rows
// that were written after the backup are gone, and their numbers are given anew.
type Restore struct {
	Seq        int64       `json:"seq"` // of the row that says so
	At         time.Time   `json:"at"`
	Generation int64       `json:"generation"` // of the store since then
	BackupAt   time.Time   `json:"backup_at"`
	After      Anchor      `json:"after"`                // the last row of the backup
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"` // the newest that the backup knew
	// LostTo is the highest row that a checkpoint, signed before the restore, shows
	// to have been there and to be gone; 0: none shows any.
	LostTo int64 `json:"lost_to,omitempty"`
}

// Draft is the row to write after the last one of the backup.
func (r *Restore) Draft(store string) fleet.AuditDraft {
	after := map[string]any{"generation": r.Generation, "backup_at": r.BackupAt.UTC(), "after": r.After}
	if r.Checkpoint != nil {
		after["checkpoint"] = r.Checkpoint
	}
	return fleet.AuditDraft{
		Actor: fleet.Actor{Kind: fleet.ActorSystem, Name: "fleet db restore"}, Action: ActionRestore,
		Object: fleet.AuditObject{Kind: fleet.SubjectStore, ID: store}, After: after,
	}
}

// restored notes a row that tells of a restore. One that names another row than
// that which it follows was not written by a restore.
func (c *Checker) restored(e *fleet.AuditEntry, before Anchor) {
	if e.Action != ActionRestore {
		return
	}
	var r Restore
	if err := json.Unmarshal(e.After, &r); err != nil || r.After != before {
		c.fault = &Fault{e.Seq, Inserted, fmt.Sprintf("Row %d tells of a restore after row %d, and stands after row %d.", e.Seq, r.After.Seq, before.Seq)}
		return
	}
	r.Seq, r.At = e.Seq, e.At
	c.restores = append(c.restores, r)
}

// lost says whether a checkpoint that no row agrees with is of a row that a
// restore has let go of: signed before it, of a number that was given anew.
func (c *Checker) lost(p *Checkpoint) bool {
	for i := range c.restores {
		if r := &c.restores[i]; r.Seq <= p.Seq && p.At.Before(r.At) {
			r.LostTo = max(r.LostTo, p.Seq)
			return true
		}
	}
	return false
}

// strange is the first checkpoint that was signed with none of the keys given,
// unless a restore came after it: the key is in no backup.
func (c *Checker) strange() *Checkpoint {
	for _, p := range c.foreign {
		if n := len(c.restores); n == 0 || c.restores[n-1].Seq <= p.Seq && !c.lost(p) {
			return p
		}
	}
	return nil
}

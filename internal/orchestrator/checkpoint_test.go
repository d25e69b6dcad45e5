package orchestrator

import (
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auditchain"
	"github.com/casarerpa/fleet/internal/store"
)

// A checkpoint comes with the first rows, then each day or each thousand rows,
// and never twice of one row. What it says is checked with the chain.
func TestCheckpoints(t *testing.T) {
	signer, err := auditchain.NewSigner("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(o *Options) { o.Signer = signer })
	var offered []auditchain.Checkpoint
	sign := func() int {
		t.Helper()
		w.must(w.Audits.Checkpoints(t.Context(), store.System("test"), func(c auditchain.Checkpoint) error {
			if !c.Genuine(signer.PublicKey()) {
				t.Errorf("not genuine: %+v", c)
			}
			offered = append(offered, c)
			return nil
		}))
		return len(offered)
	}
	n := 0
	write := func(rows int) {
		t.Helper()
		w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
			for i := range rows {
				if err := tx.Audit(w.admin.Tenant, w.admin.Audit("x.y", fleet.SubjectFleet, fmt.Sprint(n+i))); err != nil {
					return err
				}
			}
			return nil
		}))
		n += rows
	}
	if sign() != 0 {
		t.Error("of nothing")
	}
	write(3)
	if sign() != 1 || offered[0].Seq != 3 || offered[0].Tenant != "default" {
		t.Fatalf("the first: %+v", offered)
	}
	write(5)
	if sign() != 1 {
		t.Error("too soon")
	}
	w.now = w.now.Add(checkpointEvery)
	if sign() != 2 || offered[1].Seq != 8 {
		t.Errorf("after a day: %+v", offered)
	}
	w.now = w.now.Add(checkpointEvery)
	if sign() != 2 {
		t.Error("twice of one row")
	}
	write(checkpointRows)
	if sign() != 3 {
		t.Error("after a thousand rows")
	}
	if r, err := w.Audits.Verify(t.Context(), w.admin); err != nil || r.Fault != nil || r.Checkpoints != 3 {
		t.Errorf("%+v %v", r, err)
	}
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		_, err := tx.CutAudit("default", w.now.Add(time.Hour), 5)
		return err
	}))
	if r, err := w.Audits.Verify(t.Context(), w.admin); err != nil || r.Fault != nil || r.Rows != int64(n-5) {
		t.Errorf("after the oldest were let go: %+v %v", r, err)
	}
	w.must(w.store.Update(t.Context(), w.admin.Scope(), func(tx store.Tx) error {
		return tx.PutCheckpoint(auditchain.Checkpoint{Tenant: "default", Seq: 100, Hash: fleet.AuditStart, At: w.now})
	}))
	if r, err := w.Audits.Verify(t.Context(), w.admin); err != nil || r.Fault == nil || r.Fault.Seq != 100 {
		t.Errorf("a checkpoint that nobody signed: %+v %v", r, err)
	}
}

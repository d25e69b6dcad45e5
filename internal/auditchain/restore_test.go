package auditchain

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// again appends rows to a chain, the first of them the one that tells of a
// restore after the last row.
func again(t *testing.T, rows []fleet.AuditEntry, r Restore, n int) []fleet.AuditEntry {
	t.Helper()
	rows = slices.Clone(rows)
	d := r.Draft("store-1")
	after, err := json.Marshal(d.After)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		last := rows[len(rows)-1]
		e := fleet.AuditEntry{Seq: last.Seq + 1, At: r.At, Tenant: "default", Actor: d.Actor, Action: "robot.update", Outcome: fleet.AuditDone, PrevHash: last.Hash}
		if i == 0 {
			e.Action, e.Object, e.After = d.Action, d.Object, after
		}
		text, err := Canonical(e)
		if err != nil {
			t.Fatal(err)
		}
		e.Hash = Hash(e.PrevHash, text)
		rows = append(rows, e)
	}
	return rows
}

// After a restore the chain goes on with a row that says so. What checkpoints
// show of the rows that are gone is told, and nothing else is let through.
func TestRestore(t *testing.T) {
	old, err := NewSigner("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewSigner("ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100")
	if err != nil {
		t.Fatal(err)
	}
	was := chain(t, 20)
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	points := []Checkpoint{old.Sign("default", Anchor{10, was[9].Hash}, at), old.Sign("default", Anchor{18, was[17].Hash}, at)}
	r := Restore{At: at.Add(time.Hour), Generation: 2, BackupAt: at.Add(-time.Hour), After: Anchor{12, was[11].Hash}, Checkpoint: &points[0]}
	rows := again(t, was[:12], r, 8)
	points = append(points, made.Sign("default", Anchor{16, rows[15].Hash}, at.Add(2*time.Hour)))
	run := func(rows []fleet.AuditEntry, points []Checkpoint, keys ...string) Report {
		c := From(Start()).Hold(points, keys...)
		for _, e := range rows {
			c.Take(e)
		}
		return c.End(&Anchor{20, rows[len(rows)-1].Hash})
	}
	both := []string{old.PublicKey(), made.PublicKey()}
	whole := run(rows, points, both...)
	if whole.Fault != nil || whole.Checkpoints != 2 || whole.OtherKey != 0 || len(whole.Restores) != 1 {
		t.Fatalf("%+v", whole)
	}
	if got := whole.Restores[0]; got.Seq != 13 || got.LostTo != 18 || got.After != r.After || got.Generation != 2 || !got.At.Equal(r.At) || got.Checkpoint.Seq != 10 {
		t.Errorf("%+v", got)
	}
	if got := run(rows, points, made.PublicKey()); got.Fault != nil || got.OtherKey != 2 || got.Checkpoints != 1 {
		t.Errorf("the key of before is lost: %+v", got)
	}
	if got := run(rows, points[2:], made.PublicKey()); got.Fault != nil || got.Restores[0].LostTo != 0 {
		t.Errorf("nothing is known of what is gone: %+v", got)
	}
	late := old.Sign("default", Anchor{17, rows[16].Hash}, at.Add(2*time.Hour))
	for name, c := range map[string]struct {
		rows   []fleet.AuditEntry
		points []Checkpoint
		keys   []string
	}{
		"written anew without a word":             {again(t, was[:12], Restore{At: r.At, After: r.After}, 8)[:12], points, both},
		"a restore that names another row":        {again(t, was[:11], r, 9), points, both},
		"a disagreeing one, signed afterwards":    {rows, []Checkpoint{made.Sign("default", Anchor{18, was[17].Hash}, at.Add(2*time.Hour))}, both},
		"signed afterwards with an unknown key":   {rows, []Checkpoint{late}, []string{made.PublicKey()}},
		"before the restore, of a row that stays": {rows, []Checkpoint{old.Sign("default", Anchor{11, was[10].PrevHash}, at)}, both},
	} {
		if got := run(c.rows, c.points, c.keys...); got.Fault == nil {
			t.Errorf("%s: passes: %+v", name, got)
		}
	}
}

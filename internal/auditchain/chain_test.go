package auditchain

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

func chain(t *testing.T, n int) []fleet.AuditEntry {
	t.Helper()
	var out []fleet.AuditEntry
	prev := fleet.AuditStart
	for i := range n {
		e := fleet.AuditEntry{
			Seq: int64(i + 1), At: time.Date(2026, 11, 26, 10, 0, i, 0, time.UTC), Tenant: "default", Actor: fleet.Actor{Kind: fleet.ActorKey, ID: "k", Name: "key “ci”"},
			Action: "robot.update", Object: fleet.AuditObject{Kind: fleet.SubjectRobot, ID: fmt.Sprintf("r%d", i)}, Outcome: fleet.AuditDone, PrevHash: prev,
			After: json.RawMessage(`{"b":1,"a":[1.50,"<ö>"]}`),
		}
		text, err := Canonical(e)
		if err != nil {
			t.Fatal(err)
		}
		e.Hash = Hash(prev, text)
		prev = e.Hash
		out = append(out, e)
	}
	return out
}

func check(rows []fleet.AuditEntry, head *Anchor) Report {
	c := From(Start())
	for _, e := range rows {
		c.Take(e)
	}
	return c.End(head)
}

func TestWhole(t *testing.T) {
	rows := chain(t, 50)
	head := Anchor{50, rows[49].Hash}
	if r := check(rows, &head); r.Fault != nil || r.Rows != 50 || r.Last != head {
		t.Errorf("%+v", r)
	}
	for i, e := range rows { // what is written down and read again is the same row
		text, err := Canonical(e)
		if err != nil {
			t.Fatal(err)
		}
		if rows[i], err = Parse(text, e.PrevHash, e.Hash); err != nil {
			t.Fatal(err)
		}
	}
	if r := check(rows, &head); r.Fault != nil {
		t.Errorf("read again: %+v", r.Fault)
	}
	c := From(Anchor{20, rows[19].Hash})
	for _, e := range rows[20:] {
		c.Take(e)
	}
	if r := c.End(&head); r.Fault != nil || r.Rows != 30 {
		t.Errorf("from the middle: %+v", r)
	}
}

// A chain that was written anew is whole, and a checkpoint shows it; so is one
// whose end was cut off.
func TestCheckpoints(t *testing.T) {
	signer, err := NewSigner("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	if err != nil {
		t.Fatal(err)
	}
	rows := chain(t, 30)
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	points := []Checkpoint{signer.Sign("default", Anchor{10, rows[9].Hash}, at), signer.Sign("default", Anchor{20, rows[19].Hash}, at)}
	run := func(rows []fleet.AuditEntry, points []Checkpoint) Report {
		c := From(Start()).Hold(points, signer.PublicKey())
		for _, e := range rows {
			c.Take(e)
		}
		return c.End(nil)
	}
	if r := run(rows, points); r.Fault != nil || r.Checkpoints != 2 {
		t.Errorf("whole: %+v", r)
	}
	if r := run(rows[:15], points); r.Fault == nil || r.Fault.Kind != Missing || r.Fault.Seq != 20 {
		t.Errorf("cut off: %+v", r.Fault)
	}
	anew := slices.Clone(rows)
	prev := fleet.AuditStart
	for i := range anew {
		anew[i].Actor.Name, anew[i].PrevHash = "nobody", prev
		text, err := Canonical(anew[i])
		if err != nil {
			t.Fatal(err)
		}
		anew[i].Hash = Hash(prev, text)
		prev = anew[i].Hash
	}
	if r := run(anew, nil); r.Fault != nil {
		t.Errorf("without checkpoints it passes: %+v", r.Fault)
	}
	if r := run(anew, points); r.Fault == nil || r.Fault.Seq != 10 || r.Fault.Kind != Changed {
		t.Errorf("written anew: %+v", r.Fault)
	}
	forged := points[0]
	forged.Hash = anew[9].Hash
	if r := run(anew, []Checkpoint{forged}); r.Fault == nil {
		t.Error("a forged checkpoint is believed")
	}
	if _, err := NewSigner("zz"); err == nil {
		t.Error("a key that is none")
	}
	if text := fmt.Sprintf("%v %+v", signer, *signer); len(text) > 80 {
		t.Errorf("the signer prints %s", text)
	}
}

// Every way to tamper, at many places: found, and named by its number and kind.
func TestTampering(t *testing.T) {
	const n = 300
	whole := chain(t, n)
	head := Anchor{n, whole[n-1].Hash}
	rng := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind){
		"changed": func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind) {
			switch at % 5 {
			case 0:
				rows[at].Actor.Name = "somebody else"
			case 1:
				rows[at].After = json.RawMessage(`{"a":[1.51,"<ö>"],"b":1}`)
			case 2:
				rows[at].At = rows[at].At.Add(time.Millisecond)
			case 3:
				rows[at].Hash = fleet.AuditStart
			case 4:
				rows[at].Outcome = fleet.AuditDenied
			}
			return rows, int64(at + 1), Changed
		},
		"deleted": func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind) {
			return slices.Delete(rows, at, at+1), int64(at + 1), Missing
		},
		"reordered": func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind) {
			at = min(at, n-2)
			rows[at], rows[at+1] = rows[at+1], rows[at]
			return rows, int64(at + 1), Reordered
		},
		"inserted": func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind) {
			return slices.Insert(rows, at+1, rows[at]), int64(at + 1), Inserted
		},
		"cut off": func(rows []fleet.AuditEntry, at int) ([]fleet.AuditEntry, int64, FaultKind) {
			return rows[:at], int64(at + 1), Missing
		},
	}
	found := 0
	for name, tamper := range kinds {
		for range 200 {
			rows, seq, kind := tamper(slices.Clone(whole), rng.IntN(n))
			r := check(rows, &head)
			if r.Fault == nil || r.Fault.Seq != seq || r.Fault.Kind != kind || r.Fault.Text == "" {
				t.Errorf("%s at %d: %+v", name, seq, r.Fault)
				continue
			}
			found++
		}
	}
	if found != 1000 {
		t.Errorf("%d of 1000 were found", found)
	}
}

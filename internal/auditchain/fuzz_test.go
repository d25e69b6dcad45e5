package auditchain

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// FuzzExport reads any bytes as an exported audit, line by line, as fleet audit
// verify does. Whatever they are, the check ends with a report, and no line that
// was made up counts as one that follows the beginning.
func FuzzExport(f *testing.F) {
	f.Add([]byte(`{"seq":1,"at":"2026-11-26T10:00:00Z","tenant_id":"default","prev_hash":"` + fleet.AuditStart + `","hash":"00"}`))
	f.Add([]byte("{\"seq\":2}\n{\"seq\":1}\n{\"seq\":-1}\n[]\nnull\n"))
	f.Add([]byte(`{"seq":1,"before":{"a":1e400},"after":"\ud800"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := From(Start())
		for line := range bytes.Lines(text) {
			var e fleet.AuditEntry
			if json.Unmarshal(line, &e) != nil {
				continue
			}
			c.Take(e)
			if canonical, err := Canonical(e); err == nil {
				if _, err := Parse(canonical, e.PrevHash, e.Hash); err != nil {
					t.Fatalf("the canonical form of %s cannot be read: %v", line, err)
				}
			}
		}
		r := c.End(&Anchor{Seq: 1 << 40, Hash: "head"})
		if r.Fault == nil {
			t.Fatal("it is whole, and its head is elsewhere")
		}
	})
}

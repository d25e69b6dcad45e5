package gateway

import (
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/wire"
)

// What a robot says in one breath is committed together, but for what must see
// what came before it.
func TestTogether(t *testing.T) {
	ref := func(job string) wire.Ref { return wire.Ref{JobID: fleet.ID(job), Epoch: 1} }
	frames := map[string]wire.Message{
		"accept a": &wire.JobAccept{Ref: ref("a")}, "accept b": &wire.JobAccept{Ref: ref("b")},
		"ends a": &wire.JobComplete{Ref: ref("a")}, "ends c": &wire.JobComplete{Ref: ref("c")},
		"begins c": &wire.JobStarted{Ref: ref("c")}, "rejects b": &wire.JobReject{Ref: ref("b")},
	}
	for _, c := range []struct{ said, accepts, reports, rest string }{
		{"accept a, ends c, accept b", "accept a, accept b", "ends c", ""},
		{"begins c, ends c", "", "begins c, ends c", ""},
		{"accept a, ends c, ends a, accept b", "accept a", "ends c", "ends a, accept b"},
		{"accept a, rejects b, ends c", "accept a", "", "rejects b, ends c"},
		{"rejects b, accept a", "", "", "rejects b, accept a"},
	} {
		var batch []inbound
		for i, name := range strings.Split(c.said, ", ") {
			m := frames[name]
			batch = append(batch, inbound{Frame: wire.Frame{ID: name, Type: m.Type(), Payload: m}, n: int64(i)})
		}
		names := func(list []inbound) string {
			var out []string
			for _, f := range list {
				out = append(out, f.ID)
			}
			return strings.Join(out, ", ")
		}
		accepts, reports, rest := together(batch)
		got := fmt.Sprintf("%s | %s | %s", names(accepts), names(reports), names(rest))
		if want := fmt.Sprintf("%s | %s | %s", c.accepts, c.reports, c.rest); got != want {
			t.Errorf("%s: %s, want %s", c.said, got, want)
		}
	}
}

package httpapi

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/casarerpa/fleet/internal/dbtest"
)

// costs collects the statements that ran and how many rows each gave.
type costs struct {
	mu  sync.Mutex
	ran []string
}

func (c *costs) trace(statement string, rows int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran = append(c.ran, fmt.Sprintf("%s %d", statement, rows))
}

// take gives what ran since the last time, in an order of its own: statements of
// one request may stand beside each other. What is written down in the
// background, whenever its time has come, belongs to no request.
func (c *costs) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ran := slices.DeleteFunc(c.ran, func(s string) bool {
		return slices.ContainsFunc(background, func(b string) bool { return strings.HasPrefix(s, b) })
	})
	c.ran = nil
	slices.Sort(ran)
	return strings.Join(ran, ", ")
}

var background = []string{"key.used"}

// TestForeignThingsCostWhatNoneDoes: an answer about another tenant's thing takes
// the database the same statements, with as many rows, as one about a thing that
// does not exist. Nobody can measure by the time which of the two it is.
func TestForeignThingsCostWhatNoneDoes(t *testing.T) {
	dbtest.EmbeddedOnly(t, "both databases run the same statements, and this one tells of them")
	c := &costs{}
	m := newMatrixOn(t, dbtest.Open(t, dbtest.Options{Trace: c.trace}))
	compared := 0
	for _, op := range m.ops {
		if !strings.Contains(op.path, "{") || !m.theirs(op) {
			continue
		}
		for _, who := range matrixCallers() {
			if who.letter == "" || who.letter == "n" || !who.may(op) || who.across(op) {
				continue
			}
			elsewhere, nowhere := m.their.path(t, op, who), m.nowhere(t, op)
			if m.ask(who, op, nowhere).status != 404 { // and what a first question looks up is looked up
				continue
			}
			c.take()
			m.ask(who, op, nowhere)
			absent := c.take()
			m.ask(who, op, elsewhere)
			foreign := c.take()
			if compared++; absent != foreign {
				t.Errorf("%s as %s: of a foreign thing:\n%s\nof none:\n%s", op.id, who.name, foreign, absent)
			}
		}
	}
	if compared < 200 {
		t.Errorf("only %d were compared", compared)
	}
	t.Logf("%d compared", compared)
}

package mailbox

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/dbtest"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/workflow/catalog"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const document = `{"metadata":{"name":"nothing"},"nodes":{"s":{"node_id":"s","node_type":"StartNode","config":{}}},"connections":[]}`

// Messages come while those who read them die at any moment, two at once: in the
// end each message has started one job.
func TestEachMessageOnce(t *testing.T) {
	o := newOffice(t, fleet.MailTLS)
	core := newCore(o)
	ctx, me, name := t.Context(), auth.Local(), "mail"
	_, err := core.Secrets.Put(ctx, me, orchestrator.SecretChange{Name: "mail", Fields: map[string]string{"password": password}})
	o.must(err)
	flow, _, err := core.Workflows.Put(ctx, me, "nothing", []byte(document))
	o.must(err)
	o.put("before")
	tr, err := core.Triggers.Create(ctx, me, orchestrator.TriggerChange{Name: &name, WorkflowID: &flow.WorkflowID, Email: &o.rule})
	o.must(err)
	scope := store.System("test").In(me.Tenant)
	_, err = core.Triggers.Read(ctx, scope, tr.ID)
	o.must(err)
	const n = 60
	rng, cut := mathrand.New(mathrand.NewPCG(1, 2)), 0 //nolint:gosec // chance of a test
	for i := range n {
		o.put(fmt.Sprint("m", i))
		done := make(chan error)
		for range 2 {
			// The fewest reach their end: it takes some milliseconds to connect.
			life, end := context.WithTimeout(ctx, time.Duration(rng.IntN(12_000))*time.Microsecond)
			go func() {
				defer end()
				_, err := core.Triggers.Read(life, scope, tr.ID)
				done <- err
			}()
		}
		for range 2 {
			if <-done != nil {
				cut++
			}
		}
	}
	_, err = core.Triggers.Read(ctx, scope, tr.ID)
	o.must(err)
	seen := map[string]int{}
	for page := (fleet.Page{Limit: 50}); ; {
		list, next, err := core.Triggers.Firings(ctx, me, name, "", page)
		o.must(err)
		for _, f := range list {
			if f.Outcome != fleet.FiringAccepted {
				t.Errorf("%+v", f)
			}
			seen[f.Key]++
		}
		if page.Cursor = next; next == "" {
			break
		}
	}
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%s started %d jobs", key, times)
		}
	}
	if len(seen) != n || cut == 0 {
		t.Errorf("%d of %d messages started a job; %d readers died", len(seen), n, cut)
	}
	t.Logf("%d of %d readers died", cut, 2*n)
}

func newCore(o *office) *orchestrator.Orchestrator {
	o.Helper()
	cat, err := catalog.Load()
	o.must(err)
	keys, err := seal.Parse("1:" + fmt.Sprintf("%064x", 7))
	o.must(err)
	ids := fleet.NewIDs(time.Now, rand.Reader)
	return orchestrator.New(orchestrator.Options{
		Store: dbtest.Open(o.T, dbtest.Options{Now: time.Now, IDs: ids}), IDs: ids, Now: time.Now, Chance: func() float64 { return 0 }, Catalog: cat,
		Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Limits: orchestrator.DefaultLimits(), Logger: slog.New(slog.DiscardHandler),
		Sealer: keys, Mail: o.box,
	})
}

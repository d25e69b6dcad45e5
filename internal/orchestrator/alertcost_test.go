package orchestrator

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// tallied is a store that counts how often all that waits and all that runs is read.
type tallied struct {
	store.Store
	waiting, working int
}

func (s *tallied) View(ctx context.Context, sc store.Scope, fn func(store.Reader) error) error {
	return s.Store.View(ctx, sc, func(r store.Reader) error { return fn(talliedReader{r, s}) })
}

type talliedReader struct {
	store.Reader
	of *tallied
}

func (r talliedReader) LongestWaiting(before time.Time) ([]store.WaitingJob, error) {
	r.of.waiting++
	return r.Reader.LongestWaiting(before)
}

func (r talliedReader) Working() ([]store.WorkingJob, error) {
	r.of.working++
	return r.Reader.Working()
}

// What waits and what runs is read once in a pass, however many tenants there are, and
// each tenant is told of its own.
func TestLookReadsOnceForAllTenants(t *testing.T) {
	a := newAlerting(t)
	const tenants = 5
	for k := range tenants {
		p := auth.Local()
		p.Tenant = fleet.TenantID(fmt.Sprint("tenant-", k))
		for range k + 1 {
			_, err := a.Jobs.Submit(t.Context(), p, SubmitRequest{Document: []byte(document)})
			a.must(err)
		}
	}
	counted := &tallied{Store: a.store}
	a.Alerts.Store = counted
	a.now = a.now.Add(3 * time.Hour)
	a.must(a.Alerts.Look(t.Context(), a.scope))
	if counted.waiting != 1 || counted.working != 1 {
		t.Errorf("read %d and %d times for %d tenants", counted.waiting, counted.working, tenants)
	}
	for k := range tenants {
		a.now = a.now.Add(time.Minute)
		a.must(a.Alerts.Look(t.Context(), a.scope))
		p := auth.Local()
		p.Tenant = fleet.TenantID(fmt.Sprint("tenant-", k))
		list, err := a.Alerts.Incidents(t.Context(), p, IncidentQuery{State: "live", Kind: fleet.AlertJobWaiting}, fleet.Page{})
		a.must(err)
		if len(list.Incidents) != 1 || list.Incidents[0].Count != int64(k+1) {
			t.Errorf("tenant %d: %+v", k, list.Incidents)
		}
	}
}

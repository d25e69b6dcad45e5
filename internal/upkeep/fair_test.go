package upkeep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
)

// patience is for what takes milliseconds.
const patience = 20 * time.Second

// of is an administrator of a tenant.
func of(tenant fleet.TenantID) auth.Principal {
	p := auth.Local()
	p.Tenant = tenant
	return p
}

// hanging are receivers: those whose address says so do not answer before the end.
type hanging struct {
	end  chan struct{}
	good chan string // who was reached
}

func newHanging() *hanging {
	return &hanging{end: make(chan struct{}), good: make(chan string, 100)}
}

func (h *hanging) call(ctx context.Context, to string) error {
	if strings.Contains(to, "dead") {
		select {
		case <-h.end:
		case <-ctx.Done():
		}
		return errors.New("no answer")
	}
	h.good <- to
	return nil
}

func (h *hanging) Check(context.Context, string) error { return nil }

func (h *hanging) Bring(ctx context.Context, url string, _ map[string]string, _ []byte) fleet.DeliveryTry {
	if err := h.call(ctx, url); err != nil {
		return fleet.DeliveryTry{Fault: err.Error()}
	}
	return fleet.DeliveryTry{Status: 200}
}

func (h *hanging) Webhook(ctx context.Context, url, _, _ string, _ time.Time, _ []byte) error {
	return h.call(ctx, url)
}

func (h *hanging) Mail(ctx context.Context, way fleet.EmailWay, _, _ string, _ time.Time, _, _ string) error {
	return h.call(ctx, way.Host)
}

// reached waits for somebody to be reached while others still hang.
func (h *hanging) reached(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-h.good:
		if got != want {
			t.Errorf("%s was reached, want %s", got, want)
		}
	case <-time.After(patience):
		t.Errorf("%s is not reached while others do not answer", want)
	}
}

// The webhooks of one tenant do not answer, more of them than may be called at once:
// that of another is called all the same.
func TestWebhooksOfOneTenantHoldUpNoOther(t *testing.T) {
	f := newFleet(t)
	h := newHanging()
	keys, err := seal.Parse("1:" + strings.Repeat("07", 32))
	f.must(err)
	f.core.Webhooks.Courier, f.core.Webhooks.Sealer = h, keys
	chore := &Webhooks{Webhooks: f.core.Webhooks, Signals: f.store.Signals(), Now: func() time.Time { return f.clock }, Logger: f.timers.Logger}
	add := func(tenant fleet.TenantID, name string) {
		url, types := "https://"+name+".example.org/x", []fleet.EventKind{fleet.EventQueueCreated}
		_, _, err := f.core.Webhooks.Create(t.Context(), of(tenant), orchestrator.WebhookChange{Name: &name, URL: &url, Types: &types})
		f.must(err)
	}
	for k := range 99 { // as many as one tenant may have, or nearly
		add("default", fmt.Sprint("dead-", k))
	}
	add("globex", "good")
	for _, tenant := range []fleet.TenantID{"default", "globex"} {
		f.must(f.store.Update(t.Context(), store.Tenant(tenant), func(tx store.Tx) error {
			return tx.Append(tenant, fleet.EventDraft{Kind: fleet.EventQueueCreated, Subject: fleet.SubjectQueue, SubjectID: "q"})
		}))
	}
	f.must(chore.RunOnce(t.Context()))
	h.reached(t, "https://good.example.org/x")
	chore.mu.Lock()
	if got, most := chore.places.tenants["default"], webhookPlaces().ofTenant; got != most {
		t.Errorf("%d calls of the tenant are under way, want %d", got, most)
	}
	chore.mu.Unlock()
	close(h.end)
	chore.Wait()
	if chore.places.taken != 0 || len(chore.places.tenants) != 0 || len(chore.places.ones) != 0 {
		t.Errorf("places that nobody has are taken: %+v", chore.places)
	}
}

// incidents stores incidents of a tenant with a notice each.
func (f *fleetOfOne) incidents(tenant fleet.TenantID, channel fleet.ID, n int) {
	f.t.Helper()
	rule := fleet.BuiltinAlertRules(tenant)[0]
	f.must(f.store.Update(f.t.Context(), store.Tenant(tenant), func(tx store.Tx) error {
		for k := range n {
			i := rule.Begin(f.core.Alerts.IDs.New(), &fleet.Sighting{Cause: fmt.Sprint(channel, k), Title: "x", At: f.clock, Count: 1, Subject: fleet.EventSubject{Kind: fleet.SubjectWorkflow, ID: "w"}})
			i.Open(&rule, f.clock)
			i.DueAt = f.clock
			err := errors.Join(tx.AddIncident(i), tx.AddNotices([]fleet.Notice{{
				ID: f.core.Alerts.IDs.New(), Tenant: tenant, Incident: i.ID, Channel: channel, Kind: fleet.NoticeOpened, State: fleet.NoticeWaiting, DueAt: f.clock, CreatedAt: f.clock,
			}}))
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// The mail server of one tenant does not answer: notices of another, and by another
// channel, are sent all the same.
func TestMailServerOfOneTenantHoldsUpNoOther(t *testing.T) {
	f := newFleet(t)
	h := newHanging()
	f.core.Alerts.Notify = h
	channel := func(tenant fleet.TenantID, host string) fleet.ID {
		c, _, err := f.core.Alerts.CreateChannel(t.Context(), of(tenant), orchestrator.ChannelChange{Name: &host, Email: &fleet.EmailWay{Host: host, From: "a@b.c", To: []string{"a@b.c"}}})
		f.must(err)
		return c.ID
	}
	f.incidents("default", channel("default", "dead"), 100)
	f.clock = f.clock.Add(time.Second)
	f.incidents("globex", channel("globex", "good"), 1)
	notices := &Notices{Alerts: f.core.Alerts, Logger: f.timers.Logger}
	f.must(notices.RunOnce(t.Context()))
	h.reached(t, "good")
	f.incidents("default", channel("default", "fine"), 1)
	// The channel that does not answer has two places of its tenant's eight, and the
	// other one is behind a hundred notices: it has its turn while they are tried.
	close(h.end)
	notices.Wait()
	for range 100 {
		f.must(notices.RunOnce(t.Context()))
		notices.Wait()
		if len(h.good) > 0 {
			break
		}
	}
	h.reached(t, "fine")
	if notices.places.taken != 0 || len(notices.busy) != 0 {
		t.Errorf("places that nobody has are taken: %+v", notices.places)
	}
}

// broken is a store in which nothing of one tenant can be read.
type broken struct {
	store.Store
	tenant fleet.TenantID
}

func (b broken) View(ctx context.Context, s store.Scope, fn func(store.Reader) error) error {
	if tenant, ok := s.One(); ok && tenant == b.tenant {
		return errors.New("the page of the index is damaged")
	}
	return b.Store.View(ctx, s, fn)
}

// What cannot be read of one tenant holds up neither the incidents nor the notices of
// another, however many there are.
func TestFaultOfOneTenantHoldsUpNoOther(t *testing.T) {
	f := newFleet(t)
	h := newHanging()
	f.core.Alerts.Notify = h
	f.incidents("default", fleet.LogChannelID, 500)
	f.clock = f.clock.Add(time.Second)
	c, _, err := f.core.Alerts.CreateChannel(t.Context(), of("globex"), orchestrator.ChannelChange{Name: new("good"), Email: &fleet.EmailWay{Host: "good", From: "a@b.c", To: []string{"a@b.c"}}})
	f.must(err)
	f.incidents("globex", c.ID, 1)
	f.core.Alerts.Store = broken{f.store, "default"}
	notices := &Notices{Alerts: f.core.Alerts, Logger: f.timers.Logger}
	f.must(notices.RunOnce(t.Context()))
	h.reached(t, "good")
	notices.Wait()
	if err := notices.RunOnce(t.Context()); err == nil || !strings.Contains(err.Error(), "of tenant default: the page of the index is damaged") {
		t.Errorf("the fault is %v", err)
	}
	notices.Wait()
	if err := f.core.Alerts.Due(t.Context(), store.System("alerts")); err == nil || !strings.Contains(err.Error(), "of tenant default") {
		t.Errorf("the fault is %v", err)
	}
	f.core.Alerts.Store = f.store
	list, err := f.core.Alerts.Incidents(t.Context(), of("globex"), orchestrator.IncidentQuery{}, fleet.Page{})
	f.must(err)
	if len(list.Incidents) != 1 || list.Incidents[0].State != fleet.IncidentResolved {
		t.Errorf("the incident of the other tenant was not looked at: %+v", list.Incidents)
	}
}

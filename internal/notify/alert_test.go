package notify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
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

// From a fact of the log to a call that a receiver believes: the first answer is a
// fault, two leaders send at once, the keys are wrapped anew, and the receiver sees
// one id whose signature it computes by itself.
func TestFromFactToCall(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var secret string
	var ids []string
	answers := []int{503}
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		key, _ := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
		m := hmac.New(sha256.New, key)
		_, _ = io.WriteString(m, strings.Join([]string{r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), string(body)}, "."))
		if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
		}
		var event struct {
			ID, Type, Subject string
			Data              fleet.Incident
		}
		if json.Unmarshal(body, &event) != nil || event.ID != r.Header.Get("webhook-id") || event.Type != "casare.fleet.alert.opened" || event.Data.Kind != fleet.AlertBrake {
			t.Errorf("body %s", body)
		}
		ids = append(ids, event.ID)
		status := http.StatusNoContent
		if len(answers) > 0 {
			status, answers = answers[0], answers[1:]
		}
		w.WriteHeader(status)
	}))
	defer receiver.Close()

	cat, err := catalog.Load()
	must(err)
	old, err := seal.Parse("1:" + fmt.Sprintf("%064x", 7))
	must(err)
	newer, err := seal.Parse(fmt.Sprintf("1:%064x\n2:%064x", 7, 8))
	must(err)
	now := then
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	later := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	newIDs := fleet.NewIDs(clock, rand.Reader)
	db := dbtest.Open(t, dbtest.Options{Now: clock, IDs: newIDs})
	core := func(keys seal.Keys) *orchestrator.Orchestrator {
		return orchestrator.New(orchestrator.Options{
			Store: db, IDs: newIDs, Now: clock, Chance: func() float64 { return 0 }, Catalog: cat, Limits: orchestrator.DefaultLimits(),
			Timing: func(string) fleet.Timing { return fleet.DefaultTiming() }, Logger: slog.New(slog.DiscardHandler), Sealer: keys,
			Notify: New(Options{Client: receiver.Client()}),
		})
	}
	ctx, me, scope := t.Context(), auth.Local(), store.System("alerts")
	first := core(old)
	name, yes := "team", true
	made, shown, err := first.Alerts.CreateChannel(ctx, me, orchestrator.ChannelChange{Name: &name, Default: &yes, Webhook: &fleet.WebhookWay{URL: receiver.URL}})
	must(err)
	secret = shown
	rows, err := db.QueryText(ctx, "select sealed from secret_values")
	must(err)
	if len(rows) != 1 || strings.Contains(rows[0][0], shown[len("whsec_"):]) {
		t.Errorf("the secret at rest: %v", rows)
	}
	must(db.Update(ctx, me.Scope(), func(tx store.Tx) error {
		return tx.Append(me.Tenant, fleet.EventDraft{Kind: fleet.EventBrake, Subject: fleet.SubjectFleet, SubjectID: "fleet"})
	}))
	must(first.Alerts.Follow(ctx, scope))
	send := func(c *orchestrator.Orchestrator) {
		list, err := c.Alerts.DueNotices(ctx, scope)
		if err != nil {
			t.Error(err)
		}
		for _, n := range list {
			if _, err := c.Alerts.Send(ctx, scope, n); err != nil {
				t.Error(err)
			}
		}
	}
	send(first)           // and the receiver has a fault
	second := core(newer) // with a newer master key
	n, err := second.Secrets.Rewrap(ctx, me)
	must(err)
	if n != 1 {
		t.Errorf("%d values wrapped anew", n)
	}
	later(time.Minute)
	var both sync.WaitGroup
	for _, c := range []*orchestrator.Orchestrator{second, core(newer)} {
		both.Go(func() { send(c) })
	}
	both.Wait()
	later(time.Minute)
	send(second)
	if len(ids) != 2 || len(slices.Compact(slices.Clone(ids))) != 1 {
		t.Errorf("called with %v", ids)
	}
	if c, err := second.Alerts.Channel(ctx, me, name); err != nil || c.State.Streak != 0 || c.State.LastOK.IsZero() {
		t.Errorf("%+v, %v", c.State, err)
	}
	// Another secret, and the one before counts no more.
	_, secret, err = second.Alerts.RotateChannel(ctx, me, string(made.ID))
	must(err)
	if secret == shown {
		t.Error("the secret is the same")
	}
	must(second.Alerts.DeleteChannel(ctx, me, name))
	if rows, err := db.QueryText(ctx, "select sealed from secret_values"); err != nil || len(rows) != 0 {
		t.Errorf("after the channel is gone: %v, %v", rows, err)
	}
}

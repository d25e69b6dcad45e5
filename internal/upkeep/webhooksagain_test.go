package upkeep

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
)

// TestWebhookReplay sends again what happened from a time on, or one event, and
// what is too old not.
func TestWebhookReplay(t *testing.T) {
	s := newSending(t)
	ctx := t.Context()
	for day := range 20 {
		s.happens(fleet.EventQueueCreated, fmt.Sprint(day))
		s.goes(24 * time.Hour)
	}
	if len(s.to.ids) != 20 {
		t.Fatalf("%d taken", len(s.to.ids))
	}
	sent := slices.Clone(s.to.ids)
	out, err := s.core.Webhooks.ReplayFrom(ctx, s.admin(), "watch", s.clock.Add(-3*24*time.Hour-time.Hour))
	s.must(err)
	s.goes(time.Second)
	s.goes(time.Second)
	if again := s.to.ids[20:]; !maps.Equal(set(again), set(sent[17:])) || len(again) != 3 || out.Events < 3 {
		t.Fatalf("sent again: %v of %v", again, sent)
	}
	if _, err := s.core.Webhooks.ReplayFrom(ctx, s.admin(), "watch", s.clock.Add(-15*24*time.Hour)); err == nil || fleet.AsError(err).Reason != "replay_too_old" {
		t.Errorf("15 days back: %v", err)
	}
	_, err = s.core.Webhooks.ReplayOne(ctx, s.admin(), "watch", fleet.ID(sent[10]))
	s.must(err)
	s.goes(time.Second)
	if s.to.ids[len(s.to.ids)-1] != sent[10] {
		t.Errorf("sent again: %v", s.to.ids[23:])
	}
	d, err := s.core.Webhooks.Delivery(ctx, s.admin(), "watch", fleet.ID(sent[10]))
	s.must(err)
	if len(d.Log) != 2 || d.State != fleet.DeliveryDelivered || d.Log[0].Headers[hook.HeaderSignature] != "" {
		t.Errorf("delivery: %+v", d)
	}
	if _, err := s.core.Webhooks.ReplayOne(ctx, s.admin(), "watch", fleet.ID(sent[1])); err == nil || fleet.AsError(err).Reason != "replay_too_old" {
		t.Errorf("19 days back: %v", err)
	}
	n, err := s.core.Webhooks.Prune(ctx, store.System("test"), s.clock.Add(-fleet.WebhookKept), 100)
	s.must(err)
	s.clock = s.clock.Add(25 * 24 * time.Hour)
	more, err := s.core.Webhooks.Prune(ctx, store.System("test"), s.clock.Add(-fleet.WebhookKept), 100)
	s.must(err)
	if n != 0 || more != 16 {
		t.Errorf("%d and then %d deliveries were taken away", n, more)
	}
}

func set(list []string) map[string]bool {
	out := map[string]bool{}
	for _, x := range list {
		out[x] = true
	}
	return out
}

// TestWebhookSkips: enabled with skip, it is sent what happens from then on.
func TestWebhookSkips(t *testing.T) {
	s := newSending(t)
	ctx := t.Context()
	s.to.answer = status(500)
	s.happens(fleet.EventQueueCreated, "a")
	s.goes(time.Second)
	_, err := s.core.Webhooks.Disable(ctx, s.admin(), "watch", "month end")
	s.must(err)
	s.happens(fleet.EventQueueCreated, "b")
	s.to.answer = nil
	_, err = s.core.Webhooks.Enable(ctx, s.admin(), "watch", true)
	s.must(err)
	s.happens(fleet.EventQueueCreated, "c")
	s.goes(time.Minute)
	if v := s.view(); len(s.to.ids) != 1 || v.GivenUp != 1 || v.Open != 0 {
		t.Errorf("taken %v, it stands as %+v", s.to.ids, v)
	}
}

// TestWebhookSecretsAreSealed: no secret is in the store, and one that an older
// master key has wrapped is wrapped anew with the others.
func TestWebhookSecretsAreSealed(t *testing.T) {
	s := newSending(t)
	var list []store.WebhookSecret
	look := func() {
		s.must(s.store.View(t.Context(), s.admin().Scope(), func(r store.Reader) (err error) { list, err = r.WebhookSecrets(s.hook.ID); return err }))
	}
	look()
	if len(list) != 1 || list[0].KeyVersion != 1 || strings.Contains(fmt.Sprint(list), s.to.secret[6:]) {
		t.Fatalf("kept: %+v", list)
	}
	keys, err := seal.Parse("1:" + strings.Repeat("07", 32) + "\n2:" + strings.Repeat("08", 32))
	s.must(err)
	s.core.Webhooks.Sealer = keys
	n, err := s.core.Secrets.Rewrap(t.Context(), s.admin())
	s.must(err)
	if look(); n != 1 || list[0].KeyVersion != 2 {
		t.Errorf("%d wrapped anew: %+v", n, list)
	}
	s.happens(fleet.EventQueueCreated, "a")
	s.goes(time.Second)
	if len(s.to.ids) != 1 {
		t.Error("it cannot be opened any more")
	}
}

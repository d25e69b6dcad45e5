package upkeep

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/seal"
	"github.com/casarerpa/fleet/internal/store"
)

// receiver is a system that is sent events. It checks what a receiver checks.
type receiver struct {
	t      *testing.T
	now    func() time.Time
	mu     sync.Mutex
	secret string                                                 // that it has
	answer func(id string, body map[string]any) fleet.DeliveryTry // nil: it takes everything
	ids    []string                                               // of the calls that it has taken, in their order
	kinds  []string
	calls  int
	bodies [][]byte
	signed int         // signatures of the last call
	after  func() bool // after a call; true: the answer never arrives
}

func (r *receiver) Check(context.Context, string) error { return nil }

func (r *receiver) Bring(ctx context.Context, _ string, headers map[string]string, body []byte) fleet.DeliveryTry {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	r.signed = len(strings.Fields(headers[hook.HeaderSignature]))
	rule := fleet.WebhookRule{Auth: fleet.WebhookStandard}
	if err := hook.Check(&rule, r.secret, hook.Call{Header: func(n string) string { return headers[n] }, Body: body}, r.now()); err != nil {
		r.t.Errorf("a call that is not proven: %v", headers)
	}
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil || event["id"] != headers[hook.HeaderID] || event["specversion"] != "1.0" {
		r.t.Errorf("no CloudEvent of this id: %s", body)
	}
	try := fleet.DeliveryTry{Status: 202}
	if r.answer != nil {
		try = r.answer(headers[hook.HeaderID], event)
	}
	if try.Arrived() {
		r.ids = append(r.ids, headers[hook.HeaderID])
		r.kinds = append(r.kinds, strings.TrimPrefix(fmt.Sprint(event["type"]), "casare.fleet."))
		r.bodies = append(r.bodies, slices.Clone(body))
	}
	if r.after != nil && r.after() {
		<-ctx.Done()
	}
	return try
}

// sending is a fleet with a webhook.
type sending struct {
	*fleetOfOne
	to    *receiver
	chore *Webhooks
	hook  fleet.Webhook
}

func newSending(t *testing.T, change ...func(c *orchestrator.WebhookChange)) *sending {
	t.Helper()
	f := newFleet(t)
	keys, err := seal.Parse("1:" + strings.Repeat("07", 32))
	f.must(err)
	now := func() time.Time { return f.clock }
	s := &sending{fleetOfOne: f, to: &receiver{t: t, now: now}}
	f.core.Webhooks.Courier, f.core.Webhooks.Sealer, f.core.Webhooks.Chance = s.to, keys, func() float64 { return 0.5 }
	s.chore = s.member(nil)
	name, url, rate := "watch", "https://example.org/events", 100
	types := []fleet.EventKind{fleet.EventQueueCreated}
	c := orchestrator.WebhookChange{Name: &name, URL: &url, RatePerSecond: &rate, Types: &types}
	for _, do := range change {
		do(&c)
	}
	s.hook, s.to.secret, err = f.core.Webhooks.Create(t.Context(), f.admin(), c)
	f.must(err)
	return s
}

// member is an orchestrator that does the chore if it leads.
func (s *sending) member(lead Lead) *Webhooks {
	return &Webhooks{Webhooks: s.core.Webhooks, Signals: s.store.Signals(), Now: func() time.Time { return s.clock }, Logger: s.timers.Logger, Lead: lead}
}

// happens adds events to the log.
func (s *sending) happens(kind fleet.EventKind, subjects ...string) {
	s.t.Helper()
	s.must(s.store.Update(s.t.Context(), s.admin().Scope(), func(tx store.Tx) error {
		for _, subject := range subjects {
			if err := tx.Append("default", fleet.EventDraft{Kind: kind, Subject: fleet.SubjectQueue, SubjectID: subject}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// goes lets time go on and the chore run.
func (s *sending) goes(d time.Duration) {
	s.t.Helper()
	s.clock = s.clock.Add(d)
	s.must(s.chore.RunOnce(s.t.Context()))
	s.chore.Wait()
}

func (s *sending) view() orchestrator.WebhookView {
	s.t.Helper()
	v, err := s.core.Webhooks.Get(s.t.Context(), s.admin(), "watch")
	s.must(err)
	return v
}

func (s *sending) deliveries(state fleet.DeliveryState) []fleet.Delivery {
	s.t.Helper()
	list, _, err := s.core.Webhooks.Deliveries(s.t.Context(), s.admin(), "watch", state, fleet.Page{Limit: 500})
	s.must(err)
	return list
}

// events of a kind in the log.
func (s *sending) events(kind fleet.EventKind) (out []fleet.Event) {
	s.t.Helper()
	s.must(s.store.View(s.t.Context(), s.admin().Scope(), func(r store.Reader) (err error) {
		out, err = r.Events(store.EventFilter{Kinds: []fleet.EventKind{kind}})
		return err
	}))
	return out
}

func status(n int) func(string, map[string]any) fleet.DeliveryTry {
	return func(string, map[string]any) fleet.DeliveryTry { return fleet.DeliveryTry{Status: n} }
}

// TestWebhookDownForADay: a receiver that is down for a day is sent all of its
// events afterwards, each accepted once and under its own id, and hears that it
// is reached again.
func TestWebhookDownForADay(t *testing.T) {
	s := newSending(t, func(c *orchestrator.WebhookChange) {
		*c.Types = append(*c.Types, fleet.EventWebhookRecovered)
	})
	s.to.answer = func(string, map[string]any) fleet.DeliveryTry { return fleet.DeliveryTry{Fault: "connection refused"} }
	var want []string
	for hour := range 24 {
		name := fmt.Sprint("q", hour)
		s.happens(fleet.EventQueueCreated, name)
		s.happens(fleet.EventQueueDeleted, name) // it is not sent these
		for range 4 {
			s.goes(15 * time.Minute)
		}
	}
	for _, e := range s.events(fleet.EventQueueCreated) {
		want = append(want, string(e.ID))
	}
	if len(s.to.ids) != 0 || len(want) != 24 || len(s.deliveries(fleet.DeliveryWaiting)) != 24 {
		t.Fatalf("%d taken, %d wait, %d happened", len(s.to.ids), len(s.deliveries(fleet.DeliveryWaiting)), len(want))
	}
	if v := s.view(); v.FailingSince.IsZero() || v.Fault != "connection refused" || !v.Enabled {
		t.Errorf("it stands as %+v", v.WebhookState)
	}
	s.to.answer = nil
	for range 24 * 4 {
		s.goes(15 * time.Minute)
	}
	recovered := s.events(fleet.EventWebhookRecovered)
	if len(recovered) != 1 {
		t.Fatalf("%d times it has recovered", len(recovered))
	}
	want = append(want, string(recovered[0].ID))
	got := slices.Clone(s.to.ids)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("taken:\n%v\nwant:\n%v", got, want)
	}
	v := s.view()
	if v.Delivered != 25 || v.GivenUp != 0 || v.Open != 0 || v.Behind != 0 || v.Fault != "" || !v.FailingSince.IsZero() {
		t.Errorf("it stands as %+v", v)
	}
}

// TestWebhookGivesUp: after the last retry a delivery is given up and listed;
// after five days without a success the webhook is disabled, and enabled again it
// goes on where it stopped.
func TestWebhookGivesUp(t *testing.T) {
	s := newSending(t)
	s.to.answer = status(500)
	s.happens(fleet.EventQueueCreated, "first")
	began := s.clock
	var at []time.Duration
	for s.clock.Sub(began) < 4*24*time.Hour {
		was := s.to.calls
		s.goes(5 * time.Second)
		if s.to.calls != was {
			at = append(at, s.clock.Sub(began))
		}
		if open := s.deliveries(fleet.DeliveryWaiting); len(open) == 1 { // there is nothing to see in between
			s.clock = open[0].NextAt.Add(-5 * time.Second)
		} else {
			break
		}
	}
	var want []time.Duration
	sum := 5 * time.Second
	for n := 1; ; n++ {
		want = append(want, sum)
		pause, again := fleet.DeliveryPause(n, 0.5)
		if !again {
			break
		}
		sum += pause
	}
	if !slices.Equal(at, want) || len(want) != 10 {
		t.Errorf("tried after %v, want %v", at, want)
	}
	given := s.deliveries(fleet.DeliveryGivenUp)
	if len(given) != 1 || given[0].Status != 500 {
		t.Fatalf("given up: %+v", given)
	}
	s.clock = began.Add(5*24*time.Hour - time.Minute)
	s.goes(0)
	if v := s.view(); !v.Enabled || v.GivenUp != 1 {
		t.Errorf("before five days it stands as %+v", v)
	}
	s.happens(fleet.EventQueueCreated, "second")
	s.goes(2 * time.Minute) // fails once more, or is overdue
	s.goes(time.Second)
	v := s.view()
	if v.Enabled || !strings.Contains(v.Note, "5 days") {
		t.Fatalf("after five days it stands as %+v", v)
	}
	if list := s.events(fleet.EventWebhookDisabled); len(list) != 1 || list[0].Subject.ID != string(s.hook.ID) {
		t.Fatalf("events: %+v", list)
	}
	s.happens(fleet.EventQueueCreated, "third")
	calls := s.to.calls
	s.goes(48 * time.Hour)
	if s.to.calls != calls {
		t.Error("a disabled one is called")
	}
	s.to.answer = nil
	_, err := s.core.Webhooks.Enable(t.Context(), s.admin(), "watch", false)
	s.must(err)
	s.goes(time.Second)
	s.goes(time.Second)
	if n := len(s.to.ids); n != 2 || len(s.events(fleet.EventWebhookRecovered)) != 1 {
		t.Errorf("%d taken, want the second and the third; %d times it has recovered", n, len(s.events(fleet.EventWebhookRecovered)))
	}
}

// TestWebhookThatStoppedIsAnIncident: until somebody enables it again.
func TestWebhookThatStoppedIsAnIncident(t *testing.T) {
	s := newSending(t)
	look := &Alerts{Alerts: s.core.Alerts, Signals: s.store.Signals(), Now: func() time.Time { return s.clock }, Logger: s.timers.Logger}
	live := func() []fleet.Incident {
		t.Helper()
		s.must(look.RunOnce(t.Context()))
		list, err := s.core.Alerts.Incidents(t.Context(), s.admin(), orchestrator.IncidentQuery{State: "live", Kind: fleet.AlertWebhookDisabled}, fleet.Page{})
		s.must(err)
		return list.Incidents
	}
	_, err := s.core.Webhooks.Disable(t.Context(), s.admin(), string(s.hook.ID), "for the weekend")
	s.must(err)
	if list := live(); len(list) != 0 {
		t.Errorf("although somebody said so: %+v", list)
	}
	_, err = s.core.Webhooks.Enable(t.Context(), s.admin(), string(s.hook.ID), false)
	s.must(err)
	s.to.answer = status(410)
	s.happens(fleet.EventQueueCreated, "one")
	s.goes(5 * time.Second)
	list := live()
	if len(list) != 1 || list[0].Cause != string(s.hook.ID) || !strings.Contains(list[0].Title, "watch") || !strings.Contains(list[0].Title, "410") {
		t.Fatalf("%+v", list)
	}
	s.clock = s.clock.Add(2 * time.Hour)
	if list = live(); len(list) != 1 {
		t.Errorf("it is disabled still: %+v", list)
	}
	_, err = s.core.Webhooks.Enable(t.Context(), s.admin(), string(s.hook.ID), true)
	s.must(err)
	s.clock = s.clock.Add(2 * time.Hour)
	if list = live(); len(list) != 0 {
		t.Errorf("although it is enabled again: %+v", list)
	}
}

// TestWebhookGone: 410 disables it, and nothing more is sent.
func TestWebhookGone(t *testing.T) {
	s := newSending(t)
	s.to.answer = status(410)
	s.happens(fleet.EventQueueCreated, "a")
	s.goes(time.Second)
	if v := s.view(); v.Enabled || !strings.Contains(v.Note, "410") {
		t.Fatalf("it stands as %+v", v)
	}
	list := s.events(fleet.EventWebhookDisabled)
	if len(list) != 1 || !strings.Contains(string(list[0].Data), "410") {
		t.Fatalf("events: %+v", list)
	}
	rows, err := s.core.Audits.List(t.Context(), s.admin(), store.AuditFilter{Limit: 100})
	s.must(err)
	if i := slices.IndexFunc(rows, func(r fleet.AuditEntry) bool { return r.Action == "webhook.disabled" }); i < 0 || rows[i].Actor.Name != "webhook watch" {
		t.Error("the audit does not say who disabled it")
	}
	s.goes(24 * time.Hour)
	if s.to.calls != 1 {
		t.Errorf("%d calls", s.to.calls)
	}
}

// TestWebhookStopsBetween: whoever stops after a call and before the note sends
// the same again under the same id.
func TestWebhookStopsBetween(t *testing.T) {
	s := newSending(t)
	s.happens(fleet.EventQueueCreated, "a")
	ctx, kill := context.WithCancel(t.Context())
	s.to.after = func() bool { kill(); return true }
	first := s.member(nil)
	s.must(first.RunOnce(ctx))
	first.Wait()
	if len(s.to.ids) != 1 || s.view().Delivered != 0 {
		t.Fatalf("%d taken, %d noted", len(s.to.ids), s.view().Delivered)
	}
	s.to.after = nil
	s.goes(time.Second) // by another
	if len(s.to.ids) != 2 || s.to.ids[0] != s.to.ids[1] || s.view().Delivered != 1 {
		t.Fatalf("taken %v, %d noted", s.to.ids, s.view().Delivered)
	}
	s.goes(time.Hour)
	if len(s.to.ids) != 2 {
		t.Errorf("taken %v", s.to.ids)
	}
}

// TestWebhookOfTwoMembers: of two orchestrators one sends. Where both believe
// that they lead, each event still counts once.
func TestWebhookOfTwoMembers(t *testing.T) {
	s := newSending(t)
	no := func() (int64, bool) { return 0, false }
	ctx, stop := context.WithCancel(t.Context())
	idle := make(chan struct{})
	go func() { s.member(no).Run(ctx); close(idle) }()
	s.happens(fleet.EventQueueCreated, "a")
	s.goes(time.Second)
	stop()
	<-idle
	if len(s.to.ids) != 1 {
		t.Fatalf("taken %v", s.to.ids)
	}
	s.happens(fleet.EventQueueCreated, "b", "c")
	members := []*Webhooks{s.member(nil), s.member(nil)}
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() {
			if err := m.RunOnce(t.Context()); err != nil {
				t.Error(err)
			}
			m.Wait()
		})
	}
	all.Wait()
	s.goes(time.Second)
	names := map[string]bool{}
	for _, id := range s.to.ids {
		names[id] = true
	}
	if v := s.view(); v.Delivered != 3 || v.Open != 0 || len(names) != 3 {
		t.Errorf("it stands as %+v, taken %v", v, s.to.ids)
	}
}

// TestWebhookRotates: while a secret is replaced, both prove a call; afterwards
// the new one alone.
func TestWebhookRotates(t *testing.T) {
	s := newSending(t)
	older := s.to.secret
	_, newer, err := s.core.Webhooks.Rotate(t.Context(), s.admin(), "watch", time.Hour)
	s.must(err)
	for i, c := range []struct {
		secret string
		after  time.Duration
		signed int
	}{{older, time.Minute, 2}, {newer, time.Minute, 2}, {newer, time.Hour, 1}} {
		s.to.secret = c.secret
		s.happens(fleet.EventQueueCreated, fmt.Sprint(i))
		s.goes(c.after)
		if len(s.to.ids) != i+1 || s.to.signed != c.signed {
			t.Errorf("%d: %d taken, %d signatures, want %d", i, len(s.to.ids), s.to.signed, c.signed)
		}
	}
}

// TestWebhookIsLeftAlone: 429 and 503 with Retry-After hold all calls until then.
func TestWebhookIsLeftAlone(t *testing.T) {
	s := newSending(t)
	s.to.answer = func(string, map[string]any) fleet.DeliveryTry {
		return fleet.DeliveryTry{Status: 429, RetryAfter: time.Hour}
	}
	s.happens(fleet.EventQueueCreated, "a")
	s.goes(time.Second)
	s.to.answer = nil
	s.happens(fleet.EventQueueCreated, "b")
	for range 59 {
		s.goes(time.Minute)
	}
	if s.to.calls != 1 {
		t.Fatalf("%d calls within the hour", s.to.calls)
	}
	s.goes(2 * time.Minute)
	if len(s.to.ids) != 2 {
		t.Errorf("taken %v", s.to.ids)
	}
}

// TestWebhookInOrder: the events of one subject arrive one after another, those
// of others meanwhile.
func TestWebhookInOrder(t *testing.T) {
	yes := true
	s := newSending(t, func(c *orchestrator.WebhookChange) {
		c.Ordered = &yes
		*c.Types = append(*c.Types, fleet.EventQueuePaused, fleet.EventQueueDeleted)
	})
	failed := false
	s.to.answer = func(_ string, e map[string]any) fleet.DeliveryTry {
		if e["subject"] == "queue/a" && !failed {
			failed = true
			return fleet.DeliveryTry{Status: 500}
		}
		return fleet.DeliveryTry{Status: 200}
	}
	s.happens(fleet.EventQueueCreated, "a", "b")
	s.happens(fleet.EventQueuePaused, "a", "b")
	s.happens(fleet.EventQueueDeleted, "a")
	s.goes(time.Second)
	s.goes(time.Second)
	if got := strings.Join(s.to.kinds, " "); got != "queue.created queue.paused" { // of b
		t.Fatalf("first: %s", got)
	}
	for range 5 {
		s.goes(3 * time.Second)
	}
	if got := strings.Join(s.to.kinds[2:], " "); got != "queue.created queue.paused queue.deleted" {
		t.Errorf("then: %s", got)
	}
}

// TestWebhookPace: no more a second than was asked for, whatever waits.
func TestWebhookPace(t *testing.T) {
	three := 3
	s := newSending(t, func(c *orchestrator.WebhookChange) { c.RatePerSecond = &three })
	s.happens(fleet.EventQueueCreated, strings.Split("a b c d e f g h i j", " ")...)
	for second, want := range []int{3, 6, 9, 10} {
		s.goes(0)
		s.goes(0)
		if len(s.to.ids) != want {
			t.Errorf("second %d: %d taken, want %d", second, len(s.to.ids), want)
		}
		s.clock = s.clock.Add(time.Second)
	}
}

// TestWebhookWindow: however much happens, no more than so much is under way; the
// rest waits in the log and is sent as well.
func TestWebhookWindow(t *testing.T) {
	s := newSending(t)
	var names []string
	for i := range fleet.WebhookWindowSize + 120 {
		names = append(names, fmt.Sprint(i))
	}
	s.to.answer = status(500)
	s.happens(fleet.EventQueueCreated, names...)
	s.goes(time.Second)
	if v := s.view(); v.Open != fleet.WebhookWindowSize || v.Behind != 120 {
		t.Fatalf("%d under way, %d behind", v.Open, v.Behind)
	}
	s.to.answer = nil
	for range 20 {
		s.goes(time.Minute)
	}
	if v := s.view(); v.Delivered != int64(len(names)) || v.Open != 0 || v.Behind != 0 || v.Missed != 0 {
		t.Errorf("it stands as %+v", v)
	}
}

// TestWebhookFilter sends what the filter holds of, and what is too long cut to
// ids and a link.
func TestWebhookFilter(t *testing.T) {
	s := newSending(t, func(c *orchestrator.WebhookChange) {
		c.Types = nil
		c.Filter = &[]fleet.Comparison{{Path: "/data/big", Op: "exists"}}
	})
	s.core.Webhooks.Address = "https://fleet.example.org"
	s.must(s.store.Update(t.Context(), s.admin().Scope(), func(tx store.Tx) error {
		for _, data := range []map[string]any{{"small": 1}, {"big": strings.Repeat("x", fleet.MaxDeliveryBody)}, {"big": "ü"}} {
			if err := tx.Append("default", fleet.EventDraft{Kind: fleet.EventQueueUpdated, Subject: fleet.SubjectQueue, SubjectID: "q", Data: data}); err != nil {
				return err
			}
		}
		return nil
	}))
	s.goes(time.Second)
	if len(s.to.bodies) != 2 {
		t.Fatalf("%d taken", len(s.to.bodies))
	}
	var cut struct {
		Source, Subject, Type string
		Data                  struct {
			Cut  bool
			Link string
			Seq  int64
		}
	}
	slices.SortFunc(s.to.bodies, func(a, b []byte) int { return strings.Compare(string(a), string(b)) })
	i := slices.IndexFunc(s.to.bodies, func(b []byte) bool { return strings.Contains(string(b), `"cut":true`) })
	if i < 0 {
		t.Fatalf("nothing was cut: %.200s", s.to.bodies)
	}
	s.must(json.Unmarshal(s.to.bodies[i], &cut))
	if len(s.to.bodies[i]) > 1000 || cut.Data.Link != fmt.Sprintf("https://fleet.example.org/api/v1/events?after=%d&limit=1", cut.Data.Seq-1) ||
		cut.Source != "https://fleet.example.org/tenants/default" || cut.Subject != "queue/q" || cut.Type != "casare.fleet.queue.updated" {
		t.Errorf("cut: %s", s.to.bodies[i])
	}
}

package orchestrator

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/hook"
	"github.com/casarerpa/fleet/internal/store"
)

const shopSecret = "what the shop alone knows"

// newTriggers is a world with a workflow and a secret for webhooks.
func newTriggers(t *testing.T) (*world, fleet.ID) {
	w := newWorld(t, sealed(t, firstKey))
	w.connect()
	v, _, err := w.Workflows.Put(t.Context(), w.admin, "nothing", []byte(document))
	w.must(err)
	_, err = w.Secrets.Put(t.Context(), w.admin, SecretChange{Name: "shop", Fields: map[string]string{"key": shopSecret}})
	w.must(err)
	return w, v.WorkflowID
}

func (w *world) trigger(workflow fleet.ID, c TriggerChange) fleet.Trigger {
	w.Helper()
	if c.Name == nil {
		name := fmt.Sprintf("t%d", w.now.UnixNano())
		c.Name = &name
	}
	c.WorkflowID = &workflow
	out, err := w.Triggers.Create(w.Context(), w.admin, c)
	w.must(err)
	return out
}

func (w *world) follow() {
	w.Helper()
	w.must(w.Triggers.Follow(w.Context(), store.System("test")))
}

func (w *world) firings(id fleet.ID) []fleet.Firing {
	w.Helper()
	list, _, err := w.Triggers.Firings(w.Context(), w.admin, string(id), "", fleet.Page{Limit: 200})
	w.must(err)
	return list
}

func (w *world) call(id fleet.ID, key, delivery, body string) (fleet.Firing, error) {
	w.Helper()
	p, found, err := (&auth.Hooks{Store: w.store}).Find(w.Context(), string(id))
	w.must(err)
	f, _, err := w.Triggers.Call(w.Context(), p, found, WebhookCall{Address: "192.0.2.7", Call: hook.Call{Body: []byte(body), Header: func(name string) string {
		return map[string]string{"X-Api-Key": key, "Idempotency-Key": delivery}[name]
	}}})
	return f, err
}

func TestWebhook(t *testing.T) {
	w, workflow := newTriggers(t)
	always := 60
	tr := w.trigger(workflow, TriggerChange{
		Webhook: &fleet.WebhookRule{Auth: fleet.WebhookKey, Secret: "shop"},
		Inputs:  json.RawMessage(`{"order":{"pointer":"/order/id"},"how":"web","note":{"pointer":"/note","default":null}}`),
		Filter:  &[]fleet.Comparison{{Path: "/order/amount", Op: fleet.OpGreater, Value: json.RawMessage("10")}},
	})
	f, err := w.call(tr.ID, shopSecret, "d1", `{"order":{"id":"A-7","amount":11}}`)
	w.must(err)
	if f.Outcome != fleet.FiringAccepted {
		t.Fatalf("%+v", f)
	}
	job := w.get(f.JobID)
	if string(job.Data.Variables) != `{"how":"web","note":null,"order":"A-7"}` {
		t.Errorf("variables %s", job.Data.Variables)
	}
	again, err := w.call(tr.ID, shopSecret, "d1", `{"order":{"id":"A-7","amount":11}}`)
	w.must(err)
	if again.Outcome != fleet.FiringDuplicate || again.JobID != f.JobID {
		t.Errorf("the same delivery: %+v", again)
	}
	for what, c := range map[string]struct {
		body string
		want fleet.FiringOutcome
	}{
		"too little":    {`{"order":{"id":"A-8","amount":10}}`, fleet.FiringFiltered},
		"no amount":     {`{"order":{"id":"A-8"}}`, fleet.FiringFiltered},
		"no id":         {`{"order":{"amount":12}}`, fleet.FiringRefused},
		"not an object": {`[12]`, fleet.FiringFiltered},
	} {
		got, err := w.call(tr.ID, shopSecret, "", c.body)
		w.must(err)
		if got.Outcome != c.want || got.JobID != "" || got.Reason == "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	rows := len(w.firings(tr.ID))
	_, err = w.call(tr.ID, shopSecret+" ", "d2", `{}`)
	w.is(err, fleet.CodeUnauthenticated, "webhook_unproven")
	if n := len(w.firings(tr.ID)); n != rows {
		t.Errorf("a call that proved nothing left %d rows", n-rows)
	}
	_, err = w.Triggers.Update(t.Context(), w.admin, string(tr.ID), 0, TriggerChange{CooldownSeconds: &always})
	w.must(err)
	got, err := w.call(tr.ID, shopSecret, "d3", `{"order":{"id":"A-9","amount":12}}`)
	w.must(err)
	if got.Outcome != fleet.FiringCooling {
		t.Errorf("at once after the last: %+v", got)
	}
	w.now = w.now.Add(time.Minute)
	got, err = w.call(tr.ID, shopSecret, "d3", `{"order":{"id":"A-9","amount":12}}`)
	w.must(err)
	if got.Outcome != fleet.FiringAccepted {
		t.Errorf("what was too soon comes again: %+v", got)
	}
	_, err = w.Triggers.Enable(t.Context(), w.admin, string(tr.ID), false, "inventory")
	w.must(err)
	got, err = w.call(tr.ID, shopSecret, "d4", `{"order":{"id":"A-9","amount":12}}`)
	w.must(err)
	if got.Outcome != fleet.FiringDisabled {
		t.Errorf("disabled: %+v", got)
	}
	w.must(w.Secrets.Delete(t.Context(), w.admin, "shop", fleet.Place{}))
	if _, err = w.call(tr.ID, "", "d5", `{}`); err == nil {
		t.Error("without a secret anybody may call")
	}
	w.must(w.Triggers.Delete(t.Context(), w.admin, string(tr.ID)))
	if _, _, err := (&auth.Hooks{Store: w.store}).Find(t.Context(), string(tr.ID)); err == nil {
		t.Error("a deleted one has an address")
	}
}

// "After A run B", once for each, through any number of readers of the log.
func TestEventTrigger(t *testing.T) {
	w, workflow := newTriggers(t)
	other, _, err := w.Workflows.Put(t.Context(), w.admin, "other", named("other"))
	w.must(err)
	before := w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, other.WorkflowID })
	w.complete(w.start(before))
	tr := w.trigger(workflow, TriggerChange{
		Event:  &fleet.EventRule{Types: []fleet.EventKind{fleet.EventJobCompleted, fleet.EventJobFailed}, Workflow: other.WorkflowID},
		Filter: &[]fleet.Comparison{{Path: "/type", Op: fleet.OpEqual, Value: json.RawMessage(`"job.completed"`)}},
		Inputs: json.RawMessage(`{"of":{"pointer":"/job/job_id"}}`),
	})
	w.follow()
	if n := len(w.firings(tr.ID)); n != 0 {
		t.Fatalf("%d firings for what was before", n)
	}
	a := w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, other.WorkflowID })
	w.complete(w.start(a))
	b := w.submit(func(r *SubmitRequest) {
		r.Document, r.WorkflowID = nil, other.WorkflowID
		r.Retry = &fleet.RetryChange{Max: new(int)}
	})
	w.fail(w.start(b), fleet.ClassBusiness)
	stranger := w.submit()
	w.complete(w.start(stranger))
	done := make(chan error)
	for range 2 {
		go func() { done <- w.Triggers.Follow(t.Context(), store.System("test")) }()
	}
	for range 2 {
		w.must(<-done)
	}
	w.follow()
	list := w.firings(tr.ID)
	if len(list) != 2 || list[1].Outcome != fleet.FiringAccepted || list[0].Outcome != fleet.FiringFiltered {
		t.Fatalf("%+v", list)
	}
	if got := w.get(list[1].JobID); string(got.Data.Variables) != fmt.Sprintf(`{"of":%q}`, a.ID) {
		t.Errorf("variables %s", got.Data.Variables)
	}
	w.complete(w.start(w.get(list[1].JobID).Job))
	w.follow()
	if got, _ := w.Triggers.Get(t.Context(), w.admin, string(tr.ID)); got.Successes != 1 || got.Active != 0 {
		t.Errorf("%+v", got.TriggerState)
	}
}

// A trigger that starts what it waits for ends by itself.
func TestTriggerLoopEnds(t *testing.T) {
	w, workflow := newTriggers(t)
	tr := w.trigger(workflow, TriggerChange{Event: &fleet.EventRule{Types: []fleet.EventKind{fleet.EventJobCompleted}, Workflow: workflow}})
	w.complete(w.start(w.submit(func(r *SubmitRequest) { r.Document, r.WorkflowID = nil, workflow })))
	for range 2 * fleet.MaxTriggerDepth {
		w.follow()
		list := w.firings(tr.ID)
		if list[0].Outcome != fleet.FiringAccepted {
			break
		}
		w.complete(w.start(w.get(list[0].JobID).Job))
	}
	list := w.firings(tr.ID)
	if len(list) != fleet.MaxTriggerDepth+1 || list[0].Outcome != fleet.FiringRefused {
		t.Errorf("%d firings, the last %+v", len(list), list[0])
	}
}

// As many jobs as there is backlog, while items come one by one.
func TestQueueTrigger(t *testing.T) {
	w, workflow := newTriggers(t)
	name := "orders"
	q, err := w.Queues.Create(t.Context(), w.admin, QueueChange{Name: &name})
	w.must(err)
	tr := w.trigger(workflow, TriggerChange{Queue: &fleet.QueueRule{QueueID: q.ID}})
	active := func() int64 {
		w.follow()
		got, err := w.Triggers.Get(t.Context(), w.admin, string(tr.ID))
		w.must(err)
		return got.Active
	}
	add := func() {
		_, _, err := w.Queues.Add(t.Context(), w.admin, name, store.Ref{}, fleet.ItemSpec{}, nil)
		w.must(err)
	}
	var running []store.Ref
	for n := int64(1); n <= 12; n++ {
		add()
		if got := active(); got != min(n, 10) {
			t.Fatalf("%d items, %d jobs", n, got)
		}
		if n%3 == 0 { // some of them take their item and work on it
			list := w.firings(tr.ID)
			ref := w.start(w.get(list[0].JobID).Job)
			_, err := w.Queues.Claim(t.Context(), w.robot, ClaimRequest{Queue: name, Count: 1, Ref: ref})
			w.must(err)
			running = append(running, ref)
			if got := active(); got != min(n, 10) {
				t.Fatalf("%d items of which one more is taken, %d jobs", n, got)
			}
		}
	}
	for _, ref := range running {
		w.complete(ref) // its item is left behind
	}
	if got := active(); got > 10 {
		t.Errorf("%d jobs", got)
	}
	_, err = w.Queues.Pause(t.Context(), w.admin, name, true, "")
	w.must(err)
	before := len(w.firings(tr.ID))
	add()
	active()
	if n := len(w.firings(tr.ID)); n != before {
		t.Errorf("%d jobs for a paused queue", n-before)
	}
}

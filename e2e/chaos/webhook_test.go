package chaos

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/hook"
)

// TestWebhookKill kills the orchestrator while a receiver has a call and has not
// answered it, or just after it has: each event arrives, at least once, under one id
// and with one body, and is noted as delivered once.
func TestWebhookKill(t *testing.T) {
	const events = 6
	w := startFleet(t, 0, 0, "--webhook-allow", "127.0.0.0/8")
	var mu sync.Mutex
	secret := ""
	calls := map[string]int{} // by id
	bodies := map[string]string{}
	first := make(chan string, events)
	dead := make(chan struct{})
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id := r.Header.Get("Webhook-Id")
		rule := fleet.WebhookRule{Auth: fleet.WebhookStandard}
		mu.Lock()
		key := secret
		calls[id]++
		again := calls[id] > 1
		if was, ok := bodies[id]; ok && was != string(body) {
			t.Errorf("%s comes with another body: %s, before: %s", id, body, was)
		}
		bodies[id] = string(body)
		n := len(calls)
		mu.Unlock()
		if err := hook.Check(&rule, key, hook.Call{Header: r.Header.Get, Body: body}, time.Now()); err != nil {
			t.Errorf("a call that is not proven: %v", err)
		}
		if again {
			return
		}
		if n%2 == 0 { // the answer leaves before the death
			rw.WriteHeader(http.StatusNoContent)
			_ = http.NewResponseController(rw).Flush()
		}
		first <- id
		<-dead // and with the others the orchestrator dies first
	}))
	defer receiver.Close()
	var made struct {
		ID     string `json:"webhook_id"`
		Secret string `json:"secret"`
	}
	call := func(method, path string, body, out any) {
		t.Helper()
		if _, err := w.api.call(t.Context(), method, path, nil, body, out); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	call("POST", "/api/v1/webhooks-out", map[string]any{"name": "watch", "url": receiver.URL + "/x", "event_types": []string{"queue.created"}}, &made)
	secret = made.Secret
	mu.Unlock()
	for k := range events {
		call("POST", "/api/v1/queues", map[string]any{"name": fmt.Sprint("q", k)}, nil)
		id := ""
		select {
		case id = <-first:
		case <-time.After(time.Minute):
			t.Fatalf("event %d never arrives", k)
		}
		w.members[0].kill()
		dead <- struct{}{}
		w.members[0].start()
		w.ready()
		// It is noted now, or it comes again, under the same id.
		await(t, time.Minute, "the delivery is not noted", func() bool {
			var d struct {
				State string `json:"state"`
			}
			_, err := w.api.call(t.Context(), "GET", "/api/v1/webhooks-out/"+made.ID+"/deliveries/"+id, nil, nil, &d)
			return err == nil && d.State == "delivered"
		})
	}
	mu.Lock()
	defer mu.Unlock()
	twice := 0
	for id, n := range calls {
		if n > 2 {
			t.Errorf("%s came %d times", id, n)
		}
		if n == 2 {
			twice++
		}
	}
	if len(calls) != events || twice < events/2 {
		t.Errorf("%d ids for %d events, %d came twice", len(calls), events, twice)
	}
	t.Logf("%d events, %d came twice", len(calls), twice)
}

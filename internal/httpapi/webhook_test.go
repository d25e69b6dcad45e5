package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// TestWebhooksOut makes a webhook, looks at it, and shows its secret once.
func TestWebhooksOut(t *testing.T) {
	w := newWorld(t)
	at := "/api/v1/webhooks-out"
	made := w.do("admin", "POST", at, `{"name":"watch","url":"https://localhost/events","event_types":["queue.created"],"rate_per_second":5}`)
	if made.status != 201 {
		t.Fatal(made.body)
	}
	var first struct {
		Secret string
		Rate   int `json:"rate_per_second"`
	}
	w.must(json.Unmarshal([]byte(made.body), &first))
	if !strings.HasPrefix(first.Secret, "whsec_") || first.Rate != 5 {
		t.Errorf("made: %s", made.body)
	}
	for _, path := range []string{at, at + "/watch"} {
		if got := w.do("admin", "GET", path, ""); got.status != 200 || strings.Contains(got.body, "whsec_") {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if a := w.do("admin", "GET", "/api/v1/audit", ""); strings.Contains(a.body, "whsec_") || !strings.Contains(a.body, "webhook.created") {
		t.Errorf("the audit: %.300s", a.body)
	}
	again := w.do("admin", "POST", at+"/watch/rotate-secret", "")
	if again.status != 200 || !strings.Contains(again.body, "whsec_") || strings.Contains(again.body, first.Secret) || !strings.Contains(again.body, `"old_secret_until":"2`) {
		t.Errorf("rotated: %d %s", again.status, again.body)
	}
	// A name that leads to this machine now: nothing is sent, and the answer says so.
	if got := w.do("admin", "POST", at+"/watch/test", ""); got.status != 200 || !strings.Contains(got.body, "network policy refuses it") {
		t.Errorf("test: %d %s", got.status, got.body)
	}
	if got := w.do("developer", "POST", "/api/v1/queues", `{"name":"invoices"}`); got.status != 201 {
		t.Fatal(got.body)
	}
	w.must(w.core.Webhooks.Follow(t.Context(), store.System("test")))
	var list struct {
		Deliveries []struct {
			ID    fleet.ID `json:"delivery_id"`
			State string
			Type  string `json:"event_type"`
		}
	}
	got := w.do("admin", "GET", at+"/watch/deliveries?state=waiting", "")
	w.must(json.Unmarshal([]byte(got.body), &list))
	if len(list.Deliveries) != 1 || list.Deliveries[0].Type != "queue.created" || strings.Contains(got.body, "request_body") {
		t.Fatalf("deliveries: %s", got.body)
	}
	if one := w.do("admin", "GET", fmt.Sprintf("%s/watch/deliveries/%s", at, list.Deliveries[0].ID), ""); one.status != 200 || !strings.Contains(one.body, `"request_body":{"specversion":"1.0"`) {
		t.Errorf("delivery: %s", one.body)
	}
	if one := w.do("admin", "POST", at+"/watch/replay", fmt.Sprintf(`{"delivery_id":%q}`, list.Deliveries[0].ID)); one.status != 200 || !strings.Contains(one.body, `"events":1`) {
		t.Errorf("replay: %s", one.body)
	}
	if got := w.do("admin", "PUT", at+"/watch/disable", `{"note":"inventory"}`); got.status != 200 {
		t.Error(got.body)
	}
	if got := w.do("admin", "PUT", at+"/watch/enable", `{"skip_missed":true}`); got.status != 200 || !strings.Contains(got.body, `"given_up_count":1`) {
		t.Error(got.body)
	}
}

// TestWebhookBadInput: what cannot be is refused with a reason that says why.
func TestWebhookBadInput(t *testing.T) {
	w := newWorld(t)
	at := "/api/v1/webhooks-out"
	if got := w.do("admin", "POST", at, `{"name":"watch","url":"https://localhost/events"}`); got.status != 201 {
		t.Fatal(got.body)
	}
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
	}{
		"http":                     {"POST", at, `{"name":"a","url":"http://localhost/x"}`, 422, "url_forbidden"},
		"a file":                   {"POST", at, `{"name":"a","url":"file:///etc/passwd"}`, 422, "url"},
		"this machine":             {"POST", at, `{"name":"a","url":"https://127.0.0.1/x"}`, 422, "url_forbidden"},
		"a name that leads to it":  {"POST", at, `{"name":"a","url":"https://home.example.org/x"}`, 422, "url_forbidden"},
		"metadata of a cloud":      {"POST", at, `{"name":"a","url":"https://169.254.169.254/x"}`, 422, "url_forbidden"},
		"a password":               {"POST", at, `{"name":"a","url":"https://ada:x@localhost/x"}`, 422, "url_forbidden"},
		"no address":               {"POST", at, `{"name":"a"}`, 422, "invalid_field"},
		"no name":                  {"POST", at, `{"url":"https://localhost/x"}`, 422, "invalid_field"},
		"a name that is taken":     {"POST", at, `{"name":"WATCH","url":"https://localhost/x"}`, 409, "webhook_exists"},
		"no such type":             {"POST", at, `{"name":"a","url":"https://localhost/x","event_types":["job.danced"]}`, 422, "job.danced"},
		"a type twice":             {"POST", at, `{"name":"a","url":"https://localhost/x","event_types":["job.failed","job.failed"]}`, 422, "twice"},
		"too fast":                 {"POST", at, `{"name":"a","url":"https://localhost/x","rate_per_second":101}`, 422, "rate_per_second"},
		"no secret":                {"POST", at, `{"name":"a","url":"https://localhost/x","secret":"whsec_c2hvcnQ="}`, 422, "24 to 64 bytes"},
		"no condition":             {"POST", at, `{"name":"a","url":"https://localhost/x","filter":[{"path":"/a","op":"like","value":1}]}`, 422, "filter"},
		"moved to this machine":    {"PUT", at + "/watch", `{"url":"https://10.0.0.1/x"}`, 422, "url_forbidden"},
		"another secret":           {"PUT", at + "/watch", `{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}`, 422, "rotate"},
		"replay of nothing":        {"POST", at + "/watch/replay", `{}`, 422, "either"},
		"replay of both":           {"POST", at + "/watch/replay", `{"from":"2026-01-01T00:00:00Z","delivery_id":"x"}`, 422, "either"},
		"replay of long ago":       {"POST", at + "/watch/replay", `{"from":"2020-01-01T00:00:00Z"}`, 422, "replay_too_old"},
		"replay of none":           {"POST", at + "/watch/replay", `{"delivery_id":"01900000-0000-7000-8000-00000000dead"}`, 404, "delivery"},
		"an old secret for a year": {"POST", at + "/watch/rotate-secret", `{"keep_seconds":31536000}`, 422, "keep_seconds"},
		"no such state":            {"GET", at + "/watch/deliveries?state=lost", ``, 422, "state"},
		"none":                     {"GET", at + "/nobody", ``, 404, "webhook"},
	} {
		if got := w.do("admin", c.method, c.path, c.body); got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

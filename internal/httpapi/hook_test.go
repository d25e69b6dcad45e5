package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
)

// TestWebhook calls a trigger as the programs of others do: whoever proves to be
// the sender hears what became of the call, and nobody else learns anything.
func TestWebhook(t *testing.T) {
	w := newWorld(t)
	const key = "what the shop alone knows"
	_, err := w.core.Secrets.Put(t.Context(), auth.Local(), orchestrator.SecretChange{Name: "shop", Fields: map[string]string{"key": key}})
	w.must(err)
	made := w.do("developer", "POST", "/api/v1/triggers", fmt.Sprintf(
		`{"name":"orders","workflow_id":%q,"webhook":{"secret":"shop","path":"orders"},"inputs":{"order":{"pointer":"/id"}}}`, w.workflowID()))
	if made.status != http.StatusCreated {
		t.Fatal(made)
	}
	var trigger struct {
		ID      fleet.ID `json:"trigger_id"`
		Address string   `json:"address"`
	}
	w.must(json.Unmarshal([]byte(made.body), &trigger))
	call := func(path, body string, headers ...string) (a answer, out HookAnswer) {
		t.Helper()
		if a = w.do("a stranger", http.MethodPost, path, body, headers...); a.status == 200 {
			out = read[HookAnswer](w, a)
		}
		return a, out
	}
	resp, first := call(trigger.Address, `{"id":"A-7"}`, "X-Api-Key", key, "Idempotency-Key", "d1")
	if resp.status != 200 || first.Status != "accepted" || first.JobID == "" || trigger.Address != "/webhooks/orders" {
		t.Fatalf("%s %+v", resp.body, first)
	}
	if got := w.do("viewer", "GET", "/api/v1/jobs/"+string(first.JobID), ""); !strings.Contains(got.body, `"A-7"`) {
		t.Errorf("the job does not know what it is about: %s", got.body)
	}
	if resp, again := call("/hooks/"+string(trigger.ID), `{"id":"A-7"}`, "X-Api-Key", key, "Idempotency-Key", "d1"); resp.status != 200 || again.Status != "duplicate" || again.JobID != first.JobID {
		t.Errorf("the same delivery at the other address: %s %+v", resp.body, again)
	}
	resp, form := call(trigger.Address, "id=A-8", "X-Api-Key", key, "Content-Type", formType)
	if resp.status != 200 || form.Status != "accepted" {
		t.Errorf("a form: %s %+v", resp.body, form)
	}
	for what, c := range map[string]struct {
		path, body string
		headers    []string
		want       int
	}{
		"another key":        {trigger.Address, `{"id":1}`, []string{"X-Api-Key", key + "!"}, 401},
		"no key":             {trigger.Address, `{"id":1}`, nil, 401},
		"a key of the API":   {trigger.Address, `{"id":1}`, []string{"Authorization", "Bearer " + w.keys["admin"]}, 401},
		"nobody's path":      {"/webhooks/nothing", `{}`, []string{"X-Api-Key", key}, 404},
		"nobody's id":        {"/hooks/" + nowhereID, `{}`, []string{"X-Api-Key", key}, 404},
		"no text":            {"/webhooks/%00%ff", `{}`, []string{"X-Api-Key", key}, 404},
		"no id":              {"/hooks/%00", `{}`, []string{"X-Api-Key", key}, 404},
		"of another tenant":  {"/webhooks/acme/orders", `{}`, []string{"X-Api-Key", key}, 404},
		"no JSON":            {trigger.Address, `{"id":`, []string{"X-Api-Key", key}, 422},
		"nothing to take":    {trigger.Address, `{}`, []string{"X-Api-Key", key}, 422},
		"delivery of no use": {trigger.Address, `{"id":1}`, []string{"X-Api-Key", key, "Idempotency-Key", strings.Repeat("d", 257)}, 422},
		"no type of ours":    {trigger.Address, `{"id":1}`, []string{"X-Api-Key", key, "Content-Type", "text/html"}, 415},
		"too much":           {trigger.Address, `{"id":"` + strings.Repeat("a", 2<<20) + `"}`, []string{"X-Api-Key", key}, 413},
	} {
		if resp, got := call(c.path, c.body, c.headers...); resp.status != c.want || got.JobID != "" {
			t.Errorf("%s: %s %+v, want %d", what, resp.body, got, c.want)
		}
	}
	if got := w.do("developer", "PUT", "/api/v1/triggers/orders", `{"cooldown_seconds":3600}`); got.status != 200 {
		t.Fatal(got)
	}
	if resp, _ := call(trigger.Address, `{"id":"A-9"}`, "X-Api-Key", key); resp.status != 429 || resp.header.Get("Retry-After") == "" {
		t.Errorf("too soon: %s, after %q", resp.body, resp.header.Get("Retry-After"))
	}
	if got := w.do("operator", "PUT", "/api/v1/triggers/orders/disable", `{"note":"inventory"}`); got.status != 200 {
		t.Fatal(got)
	}
	if resp, _ := call(trigger.Address, `{"id":"A-9"}`, "X-Api-Key", key); resp.status != 403 {
		t.Errorf("disabled: %s", resp.body)
	}
	fires := w.do("viewer", "GET", "/api/v1/triggers/orders/fires", "")
	for _, word := range []string{`"cooling"`, `"disabled"`, `"refused"`, `"duplicate"`, `"accepted"`} {
		if !strings.Contains(fires.body, word) {
			t.Errorf("no row says %s: %s", word, fires.body)
		}
	}
	if strings.Contains(fires.body+made.body, key) {
		t.Error("the secret is shown")
	}
}

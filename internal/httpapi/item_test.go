package httpapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/orchestrator"
	"github.com/casarerpa/fleet/internal/store"
)

// TestItems walks items through the API: by people, and by a robot for a job that
// it holds.
func TestItems(t *testing.T) {
	m := newMatrix(t)
	post := func(as, path, body string, status int, has ...string) string {
		t.Helper()
		a := m.do(as, "POST", "/api/v1/"+path, body)
		if a.status != status {
			t.Fatalf("%s %s: %d %s", path, body, a.status, a.body)
		}
		for _, text := range has {
			if !strings.Contains(a.body, text) {
				t.Errorf("%s: no %s in %s", path, text, a.body)
			}
		}
		return a.body
	}
	id := func(body string) string {
		var out struct {
			ID    string
			Items []struct{ ID string }
		}
		m.must(json.Unmarshal([]byte(body), &out))
		if len(out.Items) > 0 {
			return out.Items[0].ID
		}
		return out.ID
	}
	post("developer", "queues", `{"name":"q","retry_delay_seconds":0,"enforce_unique_reference":true}`, 201, `"unique":"forever"`, `"status":"active"`)
	post("operator", "queues/q/items/bulk", `{"mode":"all_or_nothing","items":[{"reference":"a"},{"reference":"a"},{"reference":"b"}]}`, 200, `"added":0`, `"refused":1`, `"status":"skipped"`, `reference_exists`)
	post("operator", "queues/q/items/bulk", `{"items":[{"reference":"a"},{"reference":"a"},{"reference":"b"},{}]}`, 200, `"added":2`, `"refused":2`)
	post("operator", "queues/q/items", `{"reference":"a"}`, 409, "reference_exists")
	first := m.do("operator", "POST", "/api/v1/queues/q/items", `{"reference":"c","priority":3}`, "Idempotency-Key", "k1")
	again := m.do("operator", "POST", "/api/v1/queues/q/items", `{ "priority": 3, "reference": "c" }`, "Idempotency-Key", "k1")
	if first.status != 201 || again.status != 200 || id(first.body) != id(again.body) {
		t.Errorf("idempotent: %d %d", first.status, again.status)
	}

	// A robot needs a job that it holds; another's attempt, or one that is over,
	// changes nothing.
	job := m.ours.running()
	mine := fmt.Sprintf(`{"job_id":%q,"epoch":1,"claim_key":"k"}`, job)
	post("bot-1", "queues/q/items/claim", `{}`, 422, "job_id")
	post("bot-2", "queues/q/items/claim", mine, 409, "not_holder")
	item := id(post("bot-1", "queues/q/items/claim", mine, 200, `"robot_id":"bot-1"`))
	if id(post("bot-1", "queues/q/items/claim", mine, 200)) != item {
		t.Error("the same claim gave another item")
	}
	hold := fmt.Sprintf(`{"job_id":%q,"epoch":1}`, job)
	post("bot-2", "queue-items/"+item+"/complete", hold, 409, "not_holder")
	post("operator", "queue-items/"+item+"/complete", `{}`, 409, "not_holder")
	post("bot-1", "queue-items/"+item+"/complete", hold, 200, `"status":"successful"`)
	post("bot-1", "queue-items/"+item+"/complete", hold, 200, `"status":"successful"`) // the answer was lost
	post("bot-1", "queue-items/"+item+"/fail", hold, 409, "item_final")
	if a := m.do("operator", "PATCH", "/api/v1/queue-items/"+item, `{"priority":1}`); a.status != 409 || !strings.Contains(a.body, "item_final") {
		t.Errorf("edit: %d %s", a.status, a.body)
	}
	item = id(post("bot-1", "queues/q/items/claim", strings.Replace(mine, `"k"`, `"k2"`, 1), 200))
	_, err := m.core.Attempts.Report(t.Context(), m.ours.robot, []fleet.Report{{Kind: fleet.ReportComplete, JobID: job, Epoch: 1, Result: []byte(`{}`)}})
	m.must(err)
	post("bot-1", "queue-items/"+item+"/complete", hold, 409, "not_holder")
	m.must(m.core.Queues.Upkeep(t.Context(), store.System("test")))
	chain := m.do("viewer", "GET", "/api/v1/queue-items/"+item+"/chain", "").body
	if !strings.Contains(chain, `"status":"abandoned"`) || !strings.Contains(chain, `"status":"new"`) {
		t.Errorf("abandoned: %s", chain)
	}

	// Whoever holds it outside of a job is in the audit.
	item = id(post("operator", "queues/q/items/claim", `{}`, 200))
	post("operator", "queue-items/"+item+"/renew", `{}`, 200, "lease_until")
	post("operator", "queue-items/"+item+"/fail", `{"error_message":"no"}`, 200, `"status":"retried"`, "ApplicationException")
	rows := m.audit(auth.Local())
	last := rows[len(rows)-1]
	if last.Action != string(fleet.EventItemRetried) || last.Object.ID != item || !strings.Contains(string(last.After), "retried") {
		t.Errorf("%+v", last)
	}
	stats := m.do("viewer", "GET", "/api/v1/queues/q/stats", "").body
	for _, text := range []string{`"completed":1`, `"abandoned":1`, `"retried":1`, `"new":2`, `"item_count":2`, `"sla":{"state":"grey"`} {
		if !strings.Contains(stats, text) {
			t.Errorf("no %s in %s", text, stats)
		}
	}
	export := m.ask(matrixCaller{name: "viewer"}, matrixOp{method: "GET"}, "/api/v1/queues/q/items/export").body
	if n := strings.Count(strings.TrimSpace(export), "\n") + 1; n != 5 {
		t.Errorf("%d lines: %s", n, export)
	}
	_, err = m.core.Queues.Claim(t.Context(), auth.Local(), orchestrator.ClaimRequest{Queue: "q", Count: 101})
	if fleet.AsError(err).Reason != "invalid_field" {
		t.Error(err)
	}
}

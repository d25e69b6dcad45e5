package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// TestKeys makes keys, uses one and revokes it.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "no kind", body: `{}`, status: 422, has: []string{"kind must be robot or service"}},
		{name: "no such role", body: `{"kind":"service","name":"ci","role":"boss"}`, status: 422},
		{name: "no such robot id", body: `{"kind":"robot","robot_id":"a b"}`, status: 422},
		{name: "a robot has no role", body: `{"kind":"robot","robot_id":"a","role":"admin"}`, status: 422},
		{name: "a program has no robot", body: `{"kind":"service","name":"ci","role":"viewer","robot_id":"a"}`, status: 422},
		{name: "robot key", body: `{"kind":"robot","robot_id":"bot-7","environment":"lab"}`, status: 201, has: []string{`"secret":"crpa_`, `"environment":"lab"`, `"status":"active"`}, lacks: []string{"expires_at"}, events: []fleet.EventKind{fleet.EventKeyCreated}},
		{name: "for ever", body: `{"kind":"service","name":"ever","role":"viewer","expires_in_seconds":0}`, status: 201, lacks: []string{"expires_at"}, events: []fleet.EventKind{fleet.EventKeyCreated}},
	} {
		s.as, s.method, s.path = "admin", "POST", "/api/v1/keys"
		s.run(w)
	}
	made := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"ci","role":"viewer"}`))
	w.keys["ci"] = made.Secret
	if list := w.do("admin", "GET", "/api/v1/keys", ""); strings.Contains(list.body, made.Secret) || strings.Contains(list.body, "secret") || !strings.Contains(list.body, string(made.ID)) {
		t.Errorf("list: %s", list.body)
	}
	scenario{name: "used", as: "ci", method: "GET", path: "/api/v1/me", status: 200, has: []string{string(made.ID)}}.run(w)
	scenario{name: "revoked", as: "admin", method: "DELETE", path: "/api/v1/keys/" + string(made.ID), status: 204, events: []fleet.EventKind{fleet.EventKeyRevoked}}.run(w)
	scenario{name: "used after it", as: "ci", method: "GET", path: "/api/v1/me", status: 401}.run(w)
}

// TestRegister makes a robot known and changes it.
func TestRegister(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "new", body: `{"robot_id":"bot-7","name":"Alpha","capabilities":["GPU"],"max_concurrent_jobs":2}`, status: 200, has: []string{`"name":"Alpha"`, `"gpu"`, `"status":"offline"`, `"current_job_ids":[]`}, events: []fleet.EventKind{fleet.EventRobotRegistered}},
		{name: "again", body: `{"robot_id":"bot-7","name":"Beta"}`, status: 200, has: []string{`"name":"Beta"`}, events: []fleet.EventKind{fleet.EventRobotUpdated}},
		{name: "too many slots", body: `{"robot_id":"bot-7","max_concurrent_jobs":101}`, status: 422, has: []string{"between 0 and 100; got 101"}},
		{name: "no id", body: `{}`, status: 422},
		{name: "a capability that is none", body: `{"robot_id":"bot-7","capabilities":["a b"]}`, status: 422},
	} {
		s.as, s.method, s.path = "admin", "POST", "/api/v1/robots/register"
		s.run(w)
	}
}

// TestLane is what robots fetch and leave beside their channel.
func TestLane(t *testing.T) {
	w := newWorld(t)
	id := w.submit(`{"workflow_json":` + doc + `}`)
	hash := read[JobDetail](w, w.do("viewer", "GET", "/api/v1/jobs/"+string(id), "")).Workflow.Hash
	w.start(id)
	result := `{"a":1}`
	sum := sha256.Sum256([]byte(result))
	name := hex.EncodeToString(sum[:])
	for _, s := range []scenario{
		{name: "of its own attempt", as: "bot-1", method: "GET", path: "/api/v1/robot/workflows/" + hash, status: 200, has: []string{"StartNode"}},
		{name: "of somebody else's", as: "bot-2", method: "GET", path: "/api/v1/robot/workflows/" + hash, status: 404},
		{name: "no hash", as: "bot-1", method: "GET", path: "/api/v1/robot/workflows/x", status: 404},
		{name: "result", as: "bot-1", method: "PUT", path: "/api/v1/robot/results/" + name, body: result, status: 204},
		{name: "result as bytes", as: "bot-1", method: "PUT", path: "/api/v1/robot/results/" + name, body: result, headers: []string{"Content-Type", "application/octet-stream"}, status: 204},
		{name: "other content", as: "bot-1", method: "PUT", path: "/api/v1/robot/results/" + name, body: `{}`, status: 422},
		{name: "no name", as: "bot-1", method: "PUT", path: "/api/v1/robot/results/abc", body: `{}`, status: 422},
		{name: "a user's", as: "admin", method: "PUT", path: "/api/v1/robot/results/" + name, body: result, status: 403},
	} {
		s.run(w)
	}
	if got, ok := w.core.Attempts.TakeResult(w.robot, name); !ok || string(got) != result {
		t.Errorf("the result was not kept: %q", got)
	}
}

// TestDegraded is a store that cannot write, and a handler that panics.
func TestDegraded(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Health = func(_ ctx) error { return errors.New("disk full at /secret/path") } })
	scenario{name: "ready", method: "GET", path: "/health/ready", status: 503, has: []string{`"status":"degraded"`}, lacks: []string{"secret"}}.run(w)
	scenario{name: "live", method: "GET", path: "/health/live", status: 200}.run(w)
	scenario{name: "health", as: "admin", method: "GET", path: "/health", status: 200, has: []string{"disk full"}}.run(w)

	w.api.routePlain(operation{method: "GET", path: "/api/v1/broken", id: "broken", summary: "Breaks", may: open(), rate: rateOpen},
		nil, map[string]*humaResponse{}, func(http.ResponseWriter, *http.Request) error { panic("secret detail") })
	scenario{name: "panic", method: "GET", path: "/api/v1/broken", status: 500, has: []string{"INTERNAL_ERROR"}, lacks: []string{"secret"}}.run(w)
	if !strings.Contains(w.logged(), "secret detail") {
		t.Error("the panic was not logged")
	}
}

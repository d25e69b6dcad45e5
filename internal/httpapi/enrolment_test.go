package httpapi

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// TestEnrolment lets machines become robots, as often as the token says.
func TestEnrolment(t *testing.T) {
	w := newWorld(t)
	for _, s := range []scenario{
		{name: "too long", body: `{"expires_in_seconds":86401}`, status: 422, has: []string{"between 60 and 86400"}},
		{name: "too often", body: `{"uses":1001}`, status: 422, has: []string{"between 1 and 1000"}},
		{name: "no pattern", body: `{"name_pattern":"[a"}`, status: 422},
		{name: "unknown field", body: `{"tenant_id":"other"}`, status: 422},
	} {
		s.as, s.method, s.path = "admin", "POST", "/api/v1/enrolments"
		s.run(w)
	}
	made := read[NewEnrolment](w, w.do("admin", "POST", "/api/v1/enrolments", `{"name_pattern":"store-?","environment":"shop","pool":"night","tags":["north"],"uses":2}`))
	w.keys["machine"] = made.Token
	if list := w.do("admin", "GET", "/api/v1/enrolments", ""); strings.Contains(list.body, made.Token) || !strings.Contains(list.body, `"usable":true`) {
		t.Errorf("list: %s", list.body)
	}
	for _, s := range []scenario{
		{name: "another id", body: `{"robot_id":"desk-1"}`, status: 422, has: []string{`must match \"store-?\"`}},
		{name: "first", body: `{"robot_id":"store-1","hostname":"s1"}`, status: 201, has: []string{`"api_key":"crpa_`, `"environment":"shop"`, `"pool":"night"`, `"north"`}, events: []fleet.EventKind{fleet.EventKeyCreated, fleet.EventRobotEnrolled}},
		{name: "the id is taken", body: `{"robot_id":"store-1"}`, status: 409, has: []string{"robot_id_in_use"}},
		{name: "second", body: `{"robot_id":"store-2"}`, status: 201, events: []fleet.EventKind{fleet.EventKeyCreated, fleet.EventRobotEnrolled}},
		{name: "third", body: `{"robot_id":"store-3"}`, status: 401, has: []string{"token_used_up"}},
	} {
		s.as, s.method, s.path = "machine", "POST", "/api/v1/robots/enrol"
		s.run(w)
	}
	scenario{name: "none of the third is left", as: "admin", method: "GET", path: "/api/v1/robots/store-3", status: 404}.run(w)
	for _, e := range w.audit(auth.Local()) {
		if e.Action == "robot.enrol" && (e.Actor.Kind != fleet.ActorKey || e.Actor.ID != string(made.ID) || e.Object.ID == "store-3") {
			t.Errorf("audited %+v", e)
		}
	}
	other := read[NewEnrolment](w, w.do("admin", "POST", "/api/v1/enrolments", `{}`))
	w.keys["machine"] = other.Token
	scenario{name: "for nothing else", as: "machine", method: "GET", path: "/api/v1/jobs", status: 403}.run(w)
	scenario{name: "revoked", as: "admin", method: "DELETE", path: "/api/v1/enrolments/" + string(other.ID), status: 204, events: []fleet.EventKind{fleet.EventEnrolmentRevoked}}.run(w)
	scenario{name: "after it", as: "machine", method: "POST", path: "/api/v1/robots/enrol", body: `{"robot_id":"x"}`, status: 401}.run(w)
	scenario{name: "nobody", method: "POST", path: "/api/v1/robots/enrol", body: `{"robot_id":"x"}`, status: 401}.run(w)
}

// TestKeyChanges rotates and edits keys over the API.
func TestKeyChanges(t *testing.T) {
	w := newWorld(t)
	made := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys",
		`{"kind":"service","name":"ci","role":"operator","scopes":["jobs:read"],"environments":["prod"],"address_ranges":["127.0.0.0/8"],"description":"of the build"}`))
	w.keys["ci"] = made.Secret
	at := "/api/v1/keys/" + string(made.ID)
	for _, s := range []scenario{
		{name: "get", method: "GET", path: at, status: 200, has: []string{`"scopes":["jobs:read"]`, `"address_ranges":["127.0.0.0/8"]`, `"environments":["prod"]`}, lacks: []string{made.Secret}},
		{name: "edit", method: "PATCH", path: at, body: `{"name":"build"}`, status: 200, has: []string{`"name":"build"`, "of the build"}, events: []fleet.EventKind{fleet.EventKeyUpdated}},
		{name: "rights are for life", method: "PATCH", path: at, body: `{"role":"admin"}`, status: 422},
		{name: "overlap", method: "POST", path: at + "/rotate", body: `{"overlap_seconds":604801}`, status: 422, has: []string{"between 0 and 604800"}},
		{name: "rotate", method: "POST", path: at + "/rotate", status: 201, has: []string{`"secret":"cfu_`, `"scopes":["jobs:read"]`}, events: []fleet.EventKind{fleet.EventKeyCreated, fleet.EventKeyRotated}},
		{name: "twice", method: "POST", path: at + "/rotate", status: 409, has: []string{"key_not_usable"}},
		{name: "no such key", method: "GET", path: "/api/v1/keys/x", status: 404},
	} {
		s.as = "admin"
		s.run(w)
	}
	scenario{name: "the old one goes on", as: "ci", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"permissions":["jobs:read"]`}}.run(w)
}

// TestBoundToEnvironments: a key that is limited to environments submits to them
// and sees their jobs and robots; the rest of the tenant does not exist for it.
func TestBoundToEnvironments(t *testing.T) {
	w := newWorld(t)
	one := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"one","role":"admin","environments":["prod"]}`))
	two := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"two","role":"operator","environments":["prod","lab"]}`))
	w.keys["one"], w.keys["two"] = one.Secret, two.Secret
	w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"in","environment":"prod"}`)
	w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"out","environment":"lab"}`)
	theirs := w.submit(`{"workflow_json":` + doc + `,"environment":"test"}`)
	at := "/api/v1/jobs/" + string(theirs)
	flow := `{"workflow_id":"` + string(read[JobDetail](w, w.do("admin", "GET", at, "")).Workflow.ID) + `"`
	for _, s := range []scenario{
		{name: "its only environment", as: "one", method: "POST", path: "/api/v1/jobs", body: flow + `}`, status: 201, has: []string{`"environment":"prod"`}, events: []fleet.EventKind{fleet.EventJobSubmitted}},
		{name: "by name", as: "two", method: "POST", path: "/api/v1/jobs", body: flow + `,"environment":"lab"}`, status: 201, events: []fleet.EventKind{fleet.EventJobSubmitted}},
		{name: "a document, which belongs to the tenant", as: "one", method: "POST", path: "/api/v1/jobs", body: `{"workflow_json":` + doc + `}`, status: 403, has: []string{"workflows:write"}},
		{name: "which one", as: "two", method: "POST", path: "/api/v1/jobs", body: flow + `}`, status: 403, has: []string{"prod, lab"}},
		{name: "another", as: "one", method: "POST", path: "/api/v1/jobs", body: flow + `,"environment":"test"}`, status: 403, has: []string{"environment_bound"}},
		{name: "to wait for another's", as: "one", method: "POST", path: "/api/v1/jobs", body: flow + `,"depends_on":["` + string(theirs) + `"]}`, status: 422},
		{name: "a job of another", as: "one", method: "GET", path: at, status: 404},
		{name: "its log", as: "one", method: "GET", path: at + "/log", status: 404},
		{name: "its attempts", as: "one", method: "GET", path: at + "/attempts", status: 404},
		{name: "its graph", as: "one", method: "GET", path: at + "/graph", status: 404},
		{name: "why it waits", as: "one", method: "GET", path: at + "/explain", status: 404},
		{name: "cancel it", as: "one", method: "POST", path: at + "/cancel", status: 404},
		{name: "retry it", as: "one", method: "POST", path: at + "/retry", status: 404},
		{name: "jobs", as: "one", method: "GET", path: "/api/v1/jobs", status: 200, lacks: []string{string(theirs), `"environment":"lab"`}, has: []string{`"environment":"prod"`}},
		{name: "robots", as: "one", method: "GET", path: "/api/v1/robots", status: 200, has: []string{`"robot_id":"in"`, `"total":1`}, lacks: []string{`"out"`}},
		{name: "a robot", as: "one", method: "GET", path: "/api/v1/robots/in", status: 200},
		{name: "a robot of another", as: "one", method: "GET", path: "/api/v1/robots/out", status: 404},
		{name: "pause it", as: "one", method: "POST", path: "/api/v1/robots/out/pause", status: 404},
		{name: "restart it", as: "one", method: "POST", path: "/api/v1/robots/out/restart", status: 404},
		{name: "many robots", as: "one", method: "POST", path: "/api/v1/bulk-operations", body: `{"kind":"pause","selector":{"all":true}}`, status: 403},
		{name: "reservations", as: "one", method: "GET", path: "/api/v1/reservations", status: 403},
		{name: "events of all", as: "one", method: "GET", path: "/api/v1/events", status: 403},
		{name: "keys", as: "one", method: "GET", path: "/api/v1/keys", status: 403},
	} {
		s.run(w)
	}
}

// TestRobotKeysOfTheOriginal: the routes and shapes that its programs read.
func TestRobotKeysOfTheOriginal(t *testing.T) {
	w := newWorld(t)
	w.do("admin", "POST", "/api/v1/robots/register", `{"robot_id":"old","name":"Old one","environment":"lab"}`)
	const at = "/api/v1/robot-api-keys"
	for _, s := range []scenario{
		{name: "whose", method: "POST", path: at, body: `{"name":"x"}`, status: 422, has: []string{"belongs to one robot"}},
		{name: "no name", method: "POST", path: at, body: `{"robot_id":"old"}`, status: 422},
		{name: "nobody's", method: "POST", path: at, body: `{"robot_id":"nowhere","name":"x"}`, status: 404},
		{name: "over before it begins", method: "POST", path: at, body: `{"robot_id":"old","name":"x","expires_at":"2020-01-01T00:00:00"}`, status: 422},
		{name: "days", method: "POST", path: at, body: `{"robot_id":"old","name":"x","expires_in_days":0}`, status: 422},
	} {
		s.as = "admin"
		s.run(w)
	}
	made := read[NewRobotKey](w, w.do("admin", "POST", at, `{"robot_id":"old","name":"main","description":null,"expires_at":null,"tenant_id":"ignored"}`))
	if made.ID != made.Key.ID || made.Key.ExpiresAt != nil || made.Key.RobotName != "Old one" || !strings.HasPrefix(made.APIKey, "crpa_") {
		t.Errorf("%+v", made)
	}
	w.keys["old"] = made.APIKey
	scenario{name: "it counts", as: "old", method: "GET", path: "/api/v1/me", status: 200, has: []string{`"environment":"lab"`}}.run(w)
	w.do("admin", "POST", at, `{"robot_id":"old","name":"short","expires_in_days":30}`)
	next := read[NewRobotKey](w, w.do("admin", "POST", at+"/"+string(made.ID)+"/rotate", ""))
	list := func(query string) RobotKeyList {
		return read[RobotKeyList](w, w.do("admin", "GET", at+"?robot_id=old"+query, ""))
	}
	all := list("&limit=200&offset=0")
	if all.Total != 3 || len(all.Keys) != 3 || len(all.APIKeys) != 3 || all.Keys[0].ID != next.ID || all.APIKeys[0].ExpiresAt == nil || all.APIKeys[0].ExpiresAt.Year() != 9999 {
		t.Errorf("%+v", all)
	}
	if got := list("&status=active"); got.Total != 2 || slices.ContainsFunc(got.Keys, func(k RobotKeyRow) bool { return k.ID == made.ID }) {
		t.Errorf("active: %+v", got.Keys)
	}
	if got := list("&status=expiring"); got.Total != 1 || got.Keys[0].ID != made.ID {
		t.Errorf("expiring: %+v", got.Keys)
	}
	if got := list("&offset=2"); got.Total != 3 || len(got.Keys) != 1 {
		t.Errorf("the third: %+v", got.Keys)
	}
	for _, s := range []scenario{
		{name: "revoke", method: "POST", path: at + "/" + string(made.ID) + "/revoke", body: `{"reason":null}`, status: 200, has: []string{`"revoked":true`, `"key_id":"` + string(made.ID)}, events: []fleet.EventKind{fleet.EventKeyRevoked}},
		{name: "delete", method: "DELETE", path: at + "/" + string(next.ID), status: 200, has: []string{`"revoked":true`}, events: []fleet.EventKind{fleet.EventKeyRevoked}},
		{name: "no such key", method: "DELETE", path: at + "/x", status: 404},
	} {
		s.as = "admin"
		s.run(w)
	}
	scenario{name: "it is over", as: "old", method: "GET", path: "/api/v1/me", status: 401}.run(w)
	service := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"x","role":"viewer"}`))
	scenario{name: "not a robot's", as: "admin", method: "DELETE", path: at + "/" + string(service.ID), status: 404}.run(w)
}

// TestQueryTokens: a credential in the address counts only where that is on, is
// told of each time, and is in no line of the log.
func TestQueryTokens(t *testing.T) {
	seen := 0
	for _, on := range []bool{false, true} {
		w := newWorld(t, func(o *Options) { o.QueryTokens, o.QueryTokenSeen = on, func() { seen++ } })
		want := map[bool]int{true: 200, false: 401}[on]
		for _, name := range []string{"token", "api_key", "api_secret"} {
			a := w.do("", "GET", "/api/v1/jobs?limit=5&"+name+"="+w.keys["viewer"], "")
			if a.status != want || (!on && !strings.Contains(a.body, "do not count here")) {
				t.Errorf("%s, on %t: %d %s", name, on, a.status, a.body)
			}
		}
		if on != (seen == 3) || strings.Contains(w.logged(), w.keys["viewer"]) || on != strings.Contains(w.logged(), "a credential came in the address") {
			t.Errorf("on %t: seen %d, logged %s", on, seen, w.logged())
		}
		scenario{name: "a header goes first", as: "viewer", method: "GET", path: "/api/v1/jobs?token=" + w.keys["admin"], status: 200}.run(w)
		scenario{name: "a wrong one", method: "GET", path: "/api/v1/jobs?token=nonsense", status: 401}.run(w)
	}
}

// TestOnlyItsOwnStreamEnds: an open stream ends when its key is revoked or runs
// out, and one of another key goes on.
func TestOnlyItsOwnStreamEnds(t *testing.T) {
	w := newWorld(t)
	open := func(name string) *bufio.Reader {
		req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/api/v1/events", http.NoBody)
		w.must(err)
		req.Header.Set("Authorization", "Bearer "+w.keys[name])
		req.Header.Set("Accept", "text/event-stream")
		resp, err := http.DefaultClient.Do(req)
		w.must(err)
		t.Cleanup(func() { _ = resp.Body.Close() })
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d", name, resp.StatusCode)
		}
		return bufio.NewReader(resp.Body)
	}
	ended := func(r *bufio.Reader) chan error {
		done := make(chan error, 1)
		go func() {
			for {
				if _, err := r.ReadString('\n'); err != nil {
					done <- err
					return
				}
			}
		}()
		return done
	}
	gone, _, err := w.api.o.Keys.NewServiceKey(t.Context(), auth.Local(), "gone", fleet.RoleViewer, 0)
	w.must(err)
	_, secret, err := w.api.o.Keys.Rotate(t.Context(), auth.Local(), gone.ID, 0)
	w.must(err)
	w.keys["revoked"] = secret.Reveal()
	list, err := w.api.o.Keys.List(t.Context(), auth.Local())
	w.must(err)
	revoked := list[len(list)-1].ID
	_, secret, err = w.api.o.Keys.NewServiceKey(t.Context(), auth.Local(), "short", fleet.RoleViewer, 1500*time.Millisecond)
	w.must(err)
	w.keys["short"] = secret.Reveal()
	stays, a, b := ended(open("viewer")), ended(open("revoked")), ended(open("short"))
	start := time.Now()
	w.must(w.api.o.Keys.Revoke(t.Context(), auth.Local(), revoked, ""))
	for name, done := range map[string]chan error{"revoked": a, "short": b} {
		select {
		case err := <-done:
			t.Logf("the stream of the key %s ended: %v", name, err)
		case <-time.After(5 * time.Second):
			t.Fatalf("the stream of the key %s goes on", name)
		}
		if took := time.Since(start); took > 6*time.Second {
			t.Errorf("the stream of the key %s ended after %s", name, took)
		}
	}
	select {
	case err := <-stays:
		t.Errorf("the stream of another key ended too: %v", err)
	default:
	}
}

package httpapi

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// volatile is what differs from answer to answer of one and the same state.
var volatile = regexp.MustCompile(`"(request_id|uptime_seconds|timestamp|last_used_ip|server_time|duration_ms|duration|mark|oldest_age_seconds)":("[^"]*"|[0-9.]+|null)|"waiting_count":[0-9]+,"behind_count":[0-9]+|"heartbeat","state":"[a-z]+","value":[0-9.e-]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`)

// TestForeignThingsChangeNoAnswer asks every route that reads, fills another
// tenant with things of each kind, and asks again: an answer that differs by so
// much as a count has looked across.
func TestForeignThingsChangeNoAnswer(t *testing.T) {
	m := newMatrix(t)
	admin := matrixCaller{"admin", "a"}
	paths := map[string]string{}
	for _, op := range m.ops {
		if op.method == http.MethodGet && admin.may(op) && op.id != "events.list" && op.id != "audit.export" { // the last are read below, to their end
			paths[op.id] = m.ours.path(t, op, admin)
		}
	}
	paths["events.list"], paths["audit.export"] = Base+"/events?limit=1000", Base+"/audit/export"
	paths["jobs.histogram"] += "?from=2026-01-01T00:00:00Z&to=2126-01-01T00:00:00Z&buckets=1" // else its buckets move with the time
	read := func() map[string]string {
		out := map[string]string{}
		for _, op := range m.ops {
			if path := paths[op.id]; path != "" {
				a := m.ask(admin, op, path)
				if a.status >= 500 {
					t.Errorf("%s: %d %s", op.id, a.status, a.body)
				}
				out[op.id] = volatile.ReplaceAllString(a.body, "")
			}
		}
		return out
	}
	read() // what a first look leaves behind, such as the last use of a key
	before := read()
	made := len(m.their.marks)
	for _, op := range m.ops {
		if strings.Contains(op.path, "{") && admin.may(op) {
			m.their.path(t, op, admin)
		}
	}
	m.their.running()
	m.their.failed()
	if made = len(m.their.marks) - made; made < 50 {
		t.Fatalf("only %d things were made", made)
	}
	after := read()
	for id, was := range before {
		if is := after[id]; is != was {
			t.Errorf("%s: the answer changed with %d things of another tenant:\n%s\n%s", id, made, was, is)
		}
		for _, mark := range m.their.marks {
			if strings.Contains(after[id], mark) {
				t.Errorf("%s shows %q of another tenant", id, mark)
			}
		}
	}
	if len(before) < 40 {
		t.Errorf("only %d routes were read", len(before))
	}
}

package httpapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// answered lists every field that any answer of the API has: those of all
// schemas of the document.
func (w *world) answered() []string {
	names := map[string]bool{"tenant_id": true, "role": true, "status": true, "robot_id": true, "epoch": true, "permissions": true}
	for _, s := range w.api.huma.OpenAPI().Components.Schemas.Map() {
		for name := range s.Properties {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// TestMassAssignment sends every field of every answer as input to every route
// that has a body, where the route does not know it. Our own routes refuse it by
// its name; those of the original's programs leave it aside. Afterwards what was
// planted is searched for in every list and every thing, and is nowhere.
func TestMassAssignment(t *testing.T) {
	w := newWorld(t, wide)
	w.super()
	ref := w.start(w.submit(`{"workflow_json":` + doc + `}`))
	const text, number = "planted7", "424242"
	fields := w.answered()
	sent, refused, left := 0, 0, 0
	for turn, d := range w.declaredOperations() {
		if d.o.body.limit == noBody || d.o.body.contentTypes()[0] != "application/json" || d.o.id == "robot.result" {
			continue
		}
		known := w.fieldsOfBody(d)
		if d.o.rate == rateSubmit || strings.Contains(d.o.path, "/workflows") {
			known = append(known, "nodes", "connections", "metadata", "variables", "settings") // of a document, which is its author's
		}
		as := w.whoMay(d.o)
		path := strings.ReplaceAll(filled(d.o.path), nowhereID, string(ref.JobID))
		for n, field := range fields {
			if slices.Contains(known, field) {
				continue
			}
			// Each field takes the four forms by turns, another one at each route.
			value := []string{quote(text), number, `{"a":` + quote(text) + `}`, `[` + quote(text) + `]`}[(turn+n)%4]
			body := `{` + quote(field) + `:` + value + `}`
			if d.o.rate == rateSubmit && slices.Contains(known, "workflow_json") {
				body = `{"workflow_json":` + doc + `,` + body[1:]
			}
			a, _ := w.direct(as, d.o.method, path, body)
			sent++
			switch {
			case strings.Contains(a.body, "unknown_field"):
				refused++
			case a.status < 300:
				left++
				if len(d.entry.RequestBody.Content) > 0 && !w.takesAny(d) && !d.o.lenientBody() {
					t.Errorf("%s %s took the field %s: %d %.200s", d.o.method, d.o.path, field, a.status, a.body)
				}
			}
			if a.status < 300 && (strings.Contains(a.body, text) || strings.Contains(a.body, number)) {
				t.Errorf("%s %s gives back what %s carried: %.300s", d.o.method, d.o.path, field, a.body)
			}
		}
	}
	for _, d := range w.declaredOperations() {
		if d.o.method != http.MethodGet || d.o.stream {
			continue
		}
		for _, as := range []string{"admin", "super"} {
			path := strings.ReplaceAll(filled(d.o.path), nowhereID, string(ref.JobID))
			if a, _ := w.direct(as, d.o.method, path, ""); a.status == http.StatusOK && (strings.Contains(a.body, text) || strings.Contains(a.body, number)) {
				at := max(strings.Index(a.body, text), strings.Index(a.body, number))
				t.Errorf("%s holds what was planted: …%s…", d.o.path, a.body[max(at-150, 0):min(at+50, len(a.body))])
			}
		}
	}
	if refused < sent/2 {
		t.Errorf("of %d only %d were refused by name", sent, refused)
	}
	t.Logf("%d sent, %d refused by name, %d left aside", sent, refused, left)
}

// takesAny says whether the document lets a body hold anything.
func (w *world) takesAny(d declared) bool {
	for _, media := range d.entry.RequestBody.Content {
		s := w.resolved(media.Schema)
		if s == nil || len(s.Properties) == 0 {
			return true
		}
	}
	return false
}

// lenientBody says whether a route is one of the original's programs, which
// send more than is read.
func (o *operation) lenientBody() bool {
	return o.rate == rateRobot || slices.Contains([]string{"robots.register", "robots.edit", "workflows.submit"}, o.id)
}

package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/store"
)

// Every list of the document heeds the limit of its pages, at it and beyond.
func TestEveryListHasItsLimit(t *testing.T) {
	const page = 10
	w := newWorld(t, func(o *Options) { o.Limits.Page = page })
	lists := 0
	for pattern, o := range w.api.routes {
		named := false
		for _, op := range operationsOf(w.api.huma.OpenAPI().Paths[o.path]) {
			for _, p := range op.Parameters {
				named = named || op.Method == o.method && p.In == "query" && p.Name == limitParam
			}
		}
		if named != o.paged {
			t.Errorf("%s: limit in the document is %v, in the table %v", pattern, named, o.paged)
		}
		if !named || o.method != http.MethodGet {
			continue
		}
		lists++
		path := strings.NewReplacer("{id}", string(w.api.ids.New())).Replace(o.path) + "?"
		if o.id == "search.get" {
			path += "q=x&" // it lists nothing to who looks for nothing
		}
		most := page * max(o.times, 1)
		if a := w.do("admin", "GET", fmt.Sprintf("%slimit=%d", path, most), ""); a.status == 422 {
			t.Errorf("%s at %d: %s", pattern, most, a.body)
		}
		if a := w.do("admin", "GET", fmt.Sprintf("%slimit=%d", path, most+1), ""); a.status != 422 || !strings.Contains(a.body, fmt.Sprintf("between 1 and %d; got %d", most, most+1)) {
			t.Errorf("%s at %d: %d %s", pattern, most+1, a.status, a.body)
		}
	}
	if lists < 12 {
		t.Errorf("only %d lists", lists)
	}
}

// comingClasses are classes whose routes are not there yet.
var comingClasses = map[rateClass]string{
	rateFleet: "GET /api/v1/metrics/fleet", rateJobs: "GET /api/v1/metrics/jobs", rateOneJob: "GET /api/v1/metrics/jobs/{id}",
	rateAnalytics: "GET /api/v1/metrics/analytics", rateActivity: "GET /api/v1/metrics/activity",
}

// Every class with a limit is that of a route, or of one that is named here.
func TestEveryRateClassIsUsed(t *testing.T) {
	w := newWorld(t)
	used := map[rateClass]bool{}
	for _, o := range w.api.routes {
		used[o.rate] = true
	}
	for class := rateRead; class <= rateActivity; class++ {
		if class.String() == "none" {
			t.Errorf("class %d has no name", class)
		}
		if route, coming := comingClasses[class]; !used[class] && !coming {
			t.Errorf("no route is of class %s", class)
		} else if coming && !used[class] && w.api.routes[route] != nil {
			t.Errorf("%s is there, and not of class %s", route, class)
		}
	}
}

// An export of the audit counts as a stream, and ends with the right to read it.
func TestExportEndsWithItsRight(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Limits.Streams = 1 })
	const rows = 400
	long := strings.Repeat("x", 50_000)
	w.must(w.store.Update(t.Context(), auth.Local().Scope(), func(tx store.Tx) error {
		for range rows {
			d := auth.Local().Audit("x.y", fleet.SubjectFleet, "z")
			d.After = map[string]any{"long": long}
			if err := tx.Audit("default", d); err != nil {
				return err
			}
		}
		return nil
	}))
	key := read[NewKey](w, w.do("admin", "POST", "/api/v1/keys", `{"kind":"service","name":"reader","role":"admin"}`))
	w.keys["reader"] = key.Secret
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/api/v1/audit/export", nil)
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+key.Secret)
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if a := w.do("reader", "GET", "/api/v1/audit/export", ""); a.status != http.StatusTooManyRequests {
		t.Errorf("a second one: %d", a.status)
	}
	if a := w.do("admin", "DELETE", "/api/v1/keys/"+string(key.ID), ""); a.status >= 300 {
		t.Fatal(a.body)
	}
	text, err := io.ReadAll(resp.Body)
	if n := strings.Count(string(text), "\n"); err == nil || n >= rows {
		t.Errorf("%d rows, %v", n, err)
	}
}

// A check of the audit changes nothing, and goes on while nothing can be written.
func TestVerifyWhileNothingCanBeWritten(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Writable = func() error { return fleet.Errorf(fleet.CodeUnavailable, "store_away", "Nothing can be written.") }
	})
	if a := w.do("admin", "POST", "/api/v1/audit/verify", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.do("admin", "PUT", "/api/v1/assets/a", `{"type":"text","value":"x"}`); a.status != 503 {
		t.Errorf("a write: %d %s", a.status, a.body)
	}
}

// The name beside a key is that of its own tenant's robot.
func TestRobotKeysOfTwoTenants(t *testing.T) {
	w := newWorld(t)
	w.twoTenants()
	for as, name := range map[string]string{"admin": "Ours", "acme": "Theirs"} {
		if a := w.do(as, "POST", "/api/v1/robots/register", `{"robot_id":"desk","name":"`+name+`"}`); a.status != 200 {
			t.Fatal(a.body)
		}
		if a := w.do(as, "POST", "/api/v1/robot-api-keys", `{"robot_id":"desk","name":"k"}`); a.status != 200 {
			t.Fatal(a.body)
		}
	}
	for _, c := range []struct{ as, path, has, lacks string }{
		{"super", "", "Theirs", ""}, {"super", "", "Ours", ""}, {"super", "&tenant_id=acme", "Theirs", "Ours"}, {"admin", "", "Ours", "Theirs"}, {"acme", "", "Theirs", "Ours"},
	} {
		a := w.do(c.as, "GET", "/api/v1/robot-api-keys?robot_id=desk"+c.path, "")
		if a.status != 200 || !strings.Contains(a.body, `"robot_name":"`+c.has) || c.lacks != "" && strings.Contains(a.body, c.lacks) {
			t.Errorf("%s%s: %d %s", c.as, c.path, a.status, a.body)
		}
	}
	keys := read[RobotKeyList](w, w.do("super", "GET", "/api/v1/robot-api-keys?robot_id=desk&tenant_id=acme", "")).Keys
	if a := w.do("super", "POST", "/api/v1/robot-api-keys/"+string(keys[0].ID)+"/rotate?tenant_id=acme", ""); a.status != 200 || !strings.Contains(a.body, "Theirs") {
		t.Errorf("rotated: %d %s", a.status, a.body)
	}
}

package httpapi

import (
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
)

// super adds the key of somebody who works across tenants.
func (w *world) super() {
	w.Helper()
	_, secret, err := w.api.o.Keys.NewServiceKey(w.Context(), auth.Local(), "super", fleet.RoleSuperAdmin, 0)
	w.must(err)
	w.keys["super"] = secret.Reveal()
}

func TestTenants(t *testing.T) {
	w := newWorld(t)
	w.super()
	const at = "/api/v1/tenants"
	for _, s := range []scenario{
		{name: "not an admin's", as: "admin", method: "POST", path: at, body: `{"id":"acme"}`, status: 403, has: []string{"tenants:manage"}},
		{name: "no id", as: "super", method: "POST", path: at, body: `{}`, status: 422, has: []string{"tenant_id must be"}},
		{name: "weight", as: "super", method: "POST", path: at, body: `{"id":"acme","weight":1001}`, status: 422, has: []string{"between 1 and 1000; got 1001"}},
		{name: "zone", as: "super", method: "POST", path: at, body: `{"id":"acme","timezone":"Mars/Phobos"}`, status: 422, has: []string{"Mars/Phobos"}},
		{name: "quota", as: "super", method: "POST", path: at, body: `{"id":"acme","quotas":{"robots":-1}}`, status: 422, has: []string{"quotas.robots"}},
		{name: "made", as: "super", method: "POST", path: at, body: `{"id":"acme","name":"Acme","quotas":{"robots":1}}`, status: 201, has: []string{`"name":"Acme"`, `"priority":10`, `"weight":100`}},
		{name: "twice", as: "super", method: "POST", path: at, body: `{"id":"acme"}`, status: 409, has: []string{"tenant_exists"}},
		{name: "the first one is there", as: "super", method: "POST", path: at, body: `{"id":"default"}`, status: 409},
		{name: "all", as: "super", method: "GET", path: at, status: 200, has: []string{`"id":"acme"`, `"id":"default"`}},
		{name: "one's own", as: "admin", method: "GET", path: at, status: 200, has: []string{`"id":"default"`}, lacks: []string{"acme"}},
		{name: "not another's", as: "admin", method: "GET", path: at + "/acme", status: 404, lacks: []string{"Acme"}},
		{name: "changed", as: "super", method: "PUT", path: at + "/acme", body: `{"name":"Acme Ltd","quotas":{"robots":1,"pending_jobs":1}}`, status: 200, has: []string{"Acme Ltd"}},
		{name: "nobody", as: "super", method: "PUT", path: at + "/nobody", body: `{}`, status: 404},
		{name: "the first one", as: "super", method: "PUT", path: at + "/default", body: `{"name":"Home"}`, status: 200, has: []string{"Home"}, events: []fleet.EventKind{fleet.EventTenantUpdated}},
		{name: "for a tenant that is not there", as: "super", method: "GET", path: "/api/v1/jobs?tenant_id=nobody", status: 404},
		{name: "of no form", as: "super", method: "GET", path: "/api/v1/jobs?tenant_id=a%20b", status: 422},
	} {
		s.run(w)
	}
}

// Whoever works across tenants sees all and acts for the one that he names;
// nobody else learns that there are others.
func TestWorksAcrossTenants(t *testing.T) {
	w := newWorld(t)
	w.super()
	if a := w.do("super", "POST", "/api/v1/tenants", `{"id":"acme"}`); a.status != 201 {
		t.Fatal(a.body)
	}
	made := read[NewKey](w, w.do("super", "POST", "/api/v1/keys?tenant_id=acme", `{"kind":"service","name":"acme admin","role":"admin"}`))
	if made.Tenant != "acme" {
		t.Fatalf("%+v", made)
	}
	w.keys["acme"] = made.Secret
	ours := w.submit(`{"workflow_json":` + doc + `}`)
	theirs := read[SubmittedJob](w, w.do("acme", "POST", "/api/v1/jobs", `{"workflow_json":`+doc+`}`)).ID
	for _, c := range []struct {
		as, path    string
		ours, other bool
	}{
		{"super", "/api/v1/jobs", true, true},
		{"super", "/api/v1/jobs?tenant_id=acme", false, true},
		{"super", "/api/v1/jobs?tenant_id=default", true, false},
		{"admin", "/api/v1/jobs?tenant_id=acme", true, false}, // as old clients name theirs
		{"acme", "/api/v1/jobs?tenant_id=default", false, true},
	} {
		list := w.do(c.as, "GET", c.path, "")
		if list.status != 200 || strings.Contains(list.body, string(ours)) != c.ours || strings.Contains(list.body, string(theirs)) != c.other {
			t.Errorf("%s of %s: %s", c.path, c.as, list.body)
		}
	}
	for _, path := range []string{"", "/attempts", "/explain", "/graph", "/log"} {
		if a := w.do("admin", "GET", "/api/v1/jobs/"+string(theirs)+path, ""); a.status != 404 || strings.Contains(a.body, "acme") {
			t.Errorf("%s of another tenant: %d %s", path, a.status, a.body)
		}
		if a := w.do("super", "GET", "/api/v1/jobs/"+string(theirs)+path, ""); a.status != 200 {
			t.Errorf("%s across tenants: %d %s", path, a.status, a.body)
		}
	}
	if a := w.do("super", "POST", "/api/v1/jobs/"+string(theirs)+"/cancel", `{}`); a.status != 200 {
		t.Errorf("cancel across tenants: %d %s", a.status, a.body)
	}
}

func TestTenantQuotas(t *testing.T) {
	w := newWorld(t)
	w.super()
	submit := `{"workflow_json":` + doc + `}`
	w.do("super", "POST", "/api/v1/tenants", `{"id":"acme","priority":3,"quotas":{"pending_jobs":1,"robots":1}}`)
	w.keys["acme"] = read[NewKey](w, w.do("super", "POST", "/api/v1/keys?tenant_id=acme", `{"kind":"service","name":"x","role":"admin"}`)).Secret
	for _, s := range []scenario{
		{name: "the first", path: "/api/v1/jobs", body: submit, status: 201, has: []string{`"priority":3`}},
		{name: "one too many waits", path: "/api/v1/jobs", body: submit, status: 429, has: []string{"at most 1 may"}},
		{name: "a robot", path: "/api/v1/robots/register", body: `{"robot_id":"a"}`, status: 200},
		{name: "the same", path: "/api/v1/robots/register", body: `{"robot_id":"a","name":"b"}`, status: 200},
		{name: "one robot too many", path: "/api/v1/robots/register", body: `{"robot_id":"b"}`, status: 429, has: []string{"too_many_robots", "at most 1 may be"}},
	} {
		s.as, s.method = "acme", "POST"
		s.run(w)
	}
	scenario{name: "suspended", as: "super", method: "PUT", path: "/api/v1/tenants/acme", body: `{"suspended":true}`, status: 200}.run(w)
	scenario{name: "nothing starts", as: "acme", method: "POST", path: "/api/v1/jobs", body: submit, status: 409, has: []string{"tenant_suspended"}}.run(w)
	list := w.do("acme", "GET", "/api/v1/jobs", "")
	id := read[struct{ Jobs []JobDetail }](w, list).Jobs[0].ID
	scenario{name: "and says so", as: "acme", method: "GET", path: "/api/v1/jobs/" + string(id) + "/explain", status: 200, has: []string{"tenant_suspended", "suspended", `"hold"`}}.run(w)
	scenario{name: "others go on", as: "admin", method: "POST", path: "/api/v1/jobs", body: submit, status: 201, events: []fleet.EventKind{fleet.EventWorkflowCreated, fleet.EventJobSubmitted}}.run(w)
}

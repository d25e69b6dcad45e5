package httpapi

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/casarerpa/fleet/fleet"
)

// twoTenants adds the tenant acme with an admin of its own.
func (w *world) twoTenants() {
	w.Helper()
	w.super()
	if a := w.do("super", "POST", "/api/v1/tenants", `{"id":"acme"}`); a.status != 201 {
		w.Fatal(a.body)
	}
	w.keys["acme"] = read[NewKey](w, w.do("super", "POST", "/api/v1/keys?tenant_id=acme", `{"kind":"service","name":"acme admin","role":"admin"}`)).Secret
}

// The tenant that somebody names is the one that is acted on, however it is
// written; what names none, or two, is refused and does not fall back on one's own.
func TestNamedTenantInEveryForm(t *testing.T) {
	w := newWorld(t)
	w.twoTenants()
	asset := `{"type":"text","value":"x"}`
	for _, tenant := range []string{"acme", "default"} {
		if a := w.do("super", "PUT", "/api/v1/assets/target?tenant_id="+tenant, asset); a.status >= 300 {
			t.Fatal(a.body)
		}
	}
	for _, query := range []string{"tenant_id=", "tenant_id", "tenant%5Fid=", "tenant_id=acme&tenant_id=default", "tenant_id=acme&tenant%5fid=acme", "tenant_id=acme;x=1", "tenant_id=%zz"} {
		if a := w.do("super", "DELETE", "/api/v1/assets/target?"+query, ""); a.status != 422 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	for _, tenant := range []string{"acme", "default"} {
		if a := w.do("super", "GET", "/api/v1/assets/target?tenant_id="+tenant, ""); a.status != 200 {
			t.Fatalf("%s lost what nobody deleted there: %d %s", tenant, a.status, a.body)
		}
	}
	if a := w.do("super", "DELETE", "/api/v1/assets/target?tenant%5Fid=acme", ""); a.status >= 300 {
		t.Errorf("escaped: %d %s", a.status, a.body)
	}
	for tenant, status := range map[string]int{"acme": 404, "default": 200} {
		if a := w.do("super", "GET", "/api/v1/assets/target?tenant_id="+tenant, ""); a.status != status {
			t.Errorf("%s after an escaped name: %d %s", tenant, a.status, a.body)
		}
	}
}

// Whether the server lives, and whoever is signed in, is no tenant's matter.
func TestNoTenantWhereNoneActs(t *testing.T) {
	w := newWorld(t)
	w.super()
	for _, s := range []scenario{
		{name: "health", method: "GET", path: "/health?tenant_id=nobody", status: 200},
		{name: "alive", method: "GET", path: "/health/live?tenant_id=nobody", status: 200},
		{name: "one's own sign-ins", method: "GET", path: "/api/v1/me/sessions?tenant_id=nobody", status: 403, has: []string{"not_signed_in"}},
	} {
		s.as = "super"
		s.run(w)
	}
	for pattern, o := range w.api.routes {
		named := false
		for _, op := range operationsOf(w.api.huma.OpenAPI().Paths[o.path]) {
			for _, p := range op.Parameters {
				named = named || op.Method == o.method && p.Name == tenantParam
			}
		}
		if acts := o.may.permission != "" && o.may.permission != fleet.RobotsConnect; !o.may.signedIn && named != acts {
			t.Errorf("%s: tenant_id in the document is %v", pattern, named)
		}
	}
}

// A text that is cut to be kept is still a text.
func TestClipCutsBetweenCharacters(t *testing.T) {
	for n := range 12 {
		if got := clip("aé€😀é€", n); !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
	w := newWorld(t)
	w.do("admin", "PUT", "/api/v1/assets/a", `{"type":"text","value":"x"}`, "X-Audit-Reason", "a"+strings.Repeat("é", 300))
	if a := w.do("admin", "GET", "/api/v1/audit?action=asset.create", ""); !utf8.ValidString(a.body) || strings.Contains(a.body, "�") || !json.Valid([]byte(a.body)) {
		t.Errorf("%s", a.body)
	}
}

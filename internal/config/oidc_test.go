package config

import (
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

func TestOIDC(t *testing.T) {
	good := OIDC{
		Issuer: "https://login.example.org/realms/main", Name: "sso", ClientID: "fleet", Algorithm: "RS256", RoleClaim: "groups",
		Role: []string{"cn=ops,dc=example=operator", "boss=admin"}, TenantClaim: "org", Tenant: []string{"Acme Ltd=acme"},
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	roles, err := good.Roles()
	if err != nil || roles["cn=ops,dc=example"] != fleet.RoleOperator || roles["boss"] != fleet.RoleAdmin {
		t.Errorf("%v, %v", roles, err)
	}
	if tenants, err := good.Tenants(); err != nil || tenants["Acme Ltd"] != "acme" {
		t.Errorf("%v, %v", tenants, err)
	}
	if err := (OIDC{}).Validate(); err != nil {
		t.Errorf("no issuer: %v", err)
	}
	for field, change := range map[string]func(c *OIDC){
		"oidc-issuer":       func(c *OIDC) { c.Issuer = "http://login.example.org" },
		"oidc-client-id":    func(c *OIDC) { c.ClientID = "" },
		"oidc-name":         func(c *OIDC) { c.Name = "a/b" },
		"oidc-role":         func(c *OIDC) { c.Role = []string{"x=robot"} },
		"oidc-tenant":       func(c *OIDC) { c.Tenant = []string{"x=not a tenant"} },
		"oidc-tenant-claim": func(c *OIDC) { c.TenantClaim = "" },
		"oidc-public-url":   func(c *OIDC) { c.PublicURL = "https://user@fleet.example.org" },
	} {
		c := good
		change(&c)
		if e := fleet.AsError(c.Validate()); e == nil || len(e.Fields) != 1 || e.Fields[0].Field != field {
			t.Errorf("%s: %v", field, c.Validate())
		}
	}
	for _, at := range []string{"http://127.0.0.1:9000", "http://localhost", "http://[::1]:80/x"} {
		c := good
		if c.Issuer = at; c.Validate() != nil || !c.LocalIssuer() {
			t.Errorf("%s: %v", at, c.Validate())
		}
	}
}

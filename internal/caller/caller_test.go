package caller

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func request(t *testing.T, target string, header ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func TestPlacesOfACredential(t *testing.T) {
	for _, c := range []struct {
		name                          string
		in                            *http.Request
		bearer, apiKey, query, cookie string
		given                         bool
	}{
		{name: "nothing", in: request(t, "/x")},
		{name: "bearer", in: request(t, "/x", "Authorization", "bearer  abc "), bearer: "abc", given: true},
		{name: "another scheme never counts", in: request(t, "/x", "Authorization", "Basic abc"), bearer: "-", given: true},
		{name: "a scheme alone never counts", in: request(t, "/x", "Authorization", "Bearer"), bearer: "-", given: true},
		{name: "key", in: request(t, "/x", "X-Api-Key", "abc"), apiKey: "abc", given: true},
		{name: "both", in: request(t, "/x", "X-Api-Key", "abc", "Authorization", "Bearer d"), bearer: "d", apiKey: "abc", given: true},
		{name: "query", in: request(t, "/x?a=1&token=abc%2Bd&b=2"), query: "abc+d", given: true},
		{name: "cookie", in: request(t, "/x", "Cookie", "__Host-fleet=abc"), cookie: "abc", given: true},
		{name: "another cookie", in: request(t, "/x", "Cookie", "fleet=abc")},
	} {
		got := Of(Read(c.in, Rules{QueryTokens: true, Cookie: "__Host-fleet"}))
		if got.Bearer != c.bearer || got.APIKey != c.apiKey || got.Query != c.query || got.Cookie != c.cookie || got.Any() != c.given {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got.Address.String() != "192.0.2.1" {
			t.Errorf("%s: from %s", c.name, got.Address)
		}
	}
}

// Whether it counts or not, a credential is not in the address that everybody
// behind Read sees; what else is there keeps its form.
func TestCredentialLeavesTheAddress(t *testing.T) {
	for _, counts := range []bool{true, false} {
		for _, name := range []string{"token", "api_key", "api_secret", "TOKEN", "api%5Fkey", "%74oken"} {
			r := Read(request(t, "/ws/x?a=%20b&"+name+"=canary&c&token=canary2"), Rules{QueryTokens: counts})
			if shown := r.RequestURI + r.URL.String() + r.URL.Query().Encode(); strings.Contains(shown, "canary") {
				t.Errorf("%s is still shown: %s", name, shown)
			}
			if r.URL.RawQuery != "a=%20b&c" || r.RequestURI != "/ws/x?a=%20b&c" {
				t.Errorf("%s: the rest became %q, %q", name, r.URL.RawQuery, r.RequestURI)
			}
			if in := Of(r); (in.Query == "canary") != counts || in.QueryIgnored == counts {
				t.Errorf("%s, counting %t: %+v", name, counts, in)
			}
		}
	}
	// Without Read nothing in an address counts.
	if in := Of(request(t, "/x?token=abc", "X-Api-Key", "k")); in.Query != "" || in.APIKey != "k" {
		t.Errorf("%+v", in)
	}
}

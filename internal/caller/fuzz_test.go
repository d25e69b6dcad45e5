package caller

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzQuery: whatever stands in an address, no parameter that a server would
// read as a credential is left behind, and nothing else is lost.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "a=1", "token=x", "a=1&token=x&b=2", "token=x&token=y", "%74oken=x", "api%5Fkey=x&API_SECRET=y", "token", "token=%zz", "&&token=x&", "a;token=x",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if strings.ContainsAny(query, "#\x00 \r\n") {
			return // no server reads such an address
		}
		r := &http.Request{Header: http.Header{}, URL: &url.URL{Path: "/x", RawQuery: query}, RemoteAddr: "192.0.2.1:1"}
		out := Read(r, Rules{QueryTokens: true})
		left, _ := url.ParseQuery(out.URL.RawQuery)
		for name := range left {
			for _, q := range queryNames {
				if strings.EqualFold(name, q) {
					t.Errorf("%q leaves %q", query, out.URL.RawQuery)
				}
			}
		}
		had, _ := url.ParseQuery(query)
		for name, values := range had {
			if !isCredential(url.QueryEscape(name)) && len(left[name]) != len(values) {
				t.Errorf("%q loses %q", query, name)
			}
		}
	})
}

package httpapi

import (
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/internal/caller"
)

// TestHeaders is a snapshot of what goes with each kind of answer. What differs
// from run to run stands as its name.
func TestHeaders(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Proxies = caller.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	})
	var b strings.Builder
	for _, c := range []struct{ name, as, method, path, body string }{
		{"an answer", "viewer", "GET", "/api/v1/jobs", ""},
		{"something made", "developer", "POST", "/api/v1/jobs", `{"workflow_json":` + doc + `}`},
		{"a problem", "viewer", "GET", "/api/v1/jobs/none", ""},
		{"no credential", "", "GET", "/api/v1/jobs", ""},
		{"not allowed", "viewer", "POST", "/api/v1/jobs", `{}`},
		{"health", "", "GET", "/health", ""},
		{"the document", "viewer", "GET", "/api/v1/openapi.json", ""},
		{"a document for a robot", "bot-1", "GET", "/api/v1/robot/workflows/" + strings.Repeat("0", 64), ""},
		{"nothing there", "viewer", "GET", "/nothing", ""},
		{"another method", "viewer", "DELETE", "/api/v1/jobs", ""},
	} {
		a := w.do(c.as, c.method, c.path, c.body)
		b.WriteString("# " + c.name + ": " + c.method + " " + itoa(a.status) + "\n")
		for _, name := range slices.Sorted(maps.Keys(a.header)) {
			value := strings.Join(a.header[name], " | ")
			switch name {
			case "Date", "Content-Length", "X-Request-Id", "X-Correlation-Id", "Location", "Ratelimit":
				value = "…"
			case "Etag":
				value = "…"
			}
			b.WriteString(name + ": " + value + "\n")
		}
		b.WriteString("\n")
	}
	const path = "testdata/headers.txt"
	if os.Getenv("FLEET_UPDATE") != "" {
		w.must(os.WriteFile(path, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(path)
	w.must(err)
	if b.String() != string(want) {
		t.Errorf("headers are others than in %s (FLEET_UPDATE=1 writes it anew):\n%s", path, b.String())
	}
}

// TestOtherPages: a page from elsewhere can change nothing with the browser's
// own means, and programs, which send no origin, are not asked.
func TestOtherPages(t *testing.T) {
	w := newWorld(t)
	body := `{"workflow_json":` + doc + `}`
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"a program", nil, 201},
		{"this page", []string{"Origin", w.url, "Sec-Fetch-Site", "same-origin"}, 201},
		{"another page", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a neighbour", []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403},
		{"an old browser", []string{"Origin", "https://evil.example"}, 403},
		{"a sandbox", []string{"Origin", "null"}, 403},
	} {
		if a := w.do("developer", "POST", "/api/v1/jobs", body, c.headers...); a.status != c.status {
			t.Errorf("%s: %d %s", c.name, a.status, a.body)
		}
	}
	if a := w.do("viewer", "GET", "/api/v1/jobs", "", "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); a.status != 200 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a read from elsewhere: %d, CORS %q", a.status, a.header.Get("Access-Control-Allow-Origin"))
	}
}

// TestLocalSockets: without keys the checks of host and origin hold for the
// robot channel too, before it is asked.
func TestLocalSockets(t *testing.T) {
	asked := 0
	w := newWorld(t, func(o *Options) { o.Local, o.Robots = true, counting(&asked) })
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Host", "evil.example"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{nil, 418},
	} {
		if a := w.raw("GET", "/ws/v2/robot", c.headers...); a != c.status {
			t.Errorf("%v: %d", c.headers, a)
		}
	}
	if asked != 1 {
		t.Errorf("the channel was asked %d times", asked)
	}
}

package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/casarerpa/fleet/web"
)

// TestDistMatchesSource: what is compiled in was built from what stands beside it.
func TestDistMatchesSource(t *testing.T) {
	dist, err := web.Dist()
	if err != nil {
		t.Fatal(err)
	}
	want, err := web.BuildSum(os.DirFS("."), dist)
	if err != nil {
		t.Fatal(err)
	}
	got, err := fs.ReadFile(dist, "build.sum")
	if err == nil && string(got) == want {
		return
	}
	if os.Getenv("FLEET_UI_DIST") == "warn" {
		t.Logf("web/dist is older than web/src: run `make ui-dist`")
		return
	}
	t.Error("web/dist is older than web/src: run `make ui-dist`")
}

// answer is a response whose body was read.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       []byte
}

func get(t *testing.T, h http.Handler, method, path string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.Bytes()}
}

func body(r answer) string { return string(r.Body) }

func TestHandler(t *testing.T) {
	script := strings.Repeat("let x = 1;\n", 200)
	h, err := web.New(fstest.MapFS{
		"index.html":            {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__">`)},
		"assets/index-abc.js":   {Data: []byte(script)},
		"assets/inter.woff2":    {Data: []byte(script)},
		"favicon.svg":           {Data: []byte("<svg/>")},
		"build.sum":             {Data: []byte("secret")},
		"assets/.hidden":        {Data: []byte("secret")},
		"assets/nested/deep.js": {Data: []byte("1")},
	})
	if err != nil {
		t.Fatal(err)
	}
	nonces := map[string]bool{}
	for range 3 {
		r := get(t, h, "GET", "/workflows/abc")
		text := body(r)
		nonce := regexp.MustCompile(`content="([^"]+)"`).FindStringSubmatch(text)
		if r.StatusCode != 200 || nonce == nil || nonces[nonce[1]] || !strings.Contains(r.Header.Get("Content-Security-Policy"), "'nonce-"+nonce[1]+"'") ||
			r.Header.Get("Cache-Control") != "no-store" || strings.Contains(text, "__CSP") {
			t.Errorf("%d %s %v", r.StatusCode, text, r.Header)
		}
		nonces[nonce[1]] = true
	}
	r := get(t, h, "GET", "/assets/index-abc.js", "Accept-Encoding", "gzip, br")
	z, err := gzip.NewReader(bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != script || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("Vary") == "" {
		t.Errorf("%v %v", err, r.Header)
	}
	if again := get(t, h, "GET", "/assets/index-abc.js", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != 304 {
		t.Errorf("%d", again.StatusCode)
	}
	if r := get(t, h, "GET", "/assets/inter.woff2", "Accept-Encoding", "gzip"); r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Type") != "font/woff2" {
		t.Errorf("%v", r.Header)
	}
	for _, gone := range []string{"/assets/index-old.js", "/assets/x", "/build.sum", "/assets/.hidden", "/robots.txt"} {
		if r := get(t, h, "GET", gone); r.StatusCode != 404 || strings.Contains(body(r), "secret") {
			t.Errorf("%s: %d", gone, r.StatusCode)
		}
	}
	if r := get(t, h, "GET", "/local/reports/daily.json"); r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the canvas on a file: %d", r.StatusCode)
	}
	if r := get(t, h, "POST", "/workflows"); r.StatusCode != 405 {
		t.Errorf("%d", r.StatusCode)
	}
	if r := get(t, h, "HEAD", "/"); r.StatusCode != 200 || body(r) != "" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	empty, err := web.New(fstest.MapFS{"build.sum": {}})
	if err != nil {
		t.Fatal(err)
	}
	if r := get(t, empty, "GET", "/"); r.StatusCode != 404 || !strings.Contains(body(r), "make ui-dist") {
		t.Errorf("%d", r.StatusCode)
	}
}

func TestTheAPIKeepsItsAddresses(t *testing.T) {
	name := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) })
	}
	h := web.With(name("api"), name("page"))
	for path, want := range map[string]string{
		"/api/v1/jobs": "api", "/api/none": "api", "/api": "api", "/ws/v2/robot": "api", "/health/ready": "api", "/metrics": "api",
		"/": "page", "/apiary": "page", "/workflows": "page", "/local/a.json": "page",
	} {
		if got := body(get(t, h, "GET", path)); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// TestEveryAddressOfTheAPIReachesIt: no operation of the document is answered by
// the pages, which would take a POST for a mistake.
func TestEveryAddressOfTheAPIReachesIt(t *testing.T) {
	text, err := os.ReadFile("../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(text, &doc); err != nil || len(doc.Paths) == 0 {
		t.Fatalf("the document has %d addresses: %v", len(doc.Paths), err)
	}
	for address := range doc.Paths {
		if !web.IsAPI(address) {
			t.Errorf("%s goes to the pages", address)
		}
	}
}

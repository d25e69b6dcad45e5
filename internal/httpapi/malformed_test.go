package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// direct sends a request into the API without a socket, so that anything can be
// sent, and looks at what must hold of every answer: it is no fault of ours, it
// is JSON where it says so, nothing of the request stands in a header, and no
// handler panicked.
func (w *world) direct(as, method, target, body string, headers ...string) (a answer, req *http.Request) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+target, strings.NewReader(body))
	if err != nil {
		return answer{status: http.StatusBadRequest}, nil // net/http would refuse it as well
	}
	req.RequestURI, req.RemoteAddr = target, "192.0.2.1:1"
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key := w.keys[as]; key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.api.ServeHTTP(out, req)
	a = answer{out.Code, out.Header(), out.Body.String()}
	tooSlow := a.status == http.StatusServiceUnavailable && strings.Contains(a.body, "too_slow") && ctx.Err() != nil // it waited, as it was asked to
	if a.status >= 500 && !tooSlow {
		w.Errorf("%s %s as %s: %d %s\nbody %.300q", method, target, as, a.status, a.body, body)
	}
	media, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	if (media == "application/json" || media == "application/problem+json") && !json.Valid([]byte(a.body)) {
		w.Errorf("%s %s: the answer is no JSON: %.300q", method, target, a.body)
	}
	if a.header.Get("Set-Cookie") != "" || a.header.Get("X-Injected") != "" || strings.Contains(a.body, "root:x:0") {
		w.Errorf("%s %s: something got out: %v %.300q", method, target, a.header, a.body)
	}
	if a.status >= 400 && media != "application/problem+json" {
		w.Errorf("%s %s: %d without a problem: %q %.300q", method, target, a.status, media, a.body)
	}
	return a, req
}

// malformed is text that is no body, or one that nobody meant.
func malformed() []string {
	out := []string{
		`{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[`, `[1,`, `"`, `"\`, `{"a":"\u12`, `{"a":tru`, `{]`, `}`, `,`, `:`,
		`{"a":1,"a":2}`, `{"name":"a","n\u0061me":"b"}`, `{"":1,"":2}`,
		"{\"name\":\"\xff\xfe\"}", "{\"name\":\"\xc0\xaf\"}", "{\"\xed\xa0\x80\":1}", "\xef\xbb\xbf{}", "{\"a\":\"\x00\"}", `{"name":"\ud800"}`, `{"name":"\udc00\ud800"}`,
		`{"a":1e999999}`, `{"a":-1e999999}`, `{"a":9223372036854775808}`, `{"a":-9223372036854775809}`, `{"a":1E400}`, `{"a":0x10}`, `{"a":01}`, `{"a":NaN}`, `{"a":Infinity}`,
		`{"a":` + strings.Repeat("9", 5000) + `}`, `{"a":0.` + strings.Repeat("0", 5000) + `1}`, `{"a":-0}`, `{"a":1e-999999}`,
		`null`, `true`, `1`, `""`, `[]`, `[[]]`, `{} {}`, `{}x`, ` `, "\x00", "\n", `{"__proto__":{"a":1}}`, `{"a":{"a":{"a":{"a":{}}}}}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 10_000), strings.Repeat("[", 200) + strings.Repeat("]", 200),
		`{"a":` + strings.Repeat(`{"a":`, 70) + `1` + strings.Repeat(`}`, 71),
	}
	return out
}

// hostile are values for the variables of paths, for queries and for texts.
func hostile() []string {
	return []string{
		"..", "../../../../etc/passwd", `..\..\windows\win.ini`, "/etc/passwd", "%2e%2e%2f", "....//....//etc/passwd", "file:///etc/passwd", "~root",
		"\x00", "a\x00b", "a\r\nX-Injected: 1", "a\nSet-Cookie: a=b", "\xff\xfe", "\u202eabc", "e\u0301", "\ufeff", "😀", "\ud7ff",
		"'; drop table jobs; --", `" or ""="`, "1 or 1=1", "$1", "%", "%s%n%x", "{{7*7}}", "${jndi:ldap://x}", "$(id)", "`id`", "<script>alert(1)</script>", "=cmd|'/c calc'!A0",
		"-1", "0", "00", "1e9", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "NaN", "null", "true", "[]", "{}", " ", "*", "?", "#", ";", "a;b", ",",
		strings.Repeat("a", 65), strings.Repeat("a", 300), strings.Repeat("A", 3000), strings.Repeat("é", 500), "con", "nul", ".", "a/../b", "a//b",
	}
}

// escaped writes a value into a path or a query so that it arrives as it is.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// declaredOperations pairs the rows of the table with what the document says.
func (w *world) declaredOperations() []declared {
	var out []declared
	doc := w.api.huma.OpenAPI()
	for _, o := range w.api.routes {
		item := doc.Paths[o.path]
		if item == nil {
			continue
		}
		entry := map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
		}[o.method]
		if entry != nil {
			out = append(out, declared{o, entry})
		}
	}
	slices.SortFunc(out, func(a, b declared) int { return strings.Compare(a.o.pattern(), b.o.pattern()) })
	return out
}

type declared struct {
	o     *operation
	entry *huma.Operation
}

// wide are limits that a test which sends a lot does not meet.
func wide(o *Options) {
	o.Limits.Requests, o.Limits.Addresses, o.Limits.RobotRequests, o.Limits.Submits = 1_000_000, 1_000_000, 1_000_000, 1_000_000
	o.Limits.Pending = 1_000_000
}

// TestMalformed: every door is tried with bodies that are none, with hostile
// names in every variable of its path and with hostile values in every
// parameter of its query. No answer is a fault of ours, and nothing gets out.
func TestMalformed(t *testing.T) {
	w := newWorld(t, wide)
	w.super()
	sent := 0
	for _, d := range w.declaredOperations() {
		as := w.whoMay(d.o)
		path := filled(d.o.path)
		if d.o.body.limit != noBody {
			for _, body := range malformed() {
				w.direct(as, d.o.method, path, body)
				sent++
			}
			for _, kind := range []string{"", "text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "multipart/form-data", "a", "*/*", "application/json, text/html"} {
				w.direct(as, d.o.method, path, `{}`, "Content-Type", kind)
				sent++
			}
			w.direct(as, d.o.method, path, `{}`, "Content-Encoding", "gzip")
			for _, field := range w.fieldsOfBody(d) {
				for _, value := range []string{`null`, `0`, `-1`, `1e400`, `9223372036854775807`, `""`, `"\u0000"`, `"\u202e"`, `[]`, `{}`, `[null]`, `{"a":[{}]}`, `true`, `"` + strings.Repeat("x", 2000) + `"`, `["../../etc/passwd"]`} {
					w.direct(as, d.o.method, path, `{`+quote(field)+`:`+value+`}`)
					sent++
				}
			}
		}
		if strings.Contains(d.o.path, "{") {
			for _, name := range hostile() {
				w.direct(as, d.o.method, pathVariable.ReplaceAllString(d.o.path, escaped(name)), "{}")
				sent++
			}
		}
		for _, p := range d.entry.Parameters {
			if p.In != "query" || strings.HasPrefix(p.Name, "wait") || p.Name == "follow" {
				continue
			}
			for _, value := range hostile() {
				w.direct(as, d.o.method, path+"?"+p.Name+"="+escaped(value), "")
				sent++
			}
		}
	}
	for _, target := range []string{
		"/../../etc/passwd", "/api/v1/../../etc/passwd", "/api/v1/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/v1/jobs/..%2f..%2f", `/api/v1\..\..`, "/api/v1/openapi.json/../../x",
		"/ws/../etc/passwd", "/.git/config", "/debug/pprof/", "/metrics", "/api/v1/", "/api", "*", "/%", "/%zz", "/?%zz", "/api/v1/jobs?;", "/api/v1/jobs?a=%zz",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"} {
			w.direct("admin", method, target, "")
			sent++
		}
	}
	if log := w.logged(); strings.Contains(log, "handler panicked") {
		t.Errorf("a handler panicked: %s", log[max(strings.Index(log, "handler panicked")-200, 0):][:2000])
	}
	t.Logf("%d requests", sent)
}

// fieldsOfBody are the members that the document knows of a body.
func (w *world) fieldsOfBody(d declared) (names []string) {
	if d.entry.RequestBody == nil {
		return nil
	}
	for _, media := range d.entry.RequestBody.Content {
		s := w.resolved(media.Schema)
		if s == nil {
			continue
		}
		for name := range s.Properties {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (w *world) resolved(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return w.api.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// TestContract sends requests that are drawn from the document, some as it wants
// them and some not: every answer fits the document, and none is a fault of ours.
// The seed is fixed, so a failure comes again.
func TestContract(t *testing.T) {
	count := 20_000
	if testing.Short() {
		count = 2_000
	}
	w := newWorld(t, wide)
	w.super()
	g := &generator{w: w, r: rand.New(rand.NewPCG(11, 5))} //nolint:gosec // a test repeats itself
	ops := w.declaredOperations()
	byStatus := map[int]int{}
	for i := range count {
		d := ops[g.r.IntN(len(ops))]
		as := w.whoMay(d.o)
		if g.r.IntN(10) == 0 {
			as = []string{"", "viewer", "operator", "developer", "bot-2"}[g.r.IntN(5)]
		}
		target, body := g.request(d)
		a, req := w.direct(as, d.o.method, target, body)
		byStatus[a.status]++
		if req != nil {
			w.conforms(req, a)
		}
		if a.status == http.StatusCreated || a.status == http.StatusOK {
			g.learn(a.body)
		}
		if t.Failed() {
			t.Fatalf("request %d: %s %s as %s\nbody %.500s\nanswer %d %.500s", i, d.o.method, target, as, body, a.status, a.body)
		}
	}
	if log := w.logged(); strings.Contains(log, "handler panicked") {
		t.Error("a handler panicked")
	}
	if byStatus[200] < count/50 || byStatus[422] < count/50 {
		t.Errorf("the requests reach too little: %v", byStatus)
	}
	t.Logf("%d requests: %v", count, byStatus)
}

// generator draws requests.
type generator struct {
	w   *world
	r   *rand.Rand
	ids []string // of things that answers named
}

// learn keeps ids that an answer names, so that later requests find something.
func (g *generator) learn(body string) {
	var v map[string]any
	if json.Unmarshal([]byte(body), &v) != nil || len(g.ids) > 500 {
		return
	}
	for _, name := range []string{"id", "job_id", "workflow_id"} {
		if id, ok := v[name].(string); ok && id != "" {
			g.ids = append(g.ids, id)
		}
	}
}

func (g *generator) request(d declared) (target, body string) {
	target = pathVariable.ReplaceAllStringFunc(d.o.path, func(v string) string {
		switch n := g.r.IntN(10); {
		case n == 0:
			return escaped(hostile()[g.r.IntN(len(hostile()))])
		case n < 6 && v == "{id}" && len(g.ids) > 0 && !strings.Contains(d.o.path, "/robots/"):
			return escaped(g.ids[g.r.IntN(len(g.ids))])
		}
		return one(d.o.path, v)
	})
	var query []string
	for _, p := range d.entry.Parameters {
		if p.In != "query" || strings.HasPrefix(p.Name, "wait") || p.Name == "follow" || g.r.IntN(3) > 0 {
			continue
		}
		value := fmt.Sprint(g.plain(p.Schema))
		if g.r.IntN(6) == 0 {
			value = hostile()[g.r.IntN(len(hostile()))]
		}
		query = append(query, p.Name+"="+escaped(value))
	}
	if len(query) > 0 {
		target += "?" + strings.Join(query, "&")
	}
	if d.entry.RequestBody == nil {
		return target, ""
	}
	for _, media := range d.entry.RequestBody.Content {
		text, err := json.Marshal(g.value(media.Schema, 0))
		if err != nil {
			return target, "{}"
		}
		body = string(text)
		if d.o.rate == rateSubmit && g.r.IntN(2) == 0 {
			body = `{"workflow_json":` + doc + `,"priority":` + itoa(g.r.IntN(25)) + `}`
		}
		if g.r.IntN(12) == 0 && body != "" { // broken somewhere
			at := g.r.IntN(len(body))
			body = body[:at] + malformed()[g.r.IntN(10)] + body[at:]
		}
		break
	}
	return target, body
}

// one fills a single variable of a path.
func one(path, variable string) string {
	prefix := path[:strings.Index(path, variable)]
	out := filled(path)
	depth := strings.Count(prefix, "/")
	return strings.Split(out, "/")[depth]
}

// plain is a value for a parameter.
func (g *generator) plain(s *huma.Schema) any {
	if s == nil {
		return "x"
	}
	if v := g.value(s, 3); v != nil {
		if list, ok := v.([]any); ok {
			if len(list) == 0 {
				return ""
			}
			return list[0]
		}
		return v
	}
	return ""
}

// value draws something that a schema allows, mostly.
func (g *generator) value(s *huma.Schema, depth int) any {
	if s = g.w.resolved(s); s == nil || depth > 5 {
		return nil
	}
	if len(s.OneOf) > 0 {
		return g.value(s.OneOf[g.r.IntN(len(s.OneOf))], depth+1)
	}
	if g.r.IntN(25) == 0 { // and sometimes something else
		return []any{nil, -1, 1e18, "", hostile()[g.r.IntN(len(hostile()))], []any{}, map[string]any{}, true}[g.r.IntN(8)]
	}
	if len(s.Enum) > 0 {
		return s.Enum[g.r.IntN(len(s.Enum))]
	}
	switch s.Type {
	case huma.TypeString:
		if s.Format == "date-time" {
			return time.Date(2026, 11, 26, g.r.IntN(24), 0, 0, 0, time.UTC).Add(time.Duration(g.r.IntN(2000)-1000) * time.Hour).Format(time.RFC3339)
		}
		words := []string{"default", "bot-1", "bot-2", "pending", "a", "gpu", nowhereID, "viewer", "service", "0 6 * * 1", "Europe/Berlin", "note", "robot", ""}
		return words[g.r.IntN(len(words))]
	case huma.TypeInteger:
		return g.r.IntN(120) - 5
	case huma.TypeNumber:
		return float64(g.r.IntN(2000))/10 - 50
	case huma.TypeBoolean:
		return g.r.IntN(2) == 0
	case huma.TypeArray:
		list := []any{}
		for range g.r.IntN(4) {
			list = append(list, g.value(s.Items, depth+1))
		}
		return list
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) { // in one order, for the seed's sake
		if slices.Contains(s.Required, name) || g.r.IntN(3) == 0 {
			out[name] = g.value(s.Properties[name], depth+1)
		}
	}
	return out
}

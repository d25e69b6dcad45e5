package httpapi

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// FuzzSubmission reads any bytes as the body of a submit. Whatever they are,
// the answer is a request or an error of the caller's, and what is accepted is
// JSON that the standard library accepts too.
func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{
		`{"workflow_json":` + doc + `}`, `{"workflow_json":"{}","priority":"high","inputs":{"a":[1,2e3,null,true]}}`,
		`{"retry":{"max":3},"placement":{"capabilities":["gpu"]},"not_before":"2026-11-24T12:00:00Z"}`,
		`{"name":"a","n\u0061me":"b"}`, `{"a":"\ud800"}`, `{"a":1e}`, "{\"a\":\"\x00\"}", `[`, `{"a":{"b":[{}]}}`, `{"":1,"":2}`, " { } ", `{"a":-}`,
	} {
		f.Add([]byte(seed))
	}
	submits := newSubmissions(config.DefaultLimits())
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := submits.read(body, "key")
		if err != nil {
			e := fleet.AsError(err)
			if e.Code != fleet.CodeInvalid || e.Message == "" || len(e.Message) > 1000 {
				t.Errorf("%q: %+v", body, e)
			}
			return
		}
		if !json.Valid(body) {
			t.Errorf("accepted what is no JSON: %q", body)
		}
		if len(req.Variables) > 0 && !json.Valid(req.Variables) {
			t.Errorf("variables are no JSON: %q", req.Variables)
		}
		if again, err := submits.read(append(body, ' ', '\n'), "key"); err != nil || again.RequestHash != req.RequestHash {
			t.Errorf("%q: blanks changed the hash or broke it: %v", body, err)
		}
	})
}

// TestScanLimits looks at each limit, and at one beyond it.
func TestScanLimits(t *testing.T) {
	limits := config.DefaultLimits()
	limits.JSONKeys, limits.JSONString, limits.JSONDepth = 20, 10, 3
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quote("k" + itoa(i)))
			b.WriteString(":1")
		}
		return b.String()
	}
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{`{` + members(20) + `}`, true},
		{`{` + members(21) + `}`, false},
		{`{"a":{` + members(20) + `}}`, true},
		{`{"a":{` + members(21) + `}}`, false},
		{`{` + members(18) + `,"k3":1}`, false}, // doubled in a large object
		{`{"a":"` + strings.Repeat("x", 10) + `"}`, true},
		{`{"a":"` + strings.Repeat("x", 11) + `"}`, false},
		{`{"` + strings.Repeat("x", 11) + `":1}`, false},
		{`{"a":[[]]}`, true},
		{`{"a":[[[]]]}`, false},
		{`{"raw":"` + strings.Repeat("x", 11) + `"}`, true}, // somebody else checks it
		{`{"raw":{"a":1,"a":2}}`, true},
		{`{"raw":[[[]]]}`, false},
	} {
		_, err := object([]byte(c.body), limits, func(key string) bool { return key == "raw" })
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.body, err)
		}
	}
}

// BenchmarkSubmission is what reading a submit of 2 KB costs.
func BenchmarkSubmission(b *testing.B) {
	text := `{"workflow_json":` + strings.Replace(doc, "nothing", strings.Repeat("n", 1800), 1) + `,"priority":5,"variables":{"a":1,"b":"two"}}`
	submits := newSubmissions(config.DefaultLimits())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := submits.read([]byte(text), ""); err != nil {
			b.Fatal(err)
		}
	}
}

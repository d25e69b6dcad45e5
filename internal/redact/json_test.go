package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	r := New("hunter22", "481516", `{"user":"ada","pin":1}`, `tab\tseparated`)
	for in, want := range map[string]string{
		``:                                  ``,
		`{ "a": [1, 2.50, null, true] }`:    `{ "a": [1, 2.50, null, true] }`,
		`{"b":"x hunter22 y","a":1.0}`:      `{"b":"x *** y","a":1.0}`,
		`{"hunter22":{"a":[]},"z":{}}`:      `{"***":{"a":[]},"z":{}}`,
		`{"a":"\u0068unter22","b":"<&>é"}`:  `{"a":"***","b":"<&>é"}`,
		`["hunter22",481516,4.81516e5,-48]`: `["***","***","***",-48]`,
		`{"key":{"user":"ada","pin":1}}`:    `{"***":"***"}`,
		`[{"user":"ada","pin":1}]`:          `["***"]`,
		`"tab\tseparated"`:                  `"***"`,
		`{"a":"hunter22"`:                   `"***"`,
	} {
		got := string(r.JSON([]byte(in)))
		if r.Contains(got) || in != "" && !json.Valid([]byte(got)) {
			t.Errorf("JSON(%s) = %s", in, got)
		}
		if got != want {
			t.Errorf("JSON(%s) = %s, want %s", in, got, want)
		}
	}
	var none *Redactor
	if string(none.JSON([]byte(`{"a":"hunter22"}`))) != `{"a":"hunter22"}` {
		t.Error("a nil Redactor must change nothing")
	}
}

// FuzzNoCanaryInJSON looks for a value that gets through a result in any form,
// and for a result that is no JSON any more.
func FuzzNoCanaryInJSON(f *testing.F) {
	f.Add("hunter22", "pw ", int64(481516))
	f.Add(`","a":"`, "x", int64(0))
	f.Add("a\"b\\c\nd", "%", int64(-1))
	f.Add("481516", "", int64(481516))
	f.Add(`{"a":"b"}`, "päss", int64(7))
	f.Fuzz(func(t *testing.T, canary, around string, number int64) {
		if strings.Contains(canary, "*") {
			t.Skip("a mask itself would look like the value")
		}
		r := New(canary)
		in, err := json.Marshal(map[string]any{
			around + canary: number,
			"plain":         []any{around + canary + around, number, nil, true, 1.5},
			"base64":        map[string]any{"a": base64.StdEncoding.EncodeToString([]byte(around + canary)), "b": []any{}},
			"hex":           hex.EncodeToString([]byte(canary)),
			"url":           url.QueryEscape(canary),
		})
		if err != nil {
			t.Skip()
		}
		out := r.JSON(in)
		if r.Contains(string(out)) {
			t.Fatalf("%q survives in %s", canary, out)
		}
		var back map[string]any
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%q: %v in %s", canary, err, out)
		}
		if string(r.JSON(out)) != string(out) {
			t.Fatalf("%q: masked twice is not masked once: %s", canary, out)
		}
	})
}

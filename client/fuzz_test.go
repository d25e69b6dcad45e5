package client

import (
	"net/http"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// FuzzProblem reads any bytes as the body of an error. Whatever a server, or
// something before it, answers: there is an error with a kind that is known
// and a sentence, and its text can be shown.
func FuzzProblem(f *testing.F) {
	for _, body := range []string{
		`{"title":"Conflict","detail":"It has ended.","kind":"conflict","code":"job_finished","errors":[{"field":"a","message":"b"}],"request_id":"r","fix":"f"}`,
		`{"detail":"x"}`, `{"detail":1}`, `{}`, `[]`, `null`, `<html>`, ``, "\xff", `{"detail":"x","kind":"something else"}`, `{"detail":"x","errors":[null]}`,
	} {
		for _, status := range []int{400, 401, 409, 412, 422, 429, 500, 502, 503, 507, 599, 999} {
			f.Add(status, "application/problem+json", "5", body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, media, after, body string) {
		h := http.Header{"Content-Type": {media}, "Retry-After": {after}}
		e := errorOf(&http.Response{StatusCode: status, Header: h}, []byte(body))
		if e == nil || e.Err == nil || e.Err.Code == "" || strings.TrimSpace(e.Err.Message) == "" && e.Err.Message == "" {
			t.Fatalf("%d %q: %+v", status, body, e)
		}
		if e.Err.RetryAfter < 0 {
			t.Errorf("Retry-After %q: wait %s", after, e.Err.RetryAfter)
		}
		if info := e.Err.Code.Info(); info.Exit == 0 {
			t.Errorf("%q ends a program as if all were well", e.Err.Code)
		}
		_ = fleet.AsError(e).Error()
	})
}

package rest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/internal/runner"
)

// echo answers with what it was sent.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		if err := json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "query": r.URL.RawQuery, "body": string(body),
			"type": r.Header.Get("Content-Type"), "key": r.Header.Get("X-Key"),
		}); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		var code int
		if _, err := fmt.Sscan(r.PathValue("code"), &code); err != nil {
			t.Error(err)
		}
		w.WriteHeader(code)
		fmt.Fprint(w, "oh dear")
	})
	mux.HandleFunc("/latin", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=iso-8859-1")
		fmt.Fprint(w, "gr\xfcn")
	})
	mux.HandleFunc("/plain", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "gr\xfcn")
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscan(r.PathValue("n"), &n); err != nil {
			t.Error(err)
		}
		to := fmt.Sprintf("/hop/%d", n-1)
		if n <= 1 {
			to = "/"
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/file.bin", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "0123456789") })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "half")
	})
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for range 40 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// sent is what the echo got, out of a node's answer.
func sent(out cfg) cfg {
	got, _ := out["response_json"].(cfg)
	return got
}

func TestRequest(t *testing.T) {
	s := echo(t)
	for _, tc := range []struct {
		name string
		cfg  cfg
		want cfg
	}{
		{"get", cfg{}, cfg{"method": "GET", "query": "", "body": "", "type": "", "key": ""}},
		{"verb in small letters", cfg{"method": "delete"}, cfg{"method": "DELETE", "query": "", "body": "", "type": "", "key": ""}},
		{"headers as text", cfg{"headers": `{"x-key": "1"}`}, cfg{"method": "GET", "query": "", "body": "", "type": "", "key": "1"}},
		{"headers as object", cfg{"headers": cfg{"X-Key": 7, "X-No": nil}}, cfg{"method": "GET", "query": "", "body": "", "type": "", "key": "7"}},
		{"parameters", cfg{"params": cfg{"a": "x y&", "b": []any{1, 2}, "c": nil}}, cfg{"method": "GET", "query": "a=x+y%26&b=1&b=2", "body": "", "type": "", "key": ""}},
		{"object", cfg{"method": "POST", "body": cfg{"a": []any{1, "ü"}}}, cfg{"method": "POST", "query": "", "body": `{"a": [1, "\u00fc"]}`, "type": "application/json", "key": ""}},
		{"text stays as it is", cfg{"method": "POST", "body": `{"a":1}`}, cfg{"method": "POST", "query": "", "body": `{"a":1}`, "type": "application/json", "key": ""}},
		{"text of another type", cfg{"method": "PUT", "body": "hi", "content_type": "text/plain"}, cfg{"method": "PUT", "query": "", "body": "hi", "type": "text/plain", "key": ""}},
		{"header beats the setting", cfg{"method": "PUT", "body": "hi", "headers": cfg{"content-type": "text/x"}}, cfg{"method": "PUT", "query": "", "body": "hi", "type": "text/x", "key": ""}},
		{"form", cfg{"method": "POST", "body": cfg{"a": "b c"}, "content_type": "application/x-www-form-urlencoded"}, cfg{"method": "POST", "query": "", "body": "a=b+c", "type": "application/x-www-form-urlencoded", "key": ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.cfg["url"] = s.URL + "/"
			out := want(t, "HttpRequestNode", tc.cfg, cfg{"status_code": 200, "success": true, "error": ""})
			if diff := cmp.Diff(tc.want, sent(out)); diff != "" {
				t.Error(diff)
			}
		})
	}
	out := want(t, "HttpRequestNode", cfg{"url": s.URL + "/?old=1#part", "params": cfg{"a": 1}}, cfg{"success": true})
	if got := sent(out)["query"]; got != "old=1&a=1" {
		t.Errorf("query %v", got)
	}
	if h, _ := out["response_headers"].(cfg); h["X-Two"] != "a, b" || h["Content-Type"] != "application/json" {
		t.Errorf("response headers %v", h)
	}
	want(t, "HttpRequestNode", cfg{"url": s.URL, "method": "HEAD"}, cfg{"status_code": 200, "response_body": "", "response_json": nil, "success": true})
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/latin"}, cfg{"response_body": "grün", "response_json": nil})
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/plain"}, cfg{"response_body": "gr\ufffdn"})
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/plain", "response_encoding": "cp1252"}, cfg{"response_body": "grün"})
}

func TestAnyStatusIsAnAnswer(t *testing.T) {
	s := echo(t)
	for code, ok := range map[int]bool{201: true, 204: true, 404: false, 418: false, 500: false, 503: false} {
		message := ""
		if !ok {
			message = fmt.Sprintf("HTTP %d", code)
		}
		want(t, "HttpRequestNode", cfg{"url": fmt.Sprintf("%s/status/%d", s.URL, code)}, cfg{"status_code": code, "success": ok, "error": message})
	}
}

func TestRedirects(t *testing.T) {
	s := echo(t)
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/hop/3"}, cfg{"status_code": 200})
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/hop/3", "follow_redirects": false}, cfg{"status_code": 302, "success": false, "error": "HTTP 302"})
	want(t, "HttpRequestNode", cfg{"url": s.URL + "/hop/3", "max_redirects": 0}, cfg{"status_code": 302})
	fails(t, "HttpRequestNode", cfg{"url": s.URL + "/hop/5", "max_redirects": 2}, "ClientError", "Request failed: Stopped after 2 redirects")
}

func TestRequestsThatFail(t *testing.T) {
	s := echo(t)
	out := fails(t, "HttpRequestNode", cfg{"url": closedURL(t)}, "ClientError", "Request failed: ")
	if out["success"] != false || !strings.HasPrefix(fmt.Sprint(out["error"]), "Request failed: ") {
		t.Errorf("outputs %v", out)
	}
	fails(t, "HttpRequestNode", cfg{"url": s.URL + "/slow", "timeout": 0.1}, "TimeoutError", "Request timed out after 0.1 seconds")
	fails(t, "HttpRequestNode", cfg{"url": s.URL + "/slow", "timeout": 1100}, "TimeoutError", "Request timed out after 1.1 seconds")
	fails(t, "HttpRequestNode", cfg{"url": s.URL + "/cut"}, "ClientError", "unexpected EOF")
	fails(t, "HttpRequestNode", cfg{"url": s.URL + "/huge"}, "ValueError", "The response is larger than 33554432 bytes; download it to a file instead")
	fails(t, "HttpRequestNode", cfg{}, "ValueError", "url is required")
	fails(t, "HttpRequestNode", cfg{"url": "ftp://x"}, "ValueError", "must start with http:// or https://")
	fails(t, "HttpRequestNode", cfg{"url": "http://a b/"}, "ValueError", "is not a URL")
	fails(t, "HttpRequestNode", cfg{"url": s.URL, "method": "BREW"}, "ValueError", "Unsupported HTTP method: BREW")
	fails(t, "HttpRequestNode", cfg{"url": s.URL, "headers": "{"}, "JSONDecodeError", "headers is not valid JSON")
	fails(t, "HttpRequestNode", cfg{"url": s.URL, "headers": "[1]"}, "TypeError", "headers must be an object, not list")
	fails(t, "HttpRequestNode", cfg{"url": s.URL, "method": "POST", "body": []any{[]byte{1}}}, "TypeError", "not JSON serializable")
	fails(t, "HttpRequestNode", cfg{"url": s.URL}, "PermissionError", "does not allow network access",
		enginetest.Policy(runner.Policy{NetworkOff: true}))
	fails(t, "HttpRequestNode", cfg{"url": "http://169.254.169.254/", "retry_count": 3}, "PermissionError", "The address 169.254.169.254 belongs to a cloud metadata service")
}

// closedURL is an address at which nobody listens.
func closedURL(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it returns at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// TestURLWithoutScheme finds out by the TLS handshake that https was meant.
func TestURLWithoutScheme(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "safe") }))
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "https://")
	want(t, "HttpRequestNode", cfg{"url": address, "verify_ssl": false}, cfg{"response_body": "safe"})
	fails(t, "HttpRequestNode", cfg{"url": address}, "ClientError", "certificate")
}

func TestProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "through ", r.URL.Host) }))
	t.Cleanup(proxy.Close)
	want(t, "HttpRequestNode", cfg{"url": "http://far.example/", "proxy": proxy.URL}, cfg{"response_body": "through far.example"})
}

func TestRetries(t *testing.T) {
	for _, tc := range []struct {
		name    string
		broken  int64 // how many requests fail first
		how     string
		retries int
		tries   int64
		status  int
	}{
		{"status 500 until it works", 2, "status", 3, 3, 200},
		{"status 500 to the end", 9, "status", 2, 3, 500},
		{"no retries asked for", 9, "status", 0, 1, 500},
		{"lost connections", 2, "hang up", 2, 3, 200},
		{"status 404 is final", 9, "missing", 3, 1, 404},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var count atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != "again" {
					t.Errorf("body %q", body)
				}
				if count.Add(1) > tc.broken {
					return
				}
				switch tc.how {
				case "status":
					w.WriteHeader(http.StatusInternalServerError)
				case "missing":
					w.WriteHeader(http.StatusNotFound)
				default:
					conn, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						err = conn.Close()
					}
					if err != nil {
						t.Error(err)
					}
				}
			}))
			t.Cleanup(s.Close)
			want(t, "HttpRequestNode", cfg{"url": s.URL, "method": "POST", "body": "again", "retry_count": tc.retries, "retry_delay": 0.001}, cfg{"status_code": tc.status})
			if got := count.Load(); got != tc.tries {
				t.Errorf("%d tries, want %d", got, tc.tries)
			}
		})
	}
	fails(t, "HttpRequestNode", cfg{"url": closedURL(t), "retry_count": 2, "retry_delay": 0.001}, "ClientError", "Request failed")
}

func TestSuperRequests(t *testing.T) {
	s := echo(t)
	const typ = "HttpSuperNode"
	for action, method := range map[string]string{
		"GET Request": "GET", "POST Request": "POST", "PUT Request": "PUT", "PATCH Request": "PATCH", "DELETE Request": "DELETE",
		"GET": "GET", "POST": "POST", "delete": "DELETE",
	} {
		out := want(t, typ, cfg{"action": action, "url": s.URL, "body": `{"a":1}`}, cfg{"status_code": 200, "success": true, "error": ""})
		body := ""
		if method[0] == 'P' {
			body = `{"a": 1}` // read and written anew
		}
		if got := sent(out); got["method"] != method || got["body"] != body {
			t.Errorf("%s sends %v", action, got)
		}
	}
	out := want(t, typ, cfg{"action": "POST", "url": s.URL, "body": "no json"}, cfg{"success": true})
	if got := sent(out); got["body"] != "no json" || got["type"] != "application/json" {
		t.Errorf("sent %v", got)
	}
	out = want(t, typ, cfg{"action": "POST", "url": s.URL}, cfg{"success": true})
	if got := sent(out); got["body"] != "" || got["type"] != "" {
		t.Errorf("sent %v", got)
	}
	want(t, typ, cfg{"url": s.URL + "/status/404"}, cfg{"success": false, "error": "HTTP 404"})
	for _, action := range []string{"BREW", "BREW Request", "TRACE Request"} {
		fails(t, typ, cfg{"action": action, "url": s.URL}, "ValueError", "Unknown action: "+action)
	}
	want(t, typ, cfg{"action": "Configure Auth", "token": "t"}, cfg{"auth_headers": cfg{"Authorization": "Bearer t"}, "success": true})
	want(t, typ, cfg{"action": "Configure Auth", "auth_type": "basic", "username": "u", "password": "p"}, cfg{"auth_headers": cfg{"Authorization": "Basic dTpw"}})
	want(t, typ, cfg{"action": "Configure Auth", "auth_type": "api_key", "token": "k", "header_name": "X-K"}, cfg{"auth_headers": cfg{"X-K": "k"}})
	fails(t, typ, cfg{"action": "Configure Auth"}, "ValueError", "A bearer token is required")
}

// TestPauseEndsWithTheRun uses a clock that only runs when all wait.
func TestPauseBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		policy := runner.Policy{}
		fails(t, "HttpRequestNode", cfg{"url": "http://127.0.0.1:1/", "retry_count": 2, "retry_delay": 30}, "ClientError", "Request failed", enginetest.Policy(policy))
		if waited := time.Since(start); waited != time.Minute {
			t.Errorf("waited %s", waited)
		}
	})
}

package canvas_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/canvas"
)

const key = "cfu_the-key-of-the-program"

// orchestrator stands in for one: what matters here is what reaches it.
func orchestrator(t *testing.T, want *atomic.Value) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+want.Load().(string) || r.Header.Get("Cookie") != "" || r.Header.Get("Origin") != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/api/v1/stream" {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			_ = c.Write(r.Context(), websocket.MessageText, []byte("hello"))
			_ = c.Close(websocket.StatusNormalClosure, "")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func program(t *testing.T, o canvas.LinkOptions) (*canvas.Link, string) {
	t.Helper()
	o.Check, o.Longest, o.Try = 20*time.Millisecond, 50*time.Millisecond, 2*time.Second
	link, err := canvas.NewLink(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := canvas.New(t.Context(), canvas.Options{Listen: "127.0.0.1:0", Link: link, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return link, p.URL()
}

func until(t *testing.T, link *canvas.Link, state string) fleet.Link {
	t.Helper()
	for range 500 {
		if l := link.Link(); l.State == state {
			return l
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatalf("never %s: %+v", state, link.Link())
	return fleet.Link{}
}

func ask(t *testing.T, method, url, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// TestFallBack: addresses are tried in turn and each result is shown; requests
// and sockets go through with the program's key, and no answer holds it.
func TestFallBack(t *testing.T) {
	var want atomic.Value
	want.Store(key)
	there := orchestrator(t, &want)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	nothing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(nothing.Close)
	link, url := program(t, canvas.LinkOptions{
		Candidates: []canvas.Candidate{{gone.URL, "config.yaml"}, {nothing.URL, "ORCHESTRATOR_URL"}, {there.URL + "/api/v1", "default"}},
		Key:        func(context.Context, string) (string, error) { return key, nil },
	})
	l := until(t, link, "connected")
	if l.URL != there.URL || len(l.Tried) != 3 || !strings.Contains(l.Tried[0].Result, "refused") || !strings.HasPrefix(l.Tried[1].Result, "404") || l.Tried[2].Result != "ok" {
		t.Errorf("%+v", l)
	}
	code, header, text := ask(t, "GET", url+"/api/v1/jobs?limit=3", "", "Cookie", "x=y", "Origin", url)
	if code != 200 || text != `{"path":"/api/v1/jobs"}` || header.Get("Set-Cookie") != "" {
		t.Errorf("%d %s %v", code, text, header)
	}
	// What the orchestrator says is data: it can never act as a page of this program.
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") || header.Get("X-Content-Type-Options") != "nosniff" ||
		header.Get("Access-Control-Allow-Origin") != "" || header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("forwarded with %v", header)
	}
	if code, _, text = ask(t, "GET", url+"/api/v1/me", ""); code != 200 || !strings.Contains(text, "/api/v1/me") {
		t.Errorf("%d %s", code, text)
	}
	c, _, err := websocket.Dial(t.Context(), url+"/api/v1/stream", nil) //nolint:bodyclose // the library says not to
	if err != nil {
		t.Fatal(err)
	}
	if _, text, err := c.Read(t.Context()); err != nil || string(text) != "hello" {
		t.Errorf("%s %v", text, err)
	}
	_ = c.CloseNow()
	code, _, text = ask(t, "GET", url+"/api/v1/meta", "")
	if code != 200 || !strings.Contains(text, `"mode":"canvas"`) || !strings.Contains(text, `"state":"connected"`) || strings.Contains(text, key) {
		t.Errorf("%d %s", code, text)
	}

	// The key ends: the page learns what to do, and when it counts again the
	// program notices by itself.
	want.Store("another")
	l = until(t, link, "refused")
	if !strings.Contains(l.Why, "Create one under Fleet › API Keys") {
		t.Errorf("%+v", l)
	}
	if code, _, text = ask(t, "GET", url+"/api/v1/jobs", ""); code != 503 || !strings.Contains(text, "orchestrator_away") || !strings.Contains(text, "The key was refused") {
		t.Errorf("%d %s", code, text)
	}
	want.Store(key)
	until(t, link, "connected")
}

// TestAlone: without any orchestrator the page works, and says so.
func TestAlone(t *testing.T) {
	link, url := program(t, canvas.LinkOptions{Candidates: []canvas.Candidate{{"http://127.0.0.1:1", "default"}}})
	until(t, link, "offline")
	code, _, text := ask(t, "GET", url+"/api/v1/me", "")
	var me struct {
		Permissions []string `json:"permissions"`
		Local       bool     `json:"local"`
	}
	if err := json.Unmarshal([]byte(text), &me); err != nil || code != 200 || len(me.Permissions) != 4 {
		t.Errorf("%d %s %v", code, text, err)
	}
	if code, _, text = ask(t, "GET", url+"/api/v1/node-types", ""); code != 200 || !strings.Contains(text, `"GoToURLNode","title":"Go to URL"`) {
		t.Errorf("%d %.200s", code, text)
	}
	for name, header := range map[string][]string{
		"another page": {"Origin", "https://evil.example"}, "another name": {"Host", "evil.example"},
		"a page of another program here": {"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, "a sandbox": {"Origin", "null"},
	} {
		if code, _, text := ask(t, "POST", url+"/api/v1/local/connection", `{"url":"http://127.0.0.1:1"}`, header...); code != 403 {
			t.Errorf("%s: %d %s", name, code, text)
		}
		if code, _, text := ask(t, "GET", url+"/api/v1/jobs", "", header...); code != 403 {
			t.Errorf("%s, forwarded: %d %s", name, code, text)
		}
	}
}

// TestConnectByHand: an address that was typed in gets the key that was typed
// in and no other.
func TestConnectByHand(t *testing.T) {
	var want atomic.Value
	want.Store("typed")
	there := orchestrator(t, &want)
	link, url := program(t, canvas.LinkOptions{
		Candidates: []canvas.Candidate{{"http://127.0.0.1:1", "default"}},
		Key:        func(context.Context, string) (string, error) { return key, nil },
	})
	until(t, link, "offline")
	if code, _, text := ask(t, "POST", url+"/api/v1/local/connection", `{"url":"`+there.URL+`"}`); code != 200 || !strings.Contains(text, "asks for a key") {
		t.Errorf("%d %s", code, text)
	}
	code, _, text := ask(t, "POST", url+"/api/v1/local/connection", `{"url":"`+there.URL+`","key":"typed"}`)
	if code != 200 || !strings.Contains(text, `"state":"connected"`) || !strings.Contains(text, `"source":"given"`) || strings.Contains(text, "typed") {
		t.Errorf("%d %s", code, text)
	}
	for _, body := range []string{`{"url":"ftp://x"}`, `{"url":"http://u:p@x"}`, `{"url":"http://x?key=1"}`, `{"url":""}`, `{}`} {
		if code, _, text := ask(t, "POST", url+"/api/v1/local/connection", body); code != 422 {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	// Another address is tried although this one answers.
	other := orchestrator(t, &want)
	code, _, text = ask(t, "POST", url+"/api/v1/local/connection", `{"url":"`+other.URL+`","key":"typed"}`)
	if code != 200 || !strings.Contains(text, `"state":"connected"`) || link.Link().URL != other.URL {
		t.Errorf("%d %s", code, text)
	}
	there.Close()
	// It goes away and comes back.
	other.Close()
	until(t, link, "offline")
}

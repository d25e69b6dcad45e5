package courier

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/breaker"
)

var here = netip.MustParsePrefix("127.0.0.0/8")

func courier(t *testing.T, allow ...netip.Prefix) *Courier {
	t.Helper()
	return New(Options{
		Allow: allow, Version: "test", Now: func() time.Time { return time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC) }, SkipVerify: true,
		Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
			switch host {
			case "home.example.org":
				return []netip.Addr{netip.MustParseAddr("93.184.216.34"), netip.MustParseAddr("127.0.0.1")}, nil
			case "good.example.org":
				return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
			}
			return nil, errors.New("no such host")
		},
	})
}

// TestCheck refuses what is not called, before anything is called.
func TestCheck(t *testing.T) {
	for address, want := range map[string]string{
		"https://good.example.org/x":                        "",
		"https://not-there-yet.example.org/x":               "",
		"https://home.example.org/x":                        "url_forbidden", // one of its addresses is this machine
		"https://127.0.0.1/x":                               "url_forbidden",
		"https://[::1]/x":                                   "url_forbidden",
		"https://10.0.0.1/x":                                "url_forbidden",
		"https://169.254.169.254/latest/meta-data":          "url_forbidden",
		"https://[::ffff:127.0.0.1]/x":                      "url_forbidden",
		"http://good.example.org/x":                         "url_forbidden",
		"http://93.184.216.34/x":                            "url_forbidden",
		"ftp://good.example.org/x":                          "url_forbidden",
		"https://[fe80::1%25eth0]/x":                        "url_forbidden",
		"https://metadata.google.internal.example.org./123": "",
	} {
		err := courier(t).Check(t.Context(), address)
		got := ""
		if err != nil {
			got = fleet.AsError(err).Reason
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if err := courier(t, here).Check(t.Context(), "http://127.0.0.1:9/x"); err != nil {
		t.Errorf("an allowed network: %v", err)
	}
	if err := courier(t, here).Check(t.Context(), "http://localhost:9/x"); err == nil {
		t.Error("http to a name is taken, whatever it will resolve to")
	}
}

// TestRefusedIsNeverCalled: a name that leads to this machine gets no call, and
// says so in the log of the delivery.
func TestRefusedIsNeverCalled(t *testing.T) {
	var calls atomic.Int64
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer s.Close()
	for _, address := range []string{s.URL, strings.Replace(s.URL, "127.0.0.1", "localhost", 1), strings.Replace(s.URL, "https", "http", 1)} {
		try := courier(t).Bring(t.Context(), address, nil, []byte("{}"))
		if try.Arrived() || try.Fault == "" || strings.Contains(try.Fault, "went wrong") {
			t.Errorf("%s: %+v", address, try)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestBring(t *testing.T) {
	var elsewhere atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/taken", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(204)
		if r.Method != "POST" || string(body) != `{"a":1}` || r.Header.Get("Webhook-Id") != "e1" || r.Header.Get("User-Agent") != "Casare-Fleet/test" {
			t.Errorf("%s %q %v", r.Method, body, r.Header)
		}
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) })
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "120"); w.WriteHeader(429) })
	mux.HandleFunc("/later", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "Fri, 27 Nov 2026 09:05:00 GMT")
		w.WriteHeader(503)
	})
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, strings.Repeat("ü", 1<<20))
	})
	s := httptest.NewTLSServer(mux)
	defer s.Close()
	for path, want := range map[string]struct {
		status  int
		arrived bool
		gone    bool
		retry   time.Duration
	}{
		"/taken": {204, true, false, 0},
		"/moved": {307, false, false, 0},
		"/gone":  {410, false, true, 0},
		"/busy":  {429, false, false, 2 * time.Minute},
		"/later": {503, false, false, 5 * time.Minute},
		"/long":  {500, false, false, 0},
	} {
		try := courier(t, here).Bring(t.Context(), s.URL+path, map[string]string{"Webhook-Id": "e1"}, []byte(`{"a":1}`))
		if try.Status != want.status || try.Arrived() != want.arrived || try.Gone() != want.gone || try.RetryAfter != want.retry || len(try.Answer) > fleet.MaxDeliveryAnswer+8 {
			t.Errorf("%s: %+v", path, try)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if try := courier(t, here).Bring(ctx, s.URL+"/taken", nil, nil); try.Arrived() || try.Fault == "" || strings.Contains(try.Fault, s.URL) {
		t.Errorf("cut short: %+v", try)
	}
}

// A receiver that does not answer is left alone for a while, which is no try; one that
// answers with faults is called on, since what it says is of one address alone.
func TestReceiverThatDoesNotAnswerRests(t *testing.T) {
	status := atomic.Int32{}
	status.Store(500)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) }))
	c := New(Options{Allow: []netip.Prefix{here}, Version: "test", Now: time.Now, Breakers: breaker.NewSet(breaker.Options{Failures: 3, OpenFor: time.Hour})})
	for range 5 {
		if try := c.Bring(t.Context(), server.URL, nil, nil); try.Status != 500 || try.Rests {
			t.Fatalf("one that answers: %+v", try)
		}
	}
	server.Close()
	for range 3 {
		if try := c.Bring(t.Context(), server.URL, nil, nil); try.Fault == "" || try.Rests {
			t.Fatalf("one that does not: %+v", try)
		}
	}
	if try := c.Bring(t.Context(), server.URL, nil, nil); !try.Rests {
		t.Errorf("it is called on: %+v", try)
	}
	// What is behind a name is told to nobody.
	for _, address := range []string{"https://home.example.org/x", strings.Replace(server.URL, "http://127.0.0.1", "https://localhost", 1)} {
		err := courier(t).Check(t.Context(), "https://home.example.org/x")
		if try := c.Bring(t.Context(), address, nil, nil); try.Fault == "" || strings.Contains(try.Fault+err.Error(), "127.0.0.1") || strings.Contains(try.Fault, "93.184") {
			t.Errorf("%s: %q, %v", address, try.Fault, err)
		}
	}
	if try := c.Bring(t.Context(), "https://10.0.0.1/x", nil, nil); try.Rests || try.Fault == "" {
		t.Errorf("what is refused: %+v", try)
	}
}

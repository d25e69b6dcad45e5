package outbound

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/internal/breaker"
)

// loopback opens the test servers of this file and nothing else.
func loopback() Policy { return Policy{Loopback: true} }

// get returns status and body; it closes the body itself.
func get(t *testing.T, c *http.Client, target string, header http.Header) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// TestOutgoingGuard: the dialler refuses after resolution, by name as by number.
func TestOutgoingGuard(t *testing.T) {
	reached := false
	srv := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	strict := Client(Strict(), Options{Timeout: 5 * time.Second})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1", "0"} {
		if _, _, err := get(t, strict, "http://"+host+":"+u.Port()+"/", nil); err == nil {
			t.Errorf("%s was reached", host)
		} else if (host == "localhost" || host == "127.0.0.1") && !Refused(err) {
			t.Errorf("%s failed for another reason: %v", host, err)
		}
	}
	if reached {
		t.Fatal("a refused address was dialled")
	}
	if _, _, err := get(t, Client(loopback(), Options{}), srv.URL, nil); err != nil || !reached {
		t.Errorf("an open address was refused: %v", err)
	}
	if _, _, err := get(t, strict, "file:///etc/hostname", nil); err == nil {
		t.Error("a file was fetched")
	}
}

// TestRedirectIsChecked: a public server may send us anywhere; the guard looks again.
func TestRedirectIsChecked(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
	})
	if _, _, err := get(t, Client(loopback(), Options{}), srv.URL, nil); !Refused(err) {
		t.Errorf("redirect to the metadata service: %v", err)
	}
}

func TestRedirectLimit(t *testing.T) {
	count := 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		count++
		http.Redirect(w, r, "/again", http.StatusFound)
	})
	if _, _, err := get(t, Client(loopback(), Options{}), srv.URL, nil); err == nil || !strings.Contains(err.Error(), "3 redirects") {
		t.Errorf("endless redirects: %v", err)
	}
	if count != 4 {
		t.Errorf("%d requests, want the first and three redirects", count)
	}
	status, _, err := get(t, Client(loopback(), Options{Redirects: -1}), srv.URL, nil)
	if err != nil || status != http.StatusFound {
		t.Errorf("redirects off: %d, %v", status, err)
	}
}

// TestCredentialsStay: they reach their own origin only, and do not come back
// into the chain once it has left.
func TestCredentialsStay(t *testing.T) {
	var seen []string
	note := func(who string, r *http.Request) {
		seen = append(seen, fmt.Sprintf("%s%s %t%t%t", who, r.URL.Path,
			r.Header.Get("Authorization") != "", r.Header.Get("X-Api-Key") != "", r.Header.Get("Accept") != ""))
	}
	var home, away *httptest.Server
	home = serve(t, func(w http.ResponseWriter, r *http.Request) {
		note("home", r)
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/same", http.StatusFound)
		case "/same":
			http.Redirect(w, r, away.URL+"/", http.StatusFound)
		}
	})
	away = serve(t, func(w http.ResponseWriter, r *http.Request) {
		note("away", r)
		http.Redirect(w, r, home.URL+"/back", http.StatusFound)
	})
	header := http.Header{"Authorization": {"Bearer x"}, "X-Api-Key": {"k"}, "Accept": {"*/*"}}
	if _, _, err := get(t, Client(loopback(), Options{}), home.URL, header); err != nil {
		t.Fatal(err)
	}
	want := "home/ truetruetrue|home/same truetruetrue|away/ falsefalsetrue|home/back falsefalsetrue"
	if got := strings.Join(seen, "|"); got != want {
		t.Errorf("credentials:\n got %s\nwant %s", got, want)
	}
}

func TestBodyLimit(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bomb" {
			_, _ = io.WriteString(w, "0123456789")
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		_, _ = io.CopyN(zip, zeros{}, 1<<20)
		_ = zip.Close()
	})
	for _, c := range []struct {
		path string
		max  int64
		ok   bool
	}{
		{"/", 10, true},
		{"/", 9, false},
		{"/", -1, true},
		{"/bomb", 1 << 16, false}, // small on the wire, large once unpacked
		{"/bomb", 1 << 20, true},
	} {
		_, body, err := get(t, Client(loopback(), Options{MaxBody: c.max}), srv.URL+c.path, nil)
		if c.ok != (err == nil) || (!c.ok && !errors.Is(err, ErrTooLarge)) {
			t.Errorf("%s with limit %d: %d bytes, %v", c.path, c.max, len(body), err)
		}
		if c.max >= 0 && int64(len(body)) > c.max {
			t.Errorf("%s: %d bytes came through a limit of %d", c.path, len(body), c.max)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	if _, _, err := get(t, Client(loopback(), Options{Timeout: 50 * time.Millisecond}), srv.URL, nil); err == nil {
		t.Error("a server that never answers must not hold the caller")
	}
}

// TestProxy: the environment's proxy is ignored, the one given is guarded, and
// it cannot be used to reach a literal address that is refused.
func TestProxy(t *testing.T) {
	var asked []string
	proxy := serve(t, func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	pu, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, _, err := get(t, Client(loopback(), Options{}), target.URL, nil); err != nil || len(asked) != 0 {
		t.Errorf("environment proxy: %v, asked %v", err, asked)
	}
	through := Client(loopback(), Options{Proxy: pu})
	if _, _, err := get(t, through, "http://example.invalid/x", nil); err != nil || len(asked) != 1 {
		t.Errorf("given proxy: %v, asked %v", err, asked)
	}
	if _, _, err := get(t, through, "http://10.0.0.1/", nil); !Refused(err) {
		t.Errorf("literal private address through a proxy: %v", err)
	}
	if _, _, err := get(t, Client(Strict(), Options{Proxy: pu}), "http://example.invalid/", nil); !Refused(err) {
		t.Errorf("proxy on a refused address: %v", err)
	}
}

func TestSharedConnections(t *testing.T) {
	g := New(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	defer g.Close()
	conns := map[string]bool{}
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) { conns[r.RemoteAddr] = true })
	for range 3 {
		if _, _, err := get(t, g.Client(Options{}), srv.URL, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(conns) != 1 {
		t.Errorf("%d connections for three calls in a row", len(conns))
	}
}

// TestBreaker: an origin that always fails is left alone, others are not, and
// what the policy refuses speaks against nobody.
func TestBreaker(t *testing.T) {
	calls := map[string]int{}
	bad := serve(t, func(w http.ResponseWriter, r *http.Request) { calls["bad"]++; w.WriteHeader(http.StatusBadGateway) })
	good := serve(t, func(http.ResponseWriter, *http.Request) { calls["good"]++ })
	set := breaker.NewSet(breaker.Options{})
	c := Client(loopback(), Options{Breakers: set})
	for range 12 {
		if status, _, err := get(t, c, bad.URL, nil); !breaker.Refused(err) && (err != nil || status != http.StatusBadGateway) {
			t.Fatalf("%d %v", status, err)
		}
		if _, _, err := get(t, c, good.URL, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, err := get(t, c, "http://10.0.0.1/", nil); !Refused(err) {
			t.Fatal(err)
		}
	}
	if calls["bad"] != breaker.DefaultFailures || calls["good"] != 12 {
		t.Errorf("calls %v", calls)
	}
}

package caller

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func networks(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// TestClient: a header counts only behind a proxy that is named, and only as
// far back as named proxies go.
func TestClient(t *testing.T) {
	proxies := Proxies{Networks: networks("10.0.0.0/24", "fd00:1::/64", "127.0.0.1/32")}
	rfc := proxies
	rfc.Forwarded = true
	for _, c := range []struct {
		name    string
		proxies Proxies
		peer    string
		header  http.Header
		want    string
	}{
		{"no proxy is named", Proxies{}, "10.0.0.1", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, "10.0.0.1"},
		{"a stranger says so", proxies, "10.0.1.1", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, "10.0.1.1"},
		{"one proxy", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, "1.2.3.4"},
		{"a made-up start", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"127.0.0.1, 9.9.9.9, 1.2.3.4"}}, "1.2.3.4"},
		{"two proxies", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"6.6.6.6, 1.2.3.4, 10.0.0.2"}}, "1.2.3.4"},
		{"two lines", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"6.6.6.6, 1.2.3.4", "10.0.0.2"}}, "1.2.3.4"},
		{"only proxies", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
		{"nothing", proxies, "10.0.0.1", http.Header{}, "10.0.0.1"},
		{"rubbish", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"unknown"}}, "10.0.0.1"},
		{"rubbish behind a proxy", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"1.2.3.4, ???, 10.0.0.2"}}, "10.0.0.2"},
		{"a port", proxies, "10.0.0.1", http.Header{"X-Forwarded-For": {"1.2.3.4:5678"}}, "1.2.3.4"},
		{"IPv6", proxies, "fd00:1::7", http.Header{"X-Forwarded-For": {"2001:db8::1"}}, "2001:db8::1"},
		{"IPv6 with port", proxies, "fd00:1::7", http.Header{"X-Forwarded-For": {"[2001:db8::1]:443"}}, "2001:db8::1"},
		{"IPv4 in IPv6", proxies, "::ffff:10.0.0.1", http.Header{"X-Forwarded-For": {"::ffff:1.2.3.4"}}, "1.2.3.4"},
		{"the other header", proxies, "10.0.0.1", http.Header{"Forwarded": {"for=1.2.3.4"}}, "10.0.0.1"},
		{"RFC 7239", rfc, "10.0.0.1", http.Header{"Forwarded": {`for=6.6.6.6, for=1.2.3.4;proto=https;by=10.0.0.1`}}, "1.2.3.4"},
		{"RFC 7239, quoted", rfc, "10.0.0.1", http.Header{"Forwarded": {`For="[2001:db8::1]:4711"`}}, "2001:db8::1"},
		{"RFC 7239, a comma in quotes", rfc, "10.0.0.1", http.Header{"Forwarded": {`for=1.2.3.4;host="a, for=6.6.6.6"`}}, "1.2.3.4"},
		{"RFC 7239, hidden", rfc, "10.0.0.1", http.Header{"Forwarded": {`for=_secret`}}, "10.0.0.1"},
		{"RFC 7239, the other header", rfc, "10.0.0.1", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, "10.0.0.1"},
	} {
		if got := c.proxies.Client(netip.MustParseAddr(c.peer), c.header); got.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// FuzzClient: whatever a header holds, somebody who is no proxy is never
// believed, and the answer is an address.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		"1.2.3.4", "1.2.3.4, 10.0.0.2", `for="[2001:db8::1]:1";by=x, for=_y`, ",,,,", `"`, "[::1", "fe80::1%eth0", "::ffff:10.0.0.1",
		strings.Repeat("10.0.0.1,", 100), "1.2.3.4:99999", "for=for=1.2.3.4", "\x00", "1.2.3.4\n5.6.7.8",
	} {
		f.Add(seed, seed)
	}
	proxies := Proxies{Networks: networks("10.0.0.0/24")}
	stranger, proxy := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, p := range []Proxies{proxies, {Networks: proxies.Networks, Forwarded: true}} {
			h := http.Header{"X-Forwarded-For": {first, second}, "Forwarded": {first, second}}
			if got := p.Client(stranger, h); got != stranger {
				t.Errorf("a stranger became %s", got)
			}
			got := p.Client(proxy, h)
			if !got.IsValid() || got.Zone() != "" || got.Is4In6() {
				t.Errorf("%q, %q: %s", first, second, got)
			}
			// What a client puts before the proxy's own entry changes nothing.
			own := http.Header{"X-Forwarded-For": {first, "198.51.100.7"}, "Forwarded": {first, "for=198.51.100.7"}}
			if got := p.Client(proxy, own); got.String() != "198.51.100.7" {
				t.Errorf("%q before the proxy's entry gave %s", first, got)
			}
		}
	})
}

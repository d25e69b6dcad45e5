package outbound

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"
)

// resolver answers every question for an IPv4 address with the next of a list,
// and with no time to live.
func resolver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	pc, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			// The question is sent back as it came; a compressed name points at it.
			end := 12
			for end < n && buf[end] != 0 {
				end += int(buf[end]) + 1
			}
			end += 5
			if end > n {
				continue
			}
			out := append([]byte(nil), buf[:end]...)
			out[2], out[3] = 0x81, 0x80
			copy(out[6:12], []byte{0, 0, 0, 0, 0, 0})
			if binary.BigEndian.Uint16(buf[end-4:]) == 1 {
				i := min(int(asked.Add(1)-1), len(answers)-1)
				ip := netip.MustParseAddr(answers[i]).As4()
				out[7] = 1
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ip[0], ip[1], ip[2], ip[3])
			}
			_, _ = pc.WriteTo(out, from)
		}
	}()
	t.Cleanup(func() { _ = pc.Close(); <-done })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// TestOutgoingGuardNameChanges: a name that was harmless at the first call and
// points at a metadata service, a private network or this machine at the next
// one is refused then: each connection is looked at, not the name.
func TestOutgoingGuardNameChanges(t *testing.T) {
	reached := 0
	srv := serve(t, func(http.ResponseWriter, *http.Request) { reached++ })
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	for _, next := range []string{"169.254.169.254", "10.0.0.1", "127.0.0.2", "0.0.0.0", "100.64.0.1"} {
		net.DefaultResolver = resolver(t, "127.0.0.1", next)
		g := New(Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
		c := g.Client(Options{Timeout: 5 * time.Second})
		was := reached
		if _, _, err := get(t, c, "http://changes.example:"+u.Port()+"/", nil); err != nil || reached != was+1 {
			t.Fatalf("the first call: %v, reached %d times", err, reached-was)
		}
		g.Close() // the next call needs a connection of its own
		if _, _, err := get(t, c, "http://changes.example:"+u.Port()+"/", nil); !Refused(err) {
			t.Errorf("%s: %v", next, err)
		}
		if reached != was+1 {
			t.Errorf("%s was reached", next)
		}
	}
}

// TestOutgoingGuardNotations: a refused address is refused in every way in which
// it can be written, by the guard or because nothing can be made of it.
func TestOutgoingGuardNotations(t *testing.T) {
	c := Client(Strict(), Options{Timeout: 5 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0", "127.0.0.1.", "①②⑦.⓪.⓪.①",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
		"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "[fe80::1%25lo]",
		"224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "[ff02::1]", "[2001:db8::1]", "[fc00::1]", "localhost", "LOCALHOST", "localhost.",
	} {
		for _, target := range []string{"http://" + host + ":1/", "http://user:pass@" + host + ":1/", "http://public.example@" + host + ":1/"} {
			_, _, err := get2(t, c, target)
			if err == nil {
				t.Errorf("%s was reached", target)
			}
		}
	}
}

// get2 is get for targets that net/http itself may refuse.
func get2(t *testing.T, c *http.Client, target string) (int, string, error) {
	t.Helper()
	if _, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil); err != nil {
		return 0, "", err
	}
	return get(t, c, target, nil)
}

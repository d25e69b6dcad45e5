package outbound

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// What went wrong is shown with the host that was chosen, and without what is behind it.
func TestShown(t *testing.T) {
	tcp := func(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: tcp("10.1.2.3:443"), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for want, err := range map[string]error{
		"dial: connect: connection refused":                  refused,
		"dial: connect: connection refused ":                 &url.Error{Op: "Post", URL: "https://erp.example/x?token=1", Err: refused},
		"read: connection reset by peer":                     &net.OpError{Op: "read", Net: "tcp", Source: tcp("192.168.7.7:4711"), Addr: tcp("[fd00::7]:443"), Err: syscall.ECONNRESET},
		"lookup erp.example: no such host":                   &net.DNSError{Err: "no such host", Name: "erp.example", Server: "10.0.0.2:53", IsNotFound: true},
		"lookup erp.example: dial udp erp.example: i/o":      &net.DNSError{Err: "dial udp 10.0.0.2:53: i/o", Name: "erp.example", Server: "10.0.0.2:53"},
		"x509: valid for erp.example, erp.example, not it":   errors.New("x509: valid for 10.9.9.9, fd00::1, not it"),
		"tls: version 1.3 at 12:30:15 in 1.2.x, node a:b":    errors.New("tls: version 1.3 at 12:30:15 in 1.2.x, node a:b"),
		"dial tcp erp.example: i/o timeout":                  errors.New("dial tcp [fe80::1%eth0]:993: i/o timeout"),
		"The address erp.example belongs to a private":       fleet.Errorf(fleet.CodeForbidden, "address_refused", "The address %s belongs to a private", "::ffff:10.1.2.3"),
		"The address erp.example belongs to a private, too.": Strict().Check(netip.MustParseAddr("10.1.2.3")),
	} {
		got := Shown(err, "erp.example")
		text := got.Error()
		if strings.HasSuffix(want, "too.") {
			if strings.Contains(text, "10.1.2.3") || !strings.Contains(text, "The address erp.example belongs to") || !Refused(got) {
				t.Errorf("%v", got)
			}
			continue
		}
		if text != strings.TrimSpace(want) {
			t.Errorf("%v: %q, want %q", err, text, want)
		}
		if !errors.Is(got, err) && !Refused(got) {
			t.Errorf("%v does not know what went wrong", got)
		}
	}
}

package outbound

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Shown is an error of a call as whoever chose the host may read it: with the host,
// and without the addresses behind it, which tell of the network that this program is
// in. The address that was called is left out too: its query may hold a token.
func Shown(err error, host string) error {
	if e, ok := errors.AsType[*fleet.Error](err); ok { // of the guard: its words and its code
		shown := *e
		shown.Message = withoutAddresses(e.Message, host)
		return &shown
	}
	inner := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		inner = u.Err
	}
	text := inner.Error()
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		text = "lookup " + host + ": " + d.Err // without the server that was asked
	} else if o, ok := errors.AsType[*net.OpError](err); ok && o.Err != nil {
		text = o.Op + ": " + o.Err.Error()
	}
	return &shown{withoutAddresses(text, host), err}
}

// shown keeps what went wrong for the program.
type shown struct {
	text string
	err  error
}

func (s *shown) Error() string { return s.text }
func (s *shown) Unwrap() error { return s.err }

// addresslike is what may be an address, with a port or without.
var addresslike = regexp.MustCompile(`\[?[0-9a-fA-F:.]*[0-9a-fA-F:](%[0-9a-zA-Z]+)?\]?(:[0-9]+)?`)

func withoutAddresses(text, host string) string {
	return addresslike.ReplaceAllStringFunc(text, func(word string) string {
		if !strings.ContainsAny(word, ".:") {
			return word
		}
		bare := strings.Trim(strings.TrimRight(word, ":."), "[]")
		_, err := netip.ParseAddr(bare)
		if err != nil {
			_, err = netip.ParseAddrPort(strings.TrimRight(word, ":."))
		}
		if err != nil {
			return word
		}
		return host + word[len(strings.TrimRight(word, ":.")):]
	})
}

package caller

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies says which peers may speak for others.
type Proxies struct {
	Networks  []netip.Prefix
	Forwarded bool // they send Forwarded (RFC 7239) instead of X-Forwarded-For
}

// maxHops bounds how far back through proxies a client is looked for.
const maxHops = 16

// Trusts says whether an address is a proxy's.
func (p Proxies) Trusts(addr netip.Addr) bool {
	for _, n := range p.Networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// Client is whoever sent a request, as far as that can be believed: the nearest
// address that is not a proxy's own. Each proxy is believed in what it says of
// the hop before it, and nobody else is believed at all. Only the header that is
// configured counts: a proxy passes the other one on as the client made it up.
func (p Proxies) Client(peer netip.Addr, h http.Header) netip.Addr {
	peer = peer.Unmap().WithZone("")
	if !p.Trusts(peer) {
		return peer
	}
	name, read := "X-Forwarded-For", addressIn
	if p.Forwarded {
		name, read = "Forwarded", forwardedFor
	}
	lines := h.Values(name)
	hops := 0
	for _, rest := range slices.Backward(lines) {
		for more := true; more && hops < maxHops; hops++ {
			var entry string
			if at := lastComma(rest); at < 0 {
				entry, more = rest, false
			} else {
				entry, rest = rest[at+1:], rest[:at]
			}
			addr, ok := read(entry)
			if !ok {
				return peer // what stands before it cannot be placed
			}
			if peer = addr; !p.Trusts(peer) {
				return peer
			}
		}
	}
	return peer
}

// lastComma finds the last comma outside of quotes.
func lastComma(s string) int {
	quoted, at := false, -1
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			at = i
		}
	}
	return at
}

// forwardedFor takes the address out of one element of Forwarded.
func forwardedFor(element string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return addressIn(strings.Trim(value, `"`))
		}
	}
	return netip.Addr{}, false
}

// addressIn reads an address, with or without a port.
func addressIn(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return plain(ap.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(text)
	return plain(addr), err == nil
}

func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

package httpapi

import (
	"net/http"
	"net/netip"

	"github.com/casarerpa/fleet/internal/caller"
)

// arrive sets RemoteAddr of a request to the client's address, so that whoever
// handles it further sees that one, and says whether it came over TLS.
func (a *API) arrive(r *http.Request) (overTLS bool) {
	overTLS = r.TLS != nil
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || len(a.o.Proxies.Networks) == 0 {
		return overTLS
	}
	addr := peer.Addr().Unmap().WithZone("")
	if !a.o.Proxies.Trusts(addr) {
		return overTLS
	}
	if client := a.o.Proxies.Client(addr, r.Header); client != addr {
		r.RemoteAddr = netip.AddrPortFrom(client, 0).String()
	}
	return true // a proxy that is named ends TLS
}

// clientAddress is whoever sent a request, for rates, for the networks that a
// key is bound to and for the audit. Invalid where a server knows none.
func clientAddress(r *http.Request) netip.Addr { return caller.Of(r).Address }

// addressBucket names the bucket of a caller without a credential: the address,
// or the network that an IPv6 host usually has for itself.
func addressBucket(r *http.Request) string {
	addr := clientAddress(r)
	if !addr.IsValid() {
		return r.RemoteAddr
	}
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}

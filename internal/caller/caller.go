// Package caller reads from a request who sends it: the texts of its
// credentials, in every place where one may stand, and the client's address.
//
// It must not look anything up and must not decide: auth.Resolver does. It must
// not log.
//
// Guarantees: a credential in the address of a request is taken out before
// anybody else sees that address, whether it counts or not. REST and sockets
// read the same places by the same rule, since there is one function.
package caller

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/certificate"
)

// Rules say what counts here.
type Rules struct {
	// QueryTokens lets a credential in the address count, as programs of the
	// original send it.
	QueryTokens bool
	// RobotCertificates lets the key of a robot count only with its certificate.
	RobotCertificates bool
	// Cookie is the name of the browser's sign-in; empty: there are none.
	Cookie string
}

// queryNames are the parameters in which programs of the original send a
// credential.
var queryNames = []string{"token", "api_key", "api_secret"}

type contextKey struct{}

// Read reads the credentials of a request and returns the request without
// those in its address. Of finds them in the context of that request.
func Read(r *http.Request, rules Rules) *http.Request {
	in := headers(r)
	in.Address = connection(r)
	if rules.Cookie != "" {
		if c, err := r.Cookie(rules.Cookie); err == nil {
			in.Cookie = c.Value
		}
	}
	if rules.RobotCertificates {
		in.Holds = func(t fleet.TenantID, id fleet.RobotID) bool { return certificate.ForRobot(r.TLS, t, id) }
	}
	text, ticket, rest := cutQuery(r.URL.RawQuery)
	if in.Ticket = ticket; ticket == "" {
		in.Ticket = protocolTicket(r.Header)
	}
	switch {
	case text == "":
	case rules.QueryTokens:
		in.Query = text
	default:
		in.QueryIgnored = true
	}
	out := r.WithContext(context.WithValue(r.Context(), contextKey{}, in))
	if rest != r.URL.RawQuery {
		u := *r.URL
		u.RawQuery = rest
		out.URL, out.RequestURI = &u, u.RequestURI()
	}
	return out
}

// Of returns what Read found, or what the headers of a request say that did not
// come through it.
func Of(r *http.Request) auth.Presented {
	if in, ok := r.Context().Value(contextKey{}).(auth.Presented); ok {
		return in
	}
	in := headers(r)
	in.Address = connection(r)
	return in
}

// headers reads both headers. Anything else than Bearer in Authorization is a
// credential that does not count.
func headers(r *http.Request) auth.Presented {
	const never = "-" // no credential looks like this
	in := auth.Presented{APIKey: r.Header.Get("X-Api-Key")}
	authorization := r.Header.Get("Authorization")
	if authorization == "" {
		return in
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if in.Bearer = strings.TrimSpace(token); in.Bearer == "" || !strings.EqualFold(scheme, "Bearer") {
		in.Bearer = never
	}
	return in
}

// connection is the address of the other end of the connection.
func connection(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

// ticketName is the parameter of a ticket, which counts everywhere: it opens one
// stream, once and within seconds. ticketProtocol is where a WebSocket of a
// browser brings it.
const (
	ticketName     = "ticket"
	ticketProtocol = "fleet.ticket."
)

func protocolTicket(h http.Header) string {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if ticket, ok := strings.CutPrefix(strings.TrimSpace(name), ticketProtocol); ok {
				return ticket
			}
		}
	}
	return ""
}

// cutQuery takes the credentials out of a query and returns the first one, and a
// ticket. The rest keeps its form, byte for byte.
func cutQuery(query string) (text, ticket, rest string) {
	if query == "" {
		return "", "", ""
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		into := &text
		switch {
		case isNamed(name, ticketName):
			into = &ticket
		case !isCredential(name):
			kept = append(kept, part)
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil && *into == "" {
			*into = v
		}
	}
	return text, ticket, strings.Join(kept, "&")
}

// isCredential knows a name in every spelling that a server would decode to it.
func isCredential(name string) bool {
	for _, q := range queryNames {
		if isNamed(name, q) {
			return true
		}
	}
	return false
}

func isNamed(name, want string) bool {
	if n, err := url.QueryUnescape(name); err == nil {
		name = n
	}
	return strings.EqualFold(name, want)
}

package canvas

import (
	"encoding/json"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// ServeHTTP passes a request of the page on to the orchestrator, streams and
// sockets too, with the key of this program in place of whatever the page sent.
func (l *Link) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	at, state := l.at, l.state
	l.mu.Unlock()
	if at == nil {
		l.again()
		away(w, state.Why)
		return
	}
	key, err := l.key(r.Context(), at.String())
	if err != nil {
		away(w, "The sign-in cannot be renewed: "+fleet.AsError(err).Message)
		return
	}
	proxy := &httputil.ReverseProxy{
		Transport:     l.o.HTTP,
		FlushInterval: -1, // streams
		Rewrite:       func(p *httputil.ProxyRequest) { rewrite(p, at, key) },
		ModifyResponse: func(resp *http.Response) error {
			guard(resp.Header)
			if resp.StatusCode == http.StatusUnauthorized {
				l.again()
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the page has gone
			}
			l.o.Logger.Warn("the orchestrator did not answer", "url", at.String(), "error", why(err))
			l.again()
			away(w, "The orchestrator at "+at.String()+" did not answer: "+why(err)+".")
		},
	}
	proxy.ServeHTTP(w, r)
}

// guard makes an answer of another program data: whatever it says it is, it does
// not act as a page of this one, and no other page reads it.
func guard(h http.Header) {
	for name := range h {
		if name == "Set-Cookie" || strings.HasPrefix(name, "Access-Control-") { // the sign-in is this program's
			h.Del(name)
		}
	}
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// rewrite makes the page's request this program's.
func rewrite(p *httputil.ProxyRequest, at *url.URL, key string) {
	p.SetURL(at)
	h := p.Out.Header
	for _, name := range []string{"Authorization", "X-Api-Key", "Cookie", "Origin", "Referer"} {
		h.Del(name)
	}
	for name := range h {
		if strings.HasPrefix(name, "Sec-Fetch-") { // of the page's own server, which has looked at them
			h.Del(name)
		}
	}
	authorize(h, key)
}

// away answers while no orchestrator is reached.
func away(w http.ResponseWriter, text string) {
	if text == "" {
		text = "No orchestrator is connected."
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Retry-After", "2")
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(map[string]any{ // a client that has gone needs no answer
		"type": "urn:casare-fleet:problem:orchestrator_away", "title": "Unavailable", "status": http.StatusServiceUnavailable,
		"detail": text, "kind": fleet.CodeUnavailable, "code": "orchestrator_away", "errors": []string{}, "success": false, "message": text,
		"fix": "Connect under Robot Picker › Connect, or wait: this program keeps trying.",
	})
}

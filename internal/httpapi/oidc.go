package httpapi

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
)

// Issuer takes browsers to an OpenID issuer and back.
type Issuer interface {
	Name() string
	// Start is where to send a browser, and the seed that it keeps.
	Start(ctx context.Context, random io.Reader, redirect string) (where, seed string, err error)
	// Finish takes it back.
	Finish(ctx context.Context, seed, state, code, redirect string) (fleet.Identity, error)
}

// The cookie that holds the seed of a sign-in that is under way, and for how long.
const (
	seedCookie = "__Host-fleet-oidc"
	seedLife   = 10 * time.Minute
)

func (a *API) issuerRoutes() {
	at := Base + "/auth/oidc/{provider}"
	provider := pathParam("provider", "Name of the issuer in the configuration.")
	moved := map[string]*huma.Response{"303": {Description: "See Other", Headers: map[string]*huma.Param{"Location": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	a.routePlain(operation{
		method: http.MethodGet, path: at + "/start", id: "auth.oidc_start", summary: "Send a browser to the issuer to sign in",
		may: open(), rate: rateSignIn, status: http.StatusSeeOther,
	}, []*huma.Param{
		provider, queryParam("next", huma.TypeString, "Path of the page to come back to, with its query; default /."),
	}, moved, a.startIssuer)
	a.routePlain(operation{
		method: http.MethodGet, path: at + "/callback", id: "auth.oidc_callback", summary: "Take a browser back from the issuer; sets its cookie",
		may: open(), rate: rateSignIn, status: http.StatusSeeOther,
	}, []*huma.Param{
		provider, queryParam("state", huma.TypeString, "As it was sent."), queryParam("code", huma.TypeString, "From the issuer."),
		queryParam("error", huma.TypeString, "From the issuer, instead of a code."),
	}, map[string]*huma.Response{"303": moved["303"]}, a.finishIssuer)
}

// issuer finds the one that a path names.
func (a *API) issuer(r *http.Request) (Issuer, error) {
	name := r.PathValue("provider")
	if a.o.Issuer == nil || a.o.Issuer.Name() != name {
		return nil, fleet.NotFound("issuer", clip(name, 40))
	}
	return a.o.Issuer, nil
}

// redirectURL is where the issuer sends browsers back to. It knows which ones
// are this installation's, so a made-up Host leads nowhere.
func (a *API) redirectURL(r *http.Request) string {
	public := strings.TrimRight(a.o.PublicURL, "/")
	if public == "" {
		public = "http://" + r.Host
		if callOf(r.Context()).overTLS {
			public = "https://" + r.Host
		}
	}
	return public + Base + "/auth/oidc/" + r.PathValue("provider") + "/callback"
}

func (a *API) startIssuer(w http.ResponseWriter, r *http.Request) error {
	i, err := a.issuer(r)
	if err != nil {
		return err
	}
	where, seed, err := i.Start(r.Context(), rand.Reader, a.redirectURL(r))
	if err != nil {
		return err
	}
	next := r.URL.Query().Get("next")
	if !localPage(next) {
		return fleet.Invalid("next", "next must be the path of a page here, such as /jobs; got %q.", clip(next, 40))
	}
	cookie := newCookie(seedCookie, seed+"."+base64.RawURLEncoding.EncodeToString([]byte(next)), seedLife)
	http.SetCookie(w, &cookie)
	w.Header().Set("Location", where)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// localPage says whether a text leads to a page of this installation and nowhere
// else; the empty one leads to the first.
func localPage(next string) bool {
	if next == "" {
		return true
	}
	u, err := url.Parse(next)
	return err == nil && len(next) <= 1000 && u.Scheme == "" && u.Host == "" && u.User == nil &&
		strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r > '~' })
}

// finishIssuer takes a browser back. A person who looks at it is shown the page
// for signing in, which has words for what went wrong; a program is told by the
// status.
func (a *API) finishIssuer(w http.ResponseWriter, r *http.Request) error {
	err := a.takeBack(w, r)
	if e := fleet.AsError(err); err != nil && strings.Contains(r.Header.Get("Accept"), "text/html") && e.Code != fleet.CodeInternal {
		w.Header().Set("Location", "/login?problem="+url.QueryEscape(cmp.Or(e.Reason, "credential_invalid")))
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	return err
}

func (a *API) takeBack(w http.ResponseWriter, r *http.Request) error {
	i, err := a.issuer(r)
	if err != nil {
		return err
	}
	gone := newCookie(seedCookie, "", -1)
	http.SetCookie(w, &gone)
	seed, next := "", ""
	if c, err := r.Cookie(seedCookie); err == nil {
		var coded string
		seed, coded, _ = strings.Cut(c.Value, ".")
		text, err := base64.RawURLEncoding.DecodeString(coded)
		if next = string(text); err != nil || !localPage(next) {
			next = ""
		}
	}
	q := r.URL.Query()
	if q.Get("code") == "" && q.Get("error") != "" { // what else it says may be anything
		return fleet.Errorf(fleet.CodeUnauthenticated, "credential_invalid", "The issuer did not let this person in.").WithFix("Begin the sign-in anew.")
	}
	id, err := i.Finish(r.Context(), seed, q.Get("state"), q.Get("code"), a.redirectURL(r))
	if err != nil {
		return err
	}
	c := callOf(r.Context())
	s, err := a.o.People.SignInVouched(r.Context(), id, c.agent, c.origin)
	if err != nil {
		return err
	}
	for _, cookie := range browserCookies(s) {
		http.SetCookie(w, &cookie)
	}
	w.Header().Set("Location", cmp.Or(next, "/"))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

package issuer

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/casarerpa/fleet/fleet"
)

// Options say which issuer it is and what its claims are worth.
type Options struct {
	Name     string // in the routes: /api/v1/auth/oidc/{name}/start
	URL      string // as the issuer calls itself
	ClientID string
	Secret   string // empty: a public client, held by PKCE alone
	Scopes   []string
	// Algorithm is the one that the issuer signs with: RS256, ES256 or EdDSA.
	Algorithm string
	// Audience of tokens that programs bring; empty: the client's id.
	Audience string
	Claims   Claims
	// Client is guarded: it reaches no address that it may not, reads a bounded
	// answer and ends within its time.
	Client *http.Client
	Now    func() time.Time
}

// Algorithms are those that may be chosen. All are asymmetric.
func Algorithms() []string { return []string{oidc.RS256, oidc.ES256, oidc.EdDSA} }

// Issuer is one issuer. It is safe for concurrent use.
type Issuer struct {
	o    Options
	keys *keySet
	once singleflight.Group

	mu    sync.Mutex
	found *discovered
}

// discovered is what the issuer says of itself.
type discovered struct {
	at       time.Time
	endpoint oauth2.Endpoint
	keys     string
}

// discoveryLife is how long that is believed.
const discoveryLife = time.Hour

// New asks nobody yet: an issuer that is away keeps no orchestrator from
// starting.
func New(o Options) *Issuer {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Audience == "" {
		o.Audience = o.ClientID
	}
	i := &Issuer{o: o}
	i.keys = &keySet{name: o.Name, client: o.Client, algorithm: o.Algorithm, now: o.Now, where: func(ctx context.Context) (string, error) {
		d, err := i.discover(ctx)
		return d.keys, err
	}}
	return i
}

// Name is the issuer's in the routes.
func (i *Issuer) Name() string { return i.o.Name }

// discover asks the issuer where its parts are, once for all who wait.
func (i *Issuer) discover(ctx context.Context) (discovered, error) {
	i.mu.Lock()
	found := i.found
	i.mu.Unlock()
	if found != nil && i.o.Now().Sub(found.at) < discoveryLife {
		return *found, nil
	}
	got, err, _ := i.once.Do("discover", func() (any, error) {
		// Others may wait for it: who asked first must not end it for them.
		return i.ask(context.WithoutCancel(ctx))
	})
	if err != nil {
		return discovered{}, err
	}
	d, _ := got.(discovered)
	i.mu.Lock()
	i.found = &d
	i.mu.Unlock()
	return d, nil
}

func (i *Issuer) ask(ctx context.Context) (discovered, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, i.o.Client), i.o.URL)
	if err != nil {
		return discovered{}, away(i.o.Name, err)
	}
	var more struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&more); err != nil {
		return discovered{}, away(i.o.Name, err)
	}
	d := discovered{at: i.o.Now(), endpoint: provider.Endpoint(), keys: more.Keys}
	for _, at := range []string{d.endpoint.AuthURL, d.endpoint.TokenURL, d.keys} {
		if !strings.HasPrefix(at, "https://") && !(strings.HasPrefix(at, "http://") && strings.HasPrefix(i.o.URL, "http://")) {
			return discovered{}, away(i.o.Name, errors.New("it names a place that is not reached by https"))
		}
		if u, err := url.Parse(at); err != nil || u.Host == "" || u.User != nil {
			return discovered{}, away(i.o.Name, errors.New("it names a place that is no address"))
		}
	}
	return d, nil
}

// away is an issuer that cannot be asked. What it said is for the log: it may be
// anything.
func away(name string, err error) error {
	if e, ok := errors.AsType[*fleet.Error](err); ok && e.Reason == "breaker_open" {
		return e
	}
	e := fleet.Errorf(fleet.CodeUnavailable, "issuer_unavailable", "%w", err)
	e.Message, e.RetryAfter = "The issuer "+name+" does not answer as it should.", 10*time.Second
	return e
}

// unreached says whether an error comes from an issuer that cannot be asked, and
// so says nothing about a token.
func unreached(err error) bool { return errors.Is(err, fleet.ErrUnavailable) }

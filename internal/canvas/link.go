package canvas

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Candidate is one place where the orchestrator may be.
type Candidate struct {
	URL    string
	Source string // who says so
}

// LinkOptions are what a link stands on.
type LinkOptions struct {
	Candidates []Candidate
	// Key gives the credential for an address; empty: none. It is asked for each
	// request, since a sign-in is renewed.
	Key    func(ctx context.Context, url string) (string, error)
	HTTP   http.RoundTripper
	Now    func() time.Time
	Chance func() float64 // in [0,1), for jitter
	Logger *slog.Logger
	Agent  string
	// Try bounds the attempt to reach one address; Check is how often one that
	// answers is looked at; Longest is the longest pause between two rounds.
	Try, Check, Longest time.Duration
}

// Link is the connection with an orchestrator.
type Link struct {
	o LinkOptions

	round sync.Mutex // held while addresses are tried
	kick  chan struct{}

	mu    sync.Mutex
	state fleet.Link
	at    *url.URL // connected with
	given *given
}

// given is what the author asked for by hand; it goes before everything else.
type given struct{ url, key string }

// NewLink prepares a link; [Link.Run] makes it.
func NewLink(o LinkOptions) (*Link, error) {
	if o.HTTP == nil {
		o.HTTP = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Chance == nil {
		o.Chance = func() float64 { return 0.5 }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for d, to := range map[*time.Duration]time.Duration{&o.Try: 5 * time.Second, &o.Check: 5 * time.Second, &o.Longest: time.Minute} {
		if *d <= 0 {
			*d = to
		}
	}
	l := &Link{o: o, kick: make(chan struct{}, 1), state: fleet.Link{State: "connecting", Since: o.Now()}}
	var clean []Candidate
	for _, c := range o.Candidates {
		u, err := address(c.URL)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Source, err)
		}
		if !slices.ContainsFunc(clean, func(have Candidate) bool { return have.URL == u.String() }) {
			clean = append(clean, Candidate{u.String(), c.Source})
		}
	}
	l.o.Candidates = clean
	l.state.Tried = l.untried()
	return l, nil
}

// address reads an address in any of the forms in which the original's files
// have it.
func address(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if after, ok := strings.CutPrefix(text, "ws"); ok && (strings.HasPrefix(after, "://") || strings.HasPrefix(after, "s://")) {
		text = "http" + after
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fleet.Invalid("url", "An orchestrator's address looks like https://fleet.example.com or http://localhost:8000; got %q.", clip(text, 80))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fleet.Invalid("url", "An orchestrator's address has no user, query or fragment; the key has its own field.")
	}
	path := strings.TrimSuffix(u.Path, "/")
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/ws"), "/api/v1")
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}, nil
}

// SameAddress says whether two texts name one address.
func SameAddress(a, b string) bool {
	x, err := address(a)
	if err != nil {
		return false
	}
	y, err := address(b)
	return err == nil && x.String() == y.String()
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// list is the addresses in the order of trying: what was given by hand, the one
// that answered last, the others. The caller holds the lock.
func (l *Link) list() []Candidate {
	all := l.o.Candidates
	if l.given != nil {
		all = append([]Candidate{{l.given.url, "given"}}, slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool { return c.URL == l.given.url })...)
	}
	return all
}

func (l *Link) untried() []fleet.LinkTry {
	out := []fleet.LinkTry{}
	for _, c := range l.list() {
		out = append(out, fleet.LinkTry{URL: c.URL, Source: c.Source})
	}
	return out
}

// Link says how it stands.
func (l *Link) Link() fleet.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.state
	s.Tried = slices.Clone(s.Tried)
	return s
}

// Connect tries what the author asks for, now. It fails for what is no address
// only; how the try went is in the answer.
func (l *Link) Connect(ctx context.Context, text, key string) (fleet.Link, error) {
	u, err := address(text)
	if err != nil {
		return fleet.Link{}, err
	}
	if strings.ContainsAny(key, " \r\n\t") {
		return fleet.Link{}, fleet.Invalid("key", "A key holds no blanks.")
	}
	l.mu.Lock()
	l.given = &given{u.String(), key}
	if l.at != nil && l.at.String() != u.String() {
		l.at = nil // it is tried first, whoever answers now
	}
	l.mu.Unlock()
	l.Try(ctx)
	return l.Link(), nil
}

// Run keeps the link until ctx ends.
func (l *Link) Run(ctx context.Context) {
	pause := time.Second
	for ctx.Err() == nil {
		if l.Try(ctx) {
			pause = time.Second
			l.wait(ctx, l.o.Check)
			continue
		}
		l.wait(ctx, time.Duration(float64(pause)*(0.5+l.o.Chance()/2)))
		pause = min(2*pause, l.o.Longest)
	}
}

func (l *Link) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-l.kick:
	}
}

// again asks Run to look now.
func (l *Link) again() {
	select {
	case l.kick <- struct{}{}:
	default:
	}
}

// Try goes through the addresses until one takes us, the one that did so last
// first, and says whether one did.
func (l *Link) Try(ctx context.Context) bool {
	l.round.Lock()
	defer l.round.Unlock()
	l.mu.Lock()
	list, at := l.list(), l.at
	tried := l.untried()
	l.mu.Unlock()
	order := make([]int, 0, len(list))
	for i, c := range list {
		if at != nil && c.URL == at.String() {
			order = append([]int{i}, order...)
			continue
		}
		order = append(order, i)
	}
	state := fleet.Link{State: "offline", Tried: tried}
	for _, i := range order {
		if ctx.Err() != nil {
			return false
		}
		result, ok := l.reach(ctx, list[i].URL)
		tried[i].Result = result
		if ok {
			state.State, state.URL, state.Why = "connected", list[i].URL, ""
			break
		}
		if strings.HasPrefix(result, "401") && state.State != "refused" {
			state.State, state.URL, state.Why = "refused", list[i].URL, result
		}
	}
	if state.State == "offline" {
		state.Why = "No orchestrator answers. Workflows run on this machine all the same."
		if len(list) == 0 {
			state.Why = "No address of an orchestrator is known. Workflows run on this machine all the same."
		}
	}
	l.become(state)
	return state.State == "connected"
}

// become takes over the outcome of a round.
func (l *Link) become(s fleet.Link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Since = l.state.Since
	if s.State != l.state.State || s.URL != l.state.URL {
		s.Since = l.o.Now()
		l.o.Logger.Info("the orchestrator", "state", s.State, "url", s.URL)
	}
	l.state, l.at = s, nil
	if s.State == "connected" {
		l.at, _ = url.Parse(s.URL)
	}
}

// The words for a key that does not count, and for none.
const (
	refusedKey = "401: The key was refused. Create one under Fleet › API Keys."
	missingKey = "401: The orchestrator asks for a key. Create one under Fleet › API Keys."
)

// reach asks an address who we are to it.
func (l *Link) reach(ctx context.Context, base string) (result string, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Try)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/me", http.NoBody)
	if err != nil {
		return "no address", false
	}
	key, err := l.key(ctx, base)
	if err != nil {
		return "the sign-in cannot be renewed: " + fleet.AsError(err).Message, false
	}
	authorize(req.Header, key)
	req.Header.Set("User-Agent", l.o.Agent)
	resp, err := l.o.HTTP.RoundTrip(req) // a redirect would carry the key elsewhere
	if err != nil {
		return why(err), false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch {
	case resp.StatusCode == http.StatusOK:
		return "ok", true
	case resp.StatusCode == http.StatusUnauthorized && key == "":
		return missingKey, false
	case resp.StatusCode == http.StatusUnauthorized:
		return refusedKey, false
	case resp.StatusCode == http.StatusForbidden:
		return "403: The key may not do this.", false
	case resp.StatusCode >= 500:
		return fmt.Sprintf("%d: The orchestrator cannot serve now.", resp.StatusCode), false
	}
	return fmt.Sprintf("%d: There is no Casare Fleet at this address.", resp.StatusCode), false
}

// key is the credential for an address.
func (l *Link) key(ctx context.Context, base string) (string, error) {
	l.mu.Lock()
	g := l.given
	l.mu.Unlock()
	if g != nil && g.url == base && g.key != "" {
		return g.key, nil
	}
	// A key that was set up for other addresses is not for one that was typed in.
	if l.o.Key == nil || !slices.ContainsFunc(l.o.Candidates, func(c Candidate) bool { return c.URL == base }) {
		return "", nil
	}
	return l.o.Key(ctx, base)
}

func authorize(h http.Header, key string) {
	if key != "" {
		h.Set("Authorization", "Bearer "+key)
	}
}

// why says what went wrong on the way, without the address that is shown beside.
func why(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return clip(err.Error(), 200)
		}
		err = inner
	}
}

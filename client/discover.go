package client

import (
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/casarerpa/fleet/fleet"
)

// addresses is the list of places where the orchestrator may be. The one that
// answered last is tried first.
type addresses struct {
	all []string

	mu      sync.Mutex
	current string
	results map[string]string
}

// Address is one place and how the last try went.
type Address struct {
	URL     string
	Current bool   // answered last
	Result  string // empty: not tried; ok, or what went wrong
}

func newAddresses(urls []string) (*addresses, error) {
	a := &addresses{results: map[string]string{}}
	for _, text := range urls {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fleet.Invalid("url", "An orchestrator's address looks like http://localhost:8000; got %q.", text)
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, fleet.Invalid("url", "An orchestrator's address has no user, query or fragment; the key has its own setting.")
		}
		clean := u.Scheme + "://" + u.Host + strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), base)
		if !slices.Contains(a.all, clean) {
			a.all = append(a.all, clean)
		}
	}
	if len(a.all) == 0 {
		return nil, fleet.Invalid("url", "The client needs the address of an orchestrator.")
	}
	return a, nil
}

// inOrder lists the addresses, the one that answered last first.
func (a *addresses) inOrder() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.all)
	if i := slices.Index(out, a.current); i > 0 {
		out = append([]string{a.current}, slices.Delete(out, i, i+1)...)
	}
	return out
}

func (a *addresses) reached(address string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.current, a.results[address] = address, "ok"
		return
	}
	a.results[address] = cause(err)
}

// Addresses lists the places and how they answered.
func (c *Client) Addresses() []Address {
	a := c.addresses
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Address, len(a.all))
	for i, text := range a.all {
		out[i] = Address{URL: text, Current: text == a.current, Result: a.results[text]}
	}
	return out
}

// URL is the address that answered last, or the first one.
func (c *Client) URL() string { return c.addresses.inOrder()[0] }

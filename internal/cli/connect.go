package cli

import (
	"context"
	"fmt"
	"net/http"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// connect prepares to ask an orchestrator; nothing but the renewal of a sign-in
// is sent yet. Without a key the sign-in that is kept for the address counts.
func (s *shell) connect(c config.Client) (*client.Client, error) {
	if !c.Key.Empty() || c.KeyFile != "" {
		return s.open(c, nil)
	}
	kept, err := s.signedIn(context.Background(), c)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		return s.open(c, nil)
	}
	c.URL = kept.URLs
	return s.open(c, func(ctx context.Context) (string, error) {
		kept, err := s.signedIn(ctx, c)
		if err != nil || kept == nil {
			return "", err
		}
		return kept.Access, nil
	})
}

// open makes the client; renew gives its tokens, if they are renewed.
func (s *shell) open(c config.Client, renew func(context.Context) (string, error)) (*client.Client, error) {
	key, err := c.ClientKey()
	if err != nil {
		return nil, err
	}
	transport, err := httpClient(c.CAFile)
	if err != nil {
		return nil, err
	}
	if transport == nil {
		transport = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	transport.Timeout = c.Timeout
	return client.New(client.Options{URLs: c.URL, Key: key.Reveal(), Renew: renew, Tenant: c.Tenant, HTTPClient: transport, UserAgent: "fleet-cli/" + s.version})
}

// used says with -v which addresses were tried and how they answered.
func (s *shell) used(c *client.Client) {
	if !s.verbose {
		return
	}
	for _, a := range c.Addresses() {
		switch {
		case a.Current:
			s.note("answered by %s", a.URL)
		case a.Result != "":
			s.note("tried %s: %s", a.URL, a.Result)
		}
	}
}

// jobID reads an id from the command line.
func jobID(text string) (fleet.ID, error) {
	id := fleet.ID(text)
	if !id.Valid() {
		return "", fleet.Invalid("job", "%q is not the id of a job.", text).WithFix(`"fleet job list" shows the ids.`)
	}
	return id, nil
}

// pageTo asks for pages until there are no more, or enough.
func pageTo[T any](limit int, next func(cursor string) ([]T, string, error)) ([]T, error) {
	all := []T{}
	cursor := ""
	for {
		part, more, err := next(cursor)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		if limit > 0 && len(all) >= limit {
			return all[:limit], nil
		}
		if more == "" {
			return all, nil
		}
		if more == cursor {
			return nil, fmt.Errorf("read the list: the server gave the cursor %q twice", more)
		}
		cursor = more
	}
}

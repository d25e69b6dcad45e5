package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/dbtest"
)

// TestRenewal: many commands at once renew a sign-in that is about to end once
// between them, since a refresh token that came twice would end it; and one that
// has ended is forgotten.
func TestRenewal(t *testing.T) {
	at := dbtest.NewPlace(t)
	a, err := app.New(t.Context(), app.Options{DataDir: at.DataDir, DatabaseURL: at.DatabaseURL, Listen: "127.0.0.1:0", Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	a.Start(t.Context())
	t.Cleanup(func() {
		if err := a.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	const password = "correct horse battery"
	if _, err := a.People().Create(t.Context(), auth.Local(), fleet.User{Name: "ada", Role: fleet.RoleAdmin}, auth.NewSecret(password)); err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	sh := newShell(Streams{}, func(name string) string { return map[string]string{"HOME": home}[name] })
	conf := config.Client{URL: []string{a.URL()}, Timeout: 10 * time.Second}
	api, err := sh.dial(conf, "")
	if err != nil {
		t.Fatal(err)
	}
	first, err := api.Login(t.Context(), "", "ada", password)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(tokens client.Tokens) {
		t.Helper()
		err := sh.writeKept(keptFile{SignIns: []keptSignIn{{
			URLs: conf.URL, User: "ada", Access: tokens.AccessToken, Refresh: tokens.RefreshToken, Expires: time.Now().Add(30 * time.Second),
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(first)
	if info, err := os.Stat(sh.keptPath()); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
	got := make([]string, 8)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			api, err := sh.connect(conf)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := api.ListUsers(t.Context(), fleet.Page{}); err != nil {
				t.Error(err)
			}
			if kept, err := sh.signedIn(t.Context(), conf); err == nil && kept != nil {
				got[i] = kept.Access
			}
		})
	}
	all.Wait()
	for _, access := range got {
		if access == "" || access == first.AccessToken || access != got[0] {
			t.Errorf("not renewed, or more than once: %q", got)
		}
	}
	if left, err := filepath.Glob(sh.keptPath() + ".*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	keep(first) // whose refresh token was used
	if _, err := sh.connect(conf); !errors.Is(err, fleet.ErrUnauthenticated) {
		t.Errorf("a sign-in that has ended: %v", err)
	}
	if kept, err := sh.signedIn(t.Context(), conf); err != nil || kept != nil {
		t.Errorf("it is still kept: %v, %v", kept, err)
	}
	// The tokens go nowhere else.
	if kept, err := sh.signedIn(t.Context(), config.Client{URL: []string{"http://127.0.0.1:1"}, Timeout: time.Second}); err != nil || kept != nil {
		t.Errorf("%v, %v", kept, err)
	}
}

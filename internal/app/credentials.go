package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/config"
)

// pepperFile is where the pepper of an embedded database is kept: beside it, and
// not in it nor in its backups.
const pepperFile = "key.pepper"

// credentials builds what knows them: keys, and the administrator's key of the
// environment.
func (a *App) credentials(ctx context.Context, ids *fleet.IDs) error {
	pepper, err := a.pepper()
	if err != nil {
		return err
	}
	a.people = auth.NewPeople(a.store, ids, rand.Reader, time.Now, rules(a.o.SignIns))
	a.keys = auth.NewKeys(a.store, ids, rand.Reader, time.Now).With(pepper, a.people, a.o.Logger)
	a.people.With(a.keys)
	if err := a.keys.EnsurePepper(ctx, a.o.NewPepper); err != nil {
		return err
	}
	var kinds []auth.Kind
	if a.o.AdminKey != "" {
		key, err := auth.NewFixedKey(a.o.AdminKey)
		if err != nil {
			return err
		}
		kinds = append(kinds, key)
	}
	kinds = append(kinds, a.keys, auth.NewEnrolments(a.keys), a.people)
	if a.issuer, err = a.openIssuer(a.o.OIDC); err != nil {
		return err
	}
	if a.issuer != nil {
		kinds = append(kinds, auth.NewVouched(a.people, signed{a.issuer}))
	}
	a.auth = auth.NewResolver(kinds...)
	a.loops = append(a.loops, a.keys.Run)
	// What was used until the end is written down when the loops have ended.
	a.push("uses of keys", func(ctx context.Context) error {
		if err := a.within(ctx, func() error { return a.keys.FlushAll(ctx) }); err != nil {
			a.o.Logger.Debug("uses of keys not written", "error", err) // coarse anyway
		}
		return nil
	})
	return nil
}

// pepper is the one that was given, or that of the data folder. A database that
// orchestrators share has no folder that all of them have: there it is given, or
// there is none.
func (a *App) pepper() (auth.Pepper, error) {
	switch {
	case a.o.KeyPepper != "":
		return auth.NewPepper(a.o.KeyPepper)
	case a.o.Store != nil:
		return auth.Pepper{}, nil
	case a.o.DatabaseURL != "":
		a.o.Logger.Warn("keys are hashed without a pepper; give all orchestrators of this database the same --key-pepper")
		return auth.Pepper{}, nil
	}
	text, err := kept(filepath.Join(a.o.DataDir, pepperFile))
	if err != nil {
		return auth.Pepper{}, fleet.Errorf(fleet.CodeInvalid, "key_pepper", "The pepper of keys cannot be kept in %s: %w.", a.o.DataDir, err).
			WithFix("Make the folder writable, or give the pepper with --key-pepper.")
	}
	return auth.NewPepper(text)
}

// kept reads a secret of 32 random bytes from a file, or makes it. It is whole or
// not there: the text is written beside it and flushed before it gets the name.
func kept(path string) (string, error) {
	have, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(have)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	text, err := auth.MakePepper(rand.Reader)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it has another name by then
	_, err = fmt.Fprintln(f, text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return text, os.Rename(f.Name(), path)
}

// rules are those of the configuration; what is not set there is as it usually is.
func rules(c config.SignIns) auth.SignInRules {
	r := auth.DefaultSignInRules()
	for _, f := range []struct {
		set  time.Duration
		into *time.Duration
	}{
		{c.BrowserIdle, &r.BrowserIdle},
		{c.BrowserLife, &r.BrowserLife},
		{c.Access, &r.Access},
		{c.Refresh, &r.Refresh},
		{c.ProgramLife, &r.TokenLife},
		{c.Setup, &r.Setup},
		{c.KnownBrowser, &r.Known},
	} {
		if f.set > 0 {
			*f.into = f.set
		}
	}
	if c.Passwords > 0 {
		r.Hashes = c.Passwords
	}
	return r
}

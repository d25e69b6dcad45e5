package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// keptSignIn is a sign-in on this machine. Its tokens go to the addresses that
// it was made with and to no other.
type keptSignIn struct {
	URLs    []string  `json:"urls"`
	User    string    `json:"user"`
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"`
	Expires time.Time `json:"expires_at"`
}

// keptFile is all sign-ins of this user of the machine.
type keptFile struct {
	SignIns []keptSignIn `json:"sign_ins"`
}

func (f *keptFile) of(url string) *keptSignIn {
	for i := range f.SignIns {
		if slices.Contains(f.SignIns[i].URLs, url) {
			return &f.SignIns[i]
		}
	}
	return nil
}

func (f *keptFile) drop(url string) {
	f.SignIns = slices.DeleteFunc(f.SignIns, func(k keptSignIn) bool { return slices.Contains(k.URLs, url) })
}

func (s *shell) keptPath() string {
	return filepath.Join(filepath.Dir(config.DefaultFile(s.getenv)), "sign-in.json")
}

// readKept reads what is kept; nothing is the same as no file.
func (s *shell) readKept() (f keptFile, err error) {
	text, err := os.ReadFile(s.keptPath())
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		return f, fleet.Errorf(fleet.CodeInvalid, "sign_in_file", "The sign-ins in %s cannot be read: %w.", s.keptPath(), cause(err)).
			WithFix("Delete the file and sign in again with fleet login.")
	}
	return f, nil
}

// writeKept replaces the file by a whole new one that only its owner can read.
func (s *shell) writeKept(f keptFile) error {
	fault := func(err error) error {
		return fleet.Errorf(fleet.CodeInvalid, "sign_in_file", "The sign-in cannot be kept in %s: %w.", s.keptPath(), cause(err))
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fault(err)
	}
	if err := os.MkdirAll(filepath.Dir(s.keptPath()), 0o700); err != nil {
		return fault(err)
	}
	next, err := os.CreateTemp(filepath.Dir(s.keptPath()), "sign-in.*") // mode 0600
	if err != nil {
		return fault(err)
	}
	defer os.Remove(next.Name()) //nolint:errcheck // it has another name by then
	_, err = next.Write(append(text, '\n'))
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return fault(err)
	}
	if err := os.Rename(next.Name(), s.keptPath()); err != nil {
		return fault(err)
	}
	return nil
}

// The bounds of waiting for another command that changes the file.
const (
	lockStale = 30 * time.Second
	lockPause = 50 * time.Millisecond
)

// alone runs fn while no other command of this user changes the file: a refresh
// token that two of them used would end the sign-in.
func (s *shell) alone(ctx context.Context, fn func() error) error {
	path := s.keptPath() + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fleet.Errorf(fleet.CodeInvalid, "sign_in_file", "The folder of %s cannot be made: %w.", path, cause(err))
	}
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			discard(f)
			break
		}
		info, gone := os.Stat(path)
		switch {
		case !errors.Is(err, fs.ErrExist):
			return fleet.Errorf(fleet.CodeInvalid, "sign_in_file", "The file %s cannot be made: %w.", path, cause(err))
		case gone == nil && time.Since(info.ModTime()) > lockStale: // left by a command that was killed
			_ = os.Remove(path) // whoever is faster makes it anew
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
	defer os.Remove(path) //nolint:errcheck // a file that stays grows stale
	return fn()
}

// signedIn finds the sign-in for an address, renewed if it is about to end; nil
// if there is none.
func (s *shell) signedIn(ctx context.Context, c config.Client) (*keptSignIn, error) {
	f, err := s.readKept()
	if err != nil || len(c.URL) == 0 {
		return nil, err
	}
	kept := f.of(c.URL[0])
	const soon = time.Minute
	if kept == nil || time.Until(kept.Expires) > soon {
		return kept, nil
	}
	ctx, stop := context.WithTimeout(ctx, c.Timeout+lockStale)
	defer stop()
	var out *keptSignIn
	err = s.alone(ctx, func() error {
		f, err := s.readKept()
		if err != nil {
			return err
		}
		if out = f.of(c.URL[0]); out == nil || time.Until(out.Expires) > soon {
			return nil // another command was faster
		}
		c.URL = out.URLs
		api, err := s.dial(c, "")
		if err != nil {
			return err
		}
		next, err := api.Refresh(ctx, out.Refresh)
		if errors.Is(err, fleet.ErrUnauthenticated) {
			f.drop(c.URL[0])
			ended := fleet.Errorf(fleet.CodeUnauthenticated, "signed_out", "The sign-in of %s at %s has ended.", out.User, c.URL[0]).WithFix("Sign in again with fleet login.")
			return errors.Join(ended, s.writeKept(f))
		}
		if err != nil {
			return err
		}
		out.Access, out.Refresh, out.Expires = next.AccessToken, next.RefreshToken, time.Now().Add(time.Duration(next.ExpiresIn)*time.Second)
		return s.writeKept(f)
	})
	return out, err
}

type loginCmd struct {
	config.Client
	Name string `arg:"" optional:"" help:"name of the account; asked for if left out"`
}

// Help is the long form of the help.
func (loginCmd) Help() string {
	return `Asks for the password, or reads it as a line of standard input. The sign-in is kept in the user's configuration folder, readable for its owner alone, and is used by every command that is given no key. --tenant names the tenant of the account.

Examples:

    fleet login ada
    fleet login ada --url https://fleet.example.org < password.txt`
}

// Run signs in and keeps the tokens.
func (c *loginCmd) Run(ctx context.Context, sh *shell) (err error) {
	tenant := fleet.TenantID(c.Tenant)
	c.Tenant = ""
	api, err := sh.dial(c.Client, "")
	if err != nil {
		return err
	}
	if c.Name == "" {
		if c.Name, err = sh.ask("Name: "); err != nil {
			return err
		}
	}
	password, err := sh.askSecret("Password: ")
	if err != nil {
		return err
	}
	got, err := api.Login(ctx, tenant, c.Name, password)
	if err != nil {
		return err
	}
	kept := keptSignIn{
		URLs: c.URL, User: c.Name, Access: got.AccessToken, Refresh: got.RefreshToken, Expires: time.Now().Add(time.Duration(got.ExpiresIn) * time.Second),
	}
	err = sh.alone(ctx, func() error {
		f, err := sh.readKept()
		if err != nil {
			return err
		}
		for _, url := range c.URL {
			f.drop(url)
		}
		f.SignIns = append(f.SignIns, kept)
		return sh.writeKept(f)
	})
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"signed_in": true, "url": c.URL[0], "user": c.Name}, func() error {
		fmt.Fprintf(sh.out, "Signed in at %s as %s.\n", c.URL[0], clean(c.Name))
		if sh.getenv("FLEET_URL") != c.URL[0] && c.URL[0] != usualURL {
			fmt.Fprintf(sh.out, "Other commands go there with --url %s%s, or after: export FLEET_URL=%s%s\n", c.URL[0], trusting(c.CAFile), c.URL[0], trustedAs(c.CAFile))
		}
		return nil
	})
}

type logoutCmd struct{ config.Client }

// Run ends the sign-in, there and here.
func (c *logoutCmd) Run(ctx context.Context, sh *shell) error {
	kept, err := sh.signedIn(ctx, c.Client)
	if err != nil && !errors.Is(err, fleet.ErrUnauthenticated) {
		return err
	}
	if kept == nil {
		return fleet.Errorf(fleet.CodeConflict, "not_signed_in", "Nobody is signed in at %s from here.", c.URL[0])
	}
	c.URL = kept.URLs
	api, err := sh.dial(c.Client, kept.Access)
	if err != nil {
		return err
	}
	ended := api.Logout(ctx)
	if errors.Is(ended, fleet.ErrUnauthenticated) {
		ended = nil // it had ended already
	}
	err = sh.alone(ctx, func() error {
		f, err := sh.readKept()
		if err != nil {
			return err
		}
		f.drop(kept.URLs[0])
		return sh.writeKept(f)
	})
	if err := errors.Join(ended, err); err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"signed_in": false, "url": c.URL[0]}, func() error {
		_, err := fmt.Fprintf(sh.out, "Signed out at %s.\n", c.URL[0])
		return err
	})
}

type whoamiCmd struct{ config.Client }

// Run says who this is to the orchestrator.
func (c *whoamiCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	me, err := api.Me(ctx)
	if err != nil {
		return err
	}
	sh.used(api)
	return sh.answer(c.Output, me, func() error {
		card := &card{}
		card.add("name", clean(me.Name))
		card.add("role", string(me.Role))
		card.add("tenant", string(me.Tenant))
		card.add("robot", string(me.RobotID))
		card.add("key", string(me.KeyID))
		card.add("session", string(me.SessionID))
		for _, line := range mayLines(me.Permissions) {
			card.add("may", line)
		}
		return card.write(sh.out, sh.paint)
	})
}

// mayLines tells permissions in few lines: one of each verb, with its nouns.
func mayLines(all []fleet.Permission) (lines []string) {
	nouns := map[string][]string{}
	var verbs []string
	for _, p := range all {
		noun, verb, _ := strings.Cut(string(p), ":")
		if nouns[verb] == nil {
			verbs = append(verbs, verb)
		}
		nouns[verb] = append(nouns[verb], noun)
	}
	for _, verb := range verbs {
		lines = append(lines, verb+" "+strings.Join(nouns[verb], ", "))
	}
	return lines
}

type setupCmd struct {
	config.Client
	Token string `help:"what the orchestrator showed at its start" required:"" placeholder:"TOKEN"`
	Name  string `arg:"" optional:"" help:"name of the first administrator" default:"admin"`
	Email string `help:"address of the first administrator" placeholder:"ADDRESS"`
}

// Help is the long form of the help.
func (setupCmd) Help() string {
	return `Makes the first administrator of a new installation, who works across tenants. Asks for a password, or reads it as a line of standard input. The token counts once and for an hour; as long as nobody can sign in, fleet serve shows another one at each start.

Example:

    fleet setup --token cfs_… ada`
}

// Run makes the first administrator.
func (c *setupCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.dial(c.Client, "")
	if err != nil {
		return err
	}
	password, err := sh.newPassword()
	if err != nil {
		return err
	}
	u, err := api.Setup(ctx, c.Token, c.Name, c.Email, password)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, u, func() error {
		_, err := fmt.Fprintf(sh.out, "%s is the first administrator. Sign in with: fleet login %s --url %s%s\n", clean(u.Name), clean(u.Name), c.URL[0], trusting(c.CAFile))
		return err
	})
}

// usualURL is where commands go that are told nothing.
const usualURL = "http://127.0.0.1:8000"

// trusting is the flag that trusts a file of authorities, for a command to copy.
func trusting(file string) string {
	if file == "" {
		return ""
	}
	return " --ca-file " + file
}

// trustedAs is the same as a setting of the environment.
func trustedAs(file string) string {
	if file == "" {
		return ""
	}
	return " FLEET_CA_FILE=" + file
}

// dial is connect with a key of the caller's choice.
func (s *shell) dial(c config.Client, key string) (*client.Client, error) {
	c.Key, c.KeyFile = config.NewSecret(key), ""
	return s.open(c, nil)
}

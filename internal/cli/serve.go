package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/local"
	"github.com/casarerpa/fleet/internal/redact"
	"github.com/casarerpa/fleet/internal/telemetry"
)

// serveCmd is the orchestrator.
type serveCmd struct {
	config.Serve
}

// Help is the long form of the help.
func (serveCmd) Help() string {
	return `Everything but health needs a key. The first start makes the admin key: it is shown once on standard error, or kept in the file that --admin-key-file names. As long as nobody can sign in, each start says how to make the first administrator.

Examples:

    fleet serve --admin-key-file admin.key
    fleet serve --listen 0.0.0.0:8443 --tls auto --tls-name fleet.example.com
    fleet serve --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
    fleet serve --listen 10.0.0.5:8000 --behind-tls-proxy 10.0.0.4/32

Beyond this machine it listens with TLS only. Ctrl-C or SIGTERM stops it; robots go on with what they have and come back.`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, sh *shell) error {
	log, err := sh.logger(c.Log, c.AdminKey.Reveal(), c.KeyPepper.Reveal(), c.AuditKey.Reveal(), c.SecretKeys.Reveal())
	if err != nil {
		return err
	}
	warnIgnored(sh, log)
	options, err := c.options(sh, log)
	if err != nil {
		return err
	}
	var keyFile *os.File
	if c.AdminKeyFile != "" {
		// Opened before the key is made: a key that cannot be kept is lost.
		if keyFile, err = openKeyFile(c.AdminKeyFile); err != nil {
			return err
		}
		defer discard(keyFile)
	}
	if c.LocalRuns {
		desk, err := newDesk(policyOf(false, false, false, nil, true, nil), local.DeskOptions{})
		if err != nil {
			return err
		}
		defer desk.Close()
		options.Here = desk
	}
	a, err := app.New(ctx, options)
	if err != nil {
		return err
	}
	if c.AdminKey.Empty() || keyFile != nil {
		err = adminKey(ctx, sh, a, keyFile)
	}
	if err != nil {
		return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	if err := firstPerson(ctx, sh, a, c.near(sh, a.URL())); err != nil {
		return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
	}
	if sh.getenv("GOGC") == "" {
		// What lives long is small beside what a request leaves behind: half the
		// collections are worth a few megabytes.
		debug.SetGCPercent(300)
	}
	failed := a.Start(ctx)
	fmt.Fprintf(sh.err, "Listening on %s\n", a.URL())
	if c.DevMode {
		sh.note("Development mode: whoever is on this machine may do everything, without a key.")
	}
	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-failed:
	}
	return errors.Join(err, a.Stop(context.WithoutCancel(ctx)))
}

func (c *serveCmd) options(sh *shell, log *slog.Logger) (app.Options, error) {
	timing, err := c.Timing.Fleet()
	if err != nil {
		return app.Options{}, err
	}
	o := app.Options{
		DataDir: c.Folder(sh.getenv), Listen: c.Listen, Timing: timing, Limits: c.Limits, Version: sh.version, Logger: log,
		StopTimeout: c.StopTimeout, GroupCommit: c.GroupCommit, RecordRounds: c.RecordRounds, MetricsListen: c.MetricsListen,
	}
	o.Retention, o.SignIns, o.OIDC = c.Retention, c.SignIns, c.OIDC
	o.MailAllow, o.WebhookAllow, o.PublicURL = c.MailAllow, c.WebhookAllow, c.PublicURL
	o.Proxies = app.Proxies{Networks: c.BehindTLS, Forwarded: c.Forwarded == "forwarded"}
	o.DatabaseURL, o.Migrate, o.Unsafe = c.DatabaseURL.Reveal(), c.Migrate, c.UnsafeStore
	o.SecretKeys = c.SecretKeys.Reveal()
	o.AuditKey, o.AuditSink = c.AuditKey.Reveal(), c.AuditCheckpoints
	o.AdminKey, o.KeyPepper, o.NewPepper, o.QueryTokens = c.AdminKey.Reveal(), c.KeyPepper.Reveal(), c.NewKeyPepper, c.CompatQuery
	o.Local = c.DevMode
	return o, c.secure(sh, log, &o)
}

// warnIgnored names variables of the original that would mean less safety, or
// another one, if they counted here.
func warnIgnored(sh *shell, log *slog.Logger) {
	for name, why := range map[string]string{
		"ROBOT_AUTH_ENABLED": "robots always authenticate",
		"JWT_SECRET_KEY":     "no JWT is signed here",
		"JWT_ALGORITHM":      "no JWT is signed here",
	} {
		if sh.getenv(name) != "" {
			log.Warn("a variable of the original is ignored", "variable", name, "because", why)
		}
	}
}

// openKeyFile makes sure that the admin key can be written. A file that holds
// something else than a key is never overwritten.
func openKeyFile(path string) (*os.File, error) {
	refuse := func(err error) error {
		return fleet.Errorf(fleet.CodeInvalid, "admin_key_file", "The admin key cannot be kept in %s: %w.", path, cause(err))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, refuse(err)
	}
	if err := f.Chmod(0o600); err != nil {
		discard(f)
		return nil, refuse(err)
	}
	head := make([]byte, 4)
	if n, _ := f.ReadAt(head, 0); n > 0 && !strings.HasPrefix("cfu_", string(head[:n])) {
		discard(f)
		return nil, refuse(errors.New("it holds something that is no key"))
	}
	return f, nil
}

// adminKey makes the first key of an installation and hands it out once.
func adminKey(ctx context.Context, sh *shell, a *app.App, file *os.File) error {
	secret, err := a.Keys().EnsureAdmin(ctx)
	if err != nil {
		return fmt.Errorf("make the admin key: %w", err)
	}
	text := secret.Reveal()
	switch {
	case text == "" && file == nil:
		return nil
	case text == "":
		if info, err := file.Stat(); err == nil && info.Size() == 0 {
			sh.note("There is an admin key already, and it cannot be shown again; %s stays empty.", file.Name())
		}
		return nil
	case file == nil:
		sh.note("The admin key, shown this once. Whoever has it may do everything:\n\n  %s\n\n"+
			"Use it with --key or FLEET_KEY.", text)
		return nil
	}
	if err := writeKey(file, text); err != nil {
		return fmt.Errorf("keep the admin key in %s: %w", file.Name(), err)
	}
	sh.note("The admin key is in %s.", file.Name())
	return nil
}

// firstPerson says how somebody comes to sign in, as long as nobody can.
func firstPerson(ctx context.Context, sh *shell, a *app.App, at near) error {
	token, life, err := a.People().SetupToken(ctx)
	if err != nil {
		return fmt.Errorf("make the set-up token: %w", err)
	}
	if token.Reveal() == "" {
		return nil
	}
	sh.note("Nobody can sign in here yet. Make the first administrator within %s, once (it asks for a password):\n\n"+
		"  fleet setup --url %s%s --token %s admin\n\n"+
		"or without this program:\n\n"+
		"  curl%s %s/api/v1/auth/setup -H 'Content-Type: application/json' -d '{\"token\":\"%s\",\"name\":\"admin\",\"password\":\"AT LEAST %d CHARACTERS\"}'\n\n"+
		"Then sign in with: fleet login admin --url %s%s",
		brief(life), at.url, at.trust("--ca-file"), token.Reveal(), at.trust("--cacert"), at.url, token.Reveal(), fleet.MinPassword, at.url, at.trust("--ca-file"))
	return nil
}

// near is how a program on this machine reaches the orchestrator.
type near struct{ url, ca string }

// near gives the address by a name that its certificate is for, where it listens
// on all of the machine's, and the authority that has to be trusted.
func (c *serveCmd) near(sh *shell, address string) (at near) {
	at.url = address
	if u, err := url.Parse(address); err == nil {
		if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
			u.Host = net.JoinHostPort("localhost", u.Port())
			at.url = u.String()
		}
	}
	if c.TLS == "auto" {
		at.ca = filepath.Join(authorityDir(sh, c.Database), "ca.pem")
	}
	return at
}

// trust is the flag of a program that names the authority.
func (n near) trust(flag string) string {
	if n.ca == "" {
		return ""
	}
	return " " + flag + " " + n.ca
}

// brief is a duration without the zeros at its end.
func brief(d time.Duration) string {
	return strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(d.String())
}

// writeKey replaces what a file holds and waits until it is on the disk.
func writeKey(f *os.File, key string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte(key+"\n"), 0); err != nil {
		return err
	}
	return f.Sync()
}

// logger makes the program's log on standard error.
func (s *shell) logger(c config.Log, secrets ...string) (*slog.Logger, error) {
	return telemetry.NewLogger(s.err, telemetry.LogOptions{
		Level: c.LogLevel, Format: c.LogFormat, Terminal: s.terminal, Redactor: redact.New(secrets...),
	})
}

package cli

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/app"
	"github.com/casarerpa/fleet/internal/certificate"
	"github.com/casarerpa/fleet/internal/config"
)

// authorityDir is where the local authority lives.
func authorityDir(sh *shell, c config.Database) string {
	return filepath.Join(c.Folder(sh.getenv), "tls")
}

// secure prepares TLS as it is configured.
func (c *serveCmd) secure(sh *shell, log *slog.Logger, o *app.Options) error {
	var local *certificate.Authority
	switch {
	case c.TLS == "auto":
		var err error
		if local, err = certificate.Open(authorityDir(sh, c.Database), serverNames(c.Listen, c.TLSName), time.Now); err != nil {
			return err
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return local.Server() }}
		sh.note("Robots and people trust this orchestrator with --ca-file %s\n(\"fleet tls show-ca\" prints it). SHA-256 of the authority:\n  %s", local.Path(), local.Fingerprint())
	case c.TLSCert != "":
		files, err := certificate.Load(c.TLSCert, c.TLSKey, time.Now, func(err error) {
			if err != nil {
				log.Error("the changed certificate is not used; the one before stays", "error", err)
				return
			}
			log.Info("the certificate was read anew")
		})
		if err != nil {
			return err
		}
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return files.Get(), nil }}
	}
	if c.TLSRobotCA == "" || o.TLS == nil {
		return nil
	}
	// Others than robots show no certificate, so the handshake asks for one and
	// the key decides whether it is needed.
	o.TLS.ClientAuth, o.RobotCertificates = tls.VerifyClientCertIfGiven, true
	if c.TLSRobotCA == "auto" {
		o.TLS.ClientCAs = local.Pool()
		return nil
	}
	var err error
	o.TLS.ClientCAs, err = certificate.Pool("tls-robot-ca", c.TLSRobotCA)
	return err
}

// serverNames are the names by which a listener can be reached.
func serverNames(listen string, more []string) []string {
	names := append([]string{"localhost", "127.0.0.1", "::1"}, more...)
	if host, _, err := net.SplitHostPort(listen); err == nil {
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, host)
		}
	}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tlsCmds look after the local authority. They need no orchestrator.
type tlsCmds struct {
	ShowCA tlsShowCmd  `cmd:"" name:"show-ca" help:"print the certificate of the local authority, for --ca-file"`
	Robot  tlsRobotCmd `cmd:"" help:"make the certificate of a robot"`
}

type tlsShowCmd struct {
	config.Database
}

// Run prints the certificate on standard output, the rest beside it.
func (c *tlsShowCmd) Run(sh *shell) error {
	a, err := certificate.Find(authorityDir(sh, c.Database), time.Now)
	if err != nil {
		return err
	}
	sh.note("%s\nSHA-256 %s", a.Path(), a.Fingerprint())
	_, err = sh.out.Write(a.PEM())
	return err
}

type tlsRobotCmd struct {
	config.Database
	ID       string `arg:"" help:"id of the robot"`
	OfTenant string `help:"tenant of the robot" default:"default" placeholder:"ID"`
	Days     int    `help:"for how long it is good; 1 to 3650" default:"365"`
	Out      string `help:"folder for ID.pem and ID-key.pem" default:"." placeholder:"PATH"`
}

// Run writes the certificate and its key.
func (c *tlsRobotCmd) Run(sh *shell) error {
	id, err := fleet.ParseRobotID(c.ID)
	if err != nil {
		return err
	}
	if c.Days < 1 || c.Days > 3650 {
		return fleet.Invalid("days", "days must be between 1 and 3650; got %d.", c.Days)
	}
	a, err := certificate.Find(authorityDir(sh, c.Database), time.Now)
	if err != nil {
		return err
	}
	cert, key, err := a.Robot(fleet.TenantID(c.OfTenant), id, time.Duration(c.Days)*24*time.Hour)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o700); err != nil {
		return fleet.Errorf(fleet.CodeInvalid, "out", "The folder %s cannot be made: %w.", c.Out, cause(err))
	}
	certPath, keyPath := filepath.Join(c.Out, string(id)+".pem"), filepath.Join(c.Out, string(id)+"-key.pem")
	for path, text := range map[string][]byte{keyPath: key, certPath: cert} {
		if err := writeNew(path, text); err != nil {
			return fleet.Errorf(fleet.CodeInvalid, "out", "The certificate cannot be written: %w.", cause(err)).
				WithFix("Give a folder with --out that has no file of that name.")
		}
	}
	sh.note("Give the robot both files: --client-cert %s --client-key %s", certPath, keyPath)
	return nil
}

// writeNew writes a file for its owner alone; one that is there is not replaced.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

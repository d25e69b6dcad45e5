package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/certificate"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/robot"
	"github.com/casarerpa/fleet/internal/runner"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// robotRunCmd is a robot.
type robotRunCmd struct {
	config.Robot
}

// Help is the long form of the help.
func (robotRunCmd) Help() string {
	return `The key says who the robot is and where it lives; make one with "fleet key create robot NAME", or let the machine get its own with "fleet robot enrol". What workflows may do on this machine is decided here, and no orchestrator can widen it.

Examples:

    fleet robot run --url https://fleet.example.com:8443 --key-file robot.key
    fleet robot run --slots 4 --capability scanner --allow-python
    FLEET_ROBOT_KEY=file:/etc/fleet/robot.key fleet robot run

SIGTERM or Ctrl-C drains: no new job is taken, and what runs has --drain-timeout to end; the rest is handed back.`
}

// Run works until it is told to stop.
func (c *robotRunCmd) Run(ctx context.Context, sh *shell) error {
	key, err := c.RobotKey()
	if err != nil {
		return err
	}
	if path := filepath.Join(robotDir(c.DataDir, sh), robotKeyFile); key.Empty() {
		if text, rerr := config.ReadSecret(path); rerr == nil { // as fleet robot enrol leaves it
			key = config.NewSecret(text)
		}
	}
	if key.Empty() {
		return fleet.Errorf(fleet.CodeInvalid, "no_key", "A robot needs its key.").
			WithFix(`Give --key-file PATH or set FLEET_ROBOT_KEY; "fleet key create robot NAME" makes one, and so does "fleet robot enrol" with an enrolment token.`)
	}
	log, err := sh.logger(c.Log, key.Reveal())
	if err != nil {
		return err
	}
	if c.Environment != fleet.DefaultEnvironment {
		sh.note("The environment of a robot comes from its key; --environment %s is not used.", c.Environment)
	}
	client, err := httpClient(c.CAFile)
	if err != nil {
		return err
	}
	if client, err = withCertificate(client, c.ClientCert, c.ClientKey, log); err != nil {
		return err
	}
	dir := robotDir(c.DataDir, sh)
	name := c.Name
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			name = "robot"
		}
	}
	capabilities, err := fleet.NewCapabilities(c.Capability...)
	if err != nil {
		return err
	}
	tags, err := fleet.NewCapabilities(c.Tag...)
	if err != nil {
		return err
	}
	facts, err := fleet.ParseFacts(c.Fact)
	if err != nil {
		return err
	}
	policy := policyOf(c.AllowShell, c.AllowPython, c.AllowNode, c.Root, c.PublicOnly, c.AllowNetwork)
	return runRobot(ctx, robot.Options{
		URLs: c.URL, Key: key.Reveal(), DataDir: dir, Name: name, Slots: c.Slots, Capabilities: capabilities, Tags: tags, Pool: c.Pool, Facts: facts,
		Version: sh.version, Logger: log, HTTPClient: client, DrainFor: c.DrainTimeout, ReconnectMax: c.ReconnectMax, Watch: c.Root,
	}, policy, log)
}

// runRobot gives a robot its room for jobs and lets it work, anew as often as
// it is asked to restart.
func runRobot(ctx context.Context, o robot.Options, policy runner.Policy, log *slog.Logger) error {
	cat, err := catalog.Load()
	if err != nil {
		return fmt.Errorf("load the node catalog: %w", err)
	}
	o.Runner, err = newRunner(cat, policy, filepath.Join(o.DataDir, "jobs"))
	if err != nil {
		return err
	}
	o.Capabilities = o.Capabilities.Union(robot.Offered(policy))
	o.Logger = log
	for {
		agent, err := robot.New(o)
		if err != nil {
			return err
		}
		if err := agent.Run(ctx); !errors.Is(err, robot.ErrRestart) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		log.Info("starting again, as the orchestrator asked")
	}
}

// httpClient trusts further authorities; nil means the usual ones.
func httpClient(caFile string) (*http.Client, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "ca_file", "The file %s cannot be read: %w.", caFile, cause(err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fleet.Errorf(fleet.CodeInvalid, "ca_file", "%s holds no certificate in PEM form.", caFile)
	}
	return clientWith(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}), nil
}

func clientWith(c *tls.Config) *http.Client {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{}
	}
	transport = transport.Clone()
	transport.TLSClientConfig = c
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// withCertificate lets a client show a certificate, which is read anew when its
// files change.
func withCertificate(c *http.Client, cert, key string, log *slog.Logger) (*http.Client, error) {
	if cert == "" {
		return c, nil
	}
	files, err := certificate.Load(cert, key, time.Now, func(err error) {
		if err != nil {
			log.Error("the changed certificate is not used; the one before stays", "error", err)
		}
	})
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c != nil {
		if t, ok := c.Transport.(*http.Transport); ok {
			config = t.TLSClientConfig.Clone()
		}
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return files.Get(), nil }
	return clientWith(config), nil
}

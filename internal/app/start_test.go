package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/auth"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/certificate"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/dbtest"
)

const public, private = "0.0.0.0:8000", "127.0.0.1:8000"

// TestStartMatrix: every unsafe combination of settings refuses to start, with a
// sentence that names the cure, and every safe one is taken. The figures are
// written out as data; nothing of it is computed.
func TestStartMatrix(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.4/32")}
	everybody := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	for _, c := range []struct {
		name string
		set  func(c *config.Serve)
		cure string // a word of the fix; empty: it starts
	}{
		{"loopback", func(*config.Serve) {}, ""},
		{"loopback by name", func(c *config.Serve) { c.Listen = "localhost:8000" }, ""},
		{"loopback, IPv6", func(c *config.Serve) { c.Listen = "[::1]:8000" }, ""},
		{"every address", func(c *config.Serve) { c.Listen = public }, "--tls auto"},
		{"every address, unnamed", func(c *config.Serve) { c.Listen = ":8000" }, "--tls auto"},
		{"every address, IPv6", func(c *config.Serve) { c.Listen = "[::]:8000" }, "--tls auto"},
		{"a name", func(c *config.Serve) { c.Listen = "fleet.example.com:8000" }, "--tls auto"},
		{"a private address", func(c *config.Serve) { c.Listen = "10.0.0.5:8000" }, "--behind-tls-proxy"},
		{"files", func(c *config.Serve) { c.Listen, c.TLSCert, c.TLSKey = public, "c", "k" }, ""},
		{"half of the files", func(c *config.Serve) { c.Listen, c.TLSCert = public, "c" }, "both"},
		{"the other half", func(c *config.Serve) { c.TLSKey = "k" }, "both"},
		{"auto", func(c *config.Serve) { c.Listen, c.TLS = public, "auto" }, ""},
		{"auto and files", func(c *config.Serve) { c.TLS, c.TLSCert, c.TLSKey = "auto", "c", "k" }, "Leave one"},
		{"a name without auto", func(c *config.Serve) { c.TLSName = []string{"x"} }, "--tls auto"},
		{"a proxy", func(c *config.Serve) { c.Listen, c.BehindTLS = public, proxy }, ""},
		{"everybody a proxy", func(c *config.Serve) { c.Listen, c.BehindTLS = public, everybody }, "10.0.0.4/32"},
		{"everybody a proxy, on loopback", func(c *config.Serve) { c.BehindTLS = everybody }, "10.0.0.4/32"},
		{"robots' certificates", func(c *config.Serve) { c.TLS, c.TLSRobotCA = "auto", "auto" }, ""},
		{"robots' certificates of another authority", func(c *config.Serve) { c.TLS, c.TLSRobotCA = "auto", "f" }, ""},
		{"robots' certificates in the clear", func(c *config.Serve) { c.TLSRobotCA = "f" }, "--tls auto"},
		{"robots' certificates behind a proxy", func(c *config.Serve) { c.Listen, c.BehindTLS, c.TLSRobotCA = public, proxy, "f" }, "leave --tls-robot-ca out"},
		{"robots' certificates of no authority", func(c *config.Serve) { c.TLSCert, c.TLSKey, c.TLSRobotCA = "c", "k", "auto" }, "--tls auto"},
		{"dev mode", func(c *config.Serve) { c.DevMode = true }, ""},
		{"dev mode in public", func(c *config.Serve) { c.DevMode, c.Listen = true, public }, "127.0.0.1"},
		{"dev mode in public, with TLS", func(c *config.Serve) { c.DevMode, c.Listen, c.TLS = true, public, "auto" }, "127.0.0.1"},
		{"dev mode in public, with files", func(c *config.Serve) { c.DevMode, c.Listen, c.TLSCert, c.TLSKey = true, public, "c", "k" }, "127.0.0.1"},
		{"dev mode behind a proxy", func(c *config.Serve) { c.DevMode, c.BehindTLS = true, proxy }, "Leave behind-tls-proxy out"},
		{"metrics in public", func(c *config.Serve) { c.MetricsListen = "0.0.0.0:9000" }, "127.0.0.1"},
		{"metrics on loopback", func(c *config.Serve) { c.MetricsListen = "127.0.0.1:9000" }, ""},
		{"no limit", func(c *config.Serve) { c.Limits.Body = 0 }, "positive"},
		{"a lease that two could hold", func(c *config.Serve) { c.Timing.Lease = time.Hour }, "lost"},
	} {
		set := config.Serve{
			Listen: private, TLS: "files", Limits: config.DefaultLimits(), StopTimeout: time.Second,
			Timing:    config.Timing{Lost: 90 * time.Second, StopGrace: time.Minute},
			Retention: config.Retention{JobsDays: 90, EventsDays: 30, LogsDays: 30, BulksDays: 90},
		}
		c.set(&set)
		refused(t, c.name, set.Validate(), c.cure)
	}
	if err := (config.Dev{Listen: public, Robots: 1}).Validate(); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "fleet serve") {
		t.Errorf("fleet dev in public: %v", err)
	}
}

// refused holds an error against what is wanted of it: code 2 for the shell, a
// sentence, and the cure.
func refused(t *testing.T, name string, err error, cure string) {
	t.Helper()
	if cure == "" {
		if err != nil {
			t.Errorf("%s: refused with %v", name, err)
		}
		return
	}
	e := fleet.AsError(err)
	if err == nil || e.Code.Info().Exit != 2 || !strings.HasSuffix(e.Message, ".") || !strings.Contains(e.Error(), cure) {
		t.Errorf("%s: %v; the cure is %q", name, err, cure)
	}
}

// TestUnsafeOptions: an orchestrator refuses by itself too, whoever builds it.
func TestUnsafeOptions(t *testing.T) {
	proxies := caller.Proxies{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.4/32")}}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	for name, c := range map[string]struct {
		o    Options
		cure string
	}{
		"in the clear":              {Options{Listen: public}, "Use TLS"},
		"dev mode in public":        {Options{Listen: public, Local: true, TLS: secure}, "127.0.0.1"},
		"dev mode behind a proxy":   {Options{Listen: private, Local: true, Proxies: proxies}, "no proxies"},
		"metrics in public":         {Options{Listen: private, MetricsListen: public}, "127.0.0.1"},
		"certificates without TLS":  {Options{Listen: private, RobotCertificates: true}, "Use TLS"},
		"certificates of anybody":   {Options{Listen: private, RobotCertificates: true, TLS: &tls.Config{MinVersion: tls.VersionTLS12, ClientCAs: x509.NewCertPool()}}, "Use TLS"},
		"certificates by no one":    {Options{Listen: private, RobotCertificates: true, TLS: &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven}}, "name the authority"},
		"a lease that two can hold": {Options{Listen: private, Timing: fleet.Timing{Lost: time.Second}}, "between"},
	} {
		c.o.DataDir = filepath.Join(t.TempDir(), "never")
		a, err := New(t.Context(), c.o)
		if err == nil {
			_ = a.Stop(context.Background())
		}
		refused(t, name, err, c.cure)
	}
}

// TestDevModeAlone: without keys an orchestrator does not join others.
func TestDevModeAlone(t *testing.T) {
	db := dbtest.Open(t, dbtest.Options{})
	start(t, Options{Listen: "127.0.0.1:0", Store: db})
	a, err := New(t.Context(), Options{Listen: "127.0.0.1:0", Store: db, Local: true})
	if err == nil {
		_ = a.Stop(context.Background())
	}
	if e := fleet.AsError(err); err == nil || e.Reason != "not_alone" || e.Fix == "" {
		t.Errorf("dev mode beside another: %v", err)
	}
}

// TestRobotCertificates: with an authority for robots, the key of a robot counts
// only on a connection that showed this robot's certificate.
func TestRobotCertificates(t *testing.T) {
	authority, err := certificate.Open(t.TempDir(), []string{"127.0.0.1"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o := at(dbtest.NewPlace(t))
	o.RobotCertificates = true
	o.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: authority.Pool(),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return authority.Server() },
	}
	a := start(t, o)
	_, adminKey, err := a.Keys().NewServiceKey(t.Context(), auth.Local(), "admin", fleet.RoleAdmin, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, botKey, err := a.Keys().NewRobotKey(t.Context(), auth.Local(), "bot-1", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	admin, key := adminKey.Reveal(), botKey.Reveal()
	for _, c := range []struct {
		name, key, robot string
		path             string
		status           int
	}{
		{"a person needs none", admin, "", "/api/v1/robots", 200},
		{"a robot without", key, "", "/api/v1/me", 403},
		{"a robot with its own", key, "bot-1", "/api/v1/me", 200},
		{"a robot with another's", key, "bot-2", "/api/v1/me", 403},
		{"the robot channel without", key, "", "/ws/v2/robot", 403},
		{"the robot channel with its own", key, "bot-1", "/ws/v2/robot", 426}, // let in, but this is no upgrade
	} {
		config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authority.Pool()}
		if c.robot != "" {
			cert, secret, err := authority.Robot(fleet.DefaultTenant, fleet.RobotID(c.robot), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			pair, err := tls.X509KeyPair(cert, secret)
			if err != nil {
				t.Fatal(err)
			}
			config.Certificates = []tls.Certificate{pair}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", c.key)
		resp, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		status, header := resp.StatusCode, resp.Header
		if status != c.status {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		if header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: no HSTS", c.name)
		}
	}
}

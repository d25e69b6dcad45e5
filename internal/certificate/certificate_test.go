package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// clock is a wall clock that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// talk makes a handshake and returns what either side saw.
func talk(t *testing.T, server, client *tls.Config) (seen tls.ConnectionState, err error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	type outcome struct {
		state tls.ConnectionState
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- outcome{err: err}
			return
		}
		s := tls.Server(conn, server)
		defer s.Close()
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if err = s.HandshakeContext(t.Context()); err == nil {
			_, err = s.Write([]byte("x"))
		}
		done <- outcome{s.ConnectionState(), err}
	}()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	must(t, err)
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	c := tls.Client(conn, client)
	_, err = c.Read(make([]byte, 1)) // with TLS 1.3 a refusal of the server's comes after the handshake
	_ = conn.Close()
	o := <-done
	return o.state, errors.Join(err, o.err)
}

// TestAuthority: the first start makes one, the next finds it, and robots that
// trust it are served under each name.
func TestAuthority(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	c := &clock{time.Now()}
	if _, err := Find(dir, c.now); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("before the first start: %v", err)
	}
	a, err := Open(dir, []string{"fleet.example", "127.0.0.1"}, c.now)
	must(t, err)
	again, err := Open(dir, []string{"fleet.example"}, c.now)
	must(t, err)
	found, err := Find(dir, c.now)
	must(t, err)
	if a.Fingerprint() != again.Fingerprint() || a.Fingerprint() != found.Fingerprint() || len(a.Fingerprint()) != 95 {
		t.Errorf("fingerprints %s, %s, %s", a.Fingerprint(), again.Fingerprint(), found.Fingerprint())
	}
	if info, err := os.Stat(filepath.Join(dir, authorityKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v %v", info.Mode(), err)
	}
	get := func(a *Authority) *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Server() }}
	}
	for name, ok := range map[string]bool{"fleet.example": true, "127.0.0.1": true, "evil.example": false} {
		if _, err := talk(t, get(a), &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: found.Pool(), ServerName: name}); (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The server's certificate is renewed in time, while the program runs.
	first, err := a.Server()
	must(t, err)
	c.at = c.at.Add(serverLife - renewBefore - 2*time.Hour)
	if same, err := a.Server(); err != nil || same != first {
		t.Errorf("renewed too early: %v", err)
	}
	c.at = c.at.Add(3 * time.Hour)
	next, err := a.Server()
	must(t, err)
	if next == first || !next.Leaf.NotAfter.After(first.Leaf.NotAfter) {
		t.Error("not renewed in time")
	}
	if err := next.Leaf.CheckSignatureFrom(a.cert); err != nil {
		t.Error(err)
	}
	c.at = c.at.Add(authorityLife)
	if _, err := Open(dir, nil, c.now); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("an authority that has expired: %v", err)
	}
	c.at = time.Now()
	must(t, os.Remove(filepath.Join(dir, authorityKeyFile)))
	if _, err := Open(dir, nil, c.now); err == nil {
		t.Error("half an authority was replaced by a new one")
	}
}

// TestRobotCertificate: it speaks for one robot of one tenant, and only if the
// authority signed it.
func TestRobotCertificate(t *testing.T) {
	a, err := Open(t.TempDir(), []string{"x"}, time.Now)
	must(t, err)
	other, err := Open(t.TempDir(), []string{"x"}, time.Now)
	must(t, err)
	server := &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: a.Pool(),
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Server() },
	}
	show := func(by *Authority) (tls.ConnectionState, error) {
		client := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.Pool(), ServerName: "x"}
		if by != nil {
			cert, key, err := by.Robot("acme", "bot-1", time.Hour)
			must(t, err)
			pair, err := tls.X509KeyPair(cert, key)
			must(t, err)
			// Sent also where the server does not ask for its authority.
			client.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		return talk(t, server, client)
	}
	state, err := show(a)
	must(t, err)
	for _, c := range []struct {
		tenant fleet.TenantID
		robot  fleet.RobotID
		fits   bool
	}{{"acme", "bot-1", true}, {"acme", "bot-2", false}, {"other", "bot-1", false}, {fleet.DefaultTenant, "bot-1", false}} {
		if ForRobot(&state, c.tenant, c.robot) != c.fits {
			t.Errorf("%s/%s fits: %v", c.tenant, c.robot, !c.fits)
		}
	}
	if state, err := show(nil); err != nil || ForRobot(&state, "acme", "bot-1") {
		t.Errorf("without a certificate: %v", err)
	}
	if _, err := show(other); err == nil {
		t.Error("the certificate of a stranger was taken")
	}
	if ForRobot(nil, "acme", "bot-1") {
		t.Error("without TLS")
	}
	plain := tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}, PeerCertificates: []*x509.Certificate{{}}}
	plain.PeerCertificates[0].Subject.CommonName = "bot-1"
	if !ForRobot(&plain, fleet.DefaultTenant, "bot-1") || ForRobot(&plain, "acme", "bot-1") {
		t.Error("a certificate without a tenant speaks for the default one alone")
	}
}

// TestReload: changed files are used within lookEvery; broken ones never are.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	c := &clock{time.Now()}
	put := func() []byte {
		t.Helper()
		a, err := Open(t.TempDir(), []string{"x"}, c.now)
		must(t, err)
		certPEM, keyPEM, err := a.Robot("t", "r", 24*time.Hour)
		must(t, err)
		must(t, os.WriteFile(cert, certPEM, 0o600))
		must(t, os.WriteFile(key, keyPEM, 0o600))
		stamp := c.at.Add(time.Second) // file systems may be coarse
		must(t, os.Chtimes(cert, stamp, stamp))
		return certPEM
	}
	put()
	var told []error
	f, err := Load(cert, key, c.now, func(err error) { told = append(told, err) })
	must(t, err)
	first := f.Get()
	c.at = c.at.Add(lookEvery)
	if f.Get() != first || len(told) != 0 {
		t.Error("read anew without a change")
	}
	put()
	if f.Get() != first {
		t.Error("looked at the files for each handshake")
	}
	c.at = c.at.Add(lookEvery)
	second := f.Get()
	if second == first || !slices.Equal(told, []error{nil}) {
		t.Errorf("not read anew: told %v", told)
	}
	must(t, os.WriteFile(cert, []byte("rubbish"), 0o600))
	c.at = c.at.Add(lookEvery)
	if f.Get() != second || len(told) != 2 || told[1] == nil {
		t.Errorf("a broken file: told %v", told)
	}
	must(t, os.Remove(cert))
	c.at = c.at.Add(lookEvery)
	if f.Get() != second {
		t.Error("a file that is gone took the certificate away")
	}
	put()
	c.at = c.at.Add(lookEvery)
	if f.Get() == second || told[len(told)-1] != nil {
		t.Errorf("whole again: told %v", told)
	}
	if _, err := Load(filepath.Join(dir, "none"), key, c.now, nil); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("no file: %v", err)
	}
	c.at = c.at.Add(48 * time.Hour)
	if _, err := Load(cert, key, c.now, nil); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("expired: %v", err)
	}
}

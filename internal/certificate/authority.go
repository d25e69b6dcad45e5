package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The lives of what is made here.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	serverLife    = 90 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
	skew          = time.Hour // clocks of robots may be behind
)

// The names of the files in the folder of an authority.
const (
	authorityFile    = "ca.pem"
	authorityKeyFile = "ca-key.pem"
)

// Authority is a local certificate authority: its certificate and key lie in a
// folder, and it signs certificates of this orchestrator and of robots. An
// authority that other orchestrators have already is copied into the folder
// before the first start.
type Authority struct {
	dir   string
	names []string
	now   func() time.Time

	cert *x509.Certificate
	pem  []byte
	key  crypto.Signer

	mu   sync.Mutex
	pair *tls.Certificate
}

// Open finds the authority in a folder, or makes one if there is none. names
// are the hosts and addresses that the server is reached by.
func Open(dir string, names []string, now func() time.Time) (*Authority, error) {
	a := &Authority{dir: dir, names: names, now: now}
	err := a.read()
	if errors.Is(err, os.ErrNotExist) {
		if err = a.make(); err != nil {
			return nil, fmt.Errorf("make the local certificate authority: %w", err)
		}
		err = a.read()
	}
	if err != nil {
		return nil, err
	}
	_, err = a.Server()
	return a, err
}

// Find is Open for those who only want to look: nothing is made.
func Find(dir string, now func() time.Time) (*Authority, error) {
	a := &Authority{dir: dir, now: now}
	err := a.read()
	if errors.Is(err, os.ErrNotExist) {
		return nil, fleet.Errorf(fleet.CodeNotFound, "ca_not_found", "There is no local certificate authority in %s.", dir).
			WithFix("The first start of fleet serve --tls auto makes it; name its folder with --data-dir.")
	}
	return a, err
}

func (a *Authority) read() error {
	text, err := os.ReadFile(filepath.Join(a.dir, authorityFile))
	if err != nil {
		return err
	}
	secret, err := os.ReadFile(filepath.Join(a.dir, authorityKeyFile))
	if err != nil {
		return fleet.Errorf(fleet.CodeInvalid, "tls_authority", "The local authority in %s lacks its key: %v.", a.dir, err). // not "there is none"
																	WithFix("Bring " + authorityKeyFile + " back, or move " + authorityFile + " away to have a new authority made, which robots must be told of.")
	}
	pair, err := tls.X509KeyPair(text, secret)
	if err != nil {
		return fleet.Errorf(fleet.CodeInvalid, "tls_authority", "The local authority in %s cannot be used: %w.", a.dir, err)
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return fmt.Errorf("read the local authority in %s: %w", a.dir, err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !cert.IsCA {
		return fleet.Errorf(fleet.CodeInvalid, "tls_authority", "%s in %s is no certificate authority.", authorityFile, a.dir)
	}
	if a.now().After(cert.NotAfter) {
		return fleet.Errorf(fleet.CodeInvalid, "tls_authority", "The local authority in %s has expired.", a.dir).
			WithFix("Move its files away; the next start makes a new one, which robots must be told of.")
	}
	a.cert, a.key, a.pem = cert, key, text
	return nil
}

func (a *Authority) make() error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // a nameless machine has an authority too
	t := &x509.Certificate{
		Subject:   pkix.Name{CommonName: strings.TrimSpace("Casare Fleet local authority " + host)},
		NotBefore: a.now().Add(-skew), NotAfter: a.now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	cert, err := sign(t, t, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := encodeKey(key)
	if err != nil {
		return err
	}
	// The key first: a certificate without its key would be taken for a fault.
	if err := write(filepath.Join(a.dir, authorityKeyFile), secret, 0o600); err != nil {
		return err
	}
	return write(filepath.Join(a.dir, authorityFile), cert, 0o644)
}

// Path is the file that robots are told to trust.
func (a *Authority) Path() string { return filepath.Join(a.dir, authorityFile) }

// PEM is the authority's certificate.
func (a *Authority) PEM() []byte { return slices.Clone(a.pem) }

// Fingerprint is the SHA-256 of the authority's certificate, for people to compare.
func (a *Authority) Fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = fmt.Sprintf("%02X", b)
	}
	return strings.Join(parts, ":")
}

// Pool trusts the authority and nobody else.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Server returns the certificate of this orchestrator, made anew when it is
// about to end. It lives in memory: a start makes another one, and what robots
// trust is the authority.
func (a *Authority) Server() (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pair != nil && a.now().Add(renewBefore).Before(a.pair.Leaf.NotAfter) {
		return a.pair, nil
	}
	t := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "Casare Fleet orchestrator"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range a.names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if name != "" {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	cert, secret, err := a.issue(t, serverLife)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, secret)
	if err != nil {
		return nil, err
	}
	if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
		return nil, err
	}
	a.pair = &pair
	return a.pair, nil
}

// Robot makes the certificate of a robot, in PEM with its key.
func (a *Authority) Robot(tenant fleet.TenantID, id fleet.RobotID, life time.Duration) (cert, key []byte, err error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: string(id), Organization: []string{string(tenant)}},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, life)
}

func (a *Authority) issue(t *x509.Certificate, life time.Duration) (cert, secret []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t.NotBefore, t.NotAfter = a.now().Add(-skew), a.now().Add(life)
	if t.NotAfter.After(a.cert.NotAfter) {
		t.NotAfter = a.cert.NotAfter
	}
	if cert, err = sign(t, a.cert, key.Public(), a.key); err != nil {
		return nil, nil, err
	}
	secret, err = encodeKey(key)
	return cert, secret, err
}

// ForRobot says whether the certificate that a connection showed is that of a
// robot. The connection has checked who signed it.
func ForRobot(state *tls.ConnectionState, tenant fleet.TenantID, id fleet.RobotID) bool {
	if state == nil || len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return false
	}
	s := state.PeerCertificates[0].Subject
	if s.CommonName != string(id) {
		return false
	}
	// An authority of the operator's own need not know tenants; then it may only
	// speak for the first one.
	if len(s.Organization) == 0 {
		return tenant == fleet.DefaultTenant
	}
	return slices.Contains(s.Organization, string(tenant))
}

func sign(t, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	t.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// write makes a file that is complete or not there.
func write(path string, text []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

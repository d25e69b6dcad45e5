package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// lookEvery bounds how often files are looked at.
const lookEvery = 10 * time.Second

// Files is a certificate with its key in two files.
type Files struct {
	cert, key string
	now       func() time.Time
	changed   func(err error) // told when they changed: nil if they are in use now

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]stamp
	looked time.Time
}

// stamp tells whether a file was changed.
type stamp struct {
	at   time.Time
	size int64
}

// Load reads the files. changed may be nil.
func Load(cert, key string, now func() time.Time, changed func(err error)) (*Files, error) {
	f := &Files{cert: cert, key: key, now: now, changed: changed, looked: now()}
	f.seen = f.stamps()
	pair, err := read(cert, key, now())
	if err != nil {
		return nil, err
	}
	f.pair = pair
	return f, nil
}

func read(cert, key string, now time.Time) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "tls_cert", "The certificate cannot be used: %w.", err).
			WithFix("Give PEM files that belong together as --tls-cert and --tls-key.")
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, fleet.Errorf(fleet.CodeInvalid, "tls_cert", "The certificate cannot be read: %w.", err)
		}
	}
	if now.After(pair.Leaf.NotAfter) {
		return nil, fleet.Errorf(fleet.CodeInvalid, "tls_cert", "The certificate has expired at %s.", pair.Leaf.NotAfter.UTC().Format(time.RFC3339)).
			WithFix("Give a newer one as --tls-cert and --tls-key.")
	}
	return &pair, nil
}

func (f *Files) stamps() (out [2]stamp) {
	for i, path := range []string{f.cert, f.key} {
		if info, err := os.Stat(path); err == nil {
			out[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return out
}

// Get returns the certificate, read anew if its files changed. It is the
// GetCertificate of a server and, without its argument, of a client.
func (f *Files) Get() *tls.Certificate {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Sub(f.looked) < lookEvery {
		return f.pair
	}
	f.looked = now
	seen := f.stamps()
	if seen == f.seen {
		return f.pair
	}
	pair, err := read(f.cert, f.key, now)
	if err == nil {
		f.pair = pair
	}
	f.seen = seen // half of a change fails once, and the other half is another change
	if f.changed != nil {
		f.changed(err)
	}
	return f.pair
}

// Pool reads certificates of authorities.
func Pool(field, path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeInvalid, "ca_file", "The file of %s cannot be read: %w.", field, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fleet.Invalid(field, "The file of %s holds no certificate in PEM form.", field)
	}
	return pool, nil
}

package issuer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// The times of the keys of an issuer.
const (
	keysAgain = time.Minute     // fetched at most this often, whatever tokens name
	keysRetry = 5 * time.Second // and this often while the issuer is at fault
	keysOld   = time.Hour       // fetched anew, so that one that was taken back ends
	keysGone  = 24 * time.Hour  // believed no longer when the issuer stays away
	mostKeys  = 100
)

// keySet is the keys of an issuer, by kid. It implements oidc.KeySet.
type keySet struct {
	name      string
	client    *http.Client
	where     func(ctx context.Context) (string, error)
	algorithm string
	now       func() time.Time
	once      singleflight.Group

	mu      sync.Mutex
	keys    map[string]jose.JSONWebKey
	fetched time.Time // with success
	next    time.Time // when it may be fetched again
	failed  error     // of the last time
}

var errNoKey = errors.New("the token is signed with no key of the issuer")

// VerifySignature checks the signature of a token and returns what it holds.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(s.algorithm)})
	if err != nil {
		return nil, fmt.Errorf("read the token: %w", err)
	}
	if len(signed.Signatures) != 1 || signed.Signatures[0].Header.KeyID == "" {
		return nil, errNoKey
	}
	key, err := s.key(ctx, signed.Signatures[0].Header.KeyID)
	if err != nil {
		return nil, err
	}
	return signed.Verify(key.Key)
}

// key finds a key, and fetches the list if that may help.
func (s *keySet) key(ctx context.Context, kid string) (jose.JSONWebKey, error) {
	key, ok, look := s.known(kid)
	if look {
		// Others may wait for it: who asked first must not end it for them.
		_, _, _ = s.once.Do("keys", func() (any, error) { s.fetch(context.WithoutCancel(ctx)); return nil, nil }) //nolint:nilnil // the answer is in s
		key, ok, _ = s.known(kid)
	}
	if ok {
		return key, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return key, s.failed // there may be such a key
	}
	return key, errNoKey
}

// known says whether there is a key, and whether the list should be fetched.
func (s *keySet) known(kid string) (key jose.JSONWebKey, ok, look bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	key, ok = s.keys[kid]
	ok = ok && now.Sub(s.fetched) < keysGone
	look = (!ok || now.Sub(s.fetched) >= keysOld) && !now.Before(s.next)
	return key, ok, look
}

func (s *keySet) fetch(ctx context.Context) {
	keys, err := s.list(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err != nil {
		s.next = s.now().Add(keysRetry)
		return
	}
	s.keys, s.fetched, s.next = keys, s.now(), s.now().Add(keysAgain)
}

func (s *keySet) list(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	at, err := s.where(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.get(ctx, at)
	if err != nil {
		return nil, away(s.name, err)
	}
	keys := map[string]jose.JSONWebKey{}
	for _, k := range list.Keys {
		if len(keys) < mostKeys && s.usable(&k) {
			keys[k.KeyID] = k
		}
	}
	return keys, nil
}

func (s *keySet) get(ctx context.Context, at string) (list jose.JSONWebKeySet, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return list, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return list, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return list, err
	}
	if resp.StatusCode != http.StatusOK {
		return list, fmt.Errorf("the list of keys was answered with %s", resp.Status)
	}
	return list, json.Unmarshal(body, &list)
}

// usable keeps public keys of the algorithm alone: a symmetric key in a public
// list would let everybody sign.
func (s *keySet) usable(k *jose.JSONWebKey) bool {
	if k.KeyID == "" || !k.Valid() || (k.Use != "" && k.Use != "sig") || (k.Algorithm != "" && k.Algorithm != s.algorithm) {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return s.algorithm == string(jose.RS256) && key.N.BitLen() >= 2048
	case *ecdsa.PublicKey:
		return s.algorithm == string(jose.ES256) && key.Curve.Params().BitSize == 256
	case ed25519.PublicKey:
		return s.algorithm == string(jose.EdDSA)
	}
	return false
}

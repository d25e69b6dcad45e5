package auditchain

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Checkpoint says, signed, which hash a row of a tenant's chain had at a time.
// One that is kept elsewhere shows what a chain alone cannot: that its end was
// cut off, or that all of it was written anew.
type Checkpoint struct {
	Tenant    fleet.TenantID `json:"tenant_id"`
	Seq       int64          `json:"seq"`
	Hash      string         `json:"hash"`
	At        time.Time      `json:"at"`
	KeyID     string         `json:"key_id"`    // of the public key
	Signature string         `json:"signature"` // Ed25519, base64
}

// signed is the text that the signature is over.
func (c *Checkpoint) signed() []byte {
	return fmt.Appendf(nil, "casare fleet audit checkpoint 1\n%s\n%d\n%s\n%s\n", c.Tenant, c.Seq, c.Hash, c.At.UTC().Format(time.RFC3339Nano))
}

// Signer signs checkpoints. Printing it shows nothing of its key.
type Signer struct{ key func() ed25519.PrivateKey }

// NewSeed makes the text of a new signing key: 32 bytes in hex.
func NewSeed(random io.Reader) (string, error) {
	var b [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make a signing key: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// NewSigner reads a key as NewSeed makes it.
func NewSigner(seed string) (*Signer, error) {
	b, err := hex.DecodeString(seed)
	if err != nil || len(b) != ed25519.SeedSize {
		return nil, fleet.Invalid("audit-key", "The key that signs checkpoints must be %d bytes in hex.", ed25519.SeedSize).
			WithFix("Make one with 'openssl rand -hex 32' and give it to every orchestrator of this database.")
	}
	key := ed25519.NewKeyFromSeed(b)
	return &Signer{func() ed25519.PrivateKey { return key }}, nil
}

// PublicKey is what checks the signatures, in base64.
func (s *Signer) PublicKey() string {
	public, _ := s.key().Public().(ed25519.PublicKey)
	return base64.StdEncoding.EncodeToString(public)
}

// Sign makes a checkpoint of a row.
func (s *Signer) Sign(tenant fleet.TenantID, a Anchor, at time.Time) Checkpoint {
	c := Checkpoint{Tenant: tenant, Seq: a.Seq, Hash: a.Hash, At: at.UTC(), KeyID: keyID(s.PublicKey())}
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.key(), c.signed()))
	return c
}

// keyID names a public key in a few characters.
func keyID(public string) string {
	sum := sha256.Sum256([]byte(public))
	return hex.EncodeToString(sum[:8])
}

// Genuine says whether a checkpoint was signed with the key of a public one.
func (c *Checkpoint) Genuine(public string) bool {
	key, err := base64.StdEncoding.DecodeString(public)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return false
	}
	sig, err := base64.StdEncoding.DecodeString(c.Signature)
	return err == nil && ed25519.Verify(key, c.signed(), sig)
}

// Hold compares the rows that follow with what checkpoints say of them. Without
// public keys the checkpoints are believed without a look at their signatures.
func (c *Checker) Hold(points []Checkpoint, public ...string) *Checker {
	public = slices.DeleteFunc(slices.Clone(public), func(key string) bool { return key == "" })
	c.points = map[int64][]*Checkpoint{}
	for i := range points {
		p := &points[i]
		of := slices.IndexFunc(public, func(key string) bool { return keyID(key) == p.KeyID })
		switch {
		case len(public) == 0:
		case of < 0:
			c.foreign = append(c.foreign, p)
		case !p.Genuine(public[of]):
			c.fault = &Fault{p.Seq, Changed, fmt.Sprintf("The checkpoint of row %d is not signed with the key that was given.", p.Seq)}
			return c
		}
		if p.Seq > c.at.Seq {
			c.points[p.Seq] = append(c.points[p.Seq], p)
		}
	}
	return c
}

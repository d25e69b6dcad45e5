package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// FixedKey is a key that the operator has put into the server's environment, as
// the original has it. It is nowhere in the database; in memory there is its
// hash alone.
type FixedKey struct {
	sum [sha256.Size]byte
	of  Principal
}

// FixedKeyID stands for such a key where keys are named by their ids.
const FixedKeyID fleet.ID = "environment"

// fixedLen is the least length of such a key.
const fixedLen = 32

// NewFixedKey takes the key of an administrator of the default tenant.
func NewFixedKey(text string) (*FixedKey, error) {
	switch text = strings.TrimSpace(text); {
	case len(text) < fixedLen || len(text) > 256:
		return nil, fleet.Invalid("admin-key", "admin-key must have %d to 256 characters; got %d.", fixedLen, len(text)).
			WithFix("Make one with 'openssl rand -hex 32', or leave it out and make keys with 'fleet key create'.")
	case isRobotKey(text):
		return nil, fleet.Invalid("admin-key", "admin-key begins with crpa_, so it is the key of a robot.").
			WithFix("Make one with 'openssl rand -hex 32'; a robot's key belongs on the robot's machine.")
	}
	p := newPrincipal("admin key of the environment", fleet.DefaultTenant, fleet.RoleAdmin)
	p.KeyID = FixedKeyID
	return &FixedKey{sha256.Sum256([]byte(text)), p}, nil
}

// Knows says whether it is this very key.
func (k *FixedKey) Knows(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1
}

// Principal is the administrator. Neither a browser's cookie nor a
// ticket is a place for keys.
func (k *FixedKey) Principal(_ context.Context, c Credential) (Principal, error) {
	if c.Way != WayHeader && c.Way != WayQuery {
		return Principal{}, Unauthenticated()
	}
	return k.of, nil
}

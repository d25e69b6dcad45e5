package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/casarerpa/fleet/fleet"
)

// PasswordCost is what one hash of a password costs. The parameters are stored
// with each hash, so that they may be raised later.
type PasswordCost struct {
	KiB     uint32
	Passes  uint32
	Threads uint8
}

// DefaultPasswordCost is the least that is recommended for argon2id today.
func DefaultPasswordCost() PasswordCost { return PasswordCost{KiB: 19 << 10, Passes: 2, Threads: 1} }

// Passwords makes and checks hashes of passwords, so many at a time that a flood
// of sign-ins cannot take the memory.
type Passwords struct {
	cost    PasswordCost
	random  io.Reader
	slots   chan struct{}
	waiting atomic.Int64
	most    int64 // that may wait
}

// waitEach is how many may wait for one that is at work.
const waitEach = 32

// NewPasswords lets so many hashes be made at a time.
func NewPasswords(cost PasswordCost, atOnce int, random io.Reader) *Passwords {
	atOnce = max(atOnce, 1)
	return &Passwords{cost: cost, random: random, slots: make(chan struct{}, atOnce), most: int64(atOnce * waitEach)}
}

// enter waits for its turn, or refuses when too many wait.
func (h *Passwords) enter(ctx context.Context) (leave func(), err error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > h.most {
		e := fleet.Errorf(fleet.CodeUnavailable, "too_many_sign_ins", "Too many people sign in at this moment.")
		e.RetryAfter = 5 * time.Second
		return nil, e
	}
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const (
	saltBytes = 16
	hashBytes = 32
)

// Hash makes the stored form of a password.
func (h *Passwords) Hash(ctx context.Context, password Secret) (string, error) {
	var salt [saltBytes]byte
	if _, err := io.ReadFull(h.random, salt[:]); err != nil {
		return "", fmt.Errorf("make salt: %w", err)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return encodeHash(h.cost, salt[:], h.cost.derive(password, salt[:])), nil
}

func (c PasswordCost) derive(password Secret, salt []byte) []byte {
	return argon2.IDKey([]byte(password.Reveal()), salt, c.Passes, c.KiB, c.Threads, hashBytes)
}

// Check compares a password with a stored form. Where there is none it takes as
// long and says no. weak says that the form was made at another cost than that
// of today.
func (h *Passwords) Check(ctx context.Context, stored string, password Secret) (ok, weak bool, err error) {
	cost, salt, want, known := decodeHash(stored)
	if !known {
		cost, salt, want = h.cost, make([]byte, saltBytes), nil
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, false, err
	}
	defer leave()
	got := cost.derive(password, salt)
	return known && subtle.ConstantTimeCompare(got, want) == 1, cost != h.cost, nil
}

// encodeHash writes the form that other programs use for argon2id too.
func encodeHash(c PasswordCost, salt, hash []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.KiB, c.Passes, c.Threads, b64.EncodeToString(salt), b64.EncodeToString(hash))
}

// The most that a stored hash may ask for.
const (
	mostKiB    = 1 << 20
	mostPasses = 16
)

func decodeHash(text string) (c PasswordCost, salt, hash []byte, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.KiB, &c.Passes, &c.Threads); err != nil || n != 3 {
		return c, nil, nil, false
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	hash, hashErr := base64.RawStdEncoding.DecodeString(parts[5])
	sane := c.KiB >= 8 && c.KiB <= mostKiB && c.Passes >= 1 && c.Passes <= mostPasses && c.Threads >= 1 && len(salt) >= 8 && len(hash) == hashBytes
	return c, salt, hash, saltErr == nil && hashErr == nil && sane
}

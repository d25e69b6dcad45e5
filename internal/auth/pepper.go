package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// Pepper is mixed into what is stored of keys other than robots', and is not in
// the database: who steals that cannot even try guesses. The zero Pepper mixes
// nothing in. Like a Secret it is never printed.
type Pepper struct{ secret Secret }

// pepperLen is the least length of the text.
const pepperLen = 32

// NewPepper takes the text as it was given.
func NewPepper(text string) (Pepper, error) {
	if len(text) < pepperLen || len(text) > 1024 {
		return Pepper{}, fleet.Invalid("key-pepper", "key-pepper must have %d to 1024 characters; got %d.", pepperLen, len(text)).
			WithFix("Make one with 'openssl rand -hex 32' and give it to every orchestrator of this database.")
	}
	return Pepper{NewSecret(text)}, nil
}

// MakePepper makes the text of a new one.
func MakePepper(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make pepper: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// Empty says whether nothing is mixed in.
func (p Pepper) Empty() bool { return p.secret.Reveal() == "" }

// Check is a text that two orchestrators share exactly if their peppers are the
// same; it tells nothing else about them.
func (p Pepper) Check() string {
	if p.Empty() {
		return ""
	}
	return p.mac("casare fleet: is it the same pepper?")
}

// EnsurePepper makes sure that all who share the store mix in the same pepper,
// before the first key is made or looked for. fresh lets a new one take the
// place of another: keys that were hashed with that end.
func (k *Keys) EnsurePepper(ctx context.Context, fresh bool) error {
	is, now := k.pepper.Check(), k.now()
	return k.store.Update(ctx, store.System("auth"), func(tx store.Tx) error {
		was, err := tx.PepperCheck()
		switch {
		case err != nil || was == is:
			return err
		case was != "" && !fresh:
			return fleet.Errorf(fleet.CodeInvalid, "other_pepper", "Keys in this database are hashed with another pepper than this orchestrator has.").
				WithFix("Give it the one that the others have with --key-pepper, or put back the file key.pepper of the former data folder. If it is lost, start once with --new-key-pepper: keys other than robots' end then.")
		}
		ok, err := tx.SetPepperCheck(was, is, now)
		if err == nil && !ok {
			err = fleet.Errorf(fleet.CodeConflict, "other_pepper", "Another orchestrator has set a pepper at this very moment.").WithFix("Start again.")
		}
		return err
	})
}

// peppered marks a hash that was made with one.
const peppered = "hmac:"

// hash is what is stored of a key.
func (p Pepper) hash(s Secret) string {
	if p.Empty() {
		return s.Hash()
	}
	return peppered + p.mac(s.Reveal())
}

func (p Pepper) mac(text string) string {
	h := hmac.New(sha256.New, []byte(p.secret.Reveal()))
	_, _ = io.WriteString(h, text) // a hash takes everything
	return hex.EncodeToString(h.Sum(nil))
}

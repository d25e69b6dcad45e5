// Package seal keeps values that must not be read from a database: each is
// sealed with a data key of its own, and that with a master key that is not in
// the database (envelope encryption, AES-256-GCM).
//
// It must not know a store, must not log, and never returns a plain value except
// from Open.
//
// Guarantees: what was sealed opens only under the name that it was sealed
// under, so a row that is copied over another one does not open. Master keys
// have versions: a value that an older one has wrapped still opens, and Rewrap
// changes the wrapping without opening the value. Printing Keys shows no key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// keyBytes is the length of master keys and data keys.
const keyBytes = 32

// Keys are the master keys, by version. The zero value has none and seals
// nothing.
type Keys struct{ byVersion func() map[int][]byte }

// MakeKey makes the text of a new master key.
func MakeKey(random io.Reader) (string, error) {
	var b [keyBytes]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make a master key: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// Parse reads master keys: one on each line, VERSION:KEY with the key in hex, or
// one key alone, which is version 1. Lines that begin with # are left out.
func Parse(text string) (Keys, error) {
	wrong := func(line int, why string) (Keys, error) {
		return Keys{}, fleet.Invalid("secret-keys", "Line %d of the master keys %s.", line, why).
			WithFix("Write VERSION:KEY on each line, the key as 'openssl rand -hex 32' makes it.")
	}
	keys := map[int][]byte{}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		version, key := 1, line
		if before, after, ok := strings.Cut(line, ":"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(before))
			if err != nil || n < 1 || n > 1_000_000 {
				return wrong(i+1, "has no version from 1 to 1000000")
			}
			version, key = n, strings.TrimSpace(after)
		}
		b, err := hex.DecodeString(key)
		switch {
		case err != nil || len(b) != keyBytes:
			return wrong(i+1, fmt.Sprintf("holds no key of %d bytes in hex", keyBytes))
		case keys[version] != nil:
			return wrong(i+1, fmt.Sprintf("gives version %d twice", version))
		}
		keys[version] = b
	}
	if len(keys) == 0 {
		return Keys{}, fleet.Invalid("secret-keys", "There is no master key.").WithFix("Make one with 'openssl rand -hex 32'.")
	}
	return Keys{func() map[int][]byte { return keys }}, nil
}

// Empty says whether there is no master key.
func (k Keys) Empty() bool { return k.byVersion == nil }

// Newest is the version that new values are sealed with.
func (k Keys) Newest() int {
	if k.Empty() {
		return 0
	}
	return slices.Max(slices.Collect(maps.Keys(k.byVersion())))
}

// form is the first part of what Seal returns.
const form = "s1"

// Seal returns the value as a text that only Open can read, under the same name.
func (k Keys) Seal(plain []byte, name string) (string, error) {
	if k.Empty() {
		return "", missing()
	}
	var data [keyBytes]byte
	_, _ = rand.Read(data[:]) // never fails
	defer clear(data[:])
	box, err := gcm(data[:])
	if err != nil {
		return "", err
	}
	body := box.Seal(nil, nil, plain, []byte(name))
	return k.wrap(data[:], name, body)
}

// wrap seals the data key with the newest master key.
func (k Keys) wrap(data []byte, name string, body []byte) (string, error) {
	version := k.Newest()
	box, err := gcm(k.byVersion()[version])
	if err != nil {
		return "", err
	}
	wrapped := box.Seal(nil, nil, data, keyName(name, version))
	return strings.Join([]string{form, strconv.Itoa(version), text(wrapped), text(body)}, "."), nil
}

// keyName binds a wrapped data key to its value and to its master key.
func keyName(name string, version int) []byte { return fmt.Appendf(nil, "%d\x00%s", version, name) }

// Open returns what was sealed under a name.
func (k Keys) Open(sealed, name string) ([]byte, error) {
	data, body, err := k.unwrap(sealed, name)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	box, err := gcm(data)
	if err != nil {
		return nil, err
	}
	plain, err := box.Open(nil, nil, body, []byte(name))
	if err != nil {
		return nil, broken()
	}
	return plain, nil
}

// Rewrap wraps the data key of a sealed value with the newest master key. It
// returns the same text if it is wrapped so already.
func (k Keys) Rewrap(sealed, name string) (string, error) {
	if Version(sealed) == k.Newest() && !k.Empty() {
		return sealed, nil
	}
	data, body, err := k.unwrap(sealed, name)
	if err != nil {
		return "", err
	}
	defer clear(data)
	return k.wrap(data, name, body)
}

// Version is the master key that a sealed value is wrapped with; 0 if it is none.
func Version(sealed string) int {
	parts := strings.Split(sealed, ".")
	if len(parts) != 4 || parts[0] != form {
		return 0
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return n
}

func (k Keys) unwrap(sealed, name string) (data, body []byte, err error) {
	if k.Empty() {
		return nil, nil, missing()
	}
	parts := strings.Split(sealed, ".")
	version := Version(sealed)
	if version == 0 {
		return nil, nil, broken()
	}
	master := k.byVersion()[version]
	if master == nil {
		e := fleet.Errorf(fleet.CodeUnavailable, "secret_key_missing", "The value is sealed with master key %d, which this orchestrator does not have.", version)
		return nil, nil, e.WithFix("Give it that key too, with --secret-keys.")
	}
	wrapped, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, nil, broken()
	}
	if body, err = base64.RawStdEncoding.DecodeString(parts[3]); err != nil {
		return nil, nil, broken()
	}
	box, err := gcm(master)
	if err != nil {
		return nil, nil, err
	}
	if data, err = box.Open(nil, nil, wrapped, keyName(name, version)); err != nil {
		return nil, nil, broken()
	}
	return data, body, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fleet.Internal(err)
	}
	return box, nil
}

func text(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

func missing() error {
	return fleet.Errorf(fleet.CodeUnavailable, "no_secret_keys", "This orchestrator has no master key for secrets.").
		WithFix("Give all orchestrators of the database the same --secret-keys (file:/path of lines VERSION:KEY).")
}

// broken says nothing of why: a wrong name and a changed text are alike.
func broken() error {
	return fleet.Errorf(fleet.CodeInternal, "secret_unreadable", "a sealed value does not open: it was changed, or sealed under another name or key")
}

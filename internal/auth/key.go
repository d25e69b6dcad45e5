package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"strings"
)

// Secret is a credential in the clear. Every way of printing it gives ***;
// Reveal is the one way to its text. The text is behind a pointer, since fmt
// calls no method of a field that is not exported: there it shows an address.
type Secret struct{ text *string }

// NewSecret wraps a text that came from outside.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format hides the text from every verb.
func (Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "***") // there is nobody to tell
}

// String hides the text.
func (Secret) String() string { return "***" }

// MarshalJSON hides the text.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"***"`), nil }

// Hash is what is stored of a key. Keys are long and random, so a plain
// SHA-256 is enough; it is also what key tables of the original hold.
func (s Secret) Hash() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}

// Hint is the part of a key that may be shown.
func (s Secret) Hint() string {
	text := s.Reveal()
	if len(text) < 12 {
		return ""
	}
	return text[len(text)-4:]
}

// newRobotKey makes crpa_ + 32 hex + _ + 32 URL-safe characters, the form of
// the original's robot keys.
func newRobotKey(random io.Reader) (Secret, error) {
	var b [40]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Secret{}, fmt.Errorf("make robot key: %w", err)
	}
	return NewSecret("crpa_" + hex.EncodeToString(b[:16]) + "_" + base64.RawURLEncoding.EncodeToString(b[16:])), nil
}

// newServiceKey makes cfu_ + 12 base62 (public part) + _ + 43 base62 + 6
// base62 of CRC-32, so that a mistyped key is told from a guessed one.
func newServiceKey(random io.Reader) (Secret, error) { return newSummed(random, servicePrefix) }

// newSummed makes a text of that build.
func newSummed(random io.Reader, prefix string) (Secret, error) {
	var b [41]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Secret{}, fmt.Errorf("make service key: %w", err)
	}
	body := prefix + base62(b[:9], 12) + "_" + base62(b[9:], 43)
	return NewSecret(body + checksum(body)), nil
}

func checksum(body string) string {
	sum := crc32.ChecksumIEEE([]byte(body))
	return base62([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}, 6)
}

// wellFormed says whether a text can be a key at all, without a look-up.
func wellFormed(text string) bool {
	switch {
	case isRobotKey(text):
		return len(text) >= 40 && len(text) <= 256
	case strings.HasPrefix(text, servicePrefix):
		return summed(text, servicePrefix)
	}
	return false
}

// summed says whether the check sum of a text is right.
func summed(text, prefix string) bool {
	n := len(text) - 6
	return len(text) == len(prefix)+62 && checksum(text[:n]) == text[n:]
}

// isRobotKey tells the two kinds of keys apart.
func isRobotKey(text string) bool { return strings.HasPrefix(text, robotPrefix) }

const (
	robotPrefix   = "crpa_"
	servicePrefix = "cfu_"
)

const alphabet62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 writes bytes as a number of the given width, leading zeros kept.
func base62(b []byte, width int) string {
	n := new(big.Int).SetBytes(b)
	base, digit := big.NewInt(62), new(big.Int)
	out := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, digit)
		out[i] = alphabet62[digit.Int64()]
	}
	return string(out)
}

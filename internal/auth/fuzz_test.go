package auth

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

// FuzzKeyForms reads any text as every kind of credential: none panics, no two
// kinds of ours claim one text, what is taken for a key with a check sum is one,
// and nothing unknown is anybody's.
func FuzzKeyForms(f *testing.F) {
	for _, text := range []string{
		"", "-", "crpa_", "cfu_", "cfe_", "crpa_" + strings.Repeat("a", 35), "crpa_" + strings.Repeat("\x00", 60),
		"cfu_000000000000_0000000000000000000000000000000000000000000" + "000000", "cfe_000000000000_0000000000000000000000000000000000000000000123456",
		"cfu_" + strings.Repeat("ü", 31), strings.Repeat("x", 300), "an-administrator-of-the-environment-1",
	} {
		f.Add(text, "10.0.0.1")
	}
	fixed, err := NewFixedKey("an-administrator-of-the-environment-1")
	if err != nil {
		f.Fatal(err)
	}
	enrolments := NewEnrolments(nil)
	f.Fuzz(func(t *testing.T, text, from string) {
		claims := 0
		for _, kind := range []Kind{(*Keys)(nil), enrolments} {
			if kind.Knows(text) {
				claims++
			}
		}
		if claims > 1 {
			t.Errorf("%q is claimed twice", text)
		}
		for _, prefix := range []string{servicePrefix, enrolmentPrefix} {
			if !strings.HasPrefix(text, prefix) || !summed(text, prefix) {
				continue
			}
			if again := text[:len(text)-6] + checksum(text[:len(text)-6]); again != text || len(text) != 66 {
				t.Errorf("%q passes", text)
			}
		}
		if fixed.Knows(text) != (text == "an-administrator-of-the-environment-1") {
			t.Errorf("%q is taken for the key of the environment", text)
		}
		address, _ := netip.ParseAddr(from)
		_, err := NewResolver(fixed).Resolve(context.Background(), Presented{Bearer: text, APIKey: from, Address: address})
		if err == nil && text != "an-administrator-of-the-environment-1" && from != "an-administrator-of-the-environment-1" {
			t.Errorf("%q, %q: somebody", text, from)
		}
		if err != nil && !errors.Is(err, fleet.ErrUnauthenticated) {
			t.Errorf("%q: %v", text, err)
		}
		if s := NewSecret(text); len(text) >= 12 && (len(s.Hash()) != 64 || s.Hint() != text[len(text)-4:]) {
			t.Errorf("%q", text)
		}
	})
}

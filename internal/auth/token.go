package auth

import (
	"fmt"
	"io"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// tokenPrefix tells the kinds of tokens apart, so that none counts where another
// one is asked for.
func tokenPrefix(kind fleet.TokenKind) string {
	switch kind {
	case fleet.TokenCookie:
		return "cfc_"
	case fleet.TokenAccess:
		return "cfa_"
	case fleet.TokenRefresh:
		return "cfr_"
	case fleet.TokenTicket:
		return "cft_"
	case fleet.TokenKnown:
		return "cfk_"
	case fleet.TokenSetup:
		return "cfs_"
	case fleet.TokenKey:
		return "cfb_"
	}
	return ""
}

// newToken makes a prefix, 43 base62 characters of 32 random bytes, and 6 of
// their checksum.
func newToken(random io.Reader, kind fleet.TokenKind) (Secret, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return Secret{}, fmt.Errorf("make token: %w", err)
	}
	body := tokenPrefix(kind) + base62(b[:], 43)
	return NewSecret(body + checksum(body)), nil
}

// tokenForm says whether a text can be a token of a kind, without a look-up.
func tokenForm(text string, kind fleet.TokenKind) bool {
	const size = 4 + 43
	return len(text) == size+6 && strings.HasPrefix(text, tokenPrefix(kind)) && checksum(text[:size]) == text[size:]
}

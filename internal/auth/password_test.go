package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/casarerpa/fleet/fleet"
)

func TestPasswords(t *testing.T) {
	h := NewPasswords(PasswordCost{KiB: 64, Passes: 1, Threads: 1}, 1, rand.Reader)
	stored, err := h.Hash(t.Context(), NewSecret(right))
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(stored, right) {
		t.Fatal(stored, err)
	}
	again, err := h.Hash(t.Context(), NewSecret(right))
	if err != nil || again == stored {
		t.Error("two hashes of one password are the same", err)
	}
	check := func(h *Passwords, stored, password string) string {
		ok, weak, err := h.Check(t.Context(), stored, NewSecret(password))
		return fmt.Sprint(ok, weak, err)
	}
	if got := check(h, stored, right); got != "true false <nil>" {
		t.Error(got)
	}
	if got := check(h, stored, right+"x"); got != "false false <nil>" {
		t.Error(got)
	}
	dearer := NewPasswords(PasswordCost{KiB: 128, Passes: 1, Threads: 1}, 1, rand.Reader)
	if got := check(dearer, stored, right); got != "true true <nil>" {
		t.Errorf("the cost that is stored does not count: %s", got)
	}
	for _, bad := range []string{
		"", right, "$argon2i$v=19$m=64,t=1,p=1$" + stored[28:], strings.Replace(stored, "m=64", "m=99999999", 1),
		strings.Replace(stored, "t=1", "t=0", 1), strings.Replace(stored, "p=1", "p=0", 1), stored[:len(stored)-4], stored + "$",
	} {
		if got := check(h, bad, right); !strings.HasPrefix(got, "false") {
			t.Errorf("%q counts: %s", bad, got)
		}
	}
}

// A flood waits up to a bound and is then refused; it never takes more memory
// than so many hashes at a time.
func TestPasswordFlood(t *testing.T) {
	h := NewPasswords(PasswordCost{KiB: 64, Passes: 1, Threads: 1}, 1, rand.Reader)
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h.waiting.Add(waitEach) // so many wait for it
	if _, err := h.enter(t.Context()); !errors.Is(err, fleet.ErrUnavailable) || fleet.AsError(err).RetryAfter == 0 {
		t.Errorf("one more than may wait: %v", err)
	}
	h.waiting.Add(-waitEach)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.enter(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("one that goes away: %v", err)
	}
	leave()
	if leave, err = h.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	leave()
}

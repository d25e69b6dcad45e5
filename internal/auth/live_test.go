package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/store"
)

// broken is a store that is cut off in the middle of an answer.
type broken struct{ store.Store }

type brokenReader struct{ store.Reader }

var errCut = errors.New("the connection broke")

func (broken) View(_ context.Context, _ store.Scope, fn func(r store.Reader) error) error {
	return fn(brokenReader{})
}

func (brokenReader) LiveKeys(time.Time) (map[fleet.ID]time.Time, error) {
	return map[fleet.ID]time.Time{}, errCut
}

// A database that breaks off in the middle of the list of keys revokes nobody:
// whoever holds connections open would close all of them for good.
func TestHalfAListRevokesNobody(t *testing.T) {
	k := NewKeys(broken{}, fleet.NewIDs(time.Now, rand.Reader), rand.Reader, time.Now)
	if live, err := k.Live(t.Context()); !errors.Is(err, errCut) || live != nil {
		t.Errorf("%v, %v", live, err)
	}
}

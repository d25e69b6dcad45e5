package orchestrator

import (
	"context"
	"sync"

	"github.com/casarerpa/fleet/internal/store"
)

// bodyBytes bounds the documents that are kept for offers.
const bodyBytes = 64 << 20

// bodies keeps workflow documents that were stored or sent lately. They are
// named by their hash and never change, so none can be stale; what was kept
// longest goes first.
type bodies struct {
	mu    sync.Mutex
	size  int
	docs  map[string][]byte
	order []string // from the oldest
}

func newBodies() *bodies { return &bodies{docs: map[string][]byte{}} }

func (b *bodies) get(hash string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	doc, ok := b.docs[hash]
	return doc, ok
}

func (b *bodies) put(hash string, doc []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.docs[hash]; ok || len(doc) > bodyBytes/8 {
		return
	}
	b.docs[hash], b.size = doc, b.size+len(doc)
	b.order = append(b.order, hash)
	for b.size > bodyBytes {
		b.size -= len(b.docs[b.order[0]])
		delete(b.docs, b.order[0])
		b.order = b.order[1:]
	}
}

// Body returns the document of an offer that was just committed.
func (a *Attempts) Body(ctx context.Context, s store.Scope, hash string) ([]byte, error) {
	if doc, ok := a.bodies.get(hash); ok {
		return doc, nil
	}
	var doc []byte
	err := a.Store.View(ctx, s, func(r store.Reader) (err error) { doc, err = r.Body(hash); return err })
	if err == nil {
		a.bodies.put(hash, doc)
	}
	return doc, err
}

// Warm reads the documents of offers that are about to be sent, all that are
// not at hand in one look.
func (a *Attempts) Warm(ctx context.Context, s store.Scope, won []store.Won) error {
	var missing []string
	asked := map[string]bool{}
	for i := range won {
		hash := won[i].Job.Workflow.Hash
		if _, ok := a.bodies.get(hash); !ok && !asked[hash] {
			asked[hash] = true
			missing = append(missing, hash)
		}
	}
	if len(missing) < 2 { // Body reads one
		return nil
	}
	return a.Store.View(ctx, s, func(r store.Reader) error {
		docs, err := r.Bodies(missing)
		for hash, doc := range docs {
			a.bodies.put(hash, doc)
		}
		return err
	})
}

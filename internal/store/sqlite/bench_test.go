package sqlite

import (
	"testing"

	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// openWith opens an empty store in the test's own folder.
func openWith(o Options) storetest.Open {
	return func(t testing.TB) store.Store {
		o := o
		o.Dir = t.TempDir()
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

func BenchmarkStore(b *testing.B) { storetest.Bench(b, openWith(Options{})) }

// BenchmarkLifeCycle puts group commit beside one transaction per change, in
// the same run: their ratio is the claim, not either figure.
func BenchmarkLifeCycle(b *testing.B) {
	b.Run("group", func(b *testing.B) { storetest.BenchLifeCycle(b, openWith(Options{}), 64) })
	b.Run("single", func(b *testing.B) {
		storetest.BenchLifeCycle(b, openWith(Options{Queue: committer.Options{GroupOps: 1}}), 64)
	})
}

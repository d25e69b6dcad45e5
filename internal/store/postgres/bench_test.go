package postgres

import (
	"testing"

	"github.com/casarerpa/fleet/internal/store/committer"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

// BenchmarkLifeCycle puts group commit beside one transaction per change, in
// the same run: their ratio is the claim, not either figure.
func BenchmarkLifeCycle(b *testing.B) {
	b.Run("group", func(b *testing.B) { storetest.BenchLifeCycle(b, openWith(Options{}), 64) })
	b.Run("single", func(b *testing.B) {
		storetest.BenchLifeCycle(b, openWith(Options{Queue: committer.Options{GroupOps: 1}}), 64)
	})
}

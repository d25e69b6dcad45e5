package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the server of all tests of a package. Tests of one package have no
// other common place than a variable.
var shared struct {
	sync.Mutex
	main    bool // Main was called and will stop the cluster
	cluster *Cluster
	err     error
}

// Main runs the tests of a package and stops the cluster that they shared. It
// returns instead of ending the process, as TestMain may since Go 1.15.
func Main(m *testing.M) {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		return
	}
	if err := shared.cluster.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the PostgreSQL cluster of the tests:", err)
	}
}

// Server is a superuser's URL of the server that the tests of this package
// share: the one named by FLEET_TEST_POSTGRES, or a private cluster, which the
// first call starts.
func Server(tb testing.TB) string {
	tb.Helper()
	if given := os.Getenv("FLEET_TEST_POSTGRES"); given != "" {
		return given
	}
	shared.Lock()
	defer shared.Unlock()
	if !shared.main {
		tb.Fatal("nobody would stop PostgreSQL: add func TestMain(m *testing.M) { pgtest.Main(m) } to the package")
	}
	if shared.cluster == nil && shared.err == nil {
		bin := binaries()
		if bin == "" {
			missing(tb, "PostgreSQL 15 or later")
		}
		// It outlives the test that happens to be first.
		shared.cluster, shared.err = launch(context.WithoutCancel(tb.Context()), bin)
	}
	if shared.err != nil {
		tb.Fatalf("start a PostgreSQL cluster: %v", shared.err)
	}
	return shared.cluster.URL()
}

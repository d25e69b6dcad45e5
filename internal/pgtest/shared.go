package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// shared is the server of all tests of a package. Tests of one package have no
// other common place than a variable.
var shared struct {
	sync.Mutex
	main    bool // Main was called and will stop the cluster
	cluster *Cluster
	err     error
	free    []DB                          // emptied, to be lent again
	drops   []func(context.Context) error // of the databases that are lent
}

// Main runs the tests of a package and stops the cluster that they shared. It
// returns instead of ending the process, as TestMain may since Go 1.15.
func Main(m *testing.M) { Run(m) }

// Run is Main for a TestMain that needs the exit code.
func Run(m *testing.M) (code int) {
	shared.Lock()
	shared.main = true
	shared.Unlock()
	code = m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil { // the databases go with it
		if err := shared.cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the PostgreSQL cluster of the tests:", err)
		}
		return code
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, drop := range shared.drops {
		if err := drop(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "drop a database of the tests:", err)
		}
	}
	return code
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
